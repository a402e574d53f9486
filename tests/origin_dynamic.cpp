#include <comoq/origin_dynamic.hpp>

#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <comoq/origin.hpp>

#include "origin_dynamic_scene.hpp"
#include "support/catch.hpp"
#include "support/heap.hpp"
#include "support/origin_fixture.hpp"

namespace origin_dynamic_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

static_assert(std::is_nothrow_default_constructible_v<BroadcastRequest>);

static_assert(std::is_nothrow_move_constructible_v<BroadcastRequest>);

static_assert(std::is_nothrow_move_assignable_v<BroadcastRequest> && !std::is_copy_constructible_v<BroadcastRequest>);

static_assert(std::is_nothrow_copy_constructible_v<OriginDynamic> && std::is_nothrow_copy_assignable_v<OriginDynamic>);

}  // namespace

// Rule 1
TEST_CASE("section 5 rule 1: an invalid path comes first, then the scope, and no handler sees either", "[dynamic]") {
    std::optional<Served> served(std::in_place);
    const auto consumer = *served->consumer.scope(std::vector<Path>{"a"});
    const auto refused = [&](const char *path, Error error) {
        auto asked = consumer.request_broadcast(path);
        return asked.ready() && code_now(std::move(asked)) == error;
    };
    CHECK(refused("a\nb", Error::InvalidPath));
    CHECK(refused("b\n", Error::InvalidPath));
    CHECK(refused("b", Error::Unauthorized));
    CHECK(refused("", Error::Unauthorized));
    CHECK(refused("ab", Error::Unauthorized));
    CHECK(served->idle());
    CHECK(served->origin.stats().pending == 0);
    served.reset();
    CHECK(refused("a\nb", Error::InvalidPath));
    CHECK(refused("b", Error::Unauthorized));
    CHECK(refused("a", Error::Dropped));
}

TEST_CASE("section 7: a path out of scope does not count as missing, so no handler is asked", "[dynamic]") {
    Served served;
    const auto outside = *served.consumer.with_root("room")->scope(std::vector<Path>{"alice"});
    CHECK(failure_of(outside.request_broadcast("bob")) == Error::Unauthorized);
    CHECK(served.idle());
    CHECK(served.origin.stats().pending == 0);
}

TEST_CASE("section 5 rule 1: an announced broadcast comes before one that a handler served", "[dynamic]") {
    Served served;
    const auto on_demand = served.producer.make_broadcast();
    const auto asked = served.ask("a");
    REQUIRE(served.take().accept(on_demand.consume()));
    std::optional<BroadcastPublish> announced = served.producer.create_broadcast("a");
    auto again = served.ask("a");
    REQUIRE(again.ready());
    CHECK(now(std::move(again)) == announced->producer().consume());
    announced.reset();
    again = served.ask("a");
    REQUIRE(again.ready());
    CHECK(now(std::move(again)) == on_demand.consume());
}

TEST_CASE("section 5 rule 1: a broadcast that a handler served and that is live is given without asking", "[dynamic]") {
    Served served;
    auto on_demand = served.producer.make_broadcast();
    const auto asked = served.ask("a");
    REQUIRE(served.take().accept(on_demand.consume()));
    served.handler.reset();
    auto again = served.consumer.with_root("a")->request_broadcast("");
    REQUIRE(again.ready());
    CHECK(now(std::move(again)) == on_demand.consume());
    on_demand.finish();
    CHECK(failure_of(served.ask("a")) == Error::NotFound);
}

TEST_CASE("section 5 rule 1: a new request can be taken by its handler before the call returns", "[dynamic]") {
    Served served;
    auto step = served.handler->requested_broadcast();
    CHECK_FALSE(step.ready());
    const auto asked = served.ask("room/a");
    REQUIRE(step.ready());
    const auto request = now(std::move(step));
    REQUIRE(request);
    CHECK(request->path() == Path("room/a"));
    CHECK(request->absolute_path() == Path("room/a"));
    CHECK_FALSE(asked.ready());
}

TEST_CASE("section 5 rule 1: a request without a handler for its path is NotFound at once", "[dynamic]") {
    Served served;
    served.handler = served.producer.with_root("room")->dynamic();
    for (const char *path : {"", "rooms", "hall/room"}) {
        auto asked = served.ask(path);
        REQUIRE(asked.ready());
        CHECK(code_now(std::move(asked)) == Error::NotFound);
    }
    CHECK_FALSE(served.ask("room").ready());
    CHECK_FALSE(served.ask("room/x").ready());
}

