// An origin's memory and its costs: rules 7 and 9 of section 5, and the allocations of a look-up and of a request.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <comoq/origin.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/endurance.hpp"
#include "support/origin_fixture.hpp"
#include "support/run.hpp"

namespace origin_bounds_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// Asks for a path, serves it, and releases the broadcast.
void serve_once(const OriginConsumer &consumer, const OriginProducer &producer, OriginDynamic &handler,
                const std::string &path) {
    const auto asked = consumer.request_broadcast(path);
    auto request = take_request(handler).value();
    const auto broadcast = producer.make_broadcast();
    if (!request.accept(broadcast.consume()) || !asked.ready()) {
        throw std::logic_error("it was not served");
    }
}

/// Serves this many paths, each once. Returns by how many bytes the heap grew after the first thousand.
std::size_t growth_over_one_shot_paths(std::size_t count) {
    Origin origin;
    const auto producer = origin.producer();
    const auto consumer = origin.consumer();
    auto handler = producer.dynamic();
    std::size_t before = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (i == 1000) {
            before = live_bytes();
        }
        serve_once(consumer, producer, handler, "one-shot/paths/" + std::to_string(1'000'000 + i));
    }
    const auto after = live_bytes();
    const auto stats = origin.stats();
    CHECK(stats.served == 0);
    CHECK(stats.pending == 0);
    CHECK(stats.nodes == 0);
    return after > before ? after - before : 0;
}

std::string room(std::size_t number) { return "room/" + std::to_string(number) + "/alice"; }

void announce_rooms(const Origin &origin, const BroadcastProducer &broadcast, std::size_t count,
                    std::vector<OriginPublish> &guards) {
    while (guards.size() < count) {
        guards.push_back(origin.producer().publish_broadcast(room(guards.size()), broadcast.consume()));
    }
}

}  // namespace

// Rule 7

TEST_CASE("section 5 rule 7: a served broadcast is not kept alive, and vanishes when it closes", "[bounds]") {
    Origin origin;
    const auto producer = origin.producer();
    auto handler = producer.dynamic();
    auto asked = std::make_optional(origin.consumer().request_broadcast("a"));
    std::optional<BroadcastProducer> broadcast = producer.make_broadcast();
    const std::weak_ptr<detail::BroadcastState> state = broadcast->consume().state(detail::Passkey());
    CHECK(take_request(handler)->accept(broadcast->consume()));
    asked.reset();
    CHECK(origin.stats().served == 1);
    CHECK(now(origin.consumer().request_broadcast("a")) == broadcast->consume());
    SECTION("finished") { broadcast->finish(); }
    SECTION("aborted") { broadcast->abort(Error::Timeout); }
    SECTION("without its last producer") { broadcast.reset(); }
    CHECK(origin.stats().served == 0);
    CHECK_FALSE(origin.consumer().request_broadcast("a").ready());
    broadcast.reset();
    CHECK(state.expired());
}

TEST_CASE("section 5 rule 7: a broadcast that serves several paths is forgotten at all of them", "[bounds]") {
    Origin origin;
    auto handler = origin.producer().dynamic();
    auto broadcast = origin.producer().make_broadcast();
    for (const char *path : {"a", "a/b", "c"}) {
        const auto asked = origin.consumer().request_broadcast(path);
        CHECK(take_request(handler)->accept(broadcast.consume()));
    }
    CHECK(origin.stats().served == 3);
    broadcast.finish();
    CHECK(origin.stats().served == 0);
}

TEST_CASE("section 5 rule 7: answers that come too late leave nothing on the broadcast they gave", "[bounds]") {
    const Origin origin;
    auto handler = origin.producer().dynamic();
    const BroadcastProducer broadcast;
    std::size_t before = 0;
    for (int i = 0; i < 1000; ++i) {
        if (i == 10) {
            before = live_allocations();
        }
        auto waiting = wait(origin.consumer().request_broadcast("room/" + std::to_string(i)));
        auto request = now(handler.requested_broadcast()).value();
        CHECK(request.reject(Error::Timeout));
        CHECK_FALSE(request.accept(broadcast.consume()));
    }
    CHECK(live_allocations() <= before + 8);
}

