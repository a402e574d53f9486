// A link that becomes slow and has a large buffer before it: a connection keeps what waits on its own side, where what is
// newer overtakes it.
#include <comoq/detail/qmux/connection.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "detail/qmux/connection_scene.hpp"
#include "support/catch.hpp"
#include "support/numbered.hpp"

namespace connection_flight_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

/// A picture in a stream of its own every 100 ms, the newest first; what waits for half a second is given up. The link
/// takes a record whenever there is room in its buffer.
struct FlightScene : Solo {
    FlightScene(double bytes_per_second, double buffer_bytes, ConnectionConfig config = usual())
        : Solo(true, std::move(config)), rate(bytes_per_second), buffer(buffer_bytes) {
        auto theirs = generous();
        theirs.max_datagram_frame_size = 1500;
        greeted(theirs);
        begin(own->output_due());
        control = now(own->open_uni());
    }

    void pass(std::uint64_t milliseconds) {
        for (std::uint64_t i = 0; i < milliseconds; ++i, ++ms) {
            while (!answers.empty() && answers.front().first <= at()) {
                send(qmux::PingResponse{answers.front().second});
                answers.pop_front();
            }
            if (ms % 100 == 0 && has_pictures) picture();
            if (datagrams_each_ms != 0 && ms % datagrams_each_ms == 0) own->send_datagram(numbered(1, 0, 1000));
            if (ms % 250 == 0 && has_control) {
                write(*control, "control");
                control_left += 7;
            }
            if (const auto due = own->deadline(); due && own->now() >= *due) own->tick();
            move();
            if (queued() < buffer && control_left != 0) FAIL("control waits");
            clock.advance(1ms);
        }
    }
    double at() const { return static_cast<double>(ms); }
    double queued() const { return std::max(0.0, empty_at - at()) * rate / 1000; }

    void picture() {
        auto stream = now(own->open_uni());
        SendOrder order;
        order.priority = 60;
        order.rank = ~++pictures;
        stream->set_order(order);
        begin(stream->write(bytes(std::string(picture_size, 'v'))));
        stream->finish();
        born[client_uni(pictures)] = at();
        streams.push_back(std::move(stream));
        if (streams.size() <= 5) return;
        streams.front()->reset(2);
        streams.pop_front();
    }
    void move() {
        OutgoingRecord record;
        while (queued() < buffer) {
            if (!own->output(record)) return;
            empty_at = std::max(empty_at, at()) + static_cast<double>(record.size()) * 1000 / rate;
            carried += record.size();
            ++records;
            const Octets octets = flat(record);
            std::span<const std::byte> rest = octets;
            std::error_code failure;
            while (const auto read = qmux::next_frame(rest, failure)) {
                rest = rest.subspan(read->size);
                if (const auto *ping = std::get_if<qmux::PingRequest>(&read->frame)) {
                    ++pings;
                    if (answers_pings) answers.emplace_back(empty_at + 20, ping->sequence);
                }
                if (std::holds_alternative<qmux::Datagram>(read->frame)) most_before_datagram = std::max(most_before_datagram, queued());
                const auto *stream = std::get_if<qmux::Stream>(&read->frame);
                if (stream == nullptr) continue;
                of_streams += stream->payload.size();
                if (stream->id == client_uni(0)) control_left -= stream->payload.size();
                if (stream->fin) ages.push_back(empty_at - born.at(stream->id));
            }
        }
    }
    void start_measuring() {
        ages.clear();
        carried = pings = records = of_streams = 0;
        most_before_datagram = 0;
    }
    double age(double part) {
        REQUIRE_FALSE(ages.empty());
        std::sort(ages.begin(), ages.end());
        return ages[static_cast<std::size_t>(part * static_cast<double>(ages.size() - 1))];
    }

    double rate, buffer;
    std::size_t picture_size = 12'500;
    bool answers_pings = true, has_pictures = true, has_control = true;
    std::uint64_t datagrams_each_ms = 0;
    double most_before_datagram = 0;  // in bytes, with the datagram
    std::uint64_t ms = 0, pictures = 0;
    double empty_at = 0;
    std::size_t carried = 0, pings = 0, records = 0, control_left = 0, of_streams = 0;
    std::unique_ptr<SendStream> control;
    std::deque<std::unique_ptr<SendStream>> streams;
    std::map<std::uint64_t, double> born;
    std::deque<std::pair<double, std::uint64_t>> answers;
    std::vector<double> ages;
};

}  // namespace

