// SPDX-License-Identifier: MIT
#pragma once
#include "../../broadcast.hpp"
#include "../../first_of.hpp"
#include "../../task_group.hpp"
#include "../wait/code_of.hpp"
#include "../wait/take_each.hpp"
#include "followed_route.hpp"
#include "lease.hpp"
#include "proxy_track.hpp"
#include "proxy_upstream.hpp"

#include <asio/awaitable.hpp>
#include <asio/this_coro.hpp>

#include <exception>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::detail {

/// Whose route the broadcast has that is served: the one upstream's, whatever becomes of that, or one that somebody else
/// gives it.
enum class ProxiedRoute { Followed, GivenElsewhere };

/// A broadcast that is served from upstream, and its running tasks.
struct ProxiedBroadcast {
    ProxiedBroadcast(std::shared_ptr<ProxyUpstream> from, BroadcastProducer served, std::weak_ptr<BroadcastState> held,
                     std::shared_ptr<TaskGroupState> group, ProxiedRoute whose) noexcept
        : upstream(std::move(from)), to(std::move(served)), given(std::move(held)), tasks(std::move(group)), route(whose) {}

    const std::shared_ptr<ProxyUpstream> upstream;
    BroadcastProducer to;
    /// The broadcast that was handed out. A track that is read keeps it alive, if any holder is left.
    const std::weak_ptr<BroadcastState> given;
    /// Tracks, and copies of groups.
    const std::shared_ptr<TaskGroupState> tasks;
    const ProxiedRoute route;
};

/// Passes on the end of the broadcast upstream, unless there is another broadcast to continue with; and its route.
COMOQ_IF_CALLED asio::awaitable<void> proxy_end(std::shared_ptr<ProxiedBroadcast> self) {
    auto &upstream = *self->upstream;
    for (;;) {
        const auto source = upstream.current();
        if (!source) throw_error(make_error_code(Error::Closed));
        upstream.changed().clear();
        const FollowedRoute route(source);
        if (self->route == ProxiedRoute::Followed) route.give_to(self->to);
        auto first = co_await comoq::first_of(source.closed(), upstream.changed().wait(), route.changed());
        if (first.index() != 0 || upstream.current() != source) continue;
        const auto code = std::get<0>(first);
        if (!code) {
            self->to.finish();
            co_return;
        }
        const auto next = co_await upstream.another_than(source);
        if (next) continue;
        self->to.abort(code);
        co_return;
    }
}

COMOQ_IF_CALLED asio::awaitable<void> proxy_tracks(std::shared_ptr<ProxiedBroadcast> self, BroadcastDynamic handler) {
    // A request for which there is no memory is refused.
    struct Requests {
        std::shared_ptr<ProxiedBroadcast> of;
        BroadcastDynamic handler;
        auto next() { return handler.requested_track(); }
        void take(TrackRequest &&request) {
            if (of->upstream->meets(request.name())) {
                request.reject(make_error_code(Error::NotFound));
                return;
            }
            auto track = std::make_shared<ProxyTrack>(of->upstream, of->tasks, of->to.consume(), of->given, request.name());
            auto serving = ProxyTrack::serve(std::move(track), std::move(request));
            TaskGroupState::spawn(of->tasks, std::move(serving), [](const std::exception_ptr &) {});
        }
    };
    return take_each(Requests{std::move(self), std::move(handler)});
}

/// Waits until nobody has the broadcast or waits for one of its tracks.
COMOQ_IF_CALLED asio::awaitable<void> until_let_go(std::shared_ptr<ProxiedBroadcast> self, Lease lease) {
    co_await lease.over();
    auto &answered = self->upstream->answered();
    while (answered.clear(), self->to.stats().pending != 0) co_await answered.wait();
}
COMOQ_IF_CALLED asio::awaitable<void> never() {
    const Event event;
    co_await event.wait();
}

/// Answers the requests to `to` until upstream ends, or `let_go` is over; then waits for the tasks that it has begun.
COMOQ_IF_CALLED
inline asio::awaitable<void> proxy_until(std::shared_ptr<ProxiedBroadcast> self, BroadcastDynamic handler,
                                         asio::awaitable<void> let_go, bool finish) {
    auto tracks = proxy_tracks(self, std::move(handler));
    auto end = proxy_end(self);
    co_await comoq::first_of(std::move(tracks), std::move(end), std::move(let_go));
    if (finish) self->to.finish();
}

/// At the end it finishes or aborts `to`, if that is the proxy's own: if there is a lease of it.
COMOQ_IF_CALLED
inline asio::awaitable<void> proxy_broadcast(std::shared_ptr<ProxyUpstream> upstream, BroadcastProducer to,
                                             BroadcastDynamic handler, std::shared_ptr<Lease> lease,
                                             ProxiedRoute route = ProxiedRoute::GivenElsewhere) {
    const auto executor = co_await asio::this_coro::executor;
    const auto group = std::make_shared<TaskGroupState>(executor);
    auto given = lease ? lease->held() : std::weak_ptr<BroadcastState>();
    const auto self = std::make_shared<ProxiedBroadcast>(std::move(upstream), std::move(to), std::move(given), group, route);
    const bool is_own = lease != nullptr;
    auto let_go = is_own ? until_let_go(self, std::move(*lease)) : never();
    lease.reset();
    std::vector<asio::awaitable<void>> tasks;
    tasks.push_back(proxy_until(self, std::move(handler), std::move(let_go), is_own));
    std::exception_ptr failure;
    try {
        co_await TaskGroupState::run(group, std::move(tasks));
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure == nullptr) co_return;
    if (is_own) self->to.abort(told_of(failure));
    std::rethrow_exception(failure);
}

}  // namespace comoq::detail
