#pragma once
#include "broadcast.hpp"
#include "detail/event.hpp"
#include "detail/lease.hpp"
#include "detail/proxy_track.hpp"
#include "detail/proxy_upstream.hpp"
#include "origin.hpp"
#include "origin_dynamic.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/multiple_exceptions.hpp>
#include <asio/this_coro.hpp>

#include <exception>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq {

// One broadcast served by another: what a relay is made of. Tracks, groups, datagrams and groups by number are asked for
// upstream when they are asked for here, once however many ask, and come with the same numbers, infos and codes. What
// subscribers want is passed up as it changes; when the last one leaves a track, so does the proxy. A group that was begun
// is still brought to its end, and payloads are shared, not copied. Who subscribes to a track that nobody else reads begins
// where upstream is when the proxy's executor comes to it.
//
// When the upstream broadcast fails (it closes with a code) and there is an origin to ask again, the tracks go on with
// what that gives, at the group after the latest; readers see no more than the failure of the groups that were under way.
// Without another one they get the code, and so they do when one track fails and its broadcast goes on. A clean end is
// passed on as such. Three broadcasts in a row that fail before they gave anything are the end of it.
//
// Each of these returns when there is nothing left to answer; tracks that are read then go on by themselves, and end when
// upstream does or their last subscriber has left. They throw only `operation_aborted`, when they are cancelled. Threads:
// they and what they start run on the executor of the awaiting coroutine, which must be a strand if its context is run by
// several threads.
//
// They are templates only so that nobody compiles them who does not call them; the tag is always void.

namespace detail {

template <class Tag = void>
asio::awaitable<void> proxy_end(std::shared_ptr<ProxyUpstream> upstream, BroadcastProducer to) {
    using namespace asio::experimental::awaitable_operators;
    for (;;) {
        const auto source = upstream->current();
        upstream->changed().clear();
        auto first = co_await (source.closed() || upstream->changed().wait());
        if (first.index() != 0 || upstream->current() != source) continue;
        const auto code = std::get<0>(first);
        if (!code) {
            to.finish();
            co_return;
        }
        const auto next = co_await upstream->another_than(source);
        if (next) continue;
        to.abort(code);
        co_return;
    }
}

template <class Tag = void>
asio::awaitable<void> proxy_tracks(std::shared_ptr<ProxyUpstream> upstream, BroadcastDynamic handler,
                                   BroadcastConsumer to, std::weak_ptr<BroadcastState> given) {
    const auto executor = co_await asio::this_coro::executor;
    while (auto request = co_await handler.requested_track()) {
        auto track = std::make_shared<ProxyTrack<Tag>>(upstream, to, given, request->name());
        asio::co_spawn(executor, ProxyTrack<Tag>::serve(std::move(track), std::move(*request)), asio::detached);
    }
}

/// Each || makes one failure of all that it had.
[[noreturn]] inline void rethrow_first(const asio::multiple_exceptions &all) {
    try {
        std::rethrow_exception(all.first_exception());
    } catch (const asio::multiple_exceptions &inner) {
        rethrow_first(inner);
    }
}

/// Until upstream ends, or `let_go` is over. A subscribed track keeps `given`, if anybody has it.
template <class Tag = void>
asio::awaitable<void> proxy(std::shared_ptr<ProxyUpstream> upstream, BroadcastProducer to, BroadcastDynamic handler,
                            std::weak_ptr<BroadcastState> given, asio::awaitable<void> let_go) {
    using namespace asio::experimental::awaitable_operators;
    auto tracks = proxy_tracks(upstream, std::move(handler), to.consume(), std::move(given));
    auto end = proxy_end(std::move(upstream), std::move(to));
    try {
        co_await (std::move(tracks) || std::move(end) || std::move(let_go));
    } catch (const asio::multiple_exceptions &all) {
        rethrow_first(all);
    }
}

template <class Tag = void> asio::awaitable<void> never() {
    Event event;
    co_await event.wait();
}

/// Until nobody has the broadcast, nor waits for a track of it.
template <class Tag = void>
asio::awaitable<void> until_let_go(std::shared_ptr<ProxyUpstream> upstream, BroadcastProducer to, Lease lease) {
    co_await lease.over();
    while (upstream->answered().clear(), to.stats().pending != 0) co_await upstream->answered().wait();
}

/// The same until nobody has the broadcast any more that was given to others, which is all that could be asked for anything.
template <class Tag = void>
asio::awaitable<void> proxy_while_held(std::shared_ptr<ProxyUpstream> upstream, BroadcastProducer to,
                                       BroadcastDynamic handler, Lease lease) {
    auto given = lease.held();
    auto let_go = until_let_go(upstream, to, std::move(lease));
    co_await proxy(std::move(upstream), to, std::move(handler), std::move(given), std::move(let_go));
    to.finish();
}

}  // namespace detail

