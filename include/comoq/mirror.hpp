#pragma once
#include "announce.hpp"
#include "detail/lease.hpp"
#include "origin.hpp"
#include "proxy.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/this_coro.hpp>

#include <memory>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>

namespace comoq {

/// Announces at `to` what is announced at `from`, another origin, at the same paths (below the roots of both) and with the
/// same hops, for as long as it is announced there. Each is a broadcast of `to` that `proxy` serves: it goes on for those who
/// have it when it is not announced any more, and with what `from` then gives for its path when it fails. What `to` does not
/// take, because it lies outside of its view or came through it, is left out.
///
/// It ends with the origin of `from`; what it has announced is then withdrawn. Cancelled, it throws `operation_aborted`.
/// Threads: as for `proxy`.
template <class Tag = void> asio::awaitable<void> mirror(OriginConsumer from, OriginProducer to) {
    const auto executor = co_await asio::this_coro::executor;
    std::unordered_map<std::string, OriginPublish> shown;
    auto watch = from.announced();
    while (auto change = co_await watch.next()) {
        std::string path(change->path.view());
        if (change->event == Announcement::Event::Ended) {
            shown.erase(path);
            continue;
        }
        try {
            auto broadcast = to.make_broadcast(change->broadcast.info());
            detail::Lease lease(broadcast.consume());
            // Somebody on another thread may see it, and ask for a track, before the next line.
            auto handler = broadcast.dynamic();
            auto guard = to.publish_broadcast(path, lease.give());
            auto upstream = std::make_shared<detail::ProxyUpstream>(change->broadcast, from, path);
            auto serving = detail::proxy_while_held(std::move(upstream), std::move(broadcast), std::move(handler),
                                                    std::move(lease));
            asio::co_spawn(executor, std::move(serving), asio::detached);
            // The one before goes when the new one is there, so that nobody sees a gap.
            const auto [place, is_new] = shown.try_emplace(std::move(path), std::move(guard));
            if (!is_new) place->second = std::move(guard);
        } catch (const std::system_error &error) {
            if (error.code() == Error::Dropped) throw;
            shown.erase(path);
        }
    }
}

}  // namespace comoq
