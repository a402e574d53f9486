#include "relay.hpp"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/this_coro.hpp>
#include <system_error>
#include <utility>

namespace {

using asio::awaitable;

awaitable<void> relay_group(comoq::GroupConsumer source, comoq::GroupProducer copy) {
    try {
        while (auto frame = co_await source.read_frame()) {
            copy.write_frame(frame->payload, frame->timestamp);  // shares the payload, copies no byte of it
        }
        copy.finish();
    } catch (const std::system_error &error) {
        copy.abort(error.code());  // one group failed; its track goes on
    }
}

// Subscribes upstream once, however many subscribe here.
awaitable<void> relay_track(comoq::BroadcastConsumer broadcast, comoq::TrackRequest request) {
    auto track = broadcast.track(request.name());
    auto [ec, info] = co_await track.info().as_tuple();
    if (ec) {
        request.reject(ec);
        co_return;
    }
    auto copy = request.accept(info);
    try {
        comoq::Subscription whole;
        whole.start = 0;  // whoever subscribes here later can ask for the first group too
        auto source = co_await track.subscribe(whole);
        while (auto group = co_await source.next_group()) {
            auto copied = copy.create_group(group->sequence());
            co_await relay_group(std::move(*group), std::move(copied));
        }
        copy.finish();
    } catch (const std::system_error &error) {
        copy.abort(error.code());
    }
    // A track that has ended stays for those who come late, until the broadcast is over.
    co_await broadcast.closed();
}

awaitable<void> end_together(comoq::BroadcastConsumer source, comoq::BroadcastProducer copy) {
    auto cause = co_await source.closed();
    if (cause) {
        copy.abort(cause);
    } else {
        copy.finish();
    }
}

awaitable<void> relay_broadcast(comoq::OriginProducer edge, comoq::OriginConsumer upstream,
                                comoq::BroadcastRequest request, std::atomic<std::size_t> &fetches) {
    ++fetches;
    auto [ec, source] = co_await upstream.request_broadcast(request.absolute_path().view()).as_tuple();
    if (ec) {
        request.reject(ec);  // each viewer gets the very code that upstream gave
        co_return;
    }
    auto copy = edge.make_broadcast(source.info());
    auto tracks = copy.dynamic();
    request.accept(copy.consume());

    auto executor = co_await asio::this_coro::executor;
    asio::co_spawn(executor, end_together(source, copy), asio::detached);
    while (auto track = co_await tracks.requested_track()) {
        asio::co_spawn(executor, relay_track(source, std::move(*track)), asio::detached);
    }
}

}  // namespace

asio::awaitable<void> relay(comoq::OriginProducer edge, comoq::OriginDynamic handler, comoq::OriginConsumer upstream,
                            std::atomic<std::size_t> &fetches) {
    auto executor = co_await asio::this_coro::executor;
    while (auto request = co_await handler.requested_broadcast()) {
        asio::co_spawn(executor, relay_broadcast(edge, upstream, std::move(*request), fetches), asio::detached);
    }
}