TEST_CASE("qmux connection: what is newest is in time behind a large buffer on the way, and the link is used",
          "[qmux][rate]") {
    const double buffer = GENERATE(64e3, 256e3);
    FlightScene scene(10e6, buffer);
    scene.pass(2'000);
    scene.rate = 50e3;
    scene.pass(7'000);
    scene.start_measuring();
    scene.pass(10'000);
    CHECK(scene.age(0.5) < 600);
    CHECK(scene.age(0.95) < 800);
    CHECK(static_cast<double>(scene.carried) > 0.93 * 10 * scene.rate);
    REQUIRE(scene.own->stats().bandwidth);
    CHECK(*scene.own->stats().bandwidth > 320'000);
    CHECK(*scene.own->stats().bandwidth < 480'000);
    scene.rate = 10e6;
    scene.pass(3'000);
    scene.start_measuring();
    scene.pass(5'000);
    CHECK(scene.age(0.95) < 50);
    CHECK(scene.carried > 49 * 12'500);
}

TEST_CASE("qmux connection: a fast link pays a ping a second for knowing that it is fast", "[qmux][rate]") {
    FlightScene scene(50e6, 256e3);
    scene.pass(2'000);
    scene.start_measuring();
    scene.pass(10'000);
    CHECK(scene.pings >= 9);
    CHECK(scene.pings <= 11);
    CHECK(scene.records < 10 * 16);
    CHECK(scene.age(1) < 5);
    CHECK(scene.own->queue_goal() == qmux::detail::SendAhead::no_limit);
}

TEST_CASE("qmux connection: a peer that stops answering pings is not kept waiting, nor lost for that", "[qmux][rate]") {
    FlightScene scene(10e6, 64e3);
    scene.pass(2'000);
    scene.rate = 50e3;
    scene.pass(7'000);
    scene.answers_pings = false;
    scene.pass(8'000);
    scene.start_measuring();
    for (std::uint64_t i = 1; i <= 12; ++i) {
        scene.pass(1'000);
        // It lives, and says so.
        scene.send(qmux::MaxData{(std::uint64_t{1} << 30) + i});
    }
    CHECK(static_cast<double>(scene.carried) > 0.97 * 12 * scene.rate);
    CHECK_FALSE(scene.closed(*scene.own));
}

TEST_CASE("qmux connection: datagrams go within the limit of the flight, and leave a packet of each record to streams",
          "[qmux][rate]") {
    FlightScene scene(10e6, 256e3);
    scene.pass(2'000);
    scene.rate = 50e3;
    scene.has_pictures = GENERATE(false, true);
    // 500 kB/s of them: 64 KB would fit into a record.
    scene.datagrams_each_ms = 2;
    scene.pass(9'000);
    scene.start_measuring();
    scene.pass(10'000);
    // What waits on the way: 200 ms at the rate that is thought, which may be twice as much for a while.
    CHECK(scene.most_before_datagram < 0.5 * scene.rate + 2'600);
    CHECK(static_cast<double>(scene.carried) > 0.9 * 10 * scene.rate);
    if (scene.has_pictures) CHECK(scene.of_streams > 10 * 2'500);
}

TEST_CASE("qmux connection: what the limit of the flight holds back is not a peer that takes nothing", "[qmux][rate]") {
    FlightScene scene(10e6, 256e3, with_parameters([](auto &of) { of.idle_timeout = 3s; }));
    scene.has_control = false;
    scene.pass(2'000);
    // What is on the way takes eight seconds.
    scene.rate = 30e3;
    scene.picture_size = 200'000;
    for (std::uint64_t i = 1; i <= 20; ++i) {
        scene.pass(1'000);
        scene.send(qmux::MaxData{(std::uint64_t{1} << 30) + i});
    }
    CHECK_FALSE(scene.closed(*scene.own));
    CHECK(scene.carried > 500'000);
}

}
