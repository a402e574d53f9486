// Work that ends when nobody needs it any more.
#include <comoq/comoq.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

#include <chrono>
#include <exception>
#include <fmt/core.h>
#include <optional>
#include <system_error>
#include <utility>

using namespace std::chrono_literals;

// [tick]
asio::awaitable<void> tick(comoq::TrackProducer track) {
    for (int count = 0;; ++count) {
        track.write_frame(comoq::Bytes::copy(fmt::format("tick {}", count)));
        co_await comoq::sleep_for(10ms);
    }
}
// [tick]

// [serve_one]
asio::awaitable<void> serve_one(comoq::OriginProducer origin, comoq::BroadcastRequest request) {
    auto broadcast = origin.make_broadcast();
    auto ticks = broadcast.create_track("ticks");
    if (!request.accept(broadcast.consume())) co_return;
    co_await comoq::first_of(tick(ticks), broadcast.unused());
    fmt::print("{} has no viewer any more\n", request.path());
}
// [serve_one]

// [serve]
asio::awaitable<void> serve(comoq::OriginProducer origin) {
    auto handler = origin.dynamic();
    const auto body = [&](comoq::TaskGroup &tasks) -> asio::awaitable<void> {
        while (auto request = co_await handler.requested_broadcast()) tasks.spawn(serve_one(origin, std::move(*request)));
    };
    co_await comoq::with_task_group(body);
}
// [serve]

asio::awaitable<void> watch(comoq::OriginConsumer origin, int count) {
    auto broadcast = co_await origin.request_broadcast("clock");
    auto ticks = co_await broadcast.track("ticks").subscribe();
    for (int i = 0; i < count; ++i) {
        if (auto frame = co_await ticks.read_frame()) fmt::print("{}\n", frame->payload.view());
    }
}

asio::awaitable<void> on_demand() {
    comoq::Origin origin;
    // [body]
    const auto body = [&](comoq::TaskGroup &tasks) -> asio::awaitable<void> {
        tasks.spawn(serve(origin.producer()));
        co_await watch(origin.consumer(), 2);
        co_await comoq::sleep_for(100ms);
        fmt::print("served: {}\n", origin.stats().served);
        tasks.cancel();
    };
    co_await comoq::with_task_group(body);
    // [body]
}

// [while_watched]
asio::awaitable<void> tick_while_watched(comoq::TrackProducer track) {
    for (;;) {
        co_await track.used();
        fmt::print("{}: somebody watches\n", track.name());
        co_await comoq::first_of(tick(track), track.unused());
        fmt::print("{}: nobody watches\n", track.name());
    }
}
// [while_watched]

asio::awaitable<void> watch_twice(comoq::TrackConsumer track) {
    for (int i = 0; i < 2; ++i) {
        {
            auto ticks = co_await track.subscribe();
            co_await ticks.read_frame();
        }
        co_await comoq::sleep_for(20ms);
    }
}

asio::awaitable<void> announced() {
    comoq::Origin origin;
    auto clock = origin.producer().create_broadcast("clock");
    auto ticks = clock.producer().create_track("ticks");
    co_await comoq::first_of(tick_while_watched(ticks), watch_twice(ticks.consume()));
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
    auto ticks = broadcast.create_track("ticks");
    const auto nobody_answers = ticks.dynamic();
    co_await fetch_old(ticks.consume());
}

// [limit]
asio::awaitable<void> record(comoq::BroadcastConsumer broadcast, int &frames) {
    auto ticks = co_await broadcast.track("ticks").subscribe();
    while (auto frame = co_await ticks.read_frame()) ++frames;
}

asio::awaitable<void> record_for(comoq::BroadcastConsumer broadcast, std::chrono::milliseconds time) {
    int frames = 0;
    co_await comoq::first_of(record(broadcast, frames), comoq::sleep_for(time));
    fmt::print("recorded: {}\n", frames > 0);
}
// [limit]

asio::awaitable<void> recorded() {
    comoq::BroadcastProducer broadcast;
    auto ticks = broadcast.create_track("ticks");
    co_await comoq::first_of(tick(ticks), record_for(broadcast.consume(), 50ms));
    fmt::print("subscribers: {}\n", ticks.stats().subscribers);
}

// [shout]
asio::awaitable<void> shout(comoq::OriginConsumer from, comoq::OriginProducer to) {
    comoq::ProxyConfig config;
    config.transform = [](comoq::ProxiedFrame, comoq::Frame frame) -> asio::awaitable<std::optional<comoq::Frame>> {
        co_return comoq::Frame(frame.timestamp, fmt::format("{}!", frame.payload.view()));
    };
    co_await comoq::proxy(from, to, to.dynamic(), config);
}
// [shout]

asio::awaitable<void> transformed() {
    comoq::Origin origin, loud;
    auto clock = origin.producer().create_broadcast("clock");
    auto ticks = clock.producer().create_track("ticks");
    ticks.write_frame(comoq::Bytes::copy("tick"));
    co_await comoq::first_of(shout(origin.consumer(), loud.producer()), watch(loud.consumer(), 1));
}

asio::awaitable<void> show() {
    co_await on_demand();
    co_await announced();
    co_await fetch_in_vain();
    co_await recorded();
    co_await transformed();
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
