// Requests for broadcasts: the answer that settles each, and its code.
#include <comoq/origin_dynamic.hpp>

#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <comoq/origin.hpp>

#include "origin_dynamic_scene.hpp"
#include "support/catch.hpp"
#include "support/origin_fixture.hpp"

namespace origin_answers_tests {

using namespace comoq;
using namespace comoq::test;
using namespace origin_dynamic_tests;

// Rule 3
TEST_CASE("section 5 rule 3: accept settles a request for every waiter, and later answers change nothing", "[dynamic]") {
    Served served;
    auto first = served.ask("a"), second = served.ask("a");
    auto request = served.take();
    const auto abandoned = request.abandoned();
    const auto one = served.producer.make_broadcast(), other = served.producer.make_broadcast();
    CHECK(request.accept(one.consume()));
    CHECK(served.origin.stats().pending == 0);
    CHECK(abandoned.ready());
    CHECK_FALSE(request.accept(other.consume()));
    CHECK_FALSE(request.reject(Error::Timeout));
    const auto announced = served.producer.publish_broadcast("a", other.consume());
    CHECK(now(std::move(first)) == one.consume());
    CHECK(now(std::move(second)) == one.consume());
}

TEST_CASE("section 5 rule 3: reject settles a request, and later answers change nothing", "[dynamic]") {
    Served served;
    auto first = served.ask("a"), second = served.ask("a");
    auto request = served.take();
    CHECK(request.reject(Error::Timeout));
    const auto broadcast = served.producer.make_broadcast();
    CHECK_FALSE(request.accept(broadcast.consume()));
    CHECK_FALSE(request.reject(Error::Transport));
    CHECK(served.origin.stats().served == 0);
    CHECK(code_now(std::move(first)) == Error::Timeout);
    CHECK(code_now(std::move(second)) == Error::Timeout);
    CHECK(served.origin.stats().pending == 0);
}

TEST_CASE("section 5 rule 3: dropping the BroadcastRequest is NotFound", "[dynamic]") {
    Served served;
    auto asked = served.ask("a");
    SECTION("destroyed") {
        std::optional<BroadcastRequest> request = served.take();
        const auto moved = std::make_optional(std::move(*request));
        request.reset();
        CHECK_FALSE(asked.ready());
    }
    SECTION("assigned another") {
        auto request = served.take();
        auto other = served.ask("b");
        request = served.take();
        CHECK(asked.ready());
        CHECK_FALSE(other.ready());
    }
    SECTION("destroyed with the step that took it, before anybody has looked at it") {
        static_cast<void>(now(served.handler->requested_broadcast()));
    }
    REQUIRE(asked.ready());
    CHECK(code_now(std::move(asked)) == Error::NotFound);
    CHECK(served.origin.stats().pending == 0);
}

TEST_CASE("section 7: a promise that nobody fulfilled keeps no later requester waiting", "[dynamic]") {
    Served served;
    auto first = served.ask("a");
    { const auto dropped = served.take(); }
    CHECK(failure_of(std::move(first)) == Error::NotFound);
    auto second = served.ask("a");
    CHECK_FALSE(second.ready());
    CHECK(served.take().reject(Error::Timeout));
    CHECK(failure_of(std::move(second)) == Error::Timeout);
}

TEST_CASE("section 5 rule 3: a step that is dropped when it is ready leaves its request to the next", "[dynamic]") {
    Served served;
    const auto asked = served.ask("a");
    {
        const auto step = served.handler->requested_broadcast();
        CHECK(step.ready());
    }
    CHECK_FALSE(asked.ready());
    CHECK(served.take().path() == Path("a"));
}

TEST_CASE("section 5 rule 3: a queued request is NotFound when the last handler that covers it goes", "[dynamic]") {
    Served served;
    auto asked = served.ask("a/b");
    std::optional<OriginDynamic> copy = served.handler;
    std::optional<OriginDynamic> narrow = served.producer.with_root("a/b")->dynamic();
    const auto elsewhere = served.producer.with_root("a/c")->dynamic();
    served.handler.reset();
    CHECK_FALSE(asked.ready());
    narrow.reset();
    CHECK_FALSE(asked.ready());
    copy.reset();
    REQUIRE(asked.ready());
    CHECK(code_now(std::move(asked)) == Error::NotFound);
    CHECK(served.origin.stats().pending == 0);
}

TEST_CASE("section 5 rule 3: an announcement settles a request that is queued, and no handler sees it", "[dynamic]") {
    Served served;
    auto first = served.ask("a"), second = served.ask("a");
    auto other = served.ask("b");
    const auto broadcast = broadcast_with_hops();
    const auto guard = served.producer.publish_broadcast("a", broadcast.consume());
    REQUIRE((first.ready() && second.ready()));
    CHECK(now(std::move(first)) == broadcast.consume());
    CHECK(now(std::move(second)) == broadcast.consume());
    CHECK_FALSE(other.ready());
    CHECK(take_paths(*served.handler) == Texts{"b"});
}

TEST_CASE("section 5 rule 3: an announcement settles a request that was taken, and completes its abandoned()",
          "[dynamic]") {
    Served served;
    auto asked = served.ask("a");
    auto request = served.take();
    auto abandoned = request.abandoned();
    CHECK_FALSE(abandoned.ready());
    const auto announced = broadcast_with_hops(), late = served.producer.make_broadcast();
    const auto guard = served.producer.publish_broadcast("a", announced.consume());
    CHECK(abandoned.ready());
    CHECK_FALSE(request.accept(late.consume()));
    CHECK(served.origin.stats().served == 0);
    REQUIRE(asked.ready());
    CHECK(now(std::move(asked)) == announced.consume());
    CHECK(served.origin.stats().pending == 0);
}

TEST_CASE("section 7: an announcement that comes while a request is pending resolves it", "[dynamic]") {
    Served served;
    auto waiting = wait(served.ask("a"));
    CHECK_FALSE(waiting.done());
    auto made = served.producer.create_broadcast("a");
    REQUIRE(waiting.done());
    CHECK(waiting.value() == made.producer().consume());
}

TEST_CASE("section 5 rule 3: an announcement elsewhere, above or below settles nothing", "[dynamic]") {
    Served served;
    const auto asked = served.ask("a/b");
    std::vector<BroadcastPublish> made;
    for (const char *path : {"", "a", "a/b/c", "a/bb", "b"}) {
        made.push_back(served.producer.create_broadcast(path));
    }
    CHECK_FALSE(asked.ready());
    CHECK(served.origin.stats().pending == 1);
}

TEST_CASE("section 5 rule 3: the origin's end settles with Dropped, and its handlers' answers change nothing", "[dynamic]") {
    std::optional<Served> served(std::in_place);
    auto queued = served->ask("queued"), taken = served->ask("a");
    const auto skipped = served->take();
    auto request = served->take();
    auto handler = *served->handler;
    auto waiting = handler.requested_broadcast();
    const auto broadcast = served->producer.make_broadcast();
    auto again = served->ask("late");
    served.reset();
    CHECK(failure_of(std::move(again)) == Error::Dropped);
    CHECK(failure_of(std::move(taken)) == Error::Dropped);
    CHECK(failure_of(std::move(queued)) == Error::Dropped);
    CHECK(request.abandoned().ready());
    CHECK_FALSE(request.accept(broadcast.consume()));
    REQUIRE(waiting.ready());
    CHECK_FALSE(now(std::move(waiting)).has_value());
}

TEST_CASE("section 5 rule 3: accepting an empty handle settles with NotFound", "[dynamic]") {
    Served served;
    auto asked = served.ask("a");
    auto request = served.take();
    CHECK(request.accept(BroadcastConsumer()));
    CHECK(failure_of(std::move(asked)) == Error::NotFound);
    CHECK(served.origin.stats().pending == 0);
    CHECK(served.origin.stats().served == 0);
}

TEST_CASE("section 5 rule 3: a closed broadcast is passed on but not remembered", "[dynamic]") {
    Served served;
    auto asked = served.ask("a");
    auto request = served.take();
    auto broadcast = served.producer.make_broadcast();
    broadcast.finish();
    CHECK(request.accept(broadcast.consume()));
    REQUIRE(asked.ready());
    CHECK(now(std::move(asked)) == broadcast.consume());
    CHECK(served.origin.stats().served == 0);
    const auto again = served.ask("a");
    CHECK_FALSE(again.ready());
    CHECK(served.take().path() == Path("a"));
}

TEST_CASE("section 5 rule 3: an empty BroadcastRequest settles nothing", "[dynamic]") {
    BroadcastRequest request;
    CHECK(request.path().empty());
    CHECK(request.absolute_path().empty());
    CHECK_FALSE(request.reject(Error::Timeout));
    CHECK_FALSE(request.accept(broadcast_with_hops().consume()));
    CHECK(request.abandoned().ready());
}

// Rule 6
TEST_CASE("section 5 rule 6: every requester gets exactly the code that the handler gave", "[dynamic]") {
    Served served;
    const std::error_code codes[] = {make_error_code(Error::Unauthorized), app_error(77),
                                     std::make_error_code(std::errc::host_unreachable), make_error_code(Error::NotFound)};
    for (const auto &code : codes) {
        auto first = served.ask("a"), second = served.consumer.with_root("a")->request_broadcast("");
        auto request = served.take();
        auto third = served.ask("a");
        CHECK(request.reject(code));
        for (auto *asked : {&first, &second, &third}) {
            REQUIRE(asked->ready());
            CHECK(code_now(std::move(*asked)) == code);
        }
    }
}

TEST_CASE("section 5 rule 6: rejecting with a false code is Cancelled", "[dynamic]") {
    Served served;
    auto asked = served.ask("a");
    CHECK(served.take().reject({}));
    CHECK(failure_of(std::move(asked)) == Error::Cancelled);
}

TEST_CASE("section 7: followers get the code that the leader got, and not a generic failure", "[dynamic]") {
    Served served;
    auto leader = wait(served.ask("a"));
    auto request = served.take();
    auto follower = wait(served.ask("a"));
    CHECK(request.reject(app_error(5)));
    CHECK(leader.code() == app_error(5));
    CHECK(follower.code() == app_error(5));
}

TEST_CASE("section 5 rule 6: after a reject the next request reaches a handler again", "[dynamic]") {
    Served served;
    for (int i = 0; i < 3; ++i) {
        auto asked = served.ask("a");
        CHECK_FALSE(asked.ready());
        CHECK(served.take().reject(Error::Timeout));
        CHECK(failure_of(std::move(asked)) == Error::Timeout);
    }
}

TEST_CASE("section 7: a rejecting handler is not asked again before somebody asks", "[dynamic]") {
    Served served;
    auto asked = wait(served.ask("a"));
    CHECK(served.take().reject(Error::NotFound));
    CHECK(asked.code() == Error::NotFound);
    CHECK(served.idle());
    CHECK(served.origin.stats().pending == 0);
}

}
