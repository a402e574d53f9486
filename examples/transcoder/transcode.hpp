// Broadcasts that are made of others on demand: each while somebody watches it.
#pragma once

#include <comoq/origin.hpp>
#include <comoq/path.hpp>
#include <comoq/proxy.hpp>
#include <comoq/task_group.hpp>

#include <asio/awaitable.hpp>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

// Passes every frame whose place in its group `each` divides: with 2, every second frame is dropped.
inline comoq::ProxyTransform thinned(std::uint64_t each) {
    return [each](const comoq::ProxiedFrame &place, comoq::Frame frame) -> asio::awaitable<std::optional<comoq::Frame>> {
        if (place.frame % each != 0) co_return std::nullopt;
        co_return frame;
    };
}

// In upper case what `before` passes.
inline comoq::ProxyTransform in_upper_case(comoq::ProxyTransform before) {
    return [before](const comoq::ProxiedFrame &place, comoq::Frame frame) -> asio::awaitable<std::optional<comoq::Frame>> {
        auto passed = co_await before(place, std::move(frame));
        if (!passed) co_return std::nullopt;
        std::string text(passed->payload.view());
        std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
        co_return comoq::Frame(passed->timestamp, std::move(text));
    };
}

// A broadcast that has viewers now, or has lost the last one.
using Watched = std::function<void(const comoq::Path &path, bool is_watched)>;

inline asio::awaitable<void> transcode_one(comoq::OriginConsumer from, comoq::OriginProducer to, comoq::BroadcastRequest request,
                                           comoq::ProxyConfig config, Watched watched) {
    const auto path = request.absolute_path();
    watched(path, true);
    // It asks for the source's tracks once, however many watch, and returns when nobody has the broadcast any more.
    co_await comoq::proxy(std::move(from), std::move(to), std::move(request), std::move(config));
    watched(path, false);
}

// Serves UNDER/PATH of `to` for each PATH of `from`, transformed. Returns with the origin of `to`; when cancelled, it leaves
// nothing behind.
inline asio::awaitable<void> transcode(comoq::OriginConsumer from, comoq::OriginProducer to, comoq::Path under,
                                       comoq::ProxyTransform transform, Watched watched) {
    comoq::ProxyConfig config;
    config.transform = std::move(transform);
    config.source_path = [under](const comoq::Path &requested) { return requested.strip_prefix(under); };
    auto handler = to.with_root(under.view()).value().dynamic();
    const auto body = [&](comoq::TaskGroup &tasks) -> asio::awaitable<void> {
        while (auto request = co_await handler.requested_broadcast()) {
            // The failure of one is not the failure of the others.
            tasks.spawn(transcode_one(from, to, std::move(*request), config, watched), [](const std::exception_ptr &) {});
        }
    };
    co_await comoq::with_task_group(body);
}
