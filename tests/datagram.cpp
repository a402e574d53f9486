#include <comoq/datagram.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <comoq/broadcast.hpp>
#include <comoq/track.hpp>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/media.hpp"

namespace datagram_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

struct Scene {
    TrackSubscriber subscribe() const { return now(track->consume().subscribe()); }

    BroadcastProducer broadcast;
    std::optional<TrackProducer> track = broadcast.create_track("video");
};

/// The numbers of the available datagrams.
Numbers drain(TrackSubscriber &subscriber) {
    Numbers all;
    for (auto next = subscriber.recv_datagram(); next.ready(); next = subscriber.recv_datagram()) {
        auto outcome = settle(std::move(next));
        if (std::get<0>(*outcome) || !std::get<1>(*outcome)) {
            break;
        }
        all.push_back(std::get<1>(*outcome)->sequence);
    }
    return all;
}

}  // namespace

TEST_CASE("section 6 datagrams: they reach the present subscribers, and later ones do not get them", "[datagram]") {
    Scene scene;
    auto first = scene.subscribe();
    auto waiting = wait(first.recv_datagram());
    CHECK_FALSE(waiting.done());
    CHECK(scene.track->append_datagram(payload("a"), Timestamp(7, Timescale(1))) == 0);
    REQUIRE(waiting.value().has_value());
    CHECK(waiting.value()->sequence == 0);
    CHECK(waiting.value()->payload.view() == "a");
    CHECK(waiting.value()->timestamp == Timestamp(7, Timescale(1)));
    CHECK(waiting.value()->timestamp.scale() == Timescale(1000));
    auto second = scene.subscribe();
    scene.track->append_datagram(payload("b"));
    CHECK(drain(first) == Numbers{1});
    CHECK(drain(second) == Numbers{1});
}

TEST_CASE("section 6 datagrams: they share the numbers of the groups", "[datagram]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    CHECK(scene.track->append_datagram(payload("a")) == 0);
    CHECK(scene.track->append_group().sequence() == 1);
    CHECK(scene.track->append_datagram(payload("b")) == 2);
    CHECK(scene.track->latest() == 2);
    CHECK(error_of([&] { return scene.track->create_group(2); }) == Error::Duplicate);
    CHECK(scene.track->write_frame(payload("x")) == 3);
    CHECK(drain(subscriber) == Numbers{0, 2});
    // No reader waits for the number of a datagram as if it were a group.
    scene.track->finish();
    CHECK(nexts(subscriber) == Numbers{1, 3});
    CHECK_FALSE(now(subscriber.next_group()).has_value());
}

TEST_CASE("section 6 datagrams: more than 1,200 bytes are refused with FrameTooLarge, and use no number", "[datagram]") {
    Scene scene;
    CHECK(error_of([&] { scene.track->append_datagram(payload(1201)); }) == Error::FrameTooLarge);
    CHECK_FALSE(scene.track->latest().has_value());
    CHECK(scene.track->append_datagram(payload(1200)) == 0);
    TrackInfo info;
    info.timescale = Timescale(std::uint64_t{1} << 62);
    auto fine = scene.broadcast.create_track("fine", info);
    CHECK(error_of([&] { fine.append_datagram(payload("x"), Timestamp(2, Timescale(1))); }) ==
          Error::TimestampMismatch);
    CHECK_FALSE(fine.latest().has_value());
}

TEST_CASE("section 6 datagrams: a full buffer drops the oldest one silently", "[datagram]") {
    Scene scene;
    auto slow = scene.subscribe();
    for (int i = 0; i < 1500; ++i) {
        scene.track->append_datagram(payload("x"));
    }
    CHECK(scene.track->stats().datagrams == 1024);
    const auto numbers = drain(slow);
    REQUIRE(numbers.size() == 1024);
    CHECK(numbers.front() == 476);
    CHECK(numbers.back() == 1499);
}

TEST_CASE("section 6 datagrams: start, end and the cursors of the groups do not apply to them", "[datagram]") {
    Scene scene;
    auto subscriber = now(scene.track->consume().subscribe(Wish{.start = 5, .end = 6}));
    scene.track->append_datagram(payload("x"));
    subscriber.start_at(100);
    scene.track->append_datagram(payload("x"));
    CHECK(drain(subscriber) == Numbers{0, 1});
}

