// The views of an origin: scope, with_root, and the limits of both.

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <comoq/origin.hpp>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/origin_fixture.hpp"

namespace origin_scopes_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

using Paths = std::vector<Path>;

/// The same view on both halves of an origin.
struct Halves {
    OriginProducer producer;
    OriginConsumer consumer;

    explicit Halves(const Origin &origin) : producer(origin.producer()), consumer(origin.consumer()) {}
    Halves(OriginProducer writing, OriginConsumer reading)
        : producer(std::move(writing)), consumer(std::move(reading)) {}

    Halves scope(const Paths &prefixes) const { return {producer.scope(prefixes).value(), consumer.scope(prefixes).value()}; }
    Halves with_root(std::string_view prefix) const {
        return {producer.with_root(prefix).value(), consumer.with_root(prefix).value()};
    }
    bool nothing_in_scope(const Paths &prefixes) const {
        return !producer.scope(prefixes).has_value() && !consumer.scope(prefixes).has_value();
    }
    bool nothing_at_root(std::string_view prefix) const {
        return !producer.with_root(prefix).has_value() && !consumer.with_root(prefix).has_value();
    }
    /// The prefixes of both halves, and of the writing half's consumer: they must agree.
    Texts allowed() const {
        const auto texts = texts_of(consumer.allowed());
        CHECK(texts_of(producer.allowed()) == texts);
        CHECK(texts_of(producer.consume().allowed()) == texts);
        CHECK(producer.consume().root() == consumer.root());
        CHECK(producer.root() == consumer.root());
        return texts;
    }
};

}  // namespace

TEST_CASE("section 4: the whole view has the root as its root and its only prefix", "[scopes]") {
    Origin origin;
    const Halves whole(origin);
    CHECK(whole.consumer.root() == Path());
    CHECK(whole.allowed() == Texts{""});
}

TEST_CASE("section 4: scope keeps the root and allows what lies below the prefixes", "[scopes]") {
    Origin origin;
    const auto scoped = Halves(origin).scope({"a", "b/c"});
    CHECK(scoped.consumer.root() == Path());
    CHECK(scoped.allowed() == Texts{"a", "b/c"});
}

TEST_CASE("section 4: with_root moves the root, and allowed is relative to it", "[scopes]") {
    Origin origin;
    const auto rooted = Halves(origin).scope({"a/b/c", "a/d", "e"}).with_root("a");
    CHECK(rooted.consumer.root() == Path("a"));
    CHECK(rooted.allowed() == Texts{"b/c", "d"});
    const auto deeper = rooted.with_root("b");
    CHECK(deeper.consumer.root() == Path("a/b"));
    CHECK(deeper.allowed() == Texts{"c"});
    const auto below = deeper.with_root("c/x");
    CHECK(below.consumer.root() == Path("a/b/c/x"));
    CHECK(below.allowed() == Texts{""});
    CHECK(below.with_root("").consumer.root() == Path("a/b/c/x"));
    const auto scoped = rooted.scope({"d/e"});
    CHECK(scoped.consumer.root() == Path("a"));
    CHECK(scoped.allowed() == Texts{"d/e"});
}

TEST_CASE("section 4: overlapping prefixes are merged", "[scopes]") {
    Origin origin;
    const Halves whole(origin);
    CHECK(whole.scope({"a", "a"}).allowed() == Texts{"a"});
    CHECK(whole.scope({"a", "a/b"}).allowed() == Texts{"a"});
    CHECK(whole.scope({"a/b", "a/c/d", "a"}).allowed() == Texts{"a"});
    CHECK(whole.scope({"a/b", "ab", "a"}).allowed() == Texts{"ab", "a"});
    CHECK(whole.scope({"a", "", "b"}).allowed() == Texts{""});

    // So that a watcher of both is told nothing twice.
    const auto merged = whole.scope({"a/b", "a", "a/b/c"});
    auto made = origin.producer().create_broadcast("a/b/c");
    auto watcher = merged.consumer.announced();
    CHECK(change_texts(watcher) == Texts{"Active a/b/c"});
}

