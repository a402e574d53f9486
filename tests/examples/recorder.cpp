// The recorder: what it writes, what it misses, and what is left at a limit.
#include "recorder/record.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>

#include <comoq/detail/wait/event.hpp>
#include <comoq/origin.hpp>

#include "support/catch.hpp"
#include "support/every_point.hpp"
#include "support/manual_clock.hpp"
#include "support/manual_sleep.hpp"
#include "support/media.hpp"
#include "support/run.hpp"

namespace recorder_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

/// A broadcast with two tracks, and a disk that may be slow.
struct Scene {
    explicit Scene(RecordingLimits limits = {}) {
        Subscription wishes;
        wishes.start = 0;
        for (const auto *name : {"video", "audio"}) recorded.emplace_back(name, wishes.start);
        auto write = [this](std::size_t track, std::vector<Frame> frames) { return this->write(track, std::move(frames)); };
        recording.emplace(recorded, limits, wishes, write, sleep);
        work.start(context, recording->record(broadcast.consume()));
        run();
    }
    ~Scene() {
        work.cancel();
        disk.set();
        run();
    }

    void run() { settle_down(context); }
    asio::awaitable<void> write(std::size_t track, std::vector<Frame> frames) {
        ++writing;
        co_await disk.wait();
        --writing;
        for (const auto &frame : frames) files[track] += frame.payload.view();
    }
    /// A group of a second, with that text.
    void film(TrackProducer &track, const std::string &text) {
        auto group = track.append_group();
        group.write_frame(payload(text), Timestamp(track.latest().value(), Timescale(1)));
        group.finish();
        run();
    }
    /// Neither a subscriber, nor a task, nor anything that waits.
    void check_nothing_is_left() {
        CHECK(work.is_over());
        CHECK(video.stats().subscribers == 0);
        CHECK(audio.stats().subscribers == 0);
        CHECK(writing == 0);
        CHECK(sleep.sleepers() == 0);
        CHECK_FALSE(settle_down(context));
    }

    asio::io_context context;
    ManualClock clock;
    ManualSleep sleep;
    Origin origin = clock.origin();
    BroadcastProducer broadcast = origin.producer().make_broadcast();
    TrackProducer video = broadcast.create_track("video"), audio = broadcast.create_track("audio");
    std::vector<Recorded> recorded;
    std::string files[2];
    /// Set while the disk is not stuck.
    detail::Event disk = [] {
        detail::Event fast;
        fast.set();
        return fast;
    }();
    int writing = 0;
    std::optional<Recording> recording;
    Disturbed work;
};

RecordingLimits limit(std::function<void(RecordingLimits &)> set) {
    RecordingLimits limits;
    set(limits);
    return limits;
}

}  // namespace

TEST_CASE("recorder: it writes the frames of each track in order, until all tracks have ended", "[examples]") {
    Scene scene;
    scene.film(scene.video, "a");
    scene.film(scene.audio, "1");
    scene.film(scene.video, "b");
    CHECK(scene.files[0] == "ab");
    scene.video.finish();
    scene.run();
    CHECK_FALSE(scene.work.is_over());
    scene.film(scene.audio, "2");
    scene.audio.finish();
    scene.run();
    CHECK(scene.files[1] == "12");
    CHECK(scene.recorded[0].groups() == 2);
    CHECK(scene.recorded[1].bytes() == 2);
    CHECK(scene.recorded[0].is_whole());
    scene.check_nothing_is_left();
}

TEST_CASE("recorder: the limit of time ends every task and subscription", "[examples]") {
    Scene scene(limit([](RecordingLimits &of) { of.time = 10s; }));
    scene.film(scene.video, "a");
    scene.sleep.advance(9s);
    scene.run();
    CHECK_FALSE(scene.work.is_over());
    scene.sleep.advance(1s);
    scene.run();
    CHECK_FALSE(scene.work.was_cancelled());
    scene.check_nothing_is_left();
    scene.film(scene.video, "b");
    CHECK(scene.files[0] == "a");
}

TEST_CASE("recorder: the limit of groups ends each track after that many whole groups", "[examples]") {
    Scene scene(limit([](RecordingLimits &of) { of.groups = 2; }));
    scene.film(scene.video, "a");
    scene.film(scene.video, "b");
    scene.film(scene.video, "c");
    CHECK(scene.files[0] == "ab");
    CHECK(scene.video.stats().subscribers == 0);
    CHECK(scene.audio.stats().subscribers == 1);
    scene.film(scene.audio, "1");
    scene.film(scene.audio, "2");
    CHECK(scene.files[1] == "12");
    scene.check_nothing_is_left();
}

