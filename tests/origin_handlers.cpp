// Rule 5 of section 5: which handler takes which request.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <comoq/origin.hpp>

#include "support/catch.hpp"
#include "support/origin_fixture.hpp"

namespace origin_handlers_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

struct Origins {
    Origin origin;
    OriginConsumer consumer = origin.consumer();
    std::vector<Pending<BroadcastConsumer>> asked;

    OriginDynamic handler(std::vector<Path> prefixes) const {
        return origin.producer().scope(prefixes).value().dynamic();
    }
    void ask(std::string_view path) { asked.push_back(consumer.request_broadcast(path)); }
    std::error_code failure(std::size_t index) {
        return asked.at(index).ready() ? code_now(std::move(asked.at(index))) : std::error_code();
    }
};

}  // namespace

TEST_CASE("section 5 rule 5: a handler covers the paths that its producer view may publish", "[handlers]") {
    Origins origins;
    auto handler = origins.handler({"a/b", "c"});
    for (const char *path : {"", "a", "a/bb", "a/c", "cc", "d"}) {
        CHECK(code_now(origins.consumer.request_broadcast(path)) == Error::NotFound);
    }
    for (const char *path : {"c/x", "a/b", "c", "a/b/c/d"}) {
        origins.ask(path);
    }
    CHECK(take_paths(handler) == Texts{"c/x", "a/b", "c", "a/b/c/d"});
}

TEST_CASE("section 5 rule 5: a handler takes the oldest request that it covers", "[handlers]") {
    Origins origins;
    auto handler = origins.handler({"b", "a", "c"});
    for (const char *path : {"c/1", "a/1", "b/1", "a/2", "c/2"}) {
        origins.ask(path);
    }
    CHECK(take_paths(handler) == Texts{"c/1", "a/1", "b/1", "a/2", "c/2"});
}

TEST_CASE("section 5 rule 5: a more specific handler comes first, in parts and not in letters", "[handlers]") {
    Origins origins;
    auto everything = origins.handler({""});
    auto wide = origins.handler({"a-name-that-is-much-longer-than-the-other"});
    auto narrow = origins.handler({"b/c"});
    origins.ask("b/c/x");
    origins.ask("b/d");
    origins.ask("a-name-that-is-much-longer-than-the-other/x");
    CHECK(take_paths(everything) == Texts{"b/d"});
    CHECK(take_paths(narrow) == Texts{"b/c/x"});
    CHECK(take_paths(wide) == Texts{"a-name-that-is-much-longer-than-the-other/x"});
}

TEST_CASE("section 5 rule 5: the handler is chosen when a request is taken, so a later one takes over queued requests",
          "[handlers]") {
    Origins origins;
    auto wide = origins.handler({"a"});
    origins.ask("a/b/1");
    origins.ask("a/c");
    origins.ask("a/b/2");
    auto step = wide.requested_broadcast();
    CHECK(step.ready());
    auto narrow = origins.handler({"a/b"});
    CHECK(now(std::move(step))->path() == Path("a/c"));
    CHECK_FALSE(wide.requested_broadcast().ready());
    CHECK(take_paths(narrow) == Texts{"a/b/1", "a/b/2"});
}

TEST_CASE("section 5 rule 5: a handler that is not more specific takes over nothing", "[handlers]") {
    Origins origins;
    auto narrow = origins.handler({"a/b"});
    origins.ask("a/b/1");
    auto wide = origins.handler({"a"});
    CHECK_FALSE(wide.requested_broadcast().ready());
    auto same = origins.handler({"a/b"});
    CHECK(same.requested_broadcast().ready());
    CHECK(take_paths(narrow) == Texts{"a/b/1"});
    CHECK_FALSE(same.requested_broadcast().ready());
}

TEST_CASE("section 5 rule 5: requests that a dropped handler leaves keep their place in the next one's queue", "[handlers]") {
    Origins origins;
    auto wide = origins.handler({"a"});
    std::optional<OriginDynamic> narrow = origins.handler({"a/b"});
    for (const char *path : {"a/1", "a/b/2", "a/3", "a/b/4", "a/5"}) {
        origins.ask(path);
    }
    narrow.reset();
    CHECK(take_paths(wide) == Texts{"a/1", "a/b/2", "a/3", "a/b/4", "a/5"});
}

