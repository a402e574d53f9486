#pragma once
#include "../origin.hpp"
#include "setup.hpp"

#include <asio/awaitable.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace comoq::lite {

/// What a session does for its peer and asks of it.
struct SessionConfig {
    /// What the peer may see and ask for, on demand too; nothing if it is empty.
    std::optional<OriginConsumer> publish = std::nullopt;
    /// Where that is announced which the peer announces; it is not asked for anything if this is empty.
    std::optional<OriginProducer> subscribe = std::nullopt;

    /// Where a client wants to go, with its query, on a transport without a URL.
    std::optional<std::string> path = std::nullopt;
    /// The only thing that a client is going to be.
    std::optional<Setup::Role> role = std::nullopt;

    /// How long a track of the peer's that nobody subscribes to any more keeps its groups here, for who comes next.
    std::chrono::milliseconds linger = std::chrono::seconds(5);
    /// How long the peer may take to begin with a group that is fetched of it, before whoever wants it is refused with
    /// Timeout: it may be one that is never going to be.
    std::chrono::milliseconds patience = std::chrono::seconds(10);

    /// Broadcasts that the peer may have announced at a time; beyond that the session is closed with LimitReached. Each takes
    /// some kilobytes.
    std::size_t max_announced = 16'384;
    /// What sessions may have announced together, counted down by those that share it; beyond that, too.
    std::shared_ptr<std::atomic<std::int64_t>> announcements_left = {};

    /// Broadcasts that are asked of the peer at a time without an announcement; more are refused with LimitReached.
    std::size_t max_requested = 16'384;

    /// Whether the peer is asked what it measures of the way to here, if it says that it can tell (`Session::measured`).
    bool probe = false;

    /// Completes after that time; empty means a timer of asio. For tests, which have a time of their own.
    std::function<asio::awaitable<void>(std::chrono::milliseconds)> sleep = {};
};

}  // namespace comoq::lite
