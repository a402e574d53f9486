#include <comoq/origin.hpp>

#include <optional>
#include <type_traits>
#include <utility>

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

}