TEST_CASE("section 4: a view can only get narrower", "[scopes]") {
    Origin origin;
    const auto scoped = Halves(origin).scope({"a/b", "c"});
    CHECK(scoped.scope({""}).allowed() == Texts{"a/b", "c"});
    CHECK(scoped.scope({"a"}).allowed() == Texts{"a/b"});
    CHECK(scoped.scope({"a", "x"}).allowed() == Texts{"a/b"});
    CHECK(scoped.scope({"a/b/x", "c"}).allowed() == Texts{"a/b/x", "c"});
    CHECK(scoped.with_root("a").allowed() == Texts{"b"});
    CHECK(scoped.with_root("a").scope({"b"}).with_root("b").allowed() == Texts{""});
}

TEST_CASE("section 4: a scope without prefixes, or with a disjoint one, gives nothing", "[scopes]") {
    Origin origin;
    const Halves whole(origin);
    CHECK(whole.nothing_in_scope({}));
    CHECK_FALSE(whole.consumer.scope({}).has_value());
    const auto scoped = whole.scope({"a/b"});
    CHECK(scoped.nothing_in_scope({"c"}));
    CHECK(scoped.nothing_in_scope({"a/bb", "a/c"}));
    CHECK(scoped.nothing_at_root("c"));
    CHECK(scoped.nothing_at_root("a/c"));
    CHECK(scoped.nothing_at_root("ab"));
    const auto rooted = scoped.with_root("a");
    CHECK(rooted.nothing_in_scope({"a/b"}));
    CHECK(rooted.nothing_at_root("a"));
    // Parts are not interpreted: ".." does not lead up.
    CHECK(rooted.nothing_at_root("../c"));
}

TEST_CASE("section 4: with_root of an invalid path throws InvalidPath", "[scopes]") {
    Origin origin;
    CHECK(error_of([&] { return origin.consumer().with_root("a\nb"); }) == Error::InvalidPath);
    CHECK(error_of([&] { return origin.producer().with_root("a\nb"); }) == Error::InvalidPath);
}

TEST_CASE("section 4: the root is stripped from every path that goes in or out", "[scopes]") {
    Origin origin;
    const Halves whole(origin);
    const auto room = whole.with_root("room/42");
    auto inside = room.consumer.announced();
    auto outside = whole.consumer.announced();

    auto made = room.producer.create_broadcast("alice");
    CHECK(change_texts(inside) == Texts{"Active alice"});
    CHECK(change_texts(outside) == Texts{"Active room/42/alice"});
    CHECK(now(whole.consumer.request_broadcast("room/42/alice")) == made.producer().consume());
    CHECK(now(room.consumer.request_broadcast("alice")) == made.producer().consume());
    CHECK(now(room.consumer.announced_broadcast("alice")) == made.producer().consume());
    CHECK(code_now(room.consumer.request_broadcast("room/42/alice")) == Error::NotFound);

    auto itself = room.producer.create_broadcast("");
    CHECK(change_texts(inside) == Texts{"Active "});
    CHECK(change_texts(outside) == Texts{"Active room/42"});

    auto handler = room.producer.dynamic();
    const auto asked = whole.consumer.request_broadcast("room/42/bob/screen");
    const auto request = take_request(handler);
    REQUIRE(request);
    CHECK(request->path().view() == "bob/screen");
    CHECK(request->absolute_path().view() == "room/42/bob/screen");
}

TEST_CASE("section 4: a view cannot read outside its scope by any method", "[scopes]") {
    Origin origin;
    const auto view = Halves(origin).scope({"a/b"});
    auto watcher = view.consumer.announced();
    auto consumed = view.producer.consume().announced();
    std::vector<BroadcastPublish> made;
    for (const char *path : {"", "a", "a/bb", "a/c", "b", "ab"}) {
        made.push_back(origin.producer().create_broadcast(path));
        CHECK(code_now(view.consumer.request_broadcast(path)) == Error::Unauthorized);
        CHECK(code_now(view.consumer.announced_broadcast(path)) == Error::Unauthorized);
    }
    CHECK_FALSE(watcher.next().ready());
    CHECK_FALSE(consumed.next().ready());
    auto late = view.consumer.announced();
    CHECK_FALSE(late.next().ready());
    auto own = origin.producer().create_broadcast("a/b"), below = origin.producer().create_broadcast("a/b/c");
    CHECK(change_texts(watcher) == Texts{"Active a/b", "Active a/b/c"});
    CHECK(change_texts(consumed) == Texts{"Active a/b", "Active a/b/c"});
    CHECK(now(view.consumer.request_broadcast("a/b")) == own.producer().consume());
    made.clear();
    CHECK_FALSE(watcher.next().ready());
}

