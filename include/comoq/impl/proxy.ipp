// SPDX-License-Identifier: MIT
#pragma once
#include "../detail/relay/lease.hpp"
#include "../detail/relay/proxy_broadcast.hpp"
#include "../detail/relay/proxy_transform.hpp"
#include "../detail/relay/proxy_upstream.hpp"
#include "../detail/wait/take_each.hpp"
#include "../first_of.hpp"
#include "../proxy.hpp"
#include "../task_group.hpp"

#include <asio/awaitable.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq {

namespace detail {

/// Asks upstream on behalf of `request`. Gives up if nobody waits for the request any more.
COMOQ_IF_CALLED
inline asio::awaitable<std::error_code> ask_upstream(std::shared_ptr<ProxyUpstream> upstream, BroadcastRequest &request) {
    const auto passed_on = std::make_shared<PassedOn>();
    request.pass_on(Passkey(), passed_on);
    for (;;) {
        auto first = co_await comoq::first_of(upstream->ask(passed_on), request.abandoned());
        if (first.index() == 0) co_return std::get<0>(first);
        // A requester may have come since the last one left.
        if (request.abandoned().ready()) co_return make_error_code(Error::Cancelled);
    }
}

COMOQ_IF_CALLED
inline asio::awaitable<void> proxy_request(std::shared_ptr<ProxyUpstream> upstream, OriginProducer to,
                                           BroadcastRequest request) {
    std::exception_ptr failure;
    std::error_code refusal;
    try {
        refusal = co_await ask_upstream(upstream, request);
    } catch (...) {
        failure = std::current_exception();
        refusal = told_of(failure);
    }
    if (refusal) {
        request.reject(refusal);
        if (failure != nullptr) std::rethrow_exception(failure);
        co_return;
    }
    // Under another path it is another broadcast, whose route begins here: it may go back to where its source came from.
    const bool is_renamed = upstream->is_renamed();
    auto broadcast = is_renamed ? to.make_broadcast() : to.make_broadcast(upstream->current().info());
    // The origin is not kept for the sake of one of its broadcasts.
    {
        const auto released = std::move(to);
    }
    auto handler = broadcast.dynamic();
    auto lease = std::make_shared<Lease>(broadcast.consume());
    {
        // The request contains the answer, too, and is not kept.
        auto settled = std::move(request);
        // Another answer may have come meanwhile, an announcement for instance.
        if (!settled.accept(lease->give())) co_return;
    }
    co_await proxy_broadcast(std::move(upstream), std::move(broadcast), std::move(handler), std::move(lease),
                             is_renamed ? ProxiedRoute::GivenElsewhere : ProxiedRoute::Followed);
}

/// What `request` is served from; null if it is refused.
COMOQ_IF_CALLED
inline std::shared_ptr<ProxyUpstream> upstream_of(BroadcastRequest &request, std::vector<OriginConsumer> from,
                                                  ProxyConfig config) {
    const auto &requested = request.absolute_path();
    std::string path(requested.view());
    auto refusal = make_error_code(Error::NotFound);
    std::optional<Path> source;
    if (config.source_path) {
        try {
            source = config.source_path(requested);
        } catch (...) {
            refusal = code_of_hook(std::current_exception());
        }
    }
    // An origin that is asked for what it asks for itself waits for its own answer.
    if (!config.source_path || source == requested) {
        const auto is_own = [&](const OriginConsumer &each) { return each.state(Passkey()) == request.origin(Passkey()); };
        const bool asks_itself = std::erase_if(from, is_own) != 0;
        if (!asks_itself || !from.empty())
            return std::make_shared<ProxyUpstream>(std::move(from), std::move(path), std::move(config));
        refusal = make_error_code(Error::RoutingLoop);
    } else if (source) {
        std::string asked(source->view());
        return std::make_shared<ProxyUpstream>(std::move(from), std::move(asked), std::move(config), std::move(path));
    }
    request.reject(refusal);
    return nullptr;
}

COMOQ_IF_CALLED asio::awaitable<void> nothing_to_serve() { co_return; }

COMOQ_IF_CALLED
inline asio::awaitable<void> proxy_requests(comoq::TaskGroup &group, std::vector<OriginConsumer> from, OriginProducer to,
                                            OriginDynamic handler, ProxyConfig config) {
    // A request for which there is no memory is refused.
    struct Requests {
        comoq::TaskGroup &group;
        std::vector<OriginConsumer> from;
        OriginProducer to;
        OriginDynamic handler;
        ProxyConfig config;
        auto next() { return handler.requested_broadcast(); }
        void take(BroadcastRequest &&request) {
            auto upstream = upstream_of(request, from, config);
            if (upstream == nullptr) return;
            auto serving = proxy_request(std::move(upstream), to, std::move(request));
            group.spawn(std::move(serving), [](const std::exception_ptr &) {});
        }
    };
    return take_each(Requests{group, std::move(from), std::move(to), std::move(handler), std::move(config)});
}

COMOQ_IF_CALLED
inline asio::awaitable<void> proxy_all(std::vector<OriginConsumer> from, OriginProducer to, OriginDynamic handler,
                                       ProxyConfig config) {
    auto body = [&](comoq::TaskGroup &group) {
        return proxy_requests(group, std::move(from), std::move(to), std::move(handler), std::move(config));
    };
    co_await with_task_group(body);
}

inline std::vector<OriginConsumer> only(OriginConsumer origin) {
    std::vector<OriginConsumer> one;
    one.push_back(std::move(origin));
    return one;
}

}  // namespace detail

COMOQ_DEFINE_IF_CALLED asio::awaitable<void> proxy(BroadcastConsumer from, BroadcastProducer to, ProxyConfig config) {
    auto handler = to.dynamic();
    auto upstream = std::make_shared<detail::ProxyUpstream>(std::move(from), std::move(config));
    return detail::proxy_broadcast(std::move(upstream), std::move(to), std::move(handler), {});
}

COMOQ_DEFINE_IF_CALLED
asio::awaitable<void> proxy(std::vector<OriginConsumer> from, OriginProducer to, BroadcastRequest request,
                            ProxyConfig config) {
    auto upstream = detail::upstream_of(request, std::move(from), std::move(config));
    if (upstream == nullptr) return detail::nothing_to_serve();
    return detail::proxy_request(std::move(upstream), std::move(to), std::move(request));
}
COMOQ_DEFINE_IF_CALLED
asio::awaitable<void> proxy(OriginConsumer from, OriginProducer to, BroadcastRequest request,
                            ProxyConfig config) {
    return proxy(detail::only(std::move(from)), std::move(to), std::move(request), std::move(config));
}

COMOQ_DEFINE_IF_CALLED
asio::awaitable<void> proxy(std::vector<OriginConsumer> from, OriginProducer to, OriginDynamic handler,
                            ProxyConfig config) {
    return detail::proxy_all(std::move(from), std::move(to), std::move(handler), std::move(config));
}
COMOQ_DEFINE_IF_CALLED
asio::awaitable<void> proxy(OriginConsumer from, OriginProducer to, OriginDynamic handler, ProxyConfig config) {
    return proxy(detail::only(std::move(from)), std::move(to), std::move(handler), std::move(config));
}

}  // namespace comoq
