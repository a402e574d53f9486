#pragma once
#include "../origin.hpp"
#include "setup.hpp"

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
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
    /// Broadcasts that the peer may have announced at a time; beyond that the session is closed with LimitReached.
    std::size_t max_announced = 65'536;

    /// Broadcasts that are asked of the peer at a time without an announcement; more are refused with LimitReached.
    std::size_t max_requested = 16'384;

    /// Whether the peer is asked what it measures of the way to here, if it says that it can tell (`Session::measured`).
    bool probe = false;

    /// Completes after that time; empty means a timer of asio. For tests, which have a time of their own.
    std::function<asio::awaitable<void>(std::chrono::milliseconds)> sleep = {};
};

}  // namespace comoq::lite