TEST_CASE("section 5 rule 1: a pending request is joined also when no handler is left", "[dynamic]") {
    Served served;
    const auto first = served.ask("a");
    auto request = served.take();
    served.handler.reset();
    auto joined = served.ask("a");
    CHECK_FALSE(joined.ready());
    CHECK(failure_of(served.ask("b")) == Error::NotFound);
    const auto on_demand = served.producer.make_broadcast();
    CHECK(request.accept(on_demand.consume()));
    CHECK(now(std::move(joined)) == on_demand.consume());
}

// Rule 2
TEST_CASE("section 5 rule 2: one request per path, whatever roots and scopes the requesters used", "[dynamic]") {
    Served served;
    const auto whole = served.ask("room/42/alice");
    const auto rooted = served.consumer.with_root("room")->request_broadcast("42/alice");
    const auto scoped = served.consumer.scope(std::vector<Path>{"room/42"})->request_broadcast("/room//42/alice/");
    CHECK(served.origin.stats().pending == 1);
    auto request = served.take();
    CHECK(request.absolute_path() == Path("room/42/alice"));
    CHECK(served.idle());

    SECTION("also while it is handed out") {
        const auto late = served.consumer.with_root("room/42/alice")->request_broadcast("");
        CHECK(served.idle());
        CHECK(served.origin.stats().pending == 1);
        const auto on_demand = served.producer.make_broadcast();
        CHECK(request.accept(on_demand.consume()));
        CHECK((whole.ready() && rooted.ready() && scoped.ready() && late.ready()));
    }
}

TEST_CASE("section 7: a request stays in the table when it is handed out, so nobody starts a second fetch", "[dynamic]") {
    Served served;
    const auto first = served.ask("a");
    const auto request = served.take();
    CHECK(served.origin.stats().pending == 1);
    const auto second = served.ask("a");
    CHECK_FALSE(second.ready());
    CHECK(served.idle());
    CHECK(served.origin.stats().pending == 1);
}

TEST_CASE("section 5 rule 2: requests for different paths are different requests", "[dynamic]") {
    Served served;
    const auto a = served.ask("a"), b = served.ask("b"), ab = served.ask("a/b"), root = served.ask("");
    CHECK(served.origin.stats().pending == 4);
    CHECK(take_paths(*served.handler) == Texts{"a", "b", "a/b", ""});
    CHECK(served.origin.stats().pending == 0);
}

TEST_CASE("section 6 broadcast: a requester has the broadcast from the answer on, before it takes it", "[dynamic]") {
    Served served;
    auto broadcast = served.producer.make_broadcast(BroadcastInfo({7}));
    const auto in_use = [&] {
        const bool used = broadcast.used().ready();
        CHECK(broadcast.unused().ready() != used);
        return used;
    };
    std::optional<Asked> first = served.ask("a"), second = served.ask("a");
    // The handler keeps its request for as long as it serves.
    auto request = served.take();
    CHECK_FALSE(in_use());
    REQUIRE(request.accept(broadcast.consume()));
    CHECK(in_use());

    SECTION("one takes it, the other leaves") {
        auto taken = std::make_optional(now(std::move(*first)));
        first.reset();
        second.reset();
        CHECK(in_use());
        taken.reset();
        CHECK_FALSE(in_use());
    }
    SECTION("both leave") {
        first.reset();
        CHECK(in_use());
        second.reset();
        CHECK_FALSE(in_use());
    }
    SECTION("a later one has it at once") {
        first.reset();
        second.reset();
        CHECK_FALSE(in_use());
        std::optional<Asked> later = served.ask("a");
        CHECK(in_use());
        later.reset();
        CHECK_FALSE(in_use());
    }
}

