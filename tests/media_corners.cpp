// The corners of tracks, groups, frames, datagrams, subscribers and steps: section 8 sentence by sentence.
#include <comoq/track.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <comoq/broadcast.hpp>
#include <comoq/detail/media/given_group.hpp>
#include <comoq/detail/media/source_wishes.hpp>
#include <comoq/origin.hpp>

#include <asio/error.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/manual_clock.hpp"
#include "support/media.hpp"

namespace media_corners_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

struct Scene {
    TrackSubscriber subscribe(Subscription wishes = {}) const { return now(consumer.subscribe(wishes)); }
    /// Makes finished groups of one frame, which contains the group's number.
    void create(const Numbers &sequences) {
        for (const auto sequence : sequences) {
            auto group = track->create_group(sequence);
            group.write_frame(payload(std::to_string(sequence)));
            group.finish();
        }
    }

    ManualClock time;
    Origin origin = time.origin();
    BroadcastProducer broadcast = origin.producer().make_broadcast();
    std::optional<TrackProducer> track = broadcast.create_track("video");
    TrackConsumer consumer = track->consume();
};

std::optional<GroupRequest> take(TrackDynamic &handler) {
    auto next = handler.requested_group();
    return next.ready() ? now(std::move(next)) : std::nullopt;
}

/// The texts of the frames that a step yields without waiting.
template <class Step> Words frames(TrackSubscriber &subscriber, Step step) {
    Words all;
    for (auto next = (subscriber.*step)(); next.ready(); next = (subscriber.*step)()) {
        const auto frame = now(std::move(next));
        if (!frame) break;
        all.emplace_back(frame->payload.view());
    }
    return all;
}
Words every(TrackSubscriber &subscriber) { return frames(subscriber, &TrackSubscriber::read_frame); }

}  // namespace

TEST_CASE("section 8 tracks: remove_track of a name that is not there leaves a pending request alone", "[corners]") {
    BroadcastProducer broadcast;
    auto handler = broadcast.dynamic();
    auto waiting = broadcast.consume().track("a").subscribe();
    broadcast.remove_track("a");
    broadcast.remove_track("b");
    auto request = take_track(handler);
    REQUIRE(request.has_value());
    broadcast.remove_track("a");
    auto track = request->accept();
    CHECK(waiting.ready());
}

TEST_CASE("section 8 tracks: info is answered as soon as it is fixed, also by the acceptance of a group", "[corners]") {
    BroadcastProducer broadcast;
    auto handler = broadcast.dynamic();
    const auto consumer = broadcast.consume().track("a");
    auto info = wait(consumer.info());
    auto fetched = consumer.fetch_group(3);
    auto request = *take_track(handler);
    auto groups = request.dynamic();
    auto asked = *take(groups);
    CHECK_FALSE(info.done());
    auto group = asked.accept(unusual_info());
    CHECK(info.value().timescale == unusual_info().timescale);
    // A later requester, while the track is still only requested, knows it at once.
    CHECK(now(consumer.info()).max_latency == unusual_info().max_latency);
    SECTION("and the track keeps it") {
        auto track = request.accept();
        CHECK(now(consumer.info()).max_latency == unusual_info().max_latency);
    }
    SECTION("and a refusal is not asked about any more") { request.reject(Error::Unauthorized); }
}

TEST_CASE("section 8 tracks: a request for info follows the refusal, insertion or acceptance of the track", "[corners]") {
    BroadcastProducer broadcast;
    auto handler = broadcast.dynamic();
    const auto consumer = broadcast.consume().track("a");
    auto info = wait(consumer.info());
    auto request = *take_track(handler);
    SECTION("refused") {
        request.reject(app_error(5));
        CHECK(info.code() == app_error(5));
    }
    SECTION("accepted") {
        auto track = request.accept(unusual_info());
        CHECK(info.value().timescale == unusual_info().timescale);
    }
    SECTION("another takes its place") {
        BroadcastProducer elsewhere;
        auto track = elsewhere.create_track("a", unusual_info());
        broadcast.insert_track(track.consume());
        CHECK(info.value().timescale == unusual_info().timescale);
    }
    SECTION("the broadcast closes") {
        broadcast.abort(app_error(6));
        CHECK(info.code() == app_error(6));
    }
}

