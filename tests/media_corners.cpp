// The corners of tracks, groups, frames, datagrams, subscribers and steps: section 8 sentence by sentence.
#include <comoq/track.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <system_error>
#include <utility>

#include <comoq/broadcast.hpp>
#include <comoq/detail/media/given_group.hpp>
#include <comoq/origin.hpp>

#include "media_corners_scene.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/media.hpp"

namespace media_corners_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

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
