// A viewer requests a broadcast that nobody announced, and a handler makes it. The viewer does not learn which handler
// answers; the handler learns the path, and not who asked. Both run on one asio::io_context here; on a pool of threads,
// give each coroutine a strand.
#include <comoq/comoq.hpp>

#include <asio/co_spawn.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>
#include <exception>
#include <fmt/core.h>
#include <utility>

// Makes one broadcast, and ends it when its last viewer has gone.
asio::awaitable<void> greet(comoq::OriginProducer origin, comoq::BroadcastRequest request) {
    auto broadcast = origin.make_broadcast();
    auto track = broadcast.create_track("greeting");
    track.write_frame(comoq::Bytes::copy(fmt::format("hello from {}", request.path())));
    request.accept(broadcast.consume());
    co_await broadcast.unused();
}

// Answers requests for what nobody announced, side by side.
asio::awaitable<void> serve(comoq::OriginProducer origin) {
    auto handler = origin.dynamic();
    const auto body = [&](comoq::TaskGroup &tasks) -> asio::awaitable<void> {
        while (auto request = co_await handler.requested_broadcast()) tasks.spawn(greet(origin, std::move(*request)));
    };
    co_await comoq::with_task_group(body);
}

asio::awaitable<void> watch(comoq::OriginConsumer origin) {
    auto broadcast = co_await origin.request_broadcast("room/42/alice");
    auto greeting = co_await broadcast.track("greeting").subscribe();
    if (auto frame = co_await greeting.read_frame()) fmt::print("{}\n", frame->payload.view());
}

int main() {
    using namespace asio::experimental::awaitable_operators;
    try {
        asio::io_context context;
        comoq::Origin origin;
        // The program ends with its viewer: `||` cancels the handler then.
        auto over = asio::co_spawn(context, serve(origin.producer()) || watch(origin.consumer()), asio::use_future);
        context.run();
        over.get();
    } catch (const std::exception &error) {
        fmt::print(stderr, "request_broadcast: {}\n", error.what());
        return 1;
    }
}