TEST_CASE("section 5 rule 7, section 7: the table of served broadcasts does not grow by an entry for every one-shot path",
          "[bounds]") {
    CHECK(growth_over_one_shot_paths(30'000 * times_as_long()) < 1024);
}

TEST_CASE("section 5 rule 7: refused, dropped and abandoned requests leave nothing behind", "[bounds]") {
    Origin origin;
    const auto consumer = origin.consumer();
    auto handler = origin.producer().dynamic();
    std::size_t before = 0;
    for (std::size_t i = 0; i < 3000; ++i) {
        if (i == 1000) {
            before = live_allocations();
        }
        const auto path = room(i);
        auto asked = std::make_optional(consumer.request_broadcast(path));
        if (i % 4 == 0) {
            continue;
        }
        auto request = take_request(handler).value();
        if (i % 4 == 1) {
            request.reject(Error::Timeout);
        } else if (i % 4 == 2) {
            asked.reset();
        }
    }
    CHECK(live_allocations() == before);
    CHECK(origin.stats().pending == 0);
    CHECK(origin.stats().served == 0);
}

// Rule 9

TEST_CASE("section 5 rule 9: a request beyond max_pending_requests gets LimitReached, ready at once", "[bounds]") {
    Origin origin(OriginConfig{.id = 0, .max_pending_requests = 3});
    const auto consumer = origin.consumer();
    auto handler = origin.producer().dynamic();
    const auto refused = [&](const char *path) {
        auto asked = consumer.request_broadcast(path);
        return asked.ready() && code_now(std::move(asked)) == Error::LimitReached;
    };
    auto a = std::make_optional(consumer.request_broadcast("a"));
    const auto b = consumer.request_broadcast("b"), c = consumer.request_broadcast("c");
    CHECK(refused("d"));
    CHECK(origin.stats().pending == 3);

    const auto joined = consumer.request_broadcast("b");
    CHECK_FALSE(joined.ready());
    const auto made = origin.producer().create_broadcast("announced");
    CHECK_FALSE(code_now(consumer.request_broadcast("announced")));
    handler = origin.producer().with_root("d")->dynamic();
    CHECK(code_now(consumer.request_broadcast("e")) == Error::NotFound);
}

TEST_CASE("section 5 rule 9: a taken request counts until it is settled, and a queued one only while somebody waits",
          "[bounds]") {
    Origin origin(OriginConfig{.id = 0, .max_pending_requests = 1});
    const auto consumer = origin.consumer();
    auto handler = origin.producer().dynamic();
    auto asked = std::make_optional(consumer.request_broadcast("a"));
    const auto full = [&] { return code_now(consumer.request_broadcast("b")) == Error::LimitReached; };
    CHECK(full());
    asked.reset();
    asked = consumer.request_broadcast("a");
    CHECK(full());
    auto request = take_request(handler).value();
    CHECK(full());
    asked.reset();
    CHECK(full());
    CHECK(request.reject(Error::NotFound));
    CHECK_FALSE(consumer.request_broadcast("b").ready());
}

TEST_CASE("section 5 rule 9: 65,536 requests may be pending unless the config says otherwise", "[bounds]") {
    Origin origin;
    const auto consumer = origin.consumer();
    const auto handler = origin.producer().dynamic();
    std::vector<Pending<BroadcastConsumer>> asked;
    asked.reserve(65536);
    for (std::size_t i = 0; i < 65536; ++i) {
        asked.push_back(consumer.request_broadcast(std::to_string(i)));
    }
    CHECK_FALSE(asked.back().ready());
    CHECK(origin.stats().pending == 65536);
    CHECK(code_now(consumer.request_broadcast("x")) == Error::LimitReached);
    asked.pop_back();
    CHECK_FALSE(consumer.request_broadcast("x").ready());
    asked.clear();
    CHECK(origin.stats().pending == 0);
}

TEST_CASE("section 5 rule 9: a flood of requests for paths that nobody serves allocates nothing that outlives the call",
          "[bounds]") {
    Origin origin;
    const auto handler = origin.producer().with_root("served")->dynamic();
    const auto consumer = origin.consumer();
    std::vector<std::string> paths;
    for (std::size_t i = 0; i < 10'000; ++i) {
        paths.push_back("nobody/serves/this/path/" + std::to_string(i));
    }
    asio::io_context context;
    std::size_t made = 0, live = 0, refused = 0;
    run_inside(context, [&] {
        static_cast<void>(consumer.request_broadcast(paths[0]));
        const auto before = live_allocations();
        const AllocationCount count;
        for (const auto &path : paths) {
            refused += consumer.request_broadcast(path).ready();
        }
        made = count.made();
        live = live_allocations() - before;
    });
    CHECK(refused == paths.size());
    CHECK(live == 0);
    CHECK(made == 0);
    CHECK(origin.stats().pending == 0);
    CHECK(origin.stats().nodes == 0);
}

// Costs

TEST_CASE("request_broadcast of an announced path allocates nothing, however many are announced", "[bounds]") {
    Origin origin;
    const auto consumer = origin.consumer().with_root("room").value();
    const auto broadcast = broadcast_with_hops();
    std::vector<OriginPublish> guards;
    for (const std::size_t announced : {1u, 10'000u}) {
        announce_rooms(origin, broadcast, announced, guards);
        const auto path = room(announced / 2).substr(5);
        asio::io_context context;
        std::size_t made = 0, found = 0;
        const auto look_up = [&]() -> asio::awaitable<void> {
            for (int i = 0; i < 300; ++i) {
                found += (co_await consumer.request_broadcast(path)).is_closed() ? 0 : 1;
            }
            const AllocationCount count;
            for (int i = 0; i < 1000; ++i) {
                found += (co_await consumer.request_broadcast(path)).is_closed() ? 0 : 1;
            }
            made = count.made();
        };
        run_to_end(context, look_up());
        CHECK(found == 1300);
        CHECK(made == 0);
    }
}

// COMOQ_TEST_ENDURANCE=20 makes it a million, and prints the measurement.
TEST_CASE("the cost of a look-up does not grow with the number of announced paths", "[bounds]") {
    const std::size_t many = 50'000 * times_as_long();
    Origin origin;
    const auto consumer = origin.consumer();
    const auto broadcast = broadcast_with_hops();
    std::vector<OriginPublish> guards;
    std::vector<double> costs;
    for (const std::size_t announced : {std::size_t{1'000}, many}) {
        announce_rooms(origin, broadcast, announced, guards);
        std::vector<std::string> paths;
        for (std::size_t i = 0; i < 1000; ++i) {
            paths.push_back(room(i * 7919 % announced));
        }
        asio::io_context context;
        // The least of ten measurements: the machine may do something else during some of them.
        constexpr std::size_t measurements = 10;
        const std::size_t rounds = many * 2 / measurements;
        const auto look_up = [&](std::size_t distinct) -> asio::awaitable<void> {
            double least = std::numeric_limits<double>::max();
            for (std::size_t measurement = 0; measurement < measurements; ++measurement) {
                const auto start = std::chrono::steady_clock::now();
                std::size_t found = 0;
                for (std::size_t i = 0; i < rounds; ++i) {
                    found += (co_await consumer.request_broadcast(paths[i % distinct])).is_closed() ? 0 : 1;
                }
                const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
                least = std::min(least, took.count() / static_cast<double>(rounds));
                CHECK(found == rounds);
            }
            costs.push_back(least);
        };
        for (const std::size_t distinct : {1u, 1000u}) {
            run_to_end(context, look_up(distinct));
            if (times_as_long() > 1) {
                fmt::print("{} announced, {} of them asked for in turn: {:.0f} ns a look-up\n", announced, distinct,
                           costs.back());
            }
        }
    }
    // A look-up that visits every path would cost fifty times as much.
    CHECK(costs[2] < 10 * costs[0]);
    CHECK(costs[3] < 10 * costs[1]);
}

namespace {

/// Requests that a handler accepts, one after the other, each with a broadcast that was made before. Returns the
/// allocations from each request to the resumption of the requester.
std::vector<std::size_t> allocations_of_round_trips(const std::string &prefix, std::size_t count) {
    Origin origin;
    const auto consumer = origin.consumer();
    auto handler = std::make_optional(origin.producer().dynamic());
    std::vector<BroadcastProducer> broadcasts(count);
    std::vector<std::string> paths;
    for (std::size_t i = 0; i < count; ++i) {
        paths.push_back(prefix + std::to_string(1000 + i));
    }
    asio::io_context context;
    std::vector<std::size_t> made;
    made.reserve(count);
    const auto serve = [&]() -> asio::awaitable<void> {
        for (std::size_t i = 0; auto request = co_await handler->requested_broadcast(); ++i) {
            request->accept(broadcasts[i].consume());
        }
    };
    const auto ask = [&]() -> asio::awaitable<void> {
        for (std::size_t i = 0; i < count; ++i) {
            const AllocationCount allocations;
            const auto broadcast = co_await consumer.request_broadcast(paths[i]);
            made.push_back(allocations.made());
            broadcasts[i].finish();
        }
        handler.reset();
    };
    asio::co_spawn(context, serve(), asio::detached);
    run_to_end(context, ask());
    CHECK(origin.stats().served == 0);
    return made;
}

}  // namespace

TEST_CASE("a request, its accept and the resumption make a small constant number of allocations", "[bounds]") {
    // For a path that fits into a string: the request, and the record of the broadcast. A longer one costs its text in
    // both.
    const std::size_t short_path = 2, long_path = 2 + 2;
    auto made = allocations_of_round_trips("a/", 200);
    CHECK(made.back() == short_path);
    CHECK(std::count(made.begin() + 100, made.end(), made.back()) >= 98);
    made = allocations_of_round_trips("a/path/that/does/not/fit/into/a/string/", 200);
    CHECK(made.back() == long_path);
    CHECK(std::count(made.begin() + 100, made.end(), made.back()) >= 98);
}

}
