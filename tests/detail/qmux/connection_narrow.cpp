// A link that is slower than what is sent on it: how late urgent data is, and how much of the link is used.
#include <comoq/detail/qmux/connection.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "detail/qmux/connection_scene.hpp"
#include "support/catch.hpp"

namespace connection_narrow_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;

/// Sound, 8,000 bytes a second in 50 streams, beside pictures, 200,000 in one. The system takes what the connection
/// wants it to hold, and 64 KiB at most.
struct NarrowScene : Solo {
    explicit NarrowScene(double bytes_per_second) : Solo(true), rate(bytes_per_second) {
        greeted();
        begin(own->output_due());
        start = own->now();
    }
    double now_ms() const { return Milliseconds(own->now() - start).count(); }
    double held() const { return std::max(0.0, empty_at - now_ms()) * rate / 1000; }
    bool has_room() const {
        return held() <= static_cast<double>(std::min<std::size_t>(own->queue_goal(), 64 * 1024));
    }

    void move() {
        OutgoingRecord record;
        while (has_room()) {
            begin(own->output_due());
            if (!own->output(record)) return;
            empty_at = std::max(empty_at, now_ms()) + static_cast<double>(record.size()) * 1000 / rate;
            carried += record.size();
            const Octets octets = flat(record);
            std::span<const std::byte> rest = octets;
            std::error_code failure;
            while (const auto read = qmux::next_frame(rest, failure)) {
                rest = rest.subspan(read->size);
                const auto *stream = std::get_if<qmux::Stream>(&read->frame);
                if (stream == nullptr || !stream->fin) continue;
                const auto found = sounds.find(stream->id);
                if (found != sounds.end()) late.push_back(empty_at - found->second);
            }
        }
    }

    void sound() {
        auto stream = now(own->open_uni());
        SendOrder order;
        order.priority = 80;
        stream->set_order(order);
        write(*stream, std::string(160, 'a'));
        stream->finish();
        sounds[client_uni(opened++)] = now_ms();
    }
    void picture(std::uint64_t number) {
        if (number % 25 == 0) {
            // What waits this long after a newer group came is given up.
            if (!picture_stream) old_picture = nullptr;
            if (picture_stream) picture_stream->finish();
            old_picture = std::move(picture_stream);
            picture_stream = now(own->open_uni());
            SendOrder order;
            order.priority = 60;
            order.rank = ~number;
            picture_stream->set_order(order);
            ++opened;
        }
        if (number % 25 == 13 && old_picture) old_picture->reset(2);
        begin(picture_stream->write(bytes(std::string(8'000, 'v'))));
    }

    void pass(std::uint64_t milliseconds) {
        for (std::uint64_t i = 0; i < milliseconds; ++i, ++time) {
            if (time % 20 == 0) sound();
            if (time % 40 == 0) picture(time / 40);
            move();
            clock.advance(1ms);
        }
    }
    double p95() {
        REQUIRE_FALSE(late.empty());
        std::sort(late.begin(), late.end());
        return late[late.size() * 95 / 100];
    }

    double rate;
    Connection::Time start;
    double empty_at = 0;  // of the system's queue, in milliseconds
    std::uint64_t time = 0, opened = 0;
    std::size_t carried = 0;
    std::map<std::uint64_t, double> sounds;
    std::vector<double> late;
    std::unique_ptr<SendStream> picture_stream, old_picture;
};

}  // namespace

TEST_CASE("qmux connection: on a link of 70 % urgent data is not late, and the link is used", "[qmux][rate]") {
    NarrowScene scene(145'000);
    // Until the link is known to be slow.
    scene.pass(3'000);
    scene.late.clear();
    scene.carried = 0;
    scene.pass(20'000);
    CHECK(scene.own->queue_goal() < 6'000);
    CHECK(scene.p95() < 70);
    CHECK(scene.late.size() > 990);
    CHECK(static_cast<double>(scene.carried) > 0.99 * 20 * 145'000);
    REQUIRE(scene.own->stats().bandwidth);
    CHECK(*scene.own->stats().bandwidth > 1'100'000);
    CHECK(*scene.own->stats().bandwidth < 1'200'000);
}

TEST_CASE("qmux connection: a fast link takes records of the usual size, as far ahead as it wants", "[qmux][rate]") {
    NarrowScene scene(20'000'000);
    scene.pass(3'000);
    CHECK(scene.own->queue_goal() == qmux::detail::SendAhead::no_limit);
    // Something that keeps it busy for a second.
    auto stream = scene.now(scene.own->open_uni());
    scene.begin(stream->write(bytes(std::string(20'000'000, 'a'))));
    scene.pass(1'500);
    CHECK(scene.own->queue_goal() == qmux::detail::SendAhead::no_limit);
    REQUIRE(scene.own->stats().bandwidth);
    CHECK(*scene.own->stats().bandwidth > 150'000'000);
}

TEST_CASE("qmux connection: a link that is fast again gets everything again", "[qmux][rate]") {
    NarrowScene scene(145'000);
    scene.pass(5'000);
    CHECK(scene.own->queue_goal() < 6'000);
    scene.rate = 20'000'000;
    scene.pass(20'000);
    CHECK(scene.own->queue_goal() == qmux::detail::SendAhead::no_limit);
}

}
