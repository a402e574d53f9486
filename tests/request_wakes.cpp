// A request that only one handler can take wakes one that waits, at each of the three levels, and nothing is lost when
// that one does not take it.
#include <comoq/comoq.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <asio/bind_executor.hpp>
#include <asio/io_context.hpp>

#include "support/catch.hpp"
#include "support/plain_task.hpp"
#include "support/seed.hpp"
#include "support/settle.hpp"

namespace request_wakes_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

// The three levels, each with a handler, a way to wait for a request and a way to make one.

struct Broadcasts {
    Origin origin;
    OriginDynamic handler = origin.producer().dynamic();

    auto next() { return handler.requested_broadcast(); }
    auto ask(std::size_t i) { return origin.consumer().request_broadcast("p" + std::to_string(i)); }
};

struct Tracks {
    BroadcastProducer broadcast;
    BroadcastDynamic handler = broadcast.dynamic();

    auto next() { return handler.requested_track(); }
    auto ask(std::size_t i) { return broadcast.consume().track("t" + std::to_string(i)).subscribe(); }
};

struct Groups {
    BroadcastProducer broadcast;
    TrackProducer track = broadcast.create_track("video");
    TrackDynamic handler = track.dynamic();

    auto next() { return handler.requested_group(); }
    auto ask(std::size_t i) { return track.consume().fetch_group(i); }
};

/// Waits on a context of its own, and counts those that got a request.
template <class Level> void wait_on(asio::io_context &context, Level &level, int &got) {
    level.next().async_wait(
        asio::bind_executor(context, [&got](std::error_code, auto request) { got += request.has_value() ? 1 : 0; }));
}
std::size_t run(asio::io_context &context) {
    context.restart();
    return context.poll();
}

template <class Level> PlainTask wait_plainly(Level &level, int &got) {
    while (auto request = co_await level.next()) {
        ++got;
    }
}

}  // namespace

TEMPLATE_TEST_CASE("D9: a request wakes one handler, however many wait", "[wakes]", Broadcasts, Tracks, Groups) {
    TestType level;
    asio::io_context context;
    int got = 0;
    for (int i = 0; i < 1000; ++i) {
        wait_on(context, level, got);
    }
    run(context);
    for (std::size_t i = 0; i < 5; ++i) {
        const auto asked = level.ask(i);
        CHECK(run(context) == 1);
        CHECK(got == static_cast<int>(i + 1));
    }
    const auto one = level.ask(5), another = level.ask(6);
    run(context);
    CHECK(got == 7);
}

TEMPLATE_TEST_CASE("D9: a request that woke a handler goes to another one if that handler is cancelled", "[wakes]", Broadcasts,
                   Tracks, Groups) {
    TestType level;
    auto first = wait(level.next());
    auto second = wait(level.next()), third = wait(level.next());
    const auto asked = level.ask(0);
    // It has been woken, and has not run yet.
    first.cancel();
    CHECK(first.code() == asio::error::operation_aborted);
    CHECK(second.done());
    CHECK_FALSE(third.done());
}

TEMPLATE_TEST_CASE("D9: a request that woke a handler goes to another one if that handler's context is gone", "[wakes]",
                   Broadcasts, Tracks, Groups) {
    TestType level;
    auto gone = std::make_unique<asio::io_context>();
    asio::io_context context;
    int got = 0, never = 0;
    wait_on(*gone, level, never);
    wait_on(context, level, got);
    const auto asked = level.ask(0);
    gone.reset();
    run(context);
    CHECK(got == 1);
    CHECK(never == 0);
}

TEMPLATE_TEST_CASE("D9: a request that comes while its taker is busy goes to another one", "[wakes]", Broadcasts, Tracks,
                   Groups) {
    TestType level;
    asio::io_context context;
    int got = 0, also = 0;
    wait_on(context, level, got);
    const auto first = level.ask(0);
    // Not woken for the second request, since nobody waits: the next handler finds it.
    const auto second = level.ask(1);
    run(context);
    CHECK(got == 1);
    auto task = wait_plainly(level, also);
    CHECK(also == 1);
    const auto third = level.ask(2);
    CHECK(also == 2);
}

