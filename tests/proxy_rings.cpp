// SPDX-License-Identifier: MIT
// Origins of one process that ask each other: a request never waits for itself, and nothing of it is left.
#include <comoq/mirror.hpp>
#include <comoq/proxy.hpp>

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include "support/catch.hpp"
#include "support/run.hpp"
#include "support/settle.hpp"

namespace proxy_rings_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// Origins, and who asks whom. Time does not pass: what is not answered at once is not answered.
struct Origins {
    explicit Origins(std::size_t count) : all(count) {}

    void ask_at(std::size_t of, std::vector<OriginConsumer> others, ProxyConfig config = {}) {
        auto producer = all[of].producer();
        asio::co_spawn(context, proxy(std::move(others), producer, producer.dynamic(), std::move(config)), asio::detached);
        settle_down(context);
    }
    void ask(std::size_t of, const std::vector<std::size_t> &others) {
        std::vector<OriginConsumer> from;
        for (const auto other : others) from.push_back(all[other].consumer());
        ask_at(of, std::move(from));
    }
    auto request(std::size_t at, const std::string &path = "x") { return wait(all[at].consumer().request_broadcast(path)); }
    /// What a viewer gets at that origin.
    std::error_code answer(std::size_t at, const std::string &path = "x") {
        auto asked = request(at, path);
        settle_down(context);
        return asked.done() ? asked.code() : make_error_code(Error::Timeout);
    }
    std::size_t pending() const {
        std::size_t sum = 0;
        for (const Origin &origin : all) sum += origin.stats().pending;
        return sum;
    }

    asio::io_context context;
    std::deque<Origin> all;
};

/// Publishes what it is asked for.
asio::awaitable<void> serve(OriginDynamic handler, int &requests) {
    std::vector<BroadcastProducer> kept;
    while (auto request = co_await handler.requested_broadcast()) {
        ++requests;
        kept.emplace_back();
        request->accept(kept.back().consume());
    }
}

}  // namespace

TEST_CASE("proxy rings: what nobody has is refused with NotFound at once, wherever it is asked for, and nothing is left", "[proxy][rings]") {
    const std::size_t count = GENERATE(std::size_t{2}, std::size_t{3}, std::size_t{7});
    CAPTURE(count);
    Origins origins(count);
    for (std::size_t i = 0; i < count; ++i) origins.ask(i, {(i + 1) % count});
    for (std::size_t i = 0; i < count; ++i) CHECK(origins.answer(i) == Error::NotFound);
    CHECK(origins.pending() == 0);
    // All of them at once, and some that leave.
    std::vector<decltype(origins.request(0))> viewers;
    for (std::size_t i = 0; i < count; ++i) {
        viewers.push_back(origins.request(i));
        viewers.push_back(origins.request(i));
        const auto leaves = origins.request(i);
    }
    settle_down(origins.context);
    for (auto &viewer : viewers) CHECK(viewer.code() == Error::NotFound);
    CHECK(origins.pending() == 0);
}

TEST_CASE("proxy rings: an origin that asks itself under other names is refused, too", "[proxy][rings]") {
    Origins origins(1);
    ProxyConfig renamed;
    const std::size_t count = GENERATE(std::size_t{2}, std::size_t{3});
    renamed.source_path = [count](const Path &path) {
        const auto number = static_cast<std::size_t>(path.view().back() - '0');
        return Path(std::to_string((number + 1) % count));
    };
    origins.ask_at(0, {origins.all[0].consumer()}, renamed);
    for (std::size_t i = 0; i < count; ++i) CHECK(origins.answer(0, std::to_string(i)) == Error::NotFound);
    CHECK(origins.pending() == 0);
}

TEST_CASE("proxy rings: views without a hop, and below a root, are of the same ring", "[proxy][rings]") {
    Origins origins(2);
    const auto hop = origins.all[1].consumer().id();
    origins.ask_at(0, {origins.all[1].consumer().without_hop(7)});
    origins.ask_at(1, {origins.all[0].consumer().without_hop(hop)});
    CHECK(origins.answer(0) == Error::NotFound);
    CHECK(origins.answer(1) == Error::NotFound);
    Origins rooted(2);
    rooted.ask_at(0, {rooted.all[1].consumer().with_root("room").value()});
    const auto root = rooted.all[0].producer();
    ProxyConfig back;
    back.source_path = [](const Path &path) { return path.strip_prefix(Path("room")); };
    rooted.ask_at(1, {rooted.all[0].consumer()}, back);
    CHECK(rooted.answer(0) == Error::NotFound);
    CHECK(origins.pending() + rooted.pending() == 0);
}