TEST_CASE("section 8 tracks: closed completes after finish once no lower group can come", "[corners]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    auto closed = wait(subscriber.closed());
    static_cast<void>(scene.track->create_group(0));
    static_cast<void>(scene.track->create_group(2));
    scene.track->finish();
    CHECK_FALSE(closed.done());
    SECTION("every number below the end is made") {
        static_cast<void>(scene.track->create_group(1));
        CHECK(closed.value() == std::error_code());
    }
    SECTION("the last producer is gone") {
        scene.track.reset();
        CHECK(closed.value() == std::error_code());
    }
    SECTION("an abort") {
        scene.track->abort(app_error(1));
        CHECK(closed.value() == app_error(1));
    }
}

TEST_CASE("section 8 tracks: recv_group waits for a number below the end while it may still be made", "[corners]") {
    Scene scene;
    auto subscriber = scene.subscribe(Wish{.start = 0});
    static_cast<void>(scene.track->create_group(2));
    scene.track->finish();
    CHECK(received(subscriber) == Numbers{2});
    auto waiting = wait(subscriber.recv_group());
    CHECK_FALSE(waiting.done());
    static_cast<void>(scene.track->create_group(0));
    CHECK(waiting.value()->sequence() == 0);
    auto last = wait(subscriber.recv_group());
    scene.track.reset();
    CHECK_FALSE(last.value().has_value());
}

TEST_CASE("section 8 tracks: a fetch whose track request is refused waits for its own group request", "[corners]") {
    BroadcastProducer broadcast;
    auto handler = broadcast.dynamic();
    const auto consumer = broadcast.consume().track("a");
    auto fetched = wait(consumer.fetch_group(3)), queued = wait(consumer.fetch_group(4));
    auto request = *take_track(handler);
    auto groups = request.dynamic();
    auto asked = *take(groups);
    CHECK(asked.sequence() == 3);
    request.reject(Error::Unauthorized);
    CHECK(queued.code() == Error::Unauthorized);
    CHECK_FALSE(fetched.done());
    auto group = asked.accept();
    group.write_frame(payload("x"));
    CHECK(fetched.value().sequence() == 3);
}

TEST_CASE("section 8 groups: get_group of a failed group gives nothing, or a group that gives the code", "[corners]") {
    Scene scene;
    scene.track->append_group().abort(app_error(2));
    static_cast<void>(scene.track->append_group());
    auto failed = scene.consumer.get_group(0);
    CHECK((!failed || code_now(failed->read_frame()) == app_error(2)));
    scene.time.advance(1h);
    CHECK_FALSE(scene.consumer.get_group(0).has_value());
}

TEST_CASE("section 8 groups: an open FrameProducer does not keep its group", "[corners]") {
    Scene scene;
    std::optional group = scene.track->append_group();
    group->write_frame(payload("complete"));
    auto frame = group->create_frame(4);
    frame.write(payload("ab"));
    auto reader = group->consume();
    auto open = *now(scene.consumer.get_group(0)->next_frame());
    group.reset();
    CHECK(texts(reader) == Words{"complete"});
    CHECK(code_now(reader.read_frame()) == Error::Dropped);
    CHECK(error_of([&] { frame.write(payload("cd")); }) == Error::Dropped);
    CHECK(error_of([&] { frame.finish(); }) == Error::Dropped);
}