TEST_CASE("section 6 datagrams: the stream ends with the track", "[datagram]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    scene.track->append_datagram(payload("last"));
    SECTION("finished, as soon as no number can come") {
        scene.track->finish();
        CHECK(drain(subscriber) == Numbers{0});
        CHECK_FALSE(now(subscriber.recv_datagram()).has_value());
        CHECK(error_of([&] { scene.track->append_datagram(payload("x")); }) == Error::Closed);
    }
    SECTION("dropped, after the datagrams that are there") {
        scene.track.reset();
        CHECK(drain(subscriber) == Numbers{0});
        CHECK(code_now(subscriber.recv_datagram()) == Error::Dropped);
    }
    SECTION("aborted, at once") {
        scene.track->abort(app_error(2));
        CHECK(code_now(subscriber.recv_datagram()) == app_error(2));
        CHECK(error_of([&] { scene.track->append_datagram(payload("x")); }) == app_error(2));
    }
}

TEST_CASE("section 6 datagrams: a track that has had none has none to drop, to count or to read", "[datagram]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    CHECK_FALSE(subscriber.recv_datagram().ready());
    CHECK(scene.track->stats().datagrams == 0);
    CHECK(scene.track->append_group().sequence() == 0);
    SECTION("the first one reaches a reader that has waited for it, and no later one") {
        auto waiting = wait(subscriber.recv_datagram());
        auto other = scene.subscribe();
        scene.track->append_datagram(payload("first"));
        CHECK(waiting.value()->sequence == 1);
        auto later = scene.subscribe();
        CHECK(drain(other) == Numbers{1});
        CHECK(drain(later).empty());
    }
    SECTION("the last subscriber leaves") {
        { const auto gone = std::move(subscriber); }
        // Nobody gets it, but its number is used.
        CHECK(scene.track->append_datagram(payload("unread")) == 1);
        CHECK(scene.track->stats().datagrams == 0);
        CHECK(error_of([&] { return scene.track->create_group(1); }) == Error::Duplicate);
        auto again = scene.subscribe();
        scene.track->append_datagram(payload("read"));
        CHECK(drain(again) == Numbers{2});
    }
    SECTION("it is finished") {
        auto waiting = wait(subscriber.recv_datagram());
        scene.track->finish();
        CHECK_FALSE(waiting.value().has_value());
    }
    SECTION("it is aborted") {
        auto waiting = wait(subscriber.recv_datagram());
        scene.track->abort(app_error(2));
        CHECK(waiting.code() == app_error(2));
    }
}

TEST_CASE("section 6 datagrams: a waiting reader is woken by the end", "[datagram]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    auto waiting = wait(subscriber.recv_datagram());
    SECTION("finished") {
        scene.track->finish();
        CHECK_FALSE(waiting.value().has_value());
    }
    SECTION("dropped") {
        scene.track.reset();
        CHECK(waiting.code() == Error::Dropped);
    }
}

TEST_CASE("section 6 datagrams: the last one below a declared end wakes a reader of groups, though an earlier number is missing",
          "[datagram]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    scene.track->finish_at(5);
    for (const std::uint64_t number : {0U, 1U, 3U}) {
        scene.track->create_group(number).finish();
        CHECK(now(subscriber.next_group())->sequence() == number);
    }
    auto next = wait(subscriber.next_group());
    CHECK_FALSE(next.done());
    CHECK(scene.track->append_datagram(payload("x")) == 4);
    REQUIRE(next.done());
    CHECK_FALSE(next.value().has_value());
}

TEST_CASE("datagrams of another source keep their numbers", "[datagram]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    const auto insert = [&](std::uint64_t sequence) {
        Datagram datagram;
        datagram.sequence = sequence;
        datagram.payload = payload("x");
        scene.track->insert_datagram(datagram);
    };
    insert(5);
    insert(3);
    CHECK(scene.track->latest() == 5);
    CHECK(error_of([&] { insert(3); }) == Error::Duplicate);
    CHECK(error_of([&] { return scene.track->create_group(3); }) == Error::Duplicate);
    CHECK(scene.track->append_group().sequence() == 6);
    CHECK(error_of([&] { insert(6); }) == Error::Duplicate);
    CHECK(error_of([&] { insert(std::uint64_t{1} << 62); }) == Error::BoundsExceeded);
    CHECK(drain(subscriber) == Numbers{5, 3});
}

TEST_CASE("section 2 datagrams: a step that is destroyed or cancelled, even a ready one, takes nothing", "[datagram]") {
    Scene scene;
    auto subscriber = scene.subscribe();
    auto cancelled = wait(subscriber.recv_datagram());
    cancelled.cancel();
    scene.track->append_datagram(payload("x"));
    CHECK(subscriber.recv_datagram().ready());
    CHECK(drain(subscriber) == Numbers{0});
    CHECK(code_now(TrackSubscriber().recv_datagram()) == Error::Closed);
}

}
