// Announcements and their guards: how long they last, and which are refused.
#include <comoq/origin.hpp>

#include <cstdint>
#include <optional>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/origin_fixture.hpp"

namespace origin_guards_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("section 4: an announcement lasts until its guard is destroyed or withdraws it, or the broadcast closes", "[origin]") {
    Origin origin;
    const auto producer = origin.producer();
    std::optional<BroadcastProducer> broadcast = broadcast_with_hops();
    std::optional<OriginPublish> guard = producer.publish_broadcast("a", broadcast->consume());
    const auto announced = [&] { return origin.stats().announced == 1; };
    CHECK(announced());

    SECTION("the guard is destroyed") { guard.reset(); }
    SECTION("unannounce") { guard->unannounce(); }
    SECTION("the guard is assigned another") {
        Origin other;
        *guard = other.producer().publish_broadcast("a", broadcast->consume());
        CHECK_FALSE(announced());
        CHECK(other.stats().announced == 1);
    }
    SECTION("the broadcast is finished") { broadcast->finish(); }
    SECTION("the broadcast is aborted") { broadcast->abort(Error::Timeout); }
    SECTION("the broadcast loses its last producer") { broadcast.reset(); }

    CHECK_FALSE(announced());
    CHECK(code_now(origin.consumer().request_broadcast("a")) == Error::NotFound);
    CHECK(origin.stats().nodes == 0);
    if (guard) {
        guard->unannounce();
        guard->unannounce();
    }
    guard.reset();
    CHECK(origin.stats().nodes == 0);
}

TEST_CASE("section 4: a moved guard goes on guarding, and a moved-from guard does not", "[origin]") {
    Origin origin;
    const auto broadcast = broadcast_with_hops();
    auto guard = origin.producer().publish_broadcast("a", broadcast.consume());
    {
        auto moved = std::move(guard);
        guard.unannounce();
        CHECK(origin.stats().announced == 1);
    }
    CHECK(origin.stats().announced == 0);
}

TEST_CASE("section 4: create_broadcast makes a broadcast, announces it and gives access to its producer", "[origin]") {
    Origin origin;
    const auto consumer = origin.consumer();
    std::optional<BroadcastPublish> made = origin.producer().create_broadcast("a", BroadcastInfo({7, 8}));
    const auto seen = now(consumer.request_broadcast("a"));
    CHECK(seen == made->producer().consume());
    CHECK(seen.info().hops == std::vector<std::uint64_t>{7, 8});

    SECTION("unannounced, the broadcast goes on") {
        made->unannounce();
        CHECK(origin.stats().announced == 0);
        CHECK_FALSE(seen.is_closed());
        static_cast<void>(made->producer().create_track("video"));
    }
    SECTION("destroyed, it ends both") {
        auto watcher = consumer.announced();
        CHECK(change_texts(watcher) == Texts{"Active a"});
        made.reset();
        CHECK(origin.stats().announced == 0);
        CHECK(seen.is_closed());
        CHECK(now(seen.closed()) == Error::Dropped);
        CHECK(change_texts(watcher) == Texts{"Ended a"});
    }
    SECTION("moved, it goes on") {
        auto moved = std::move(*made);
        made.reset();
        CHECK(now(consumer.request_broadcast("a")) == moved.producer().consume());
    }
    SECTION("assigned another, it ends the first and keeps the other") {
        *made = origin.producer().create_broadcast("b");
        CHECK(seen.is_closed());
        CHECK(code_now(consumer.request_broadcast("a")) == Error::NotFound);
        CHECK(now(consumer.request_broadcast("b")) == made->producer().consume());
    }
}

TEST_CASE("section 4: make_broadcast makes an unannounced broadcast", "[origin]") {
    Origin origin;
    auto watcher = origin.consumer().announced();
    auto made = origin.producer().make_broadcast(BroadcastInfo({5}));
    CHECK(origin.stats().announced == 0);
    CHECK(changes(watcher).empty());
    CHECK(made.consume().info().hops == std::vector<std::uint64_t>{5});
    CHECK_FALSE(made.consume().is_closed());
}

TEST_CASE("section 4: create_broadcast as a statement that drops its result announces nothing that lasts", "[origin]") {
    const Origin origin;
    auto watch = origin.consumer().announced();
    static_cast<void>(origin.producer().create_broadcast("a"));
    CHECK(origin.stats().announced == 0);
    CHECK_FALSE(watch.next().ready());
    CHECK(code_now(origin.consumer().request_broadcast("a")) == Error::NotFound);
    auto kept = origin.producer().create_broadcast("a").producer();
    CHECK(origin.stats().announced == 0);
    CHECK_FALSE(kept.consume().is_closed());
}

TEST_CASE("section 4: make_broadcast and create_broadcast share the origin's bounds, BroadcastProducer has its own",
          "[origin]") {
    Origin origin(OriginConfig{.id = 0, .max_frame_size = 4});
    const auto frame_of_five = [](BroadcastProducer &broadcast) {
        auto track = broadcast.create_track("video");
        return error_of([&] { track.write_frame(Bytes::copy("12345")); });
    };
    auto made = origin.producer().make_broadcast();
    auto created = origin.producer().create_broadcast("a");
    auto alone = broadcast_with_hops();
    CHECK(frame_of_five(made) == Error::FrameTooLarge);
    CHECK(frame_of_five(created.producer()) == Error::FrameTooLarge);
    CHECK_FALSE(frame_of_five(alone));
}