TEST_CASE("section 5 rule 5: a waiting handler is woken by the requests that a dropped one leaves", "[handlers]") {
    Origins origins;
    auto wide = origins.handler({"a"});
    std::optional<OriginDynamic> narrow = origins.handler({"a/b"});
    auto waiting = wait(wide.requested_broadcast());
    origins.ask("a/b/1");
    CHECK_FALSE(waiting.done());
    narrow.reset();
    REQUIRE(waiting.done());
    CHECK(waiting.value()->path() == Path("a/b/1"));
}

TEST_CASE("section 5 rule 5: each request has exactly one taker", "[handlers]") {
    Origins origins;
    auto first = origins.handler({"a"}), second = origins.handler({"a"});
    auto copy = first;
    auto one = wait(first.requested_broadcast()), two = wait(second.requested_broadcast()),
         three = wait(copy.requested_broadcast()), four = wait(copy.requested_broadcast());
    origins.ask("a/1");
    CHECK(one.done() + two.done() + three.done() + four.done() == 1);
    origins.ask("a/2");
    CHECK(one.done() + two.done() + three.done() + four.done() == 2);
    origins.ask("a/2");
    CHECK(one.done() + two.done() + three.done() + four.done() == 2);
}

TEST_CASE("section 5 rule 5: dropping a handler refuses only queued requests that no other live handler covers", "[handlers]") {
    Origins origins;
    std::optional<OriginDynamic> dropped = origins.handler({"a", "b", "c"});
    auto other = origins.handler({"b"});
    auto wider = origins.handler({"c"});
    auto narrower = origins.handler({"c/d"});
    for (const char *path : {"a/1", "a/2", "b/1", "c/1", "c/d/1"}) {
        origins.ask(path);
    }
    std::optional<OriginDynamic> copy = dropped;
    dropped.reset();
    CHECK(origins.origin.stats().pending == 5);
    copy.reset();
    CHECK(origins.failure(0) == Error::NotFound);
    CHECK(origins.failure(1) == Error::NotFound);
    CHECK(origins.origin.stats().pending == 3);
    CHECK(take_paths(other) == Texts{"b/1"});
    CHECK(take_paths(wider) == Texts{"c/1"});
    CHECK(take_paths(narrower) == Texts{"c/d/1"});
    CHECK(code_now(origins.consumer.request_broadcast("a/1")) == Error::NotFound);
}

TEST_CASE("section 5 rule 5: a request that was taken is settled by its BroadcastRequest alone, after its handler too",
          "[handlers]") {
    Origins origins;
    std::optional<OriginDynamic> handler = origins.handler({"a"});
    origins.ask("a/1");
    auto request = take_request(*handler);
    handler.reset();
    REQUIRE(request);
    CHECK_FALSE(origins.asked[0].ready());
    CHECK(origins.origin.stats().handlers == 0);
    CHECK(origins.origin.stats().pending == 1);
    CHECK(request->path() == Path("a/1"));
    const auto broadcast = origins.origin.producer().make_broadcast();
    CHECK(request->accept(broadcast.consume()));
    CHECK(now(std::move(origins.asked[0])) == broadcast.consume());
    CHECK(now(origins.consumer.request_broadcast("a/1")) == broadcast.consume());
}

TEST_CASE("section 5 rule 5: steps of a handler do not count as copies of it, and end when its last copy is gone", "[handlers]") {
    Origins origins;
    std::optional<OriginDynamic> handler = origins.handler({"a"});
    auto waiting = wait(handler->requested_broadcast());
    auto ready = handler->requested_broadcast();
    origins.ask("b");
    CHECK_FALSE(waiting.done());
    handler.reset();
    REQUIRE(waiting.done());
    CHECK_FALSE(waiting.value().has_value());
    REQUIRE(ready.ready());
    CHECK_FALSE(now(std::move(ready)).has_value());
}

TEST_CASE("section 5 rule 5: paths of a request are relative to its handler's root", "[handlers]") {
    Origins origins;
    auto rooted = origins.origin.producer().with_root("a/b").value().scope(std::vector<Path>{"c"}).value().dynamic();
    origins.ask("a/b/c/d");
    const auto request = take_request(rooted);
    REQUIRE(request);
    CHECK(request->path() == Path("c/d"));
    CHECK(request->absolute_path() == Path("a/b/c/d"));
}

}
