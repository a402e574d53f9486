#include <comoq/origin.hpp>

#include <cstdint>
#include <optional>
#include <numeric>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/origin_fixture.hpp"

namespace origin_tests {

using namespace comoq;
using namespace comoq::test;

static_assert(std::is_nothrow_move_constructible_v<Origin> && !std::is_copy_constructible_v<Origin>);
static_assert(std::is_copy_constructible_v<OriginProducer> && std::is_copy_constructible_v<OriginConsumer>);
static_assert(std::is_nothrow_move_constructible_v<OriginPublish> && std::is_nothrow_move_assignable_v<OriginPublish>);
static_assert(!std::is_copy_constructible_v<OriginPublish> && !std::is_copy_constructible_v<BroadcastPublish>);
static_assert(std::is_nothrow_move_constructible_v<BroadcastPublish>);

TEST_CASE("section 4: a new origin has nothing in it", "[origin]") {
    const Origin origin;
    const auto stats = origin.stats();
    CHECK(stats.announced == 0);
    CHECK(stats.nodes == 0);
    CHECK(stats.watchers == 0);
    CHECK(stats.handlers == 0);
    CHECK(stats.pending == 0);
    CHECK(stats.served == 0);
    CHECK(stats.cached_bytes == 0);
    CHECK(stats.cached_groups == 0);
    CHECK(stats.evicted_groups == 0);
}

TEST_CASE("section 4: the origin is gone once the Origin and every producer are, whichever is last", "[origin]") {
    std::optional<Origin> origin(std::in_place);
    std::optional<OriginProducer> first = origin->producer();
    std::optional<OriginProducer> second = *first;
    std::optional<OriginProducer> narrower = first->with_root("room");
    const auto consumer = origin->consumer();
    const auto broadcast = broadcast_with_hops();
    const auto guard = first->publish_broadcast("room/a", broadcast.consume());
    const auto alive = [&] { return code_now(consumer.request_broadcast("room/a")) != Error::Dropped; };

    SECTION("the Origin first") {
        origin.reset();
        CHECK(alive());
        first.reset();
        CHECK(alive());
        narrower.reset();
        CHECK(alive());
        second.reset();
        CHECK_FALSE(alive());
    }
    SECTION("the Origin last") {
        first.reset();
        second.reset();
        narrower.reset();
        CHECK(alive());
        origin.reset();
        CHECK_FALSE(alive());
    }
    SECTION("the narrower view last") {
        second.reset();
        origin.reset();
        first.reset();
        CHECK(alive());
        narrower.reset();
        CHECK_FALSE(alive());
    }
}

TEST_CASE("section 4: moving an Origin moves its contents", "[origin]") {
    Origin origin;
    const auto consumer = origin.consumer();
    const auto broadcast = broadcast_with_hops();
    const auto guard = origin.producer().publish_broadcast("a", broadcast.consume());
    Origin moved(std::move(origin));
    CHECK(moved.stats().announced == 1);
    CHECK(now(consumer.request_broadcast("a")) == broadcast.consume());

    Origin other;
    const auto others = other.consumer();
    other = std::move(moved);
    CHECK(other.stats().announced == 1);
    CHECK(code_now(others.request_broadcast("a")) == Error::Dropped);
    CHECK(now(other.consumer().request_broadcast("a")) == broadcast.consume());
}

TEST_CASE("section 4: consumers, guards, watchers and handlers do not keep the origin alive", "[origin]") {
    std::optional<Origin> origin(std::in_place);
    const auto consumer = origin->consumer();
    const auto scoped = consumer.with_root("a");
    auto watcher = consumer.announced();
    auto handler = origin->producer().dynamic();
    const auto broadcast = broadcast_with_hops();
    const auto guard = origin->producer().publish_broadcast("a", broadcast.consume());
    auto made = origin->producer().create_broadcast("b");
    auto awaited = consumer.announced_broadcast("c");
    auto pending = consumer.request_broadcast("c");
    origin.reset();
    CHECK(code_now(consumer.request_broadcast("a")) == Error::Dropped);
    CHECK(code_now(scoped->request_broadcast("")) == Error::Dropped);
}

TEST_CASE("section 4: with the origin gone, watchers end at once without Ended", "[origin]") {
    std::optional<Origin> origin(std::in_place);
    const auto broadcast = broadcast_with_hops();
    const auto consumer = origin->consumer();
    const auto guard = origin->producer().publish_broadcast("a", broadcast.consume());
    auto seen = consumer.announced();
    auto unseen = consumer.announced();
    CHECK(change_texts(seen) == Texts{"Active a"});
    auto waiting = seen.next();
    REQUIRE_FALSE(waiting.ready());
    origin.reset();
    REQUIRE(waiting.ready());
    CHECK_FALSE(now(std::move(waiting)).has_value());
    for (int i = 0; i < 3; ++i) {
        REQUIRE(unseen.next().ready());
        CHECK_FALSE(now(unseen.next()).has_value());
    }
    auto late = consumer.announced();
    REQUIRE(late.next().ready());
    CHECK_FALSE(now(late.next()).has_value());
}

TEST_CASE("section 4: with the origin gone, pending requests and awaited announcements are Dropped", "[origin]") {
    std::optional<Origin> origin(std::in_place);
    const auto consumer = origin->consumer();
    auto handler = origin->producer().dynamic();
    auto taken = consumer.request_broadcast("taken");
    auto request = take_request(handler);
    REQUIRE(request);
    auto abandoned = request->abandoned();
    auto queued = consumer.request_broadcast("queued");
    auto awaited = consumer.announced_broadcast("awaited");
    CHECK_FALSE((taken.ready() || queued.ready() || awaited.ready() || abandoned.ready()));

    origin.reset();
    REQUIRE((taken.ready() && queued.ready() && awaited.ready() && abandoned.ready()));
    CHECK(code_now(std::move(taken)) == Error::Dropped);
    CHECK(code_now(std::move(queued)) == Error::Dropped);
    CHECK(code_now(std::move(awaited)) == Error::Dropped);
    CHECK(code_now(consumer.announced_broadcast("awaited")) == Error::Dropped);
    const auto late = broadcast_with_hops();
    CHECK_FALSE(request->accept(late.consume()));
    CHECK_FALSE(request->reject(Error::Timeout));
}

TEST_CASE("section 4: with the origin gone, guards and handlers are inert", "[origin]") {
    std::optional<Origin> origin(std::in_place);
    auto broadcast = broadcast_with_hops();
    auto unannounced = origin->producer().publish_broadcast("a", broadcast.consume());
    std::optional<OriginPublish> destroyed = origin->producer().publish_broadcast("b", broadcast.consume());
    auto made = origin->producer().create_broadcast("c");
    auto handler = origin->producer().dynamic();
    auto waiting = handler.requested_broadcast();
    REQUIRE_FALSE(waiting.ready());
    origin.reset();

    REQUIRE(waiting.ready());
    CHECK_FALSE(now(std::move(waiting)).has_value());
    const auto copy = handler;
    REQUIRE(handler.requested_broadcast().ready());
    CHECK_FALSE(now(handler.requested_broadcast()).has_value());
    unannounced.unannounce();
    destroyed.reset();
    made.unannounce();
    CHECK_FALSE(made.producer().consume().is_closed());
    made.producer().finish();
    broadcast.finish();
}

TEST_CASE("section 4: stats counts paths, nodes, watchers, handlers, pending requests and served broadcasts", "[origin]") {
    Origin origin;
    const auto producer = origin.producer();
    const auto consumer = origin.consumer();
    const auto first = broadcast_with_hops(), second = broadcast_with_hops();

    SECTION("announced counts paths, nodes those above them too") {
        auto a = producer.publish_broadcast("room/1/alice", first.consume());
        CHECK(origin.stats().announced == 1);
        CHECK(origin.stats().nodes == 3);
        auto backup = producer.publish_broadcast("room/1/alice", second.consume());
        CHECK(origin.stats().announced == 1);
        auto bob = producer.publish_broadcast("room/1/bob", second.consume());
        auto room = producer.publish_broadcast("room", second.consume());
        auto root = producer.publish_broadcast("", second.consume());
        CHECK(origin.stats().announced == 4);
        CHECK(origin.stats().nodes == 4);
        a.unannounce();
        CHECK(origin.stats().announced == 4);
        backup.unannounce();
        CHECK(origin.stats().announced == 3);
        bob.unannounce();
        CHECK(origin.stats().nodes == 1);
        room.unannounce();
        root.unannounce();
        CHECK(origin.stats().announced == 0);
        CHECK(origin.stats().nodes == 0);
    }
    SECTION("watchers counts live watchers and waiting announced_broadcasts") {
        std::optional<AnnounceConsumer> watcher = consumer.announced();
        CHECK(origin.stats().watchers == 1);
        const Path parts[] = {"a", "b/c", "d"};
        std::optional<AnnounceConsumer> narrow = consumer.scope(parts)->announced();
        CHECK(origin.stats().watchers == 2);
        CHECK(origin.stats().nodes == 4);
        {
            auto waiting = consumer.announced_broadcast("x");
            CHECK(origin.stats().watchers == 3);
            auto moved = std::move(waiting);
            CHECK(origin.stats().watchers == 3);
        }
        CHECK(origin.stats().watchers == 2);
        auto settled = consumer.announced_broadcast("x");
        const auto guard = producer.publish_broadcast("x", first.consume());
        CHECK(origin.stats().watchers == 2);
        watcher.reset();
        narrow.reset();
        CHECK(origin.stats().watchers == 0);
        CHECK(origin.stats().nodes == 1);
    }
    SECTION("handlers counts copies") {
        auto handler = producer.dynamic();
        CHECK(origin.stats().handlers == 1);
        std::optional<OriginDynamic> copy = handler;
        auto other = producer.dynamic();
        CHECK(origin.stats().handlers == 3);
        auto moved = std::move(other);
        auto step = moved.requested_broadcast();
        CHECK(origin.stats().handlers == 3);
        copy.reset();
        CHECK(origin.stats().handlers == 2);
        handler = moved;
        CHECK(origin.stats().handlers == 2);
    }
    SECTION("pending counts paths, served open broadcasts") {
        auto handler = producer.dynamic();
        auto one = consumer.request_broadcast("a"), same = consumer.request_broadcast("a");
        auto other = consumer.request_broadcast("b");
        CHECK(origin.stats().pending == 2);
        auto request = take_request(handler);
        CHECK(origin.stats().pending == 2);
        std::optional<BroadcastProducer> served = producer.make_broadcast();
        request->accept(served->consume());
        CHECK(origin.stats().pending == 1);
        CHECK(origin.stats().served == 1);
        served.reset();
        CHECK(origin.stats().served == 0);
    }
}

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

TEST_CASE("section 4: every origin has an id of its own unless its config gives one", "[origin]") {
    // An origin does not show its id; two origins with the same one refuse each other's broadcasts as loops.
    const OriginConfig config{.id = 9};
    Origin given(config), same(config);
    const auto came = broadcast_with_hops({9});
    CHECK(error_of([&] { return given.producer().publish_broadcast("a", came.consume()); }) == Error::RoutingLoop);
    CHECK(error_of([&] { return same.producer().publish_broadcast("a", came.consume()); }) == Error::RoutingLoop);
    Origin random;
    CHECK_FALSE(error_of([&] { return random.producer().publish_broadcast("a", came.consume()); }));
    const auto zero = broadcast_with_hops({0});
    CHECK_FALSE(error_of([&] { return random.producer().publish_broadcast("a", zero.consume()); }));
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