TEST_CASE("recorder: the limit of bytes ends all tracks before the frame that exceeds it", "[examples]") {
    Scene scene(limit([](RecordingLimits &of) { of.bytes = 5; }));
    scene.film(scene.video, "aaa");
    scene.film(scene.audio, "11");
    CHECK_FALSE(scene.work.is_over());
    scene.film(scene.audio, "2");
    CHECK(scene.files[0] == "aaa");
    CHECK(scene.files[1] == "11");
    CHECK_FALSE(scene.work.was_cancelled());
    scene.check_nothing_is_left();
}

TEST_CASE("recorder: groups that expire while the disk is stuck are counted, with the time that is missing", "[examples]") {
    Scene scene;
    scene.film(scene.video, "a");
    scene.disk.clear();
    scene.film(scene.video, "b");
    for (const auto *text : {"c", "d", "e"}) scene.film(scene.video, text);
    // The track keeps them for five seconds.
    scene.clock.advance(6s);
    scene.film(scene.video, "f");
    scene.disk.set();
    scene.run();
    scene.video.finish();
    scene.audio.finish();
    scene.run();
    CHECK(scene.files[0] == "abf");
    CHECK(scene.recorded[0].missing_groups() == 3);
    // From b, at 1 s, to f, at 5 s.
    CHECK(scene.recorded[0].missing_seconds() == 4);
    CHECK_FALSE(scene.recorded[0].is_whole());
    CHECK(scene.recorded[1].is_whole());
    scene.check_nothing_is_left();
}

TEST_CASE("recorder: where the track's last groups have expired as well, they are counted, and the other tracks go on", "[examples]") {
    Scene scene;
    scene.film(scene.video, "a");
    scene.disk.clear();
    for (const auto *text : {"b", "c", "d"}) scene.film(scene.video, text);
    scene.video.finish();
    // A track whose producers have gone keeps its newest group no longer than the others.
    scene.video = TrackProducer();
    scene.clock.advance(6s);
    scene.disk.set();
    scene.run();
    CHECK(scene.files[0] == "ab");
    CHECK(scene.recorded[0].missing_groups() == 2);
    CHECK_FALSE(scene.work.is_over());
    scene.film(scene.audio, "1");
    scene.audio.finish();
    scene.run();
    CHECK(scene.work.is_over());
    CHECK_FALSE(scene.work.was_cancelled());
    CHECK(scene.files[1] == "1");
    CHECK(scene.recorded[1].is_whole());
}

TEST_CASE("recorder: a group that breaks off is missing, and the track goes on", "[examples]") {
    Scene scene;
    auto group = scene.video.append_group();
    group.write_frame(payload("a"));
    scene.run();
    group.abort(Error::Cancelled);
    scene.run();
    scene.film(scene.video, "b");
    CHECK(scene.files[0] == "ab");
    CHECK(scene.recorded[0].groups() == 1);
    CHECK(scene.recorded[0].missing_groups() == 1);
}

TEST_CASE("recorder: a group that is under way at a limit is not missing", "[examples]") {
    Scene scene(limit([](RecordingLimits &of) {
        of.time = 10s;
        of.bytes = 3;
    }));
    auto group = scene.video.append_group();
    group.write_frame(payload("a"));
    scene.run();
    SECTION("of time") { scene.sleep.advance(10s); }
    SECTION("of bytes, which another track reaches") { scene.film(scene.audio, "123"); }
    scene.run();
    CHECK_FALSE(scene.work.was_cancelled());
    CHECK(scene.files[0] == "a");
    CHECK(scene.recorded[0].is_whole());
    scene.check_nothing_is_left();
}

TEST_CASE("recorder: groups that do not come before the end of the track are missing", "[examples]") {
    Scene scene;
    scene.film(scene.video, "a");
    scene.video.finish_at(4);
    scene.video = TrackProducer();
    scene.run();
    CHECK(scene.recorded[0].missing_groups() == 3);
}

TEST_CASE("recorder: the failure of a track or of the disk ends the recording with it", "[examples]") {
    Scene scene;
    scene.video.abort(app_error(3));
    scene.run();
    CHECK(scene.work.is_over());
    CHECK_FALSE(scene.work.was_cancelled());
    CHECK(scene.audio.stats().subscribers == 0);
}

TEST_CASE("recorder: when it is cancelled, it ends after the write that is under way", "[examples]") {
    Scene scene;
    scene.film(scene.video, "a");
    scene.work.cancel();
    scene.run();
    CHECK(scene.work.was_cancelled());
    CHECK(scene.files[0] == "a");
    scene.check_nothing_is_left();
}

}