TEMPLATE_TEST_CASE("D9: in any history no request is left while a handler waits", "[wakes]",
                   Broadcasts, Tracks, Groups) {
    std::mt19937_64 random(seed("request_wakes"));
    for (int round = 0; round < 200; ++round) {
        TestType level;
        asio::io_context contexts[3];
        using Next = decltype(level.next());
        std::vector<std::unique_ptr<asio::cancellation_signal>> signals;
        std::vector<decltype(level.ask(0))> asked;
        int waiting = 0, got = 0;
        std::size_t made = 0;
        for (int step = 0; step < 40; ++step) {
            switch (random() % 5) {
            case 0: {
                signals.push_back(std::make_unique<asio::cancellation_signal>());
                Next next = level.next();
                ++waiting;
                next.async_wait(asio::bind_cancellation_slot(
                    signals.back()->slot(),
                    asio::bind_executor(contexts[random() % 3], [&waiting, &got](std::error_code code, auto request) {
                        --waiting;
                        got += !code && request ? 1 : 0;
                    })));
                break;
            }
            case 1: asked.push_back(level.ask(made++)); break;
            case 2:
                if (!signals.empty()) {
                    signals[random() % signals.size()]->emit(asio::cancellation_type::terminal);
                }
                break;
            default: run(contexts[random() % 3]);
            }
        }
        // A handler that is woken on one context may wake another.
        for (int i = 0; i < 50; ++i) {
            run(contexts[i % 3]);
        }
        CHECK((waiting == 0 || got == static_cast<int>(made)));
        signals.clear();
    }
}

TEST_CASE("D9: a request wakes one handler, whatever their number and their prefixes", "[wakes]") {
    Origin origin;
    asio::io_context context;
    std::vector<OriginDynamic> handlers;
    int got = 0;
    for (int i = 0; i < 300; ++i) {
        handlers.push_back(i % 2 == 0 ? origin.producer().dynamic() : origin.producer().with_root("a")->dynamic());
        handlers.back().requested_broadcast().async_wait(
            asio::bind_executor(context, [&got](std::error_code, auto request) { got += request.has_value() ? 1 : 0; }));
    }
    const auto wide = origin.consumer().request_broadcast("b"), narrow = origin.consumer().request_broadcast("a/b");
    CHECK(run(context) == 2);
    CHECK(got == 2);
}

TEST_CASE("D9: handlers of one prefix take turns", "[wakes]") {
    Origin origin;
    auto one = origin.producer().dynamic(), another = origin.producer().dynamic();
    asio::io_context context;
    int first = 0, second = 0;
    for (int i = 0; i < 2; ++i) {
        one.requested_broadcast().async_wait(asio::bind_executor(context, [&](std::error_code, auto) { ++first; }));
        another.requested_broadcast().async_wait(asio::bind_executor(context, [&](std::error_code, auto) { ++second; }));
    }
    const auto a = origin.consumer().request_broadcast("a"), b = origin.consumer().request_broadcast("b");
    run(context);
    CHECK(first == 1);
    CHECK(second == 1);
}

TEST_CASE("D9: a request that moves to another lane wakes a handler that covers it there", "[wakes]") {
    Origin origin;
    const auto producer = origin.producer();
    asio::io_context context;
    int wide_got = 0;
    auto wide = producer.dynamic();
    wide.requested_broadcast().async_wait(
        asio::bind_executor(context, [&](std::error_code, auto request) { wide_got += request.has_value() ? 1 : 0; }));
    std::optional narrow = producer.with_root("a")->dynamic();
    const auto asked = origin.consumer().request_broadcast("a/b");
    CHECK(run(context) == 0);
    SECTION("when the more specific handler goes") {
        narrow.reset();
        run(context);
        CHECK(wide_got == 1);
    }
    SECTION("when one of two handlers that were woken for it goes") {
        int other_got = 0;
        auto other = producer.with_root("a")->dynamic();
        auto ends = wait(narrow->requested_broadcast());  // takes it, being ready
        CHECK(ends.done());
        auto waits = wait(narrow->requested_broadcast());
        other.requested_broadcast().async_wait(
            asio::bind_executor(context, [&](std::error_code, auto request) { other_got += request.has_value() ? 1 : 0; }));
        const auto second = origin.consumer().request_broadcast("a/c");
        narrow.reset();
        run(context);
        CHECK(waits.done());
        CHECK(other_got + (std::get<1>(waits.outcome()).has_value() ? 1 : 0) == 1);
        CHECK(wide_got == 0);
    }
}

}