TEST_CASE("a broadcast whose source is leaving keeps nothing of the answers that give it again and again", "[dynamic]") {
    Served served;
    const auto broadcast = served.producer.make_broadcast();
    broadcast.state(detail::Passkey())->route().leave();
    const auto answer = [&](int times) {
        for (int i = 0; i < times; ++i) {
            const auto asked = served.ask("a");
            REQUIRE_FALSE(asked.ready());
            REQUIRE(served.take().accept(broadcast.consume()));
            REQUIRE(asked.ready());
        }
    };
    answer(1000);
    const auto before = heap_in_use();
    answer(10'000);
    CHECK(heap_in_use() < before + 64 * 1024);
}

TEST_CASE("section 6 broadcast: requesters that do not get the answer do not use it", "[dynamic]") {
    Served served;
    auto broadcast = served.producer.make_broadcast(BroadcastInfo({7}));
    SECTION("for want of requesters") {
        std::optional<Asked> asked = served.ask("a");
        auto request = served.take();
        asked.reset();
        REQUIRE(request.accept(broadcast.consume()));
        CHECK(broadcast.unused().ready());
    }
    SECTION("because it is hidden from them") {
        std::optional<Asked> asked = served.consumer.without_hop(7).request_broadcast("a");
        auto request = served.take();
        REQUIRE(request.accept(broadcast.consume()));
        CHECK(code_now(std::move(*asked)) == Error::NotFound);
        asked.reset();
        CHECK(broadcast.unused().ready());
    }
}

// Rule 4
TEST_CASE("section 5 rule 4: a broadcast that a handler serves is never announced", "[dynamic]") {
    Served served;
    auto watcher = served.consumer.announced();
    auto step = watcher.next();
    auto awaited = served.consumer.announced_broadcast("a");
    const auto asked = served.ask("a");
    const auto broadcast = served.producer.make_broadcast();
    REQUIRE(served.take().accept(broadcast.consume()));
    CHECK_FALSE((step.ready() || awaited.ready()));
    CHECK_FALSE(served.consumer.announced_broadcast("a").ready());
    CHECK_FALSE(served.consumer.announced().next().ready());
    CHECK(served.origin.stats().announced == 0);
}

// Rule 8
TEST_CASE("section 5 rule 8: a requester that leaves never affects the others, the first one included", "[dynamic]") {
    Served served;
    std::optional<Asked> first = served.ask("a"), third = served.ask("a");
    auto second = served.ask("a");
    SECTION("while it is queued") {
        first.reset();
        third.reset();
        CHECK(served.origin.stats().pending == 1);
        CHECK(served.take().reject(Error::Timeout));
    }
    SECTION("while it is handed out") {
        auto request = served.take();
        const auto abandoned = request.abandoned();
        first.reset();
        third.reset();
        CHECK_FALSE(abandoned.ready());
        CHECK(request.reject(Error::Timeout));
    }
    CHECK(failure_of(std::move(second)) == Error::Timeout);
}

TEST_CASE("section 7: cancelling the first requester does not cancel the shared request", "[dynamic]") {
    Served served;
    auto first = wait(served.ask("a"));
    auto request = served.take();
    auto second = wait(served.ask("a"));
    const auto abandoned = request.abandoned();
    first.cancel();
    CHECK(first.code() == asio::error::operation_aborted);
    CHECK_FALSE(second.done());
    CHECK_FALSE(abandoned.ready());
    const auto broadcast = served.producer.make_broadcast();
    CHECK(request.accept(broadcast.consume()));
    CHECK(second.value() == broadcast.consume());
}

TEST_CASE("section 5 rule 8: when the last requester leaves, a queued request is removed", "[dynamic]") {
    Served served;
    std::optional<Asked> first = served.ask("a"), second = served.ask("a");
    const auto other = served.ask("b");
    auto step = served.handler->requested_broadcast();
    first.reset();
    CHECK(served.origin.stats().pending == 2);
    second.reset();
    CHECK(served.origin.stats().pending == 1);
    CHECK(now(std::move(step))->path() == Path("b"));
    CHECK(served.idle());
}

TEST_CASE("section 5 rule 8: when the last requester leaves, a taken request completes abandoned() and stays", "[dynamic]") {
    Served served;
    std::optional<Asked> first = served.ask("a");
    auto request = served.take();
    auto waiting = wait(request.abandoned());
    CHECK_FALSE(waiting.done());
    if (GENERATE(false, true)) {
        auto cancelled = wait(std::move(*first));
        cancelled.cancel();
    } else {
        first.reset();
    }
    CHECK(waiting.done());
    CHECK_FALSE(waiting.code());
    CHECK(served.origin.stats().pending == 1);
    CHECK(served.idle());

    SECTION("a later requester joins it") {
        auto later = served.ask("a");
        CHECK_FALSE(later.ready());
        CHECK(served.idle());
        CHECK(served.origin.stats().pending == 1);
        CHECK_FALSE(request.abandoned().ready());
        const auto broadcast = served.producer.make_broadcast();
        CHECK(request.accept(broadcast.consume()));
        REQUIRE(later.ready());
        CHECK(now(std::move(later)) == broadcast.consume());
        CHECK(now(served.ask("a")) == broadcast.consume());
    }
    SECTION("accepting it serves those who ask afterwards") {
        const auto broadcast = served.producer.make_broadcast();
        CHECK(request.accept(broadcast.consume()));
        CHECK(served.origin.stats().pending == 0);
        CHECK(now(served.ask("a")) == broadcast.consume());
    }
    SECTION("rejecting it settles it for nobody") {
        CHECK(request.reject(Error::Timeout));
        CHECK_FALSE(served.ask("a").ready());
    }
    SECTION("dropping it takes it out of the table") {
        { const auto dropped = std::move(request); }
        CHECK(served.origin.stats().pending == 0);
    }
}

}
