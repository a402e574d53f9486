// A group that comes wakes the readers that may take it, and no others: counted by what their context runs.
#include <comoq/comoq.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <system_error>
#include <vector>

#include <asio/bind_executor.hpp>
#include <asio/io_context.hpp>

#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/settle.hpp"

namespace group_wakes_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

constexpr std::size_t readers = 100;

// How a reader may wait.

struct NextGroup {
    static auto next(TrackSubscriber &reader) { return reader.next_group(); }
};
struct ReceiveGroup {
    static auto next(TrackSubscriber &reader) { return reader.recv_group(); }
};
struct FirstFrame {
    static auto next(TrackSubscriber &reader) { return reader.read_first_frame(); }
};
struct EveryFrame {
    static auto next(TrackSubscriber &reader) { return reader.read_frame(); }
};

template <class How> struct Scene {
    Scene() {
        TrackInfo info;
        info.max_latency = std::chrono::hours(1);
        track = broadcast.create_track("video", info);
        for (std::size_t i = 0; i < readers; ++i) add();
        turns();
    }
    void add() {
        Subscription wishes;
        wishes.start = 5;
        wishes.end = 10 + all.size();
        all.push_back(now(track.consume().subscribe(wishes)));
        How::next(all.back()).async_wait(asio::bind_executor(context, [this](std::error_code code, auto &&value) {
            if (code)
                ++failed;
            else if (value.has_value())
                ++got;
        }));
    }
    void group(std::uint64_t sequence) {
        auto group = track.create_group(sequence);
        group.write_frame(payload("frame"), Timestamp());
        group.finish();
    }
    /// What the readers' context has to run.
    std::size_t turns() {
        context.restart();
        return context.poll();
    }

    asio::io_context context;
    BroadcastProducer broadcast;
    TrackProducer track;
    std::vector<TrackSubscriber> all;
    std::size_t got = 0, failed = 0;
};

}  // namespace

TEMPLATE_TEST_CASE("a group that comes wakes no reader whose cap is lower", "[track][wakes]", NextGroup, ReceiveGroup,
                   FirstFrame, EveryFrame) {
    Scene<TestType> scene;
    for (std::uint64_t sequence = 1'000; sequence < 1'010; ++sequence) {
        scene.group(sequence);
        CHECK(scene.turns() == 0);
    }
    // The readers with the caps 100 to 109.
    scene.group(100);
    CHECK(scene.turns() <= 2 * 10);
    CHECK(scene.got == 10);
    SECTION("all of them are woken by a group that all may take") {
        scene.group(7);
        scene.turns();
        CHECK(scene.got == readers);
    }
    SECTION("a reader whose cap rises takes what has come") {
        scene.all.front().end_at(1'005);
        CHECK(scene.turns() <= 2);
        CHECK(scene.got == 11);
        scene.all[1].end_at(std::nullopt);
        scene.turns();
        CHECK(scene.got == 12);
    }
    SECTION("the end wakes all of them") {
        scene.track.abort(make_error_code(Error::Cancelled));
        scene.turns();
        CHECK(scene.got + scene.failed == readers);
    }
}

}
