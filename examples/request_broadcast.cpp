// The smallest program: a consumer requests a broadcast that nobody announced, and a handler makes it on the spot.
//
// The consumer does not learn which handler answers; the handler does not learn who asked, or how many did. Both run on
// one asio::io_context here; the same code works on a pool of threads.
#include <comoq/comoq.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>
#include <exception>
#include <fmt/core.h>

asio::awaitable<void> serve(comoq::OriginDynamic handler) {
    auto request = co_await handler.requested_broadcast();
    if (!request) {
        co_return;  // the origin is gone
    }
    comoq::BroadcastProducer broadcast;
    auto track = broadcast.create_track("greeting");
    request->accept(broadcast.consume());

    // A broadcast ends with its producer, so keep the producer while somebody reads.
    co_await track.used();
    track.write_frame(comoq::Bytes::copy("hello from a broadcast that was made for you"));
    co_await track.unused();
}

asio::awaitable<void> watch(comoq::OriginConsumer origin) {
    auto broadcast = co_await origin.request_broadcast("room/42/alice");
    auto greeting = co_await broadcast.track("greeting").subscribe();
    if (auto frame = co_await greeting.read_frame()) {
        fmt::print("{}\n", frame->payload.view());
    }
}

int main() {
    try {
        asio::io_context context;
        comoq::Origin origin;

        // Make the handler before the request: without one the answer would be Error::NotFound at once.
        auto served = asio::co_spawn(context, serve(origin.producer().dynamic()), asio::use_future);
        auto watched = asio::co_spawn(context, watch(origin.consumer()), asio::use_future);
        context.run();
        served.get();
        watched.get();
    } catch (const std::exception &error) {
        fmt::print(stderr, "request_broadcast: {}\n", error.what());
        return 1;
    }
}