TEST_CASE("proxy rings: origins of a ring find what one of them can ask for elsewhere, in any order of asking", "[proxy][rings]") {
    // 0, 1 and 2 are a ring; 3 has the broadcast. Each in turn asks there, before or after its neighbour.
    const std::size_t knows = GENERATE(std::size_t{0}, std::size_t{1}, std::size_t{2});
    const bool asks_last = GENERATE(false, true);
    const std::size_t viewer = GENERATE(std::size_t{0}, std::size_t{1}, std::size_t{2});
    CAPTURE(knows, asks_last, viewer);
    Origins origins(5);
    for (std::size_t i = 0; i < 3; ++i) {
        const auto next = (i + 1) % 3;
        // 4 has nothing.
        const std::size_t beside = i == knows ? 3 : 4;
        origins.ask(i, asks_last ? std::vector{next, beside} : std::vector{beside, next});
    }
    int requests = 0;
    asio::co_spawn(origins.context, serve(origins.all[3].producer().dynamic(), requests), asio::detached);
    std::vector<decltype(origins.request(0))> viewers;
    // The others ask in the same moment, and get the same.
    for (std::size_t i = 0; i < 3; ++i) viewers.push_back(origins.request((viewer + i) % 3));
    settle_down(origins.context);
    for (auto &each : viewers) {
        REQUIRE(each.done());
        CHECK(each.code() == std::error_code());
    }
    CHECK(requests == 1);
    CHECK(origins.pending() == 0);
}

TEST_CASE("proxy rings: two ways to the same origin are not a ring", "[proxy][rings]") {
    Origins origins(4);
    origins.ask(0, {1, 2});
    origins.ask(1, {3});
    origins.ask(2, {3});
    CHECK(origins.answer(0) == Error::NotFound);
    // A handler that thinks about it: the request waits, in any number of steps.
    auto handler = origins.all[3].producer().dynamic();
    auto asked = origins.request(0), beside = origins.request(2);
    settle_down(origins.context);
    REQUIRE(!asked.done());
    CHECK(origins.pending() == 4);
    BroadcastProducer broadcast;
    CHECK(now(handler.requested_broadcast()).value().accept(broadcast.consume()));
    settle_down(origins.context);
    CHECK(asked.code() == std::error_code());
    CHECK(beside.code() == std::error_code());
    CHECK(origins.pending() == 0);
}

TEST_CASE("proxy rings: a request that waits at a handler beside the ring is answered by a late announcement", "[proxy][rings]") {
    Origins origins(3);
    origins.ask(0, {1});
    origins.ask(1, {0, 2});
    auto handler = origins.all[2].producer().dynamic();
    auto asked = origins.request(0), beside = origins.request(1);
    settle_down(origins.context);
    REQUIRE(!asked.done());
    const std::size_t announces = GENERATE(std::size_t{0}, std::size_t{1}, std::size_t{2});
    const auto guard = origins.all[announces].producer().create_broadcast("x");
    if (announces == 0) {
        // Nobody at 1 waits for what 0 announces: it waits for the handler, which has nothing.
        handler = {};
    }
    settle_down(origins.context);
    CHECK(asked.code() == std::error_code());
    if (announces != 0) CHECK(beside.code() == std::error_code());
    CHECK(origins.pending() == 0);
    CHECK(origins.answer(1) == std::error_code());
}

TEST_CASE("proxy rings: when a viewer leaves, all of the requests that it caused go", "[proxy][rings]") {
    Origins origins(3);
    origins.ask(0, {1});
    origins.ask(1, {0, 2});
    const auto handler = origins.all[2].producer().dynamic();
    {
        const auto asked = origins.request(0);
        settle_down(origins.context);
        CHECK(origins.pending() == 3);
    }
    settle_down(origins.context);
    CHECK(origins.pending() == 0);
}

TEST_CASE("proxy rings: a mirror in one direction and a proxy in the other answer at once", "[proxy][mirror][rings]") {
    Origins origins(2);
    origins.ask(0, {1});
    asio::co_spawn(origins.context, mirror(origins.all[0].consumer(), origins.all[1].producer()), asio::detached);
    CHECK(origins.answer(0) == Error::NotFound);
    CHECK(origins.answer(1) == Error::NotFound);
    {
        auto guard = origins.all[0].producer().create_broadcast("x");
        settle_down(origins.context);
        CHECK(origins.answer(1) == std::error_code());
        auto asked = origins.request(1);
        settle_down(origins.context);
        auto reader = wait(asked.value().track("video").subscribe());
        settle_down(origins.context);
        // The mirror looks for another source, and finds its own broadcast, which came from here.
        guard.producer().abort(make_error_code(Error::Dropped));
        settle_down(origins.context);
        CHECK(reader.done());
    }
    settle_down(origins.context);
    CHECK(origins.answer(0) == Error::NotFound);
    CHECK(origins.answer(1) == Error::NotFound);
    CHECK(origins.pending() == 0);
}

}  // namespace proxy_rings_tests