TEST_CASE("section 8 groups: a group holds at least one frame, whatever its size", "[corners]") {
    OriginConfig config;
    config.max_frame_size = std::size_t{64} << 20;
    const Origin origin(std::move(config));
    auto broadcast = origin.producer().make_broadcast();
    auto track = broadcast.create_track("video");
    const std::size_t size = (std::size_t{32} << 20) + 1;
    auto group = track.append_group();
    group.write_frame(payload(size));
    auto reader = group.consume();
    CHECK(now(reader.read_frame())->payload.size() == size);
    // The next one takes its place.
    group.write_frame(payload("x"));
    CHECK(now(reader.read_frame())->payload.view() == "x");
    CHECK(track.stats().bytes == 1);
    auto chunked = track.append_group();
    auto frame = chunked.create_frame(size);
    frame.write(payload(size - 1));
    frame.write(payload(1));
    frame.finish();
    CHECK(now(chunked.consume().read_frame())->payload.size() == size);
}

TEST_CASE("section 8 groups: Bytes::slice beyond the end throws BoundsExceeded", "[corners]") {
    const Bytes bytes = payload("hello");
    CHECK(error_of([&] { static_cast<void>(bytes.slice(6)); }) == Error::BoundsExceeded);
    CHECK(bytes.slice(5).empty());
    CHECK(bytes.slice(3, 9).view() == "lo");
}

TEST_CASE("section 8 datagrams: their stream ends when no number below the declared end is left", "[corners]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    scene.track->finish_at(3);
    scene.track->append_datagram(payload("0"));
    CHECK(now(subscriber.recv_datagram())->sequence == 0);
    auto waiting = wait(subscriber.recv_datagram());
    CHECK_FALSE(waiting.done());
    static_cast<void>(scene.track->append_group());
    scene.track->append_datagram(payload("2"));
    CHECK(waiting.value()->sequence == 2);
    CHECK_FALSE(now(subscriber.recv_datagram()).has_value());
    auto another = scene.subscribe();
    CHECK_FALSE(now(another.recv_datagram()).has_value());
}

TEST_CASE("section 8 datagrams: a waiting reader is told when the last number goes to a group", "[corners]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    scene.track->finish_at(1);
    auto waiting = wait(subscriber.recv_datagram());
    static_cast<void>(scene.track->append_group());
    CHECK_FALSE(waiting.value().has_value());
}

