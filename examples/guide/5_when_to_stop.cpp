// A clock that ticks while somebody watches, viewers that come and go, and waits that end.
#include <comoq/comoq.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_future.hpp>

#include <chrono>
#include <exception>
#include <fmt/core.h>
#include <string>
#include <system_error>
#include <utility>

using namespace std::chrono_literals;

asio::awaitable<void> tick(comoq::TrackProducer track) {
    for (int count = 0;; ++count) {
        track.write_frame(comoq::Bytes::copy(fmt::format("tick {}", count)));
        co_await comoq::sleep_for(10ms);
    }
}

// [serve_one]
asio::awaitable<void> serve_one(comoq::OriginProducer origin, comoq::BroadcastRequest request) {
    auto broadcast = origin.make_broadcast();
    auto ticks = broadcast.create_track("ticks");
    if (!request.accept(broadcast.consume())) co_return;
    co_await comoq::first_of(tick(ticks), broadcast.unused());
}
// [serve_one]

// [while_watched]
asio::awaitable<void> tick_while_watched(comoq::TrackProducer track) {
    for (;;) {
        co_await track.used();
        co_await comoq::first_of(tick(track), track.unused());
        fmt::print("nobody watches {}\n", track.name());
    }
}
// [while_watched]

// [serve_all]
asio::awaitable<void> serve(comoq::OriginProducer origin) {
    auto handler = origin.dynamic();
    const auto body = [&](comoq::TaskGroup &tasks) -> asio::awaitable<void> {
        while (auto request = co_await handler.requested_broadcast()) tasks.spawn(serve_one(origin, std::move(*request)));
    };
    co_await comoq::with_task_group(body);
}
// [serve_all]

asio::awaitable<void> watch(comoq::OriginConsumer origin, std::string path, int count) {
    auto broadcast = co_await origin.request_broadcast(path);
    auto ticks = co_await broadcast.track("ticks").subscribe();
    for (int i = 0; i < count; ++i) {
        auto frame = co_await ticks.read_frame();
        if (!frame) co_return;
        fmt::print("{}: {}\n", path, frame->payload.view());
    }
}

// [timeout]
asio::awaitable<void> fetch_old(comoq::TrackConsumer track) {
    try {
        auto group = co_await comoq::with_timeout(track.fetch_group(7), 50ms);
        fmt::print("group {} is here\n", group.sequence());
    } catch (const std::system_error &error) {
        if (error.code() != comoq::Error::Timeout) throw;
        fmt::print("group 7 did not come within 50 ms\n");
    }
}
// [timeout]

asio::awaitable<void> fetch_in_vain() {
    comoq::BroadcastProducer broadcast;
    auto track = broadcast.create_track("ticks");
    const auto nobody_answers = track.dynamic();
    co_await fetch_old(track.consume());
}

asio::awaitable<void> watch_one_track() {
    comoq::BroadcastProducer broadcast;
    auto track = broadcast.create_track("ticks");
    const auto viewer = [&]() -> asio::awaitable<void> {
        auto ticks = co_await track.consume().subscribe();
        if (auto frame = co_await ticks.read_frame()) fmt::print("one track: {}\n", frame->payload.view());
    };
    // [join]
    comoq::TaskGroup tasks(co_await asio::this_coro::executor);
    tasks.spawn(tick_while_watched(track));
    co_await viewer();
    co_await track.unused();
    co_await comoq::sleep_for(1ms);
    tasks.cancel();
    co_await tasks.join();
    fmt::print("{} tasks are left\n", tasks.size());
    // [join]
}

asio::awaitable<void> show() {
    comoq::Origin origin;
    // [limit]
    const auto body = [&](comoq::TaskGroup &tasks) -> asio::awaitable<void> {
        tasks.spawn(serve(origin.producer()));
        co_await watch(origin.consumer(), "clock", 2);
        co_await comoq::sleep_for(100ms);
        fmt::print("served: {}\n", origin.stats().served);
        tasks.cancel();
    };
    co_await comoq::with_task_group(body);
    // [limit]
    co_await watch_one_track();
    co_await fetch_in_vain();
}

int main() {
    try {
        asio::io_context context;
        auto over = asio::co_spawn(context, show(), asio::use_future);
        context.run();
        over.get();
    } catch (const std::exception &error) {
        fmt::print(stderr, "5_when_to_stop: {}\n", error.what());
        return 1;
    }
    return 0;
}