/// Serves `to` from `from`, and ends it when that ends. What is asked for from the call on, before anything is awaited,
/// is served, too.
template <class Tag = void>
asio::awaitable<void> proxy(BroadcastConsumer from, BroadcastProducer to) {
    auto handler = to.dynamic();
    auto upstream = std::make_shared<detail::ProxyUpstream>(std::move(from));
    return detail::proxy(std::move(upstream), std::move(to), std::move(handler), {}, detail::never());
}

/// Answers a request with a broadcast of `to`, served from the same (absolute) path at `from`, which is asked again when
/// what it gave fails. What it refuses the request with is what the request is refused with. It ends when nobody has the
/// broadcast any more. `from` must not be of the origin that the request came from: that would ask itself.
///
/// Of several origins the first is asked that gives something. If that knows none of the tracks that are asked for, the next
/// one is; the first to know one is who serves the broadcast.
template <class Tag = void>
asio::awaitable<void> proxy(std::vector<OriginConsumer> from, OriginProducer to, BroadcastRequest request) {
    using namespace asio::experimental::awaitable_operators;
    const auto upstream =
        std::make_shared<detail::ProxyUpstream>(std::move(from), std::string(request.absolute_path().view()));
    while (!upstream->current()) {
        auto first = co_await (upstream->ask() || request.abandoned());
        if (first.index() != 0) {
            // Somebody may have come since the last one left.
            if (request.abandoned().ready()) co_return;
            continue;
        }
        const auto code = std::get<0>(first);
        if (code) {
            request.reject(code);
            co_return;
        }
    }
    auto broadcast = to.make_broadcast(upstream->current().info());
    // The origin is not kept for the sake of one of its broadcasts.
    {
        const auto released = std::move(to);
    }
    auto handler = broadcast.dynamic();
    detail::Lease lease(broadcast.consume());
    {
        // It has the answer, too, and is not kept.
        auto settled = std::move(request);
        // Something else may have answered meanwhile, an announcement for instance.
        if (!settled.accept(lease.give())) co_return;
    }
    co_await detail::proxy_while_held(upstream, std::move(broadcast), std::move(handler), std::move(lease));
}
template <class Tag = void>
asio::awaitable<void> proxy(OriginConsumer from, OriginProducer to, BroadcastRequest request) {
    return proxy(std::vector<OriginConsumer>{std::move(from)}, std::move(to), std::move(request));
}

/// A relay: answers all that `handler` is asked for, with broadcasts of `to` served from the same paths at `from`, another
/// origin, or several. It ends with the origin of `handler`; where `to` is of that same origin it keeps it, so cancel this to
/// end it.
template <class Tag = void>
asio::awaitable<void> proxy(std::vector<OriginConsumer> from, OriginProducer to, OriginDynamic handler) {
    const auto executor = co_await asio::this_coro::executor;
    while (auto request = co_await handler.requested_broadcast())
        asio::co_spawn(executor, proxy(from, to, std::move(*request)), asio::detached);
}
template <class Tag = void>
asio::awaitable<void> proxy(OriginConsumer from, OriginProducer to, OriginDynamic handler) {
    return proxy(std::vector<OriginConsumer>{std::move(from)}, std::move(to), std::move(handler));
}

}  // namespace comoq