TEST_CASE("section 4: an announcement that is not allowed is refused, and leaves nothing behind", "[origin]") {
    std::optional<Origin> origin(OriginConfig{.id = 42});
    const auto room = *origin->producer().with_root("room");
    const auto only = *origin->producer().scope(std::vector<Path>{"room"});
    const auto producer = origin->producer();
    const auto refusal = [&](const OriginProducer &by, const char *path, const BroadcastProducer &broadcast) {
        return error_of([&] { return by.publish_broadcast(path, broadcast.consume()); });
    };
    auto broadcast = broadcast_with_hops();

    SECTION("an invalid path") {
        CHECK(refusal(producer, "a\nb", broadcast) == Error::InvalidPath);
        CHECK(error_of([&] { return producer.create_broadcast("a\nb"); }) == Error::InvalidPath);
        // The limits hold for the absolute path: 31 parts below a root of two are too many.
        const auto deep = *room.with_root("x");
        std::string parts;
        for (int i = 0; i < 31; ++i) {
            parts += "/p";
        }
        CHECK(refusal(deep, parts.c_str(), broadcast) == Error::InvalidPath);
        CHECK_FALSE(refusal(room, parts.c_str(), broadcast));
    }
    SECTION("outside the producer's scope") {
        CHECK(refusal(only, "rooms/a", broadcast) == Error::Unauthorized);
        CHECK(refusal(only, "", broadcast) == Error::Unauthorized);
        CHECK(error_of([&] { return only.create_broadcast("hall"); }) == Error::Unauthorized);
        CHECK_FALSE(refusal(only, "room", broadcast));
        CHECK_FALSE(refusal(only, "room/a", broadcast));
    }
    SECTION("a hop chain with this origin's id") {
        CHECK(refusal(producer, "a", broadcast_with_hops({42})) == Error::RoutingLoop);
        CHECK(refusal(producer, "a", broadcast_with_hops({1, 42, 3})) == Error::RoutingLoop);
        CHECK(error_of([&] { return producer.create_broadcast("a", BroadcastInfo({42})); }) == Error::RoutingLoop);
        CHECK_FALSE(refusal(producer, "a", broadcast_with_hops({41, 43})));
    }
    SECTION("more than 32 hops") {
        std::vector<std::uint64_t> most(32), more(33);
        std::iota(most.begin(), most.end(), 7);
        std::iota(more.begin(), more.end(), 7);
        CHECK(refusal(producer, "a", broadcast_with_hops(more)) == Error::BoundsExceeded);
        CHECK(error_of([&] { return producer.create_broadcast("a", BroadcastInfo(more)); }) == Error::BoundsExceeded);
        CHECK_FALSE(refusal(producer, "a", broadcast_with_hops(most)));
    }
    SECTION("a closed broadcast") {
        const auto consumer = broadcast.consume();
        broadcast.finish();
        CHECK(error_of([&] { return producer.publish_broadcast("a", consumer); }) == Error::Closed);
    }
    SECTION("an empty handle") {
        CHECK(error_of([&] { return producer.publish_broadcast("a", BroadcastConsumer()); }) == Error::NotFound);
    }
    CHECK(origin->stats().announced == 0);
    CHECK(origin->stats().nodes == 0);
}

TEST_CASE("section 4: publishing and unannouncing are complete when their calls return", "[origin]") {
    Origin origin;
    const auto consumer = origin.consumer();
    auto watcher = consumer.announced();
    auto waiting = consumer.announced_broadcast("a");
    auto step = watcher.next();
    CHECK_FALSE((step.ready() || waiting.ready()));
    auto broadcast = broadcast_with_hops();
    auto guard = origin.producer().publish_broadcast("a", broadcast.consume());
    CHECK((step.ready() && waiting.ready()));
    CHECK(now(std::move(waiting)) == broadcast.consume());
    CHECK(now(consumer.request_broadcast("a")) == broadcast.consume());
    CHECK(text_of(*now(std::move(step))) == "Active a");

    auto end = watcher.next();
    CHECK_FALSE(end.ready());
    SECTION("by the guard") { guard.unannounce(); }
    SECTION("by the call that closed the broadcast") { broadcast.finish(); }
    CHECK(end.ready());
    CHECK(code_now(consumer.request_broadcast("a")) == Error::NotFound);
    CHECK(text_of(*now(std::move(end))) == "Ended a");
}

TEST_CASE("section 4: a broadcast announced at several paths and origins leaves all of them when it closes", "[origin]") {
    Origin one, two;
    auto broadcast = broadcast_with_hops();
    std::vector<OriginPublish> guards;
    for (const char *path : {"a", "a/b", "c"}) {
        guards.push_back(one.producer().publish_broadcast(path, broadcast.consume()));
        guards.push_back(two.producer().publish_broadcast(path, broadcast.consume()));
    }
    CHECK(one.stats().announced == 3);
    CHECK(two.stats().announced == 3);
    broadcast.abort(Error::Cancelled);
    CHECK(one.stats().nodes == 0);
    CHECK(two.stats().nodes == 0);
}

TEST_CASE("section 4: closing a broadcast does not affect a later publication at its path", "[origin]") {
    Origin origin;
    auto old = broadcast_with_hops();
    auto guard = origin.producer().publish_broadcast("a", old.consume());
    old.finish();
    const auto fresh = broadcast_with_hops();
    const auto newer = origin.producer().publish_broadcast("a", fresh.consume());
    guard.unannounce();
    CHECK(now(origin.consumer().request_broadcast("a")) == fresh.consume());
}

}