TEST_CASE("section 8 datagrams: a number stays used when its datagram has left the buffer", "[corners]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    static_cast<void>(scene.track->append_group());
    for (int i = 0; i < 1'100; ++i) scene.track->append_datagram(payload("x"));
    CHECK(error_of([&] { return scene.track->create_group(1); }) == Error::Duplicate);
    CHECK(error_of([&] { return scene.track->create_group(0); }) == Error::Duplicate);
    // A source may give a group again that has gone.
    static_cast<void>(scene.track->append_group());
    scene.time.advance(1h);
    CHECK_FALSE(scene.consumer.get_group(0).has_value());
    static_cast<void>(comoq::detail::given_group(*scene.track, 0));
    CHECK(error_of([&] { return comoq::detail::given_group(*scene.track, 1'100); }) == Error::Duplicate);
    CHECK(error_of([&] { return scene.track->create_group(1'100); }) == Error::Duplicate);
}

TEST_CASE("section 8 subscribers: update moves the cursors to the new start, or to the live edge", "[corners]") {
    Scene scene;
    scene.create({0, 1, 2, 3, 4});
    auto subscriber = scene.subscribe(Wish{.start = 1'000});
    auto next = wait(subscriber.next_group()), any = wait(subscriber.recv_group());
    auto frame = wait(scene.subscribe(Wish{.start = 1'000}).read_frame());
    CHECK_FALSE(next.done());
    subscriber.update(Wish{.start = 2, .end = 2});
    CHECK(next.value()->sequence() == 2);
    CHECK(any.value()->sequence() == 2);
    CHECK(nexts(subscriber).empty());
    subscriber.update(Wish{.start = 2});
    CHECK(nexts(subscriber) == Numbers{3, 4});
    // To the live edge, and a group that was given there is not given again.
    subscriber.update(Wish{});
    CHECK(nexts(subscriber).empty());
    CHECK(received(subscriber) == Numbers{4});
    auto other = scene.subscribe(Wish{.start = 0});
    CHECK(now(other.next_group())->sequence() == 0);
    other.update(Wish{.priority = 3});
    CHECK(nexts(other) == Numbers{4});
    // A change of the priority alone moves nothing.
    auto third = scene.subscribe(Wish{.start = 1});
    CHECK(now(third.next_group())->sequence() == 1);
    third.update(Wish{.priority = 7, .start = 1});
    CHECK(nexts(third) == Numbers{2, 3, 4});
}

TEST_CASE("section 8 subscribers: the wishes for the source follow every change at once", "[corners]") {
    Scene scene;
    scene.create({0, 1, 2});
    const auto wanted = [&] { return detail::SourceWishes::of(*scene.track->state(detail::Passkey())); };
    auto far = std::make_optional(scene.subscribe(Wish{.start = 1'000}));
    CHECK(wanted()->start == 1'000);
    const comoq::detail::SourceWishes wishes(scene.track->state(comoq::detail::Passkey()));
    CHECK(now(wishes.next())->start == 1'000);
    auto next_change = wait(wishes.next());
    CHECK_FALSE(next_change.done());
    auto live = std::make_optional(scene.subscribe());
    CHECK(next_change.done());
    CHECK(wanted()->start == std::nullopt);
    CHECK(wanted()->end == std::nullopt);
    auto range = std::make_optional(scene.subscribe(Wish{.start = 0, .end = 1}));
    CHECK(wanted()->start == 0);
    CHECK(wanted()->end == std::nullopt);
    live.reset();
    CHECK(wanted()->start == 0);
    CHECK(wanted()->end == std::nullopt);
    far->update(Wish{.start = 2, .end = 2});
    CHECK(wanted()->end == 2);
    range->update(Wish{.start = 1, .end = 1});
    CHECK(wanted()->start == 1);
    far.reset();
    CHECK(wanted()->end == 1);
    range.reset();
    CHECK(wanted() == std::nullopt);
}

TEST_CASE("section 8 subscribers: 1,024 gaps are remembered, and groups that are given up beyond that are counted", "[corners]") {
    Scene scene;
    auto subscriber = scene.subscribe(Wish{.start = 0});
    const auto make = [&](std::uint64_t sequence) {
        scene.track->create_group(sequence).finish();
        return now(subscriber.recv_group())->sequence() == sequence;
    };
    bool all = true;
    // Every other number: each leaves a gap before it.
    for (std::uint64_t i = 0; i <= 1'024; ++i) all = all && make(2 * i);
    CHECK(subscriber.stats().gaps_given_up == 0);
    for (const std::uint64_t sequence : {1u, 1'023u, 2'047u}) all = all && make(sequence);
    CHECK(all);
    for (std::uint64_t i = 0; i < 5; ++i) make(4'000 + 2 * i);
    CHECK(subscriber.stats().gaps_given_up == 2);
    // It comes too late for this subscriber, and not for another.
    static_cast<void>(scene.track->create_group(3));
    CHECK_FALSE(subscriber.recv_group().ready());
    auto other = scene.subscribe(Wish{.start = 3, .end = 3});
    CHECK(received(other) == Numbers{3});
}

TEST_CASE("section 8 subscribers: the priority of a request is that of its present requesters", "[corners]") {
    Scene scene;
    auto handler = scene.track->dynamic();
    const auto ask = [&](std::uint8_t priority) {
        Fetch how;
        how.priority = priority;
        return std::make_optional(scene.consumer.fetch_group(7, how));
    };
    auto low = ask(1), high = ask(9), same = ask(9), middle = ask(5);
    auto request = *take(handler);
    CHECK(request.priority() == 9);
    high.reset();
    CHECK(request.priority() == 9);
    same.reset();
    CHECK(request.priority() == 5);
    low.reset();
    CHECK(request.priority() == 5);
    middle.reset();
    CHECK(request.priority() == 0);
    auto later = ask(3);
    CHECK(request.priority() == 3);
}

TEST_CASE("section 8 steps: a step that hands out a reader makes one allocation, and other steps make none", "[corners]") {
    Scene scene;
    auto subscriber = scene.subscribe(Wish{.start = 0});
    scene.create({0, 1, 2, 3});
    const auto made_by = [](auto operation) {
        auto awaiter = std::move(operation).as_tuple().operator co_await();
        const AllocationCount count;
        const bool ready = awaiter.await_ready();
        const auto outcome = awaiter.await_resume();
        const std::size_t made = count.made();
        CHECK(ready);
        CHECK_FALSE(std::get<0>(outcome));
        return made;
    };
    CHECK(made_by(subscriber.recv_group()) == 1);
    CHECK(made_by(subscriber.next_group()) == 1);
    CHECK(made_by(subscriber.read_frame()) == 0);
    CHECK(made_by(subscriber.read_first_frame()) == 0);
    auto group = scene.track->append_group();
    group.write_frame(payload("whole"));
    auto frame = group.create_frame(4);
    frame.write(payload("ab"));
    frame.write(payload("cd"));
    auto reader = group.consume();
    CHECK(made_by(reader.next_frame()) == 1);
    auto open = *now(reader.next_frame());
    CHECK(made_by(open.read_chunk()) == 0);
    auto other = group.consume();
    CHECK(made_by(other.read_frame()) == 0);
    CHECK(made_by(other.next_frame()) == 1);
    scene.track->append_datagram(payload("x"));
    CHECK(made_by(subscriber.recv_datagram()) == 0);
}

TEST_CASE("section 8 steps: age is judged when a step takes its item", "[corners]") {
    Scene scene;
    auto subscriber = scene.subscribe(Wish{.start = 0});
    scene.create({0, 1});
    scene.track->append_datagram(payload("x"));
    auto next = subscriber.next_group();
    auto any = subscriber.recv_group();
    auto frame = subscriber.read_first_frame();
    auto datagram = subscriber.recv_datagram();
    CHECK(next.ready());
    scene.time.advance(1h);
    CHECK(now(std::move(any))->sequence() == 1);
    CHECK(now(std::move(next))->sequence() == 1);
    CHECK_FALSE(datagram.ready());
}

TEST_CASE("section 6 subscriber: read_frame gives every frame in order, group after group", "[corners]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    auto first = wait(subscriber.read_frame());
    auto group = scene.track->append_group();
    CHECK_FALSE(first.done());
    group.write_frame(payload("a0"));
    CHECK(first.value()->payload.view() == "a0");
    auto second = wait(subscriber.read_frame());
    // A newer group does not stop a reader from reading this one to its end.
    scene.track->write_frame(payload("b0"));
    CHECK_FALSE(second.done());
    auto chunked = group.create_frame(2);
    chunked.write(payload("a"));
    chunked.write(payload("1"));
    CHECK_FALSE(second.done());
    chunked.finish();
    CHECK(second.value()->payload.view() == "a1");
    auto third = wait(subscriber.read_frame());
    CHECK_FALSE(third.done());
    group.finish();
    CHECK(third.value()->payload.view() == "b0");
    CHECK_FALSE(subscriber.next_group().ready());
    scene.create({2, 3});
    CHECK(every(subscriber) == Words{"2", "3"});
    scene.track->finish();
    CHECK_FALSE(now(subscriber.read_frame()).has_value());
}

TEST_CASE("section 6 subscriber: read_frame goes on to the next group when one fails, lags or goes", "[corners]") {
    for (const int how : {0, 1, 2, 3}) {
        Scene scene;
        auto subscriber = scene.subscribe();
        std::optional group = scene.track->append_group();
        group->write_frame(payload("a"));
        group->write_frame(payload("b"));
        CHECK(now(subscriber.read_frame())->payload.view() == "a");
        scene.create({1});
        if (how == 0) group->abort(Error::Timeout);
        if (how == 1) group.reset();
        if (how == 2) scene.time.advance(1h);
        if (how == 3)
            for (int i = 0; i < 32'769; ++i) group->write_frame(Bytes());
        CHECK(every(subscriber) == (how == 1 ? Words{"b", "1"} : Words{"1"}));
    }
}

TEST_CASE("section 6 subscriber: read_frame waits for the lowest group that may still have a frame", "[corners]") {
    Scene scene;
    auto subscriber = scene.subscribe(Wish{.start = 0});
    auto late = scene.track->create_group(5);
    auto waiting = wait(subscriber.read_frame());
    scene.create({7});
    CHECK_FALSE(waiting.done());
    SECTION("it gets one") {
        late.write_frame(payload("late"));
        CHECK(waiting.value()->payload.view() == "late");
    }
    SECTION("it ends without one") {
        late.finish();
        CHECK(waiting.value()->payload.view() == "7");
    }
    SECTION("it fails") {
        late.abort(Error::Timeout);
        CHECK(waiting.value()->payload.view() == "7");
    }
    SECTION("a lower one comes") {
        scene.create({3});
        CHECK(waiting.value()->payload.view() == "3");
    }
    SECTION("the subscriber goes elsewhere") {
        subscriber.start_at(6);
        CHECK(waiting.value()->payload.view() == "7");
    }
    SECTION("the track is aborted") {
        scene.track->abort(app_error(4));
        CHECK(waiting.code() == app_error(4));
    }
    SECTION("the step is cancelled, and the frame is there for the next one") {
        waiting.cancel();
        CHECK(waiting.code() == asio::error::operation_aborted);
        late.write_frame(payload("late"));
        CHECK(now(subscriber.read_frame())->payload.view() == "late");
    }
}

TEST_CASE("section 6 subscriber: a cap holds read_frame back, and start_at leaves the present group", "[corners]") {
    Scene scene;
    scene.create({0, 1, 2});
    auto subscriber = scene.subscribe(Wish{.start = 0, .end = 0});
    CHECK(every(subscriber) == Words{"0"});
    auto waiting = wait(subscriber.read_frame());
    scene.track->finish();
    scene.track.reset();
    CHECK_FALSE(waiting.done());
    subscriber.end_at(std::nullopt);
    CHECK(waiting.value()->payload.view() == "1");
    subscriber.start_at(0);
    CHECK(every(subscriber) == Words{"0", "1", "2"});
    CHECK_FALSE(now(subscriber.read_frame()).has_value());
}

TEST_CASE("section 6 broadcast: used and unused tell whether anybody but its producers holds it", "[corners]") {
    BroadcastProducer broadcast;
    auto handler = broadcast.dynamic();
    auto copy = broadcast;
    CHECK(broadcast.unused().ready());
    auto used = wait(broadcast.used());
    CHECK_FALSE(used.done());
    std::optional consumer = broadcast.consume();
    CHECK(used.done());
    CHECK(broadcast.used().ready());
    auto unused = wait(broadcast.unused());
    // A track that is looked up by its name counts, too.
    std::optional track = consumer->track("a");
    consumer.reset();
    CHECK_FALSE(unused.done());
    auto another = track;
    track.reset();
    CHECK_FALSE(unused.done());
    another.reset();
    CHECK(unused.done());
    auto waiting = wait(broadcast.used());
    broadcast.abort(app_error(3));
    CHECK(waiting.code() == app_error(3));
    CHECK(code_now(broadcast.unused()) == app_error(3));
}

TEST_CASE("section 6 broadcast: an announced broadcast that nobody has taken is not used", "[corners]") {
    const Origin origin;
    auto announced = origin.producer().create_broadcast("a");
    CHECK(announced.producer().unused().ready());
    auto watcher = origin.consumer().announced();
    auto found = now(watcher.next());
    CHECK(announced.producer().used().ready());
    found.reset();
    CHECK(announced.producer().unused().ready());
}

}
