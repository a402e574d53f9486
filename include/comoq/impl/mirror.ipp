// SPDX-License-Identifier: MIT
#pragma once
#include "../announce.hpp"
#include "../detail/relay/lease.hpp"
#include "../detail/relay/proxy_broadcast.hpp"
#include "../detail/relay/proxy_upstream.hpp"
#include "../mirror.hpp"
#include "../task_group.hpp"

#include <asio/awaitable.hpp>

#include <exception>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

namespace comoq {

namespace detail {

/// The route of a mirrored broadcast.
inline BroadcastInfo mirrored_route(const OriginConsumer &from, const OriginProducer &to, const BroadcastConsumer &source) {
    auto info = source.info();
    if (from.id() != to.id()) info.hops.push_back(from.id());
    return info;
}

/// A broadcast that is announced there, and where it comes from.
struct Mirrored {
    /// Whether it still shows that one: it may have failed.
    bool shows(const std::shared_ptr<BroadcastState> &one) const noexcept {
        const auto there = copy.lock();
        return source.lock() == one && there != nullptr && !there->closed();
    }
    std::weak_ptr<BroadcastState> source, copy;
    OriginPublish guard;
};

/// Announces one broadcast, and begins to serve it.
COMOQ_IF_CALLED
inline Mirrored show_mirrored(comoq::TaskGroup &group, const OriginConsumer &from, const OriginProducer &to,
                              const std::string &path, const BroadcastConsumer &source,
                              const ProxyConfig &config) {
    auto broadcast = to.make_broadcast(mirrored_route(from, to, source));
    auto lease = std::make_shared<Lease>(broadcast.consume());
    // Another thread may see it, and ask for a track, before the next line.
    auto handler = broadcast.dynamic();
    Mirrored shown;
    shown.source = source.state(Passkey());
    shown.copy = broadcast.state(Passkey());
    shown.guard = to.publish_broadcast(path, lease->give());
    auto upstream = std::make_shared<ProxyUpstream>(source, from, path, config);
    auto serving = proxy_broadcast(std::move(upstream), std::move(broadcast), std::move(handler), std::move(lease));
    group.spawn(std::move(serving), [](const std::exception_ptr &) {});
    return shown;
}

COMOQ_IF_CALLED
inline asio::awaitable<void> mirror_all(comoq::TaskGroup &group, OriginConsumer from, OriginProducer to, ProxyConfig config) {
    // An ordered map: no choice of names makes it slow.
    std::map<std::string, Mirrored> shown;
    auto watch = from.announced();
    while (auto change = co_await watch.next()) {
        std::string path(change->path.view());
        if (change->event == Announcement::Event::Ended) {
            shown.erase(path);
            continue;
        }
        try {
            const auto &source = change->broadcast.state(Passkey());
            const auto present = shown.find(path);
            if (present != shown.end() && present->second.shows(source)) {
                present->second.guard.update(mirrored_route(from, to, change->broadcast));
                continue;
            }
            auto now = show_mirrored(group, from, to, path, change->broadcast, config);
            // The previous one goes when the new one is there, so that nobody sees a gap.
            shown.insert_or_assign(std::move(path), std::move(now));
        } catch (const std::system_error &error) {
            if (error.code() == Error::Dropped) throw;
            shown.erase(path);
        }
    }
}

COMOQ_IF_CALLED asio::awaitable<void> mirror_with_group(OriginConsumer from, OriginProducer to, ProxyConfig config) {
    auto body = [&](comoq::TaskGroup &group) {
        return mirror_all(group, std::move(from), std::move(to), std::move(config));
    };
    co_await with_task_group(body);
}

}  // namespace detail

COMOQ_DEFINE_IF_CALLED asio::awaitable<void> mirror(OriginConsumer from, OriginProducer to, ProxyConfig config) {
    return detail::mirror_with_group(std::move(from), std::move(to), std::move(config));
}

}  // namespace comoq