TEST_CASE("section 4: a view of several prefixes reads all of them and nothing else", "[scopes]") {
    Origin origin;
    const auto view = Halves(origin).scope({"a/b", "c", "a/d"});
    std::vector<BroadcastPublish> made;
    for (const char *path : {"c", "a/b/x", "a", "a/e", "a/d", "d"}) {
        made.push_back(origin.producer().create_broadcast(path));
    }
    auto watcher = view.consumer.announced();
    CHECK(origin.stats().watchers == 1);
    const auto seen = change_texts(watcher);
    CHECK(seen.size() == 3);
    for (const char *text : {"Active c", "Active a/b/x", "Active a/d"}) {
        CHECK(std::count(seen.begin(), seen.end(), text) == 1);
    }
    made.clear();
    CHECK(change_texts(watcher).size() == 3);
}

TEST_CASE("section 4: a view cannot announce outside its scope by any method", "[scopes]") {
    Origin origin;
    const auto view = Halves(origin).scope({"a/b"});
    const auto broadcast = broadcast_with_hops();
    for (const char *path : {"", "a", "a/bb", "a/c", "b"}) {
        CHECK(error_of([&] { return view.producer.publish_broadcast(path, broadcast.consume()); }) == Error::Unauthorized);
        CHECK(error_of([&] { return view.producer.create_broadcast(path); }) == Error::Unauthorized);
    }
    CHECK(origin.stats().announced == 0);
    const auto guard = view.producer.publish_broadcast("a/b/c", broadcast.consume());
    CHECK(origin.stats().announced == 1);
}

TEST_CASE("section 4: a view cannot request or serve outside its scope by any method", "[scopes]") {
    Origin origin;
    const auto view = Halves(origin).scope({"a/b"});
    auto everything = origin.producer().dynamic();
    auto handler = view.producer.dynamic();
    std::vector<Pending<BroadcastConsumer>> asked;
    for (const char *path : {"", "a", "a/bb", "a/c", "b"}) {
        CHECK(code_now(view.consumer.request_broadcast(path)) == Error::Unauthorized);
        CHECK(code_now(view.producer.consume().request_broadcast(path)) == Error::Unauthorized);
        CHECK(origin.stats().pending == asked.size());
        asked.push_back(origin.consumer().request_broadcast(path));
        CHECK_FALSE(handler.requested_broadcast().ready());
    }
    CHECK(take_paths(everything) == Texts{"", "a", "a/bb", "a/c", "b"});
    const auto own = view.consumer.request_broadcast("a/b/c");
    CHECK(take_paths(handler) == Texts{"a/b/c"});
}

TEST_CASE("section 4: a view cannot see a broadcast that a handler served outside its scope", "[scopes]") {
    Origin origin;
    auto handler = origin.producer().dynamic();
    const auto served = origin.producer().make_broadcast();
    const auto asked = origin.consumer().request_broadcast("a");
    take_request(handler)->accept(served.consume());
    REQUIRE(origin.stats().served == 1);
    CHECK(code_now(origin.consumer().scope(Paths{"b"})->request_broadcast("a")) == Error::Unauthorized);
    CHECK(now(origin.consumer().scope(Paths{"a"})->request_broadcast("a")) == served.consume());
}

TEST_CASE("section 7: {\"ab\",\"c\"} does not equal {\"a\",\"bc\"} for a handler", "[scopes]") {
    Origin origin;
    auto made = origin.producer().create_broadcast("ab/c");
    CHECK(code_now(origin.consumer().request_broadcast("a/bc")) == Error::NotFound);
    CHECK(code_now(origin.consumer().with_root("a")->request_broadcast("b/c")) == Error::NotFound);
    auto other = origin.producer().create_broadcast("a/bc");
    CHECK(origin.stats().announced == 2);
    auto watcher = origin.consumer().with_root("a")->announced();
    CHECK(change_texts(watcher) == Texts{"Active bc"});
}

}
