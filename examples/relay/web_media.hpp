// What a client of HTTP is sent of what the relay has: a group, and names.
#pragma once

#include "web_body.hpp"
#include "web_route.hpp"

#include <comoq/announce.hpp>
#include <comoq/group.hpp>
#include <comoq/origin.hpp>
#include <comoq/track_consumer.hpp>

#include <asio/awaitable.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

// The group of that number; without one, the newest one. That goes on only while somebody subscribes: whoever sends it keeps `held`.
asio::awaitable<comoq::GroupConsumer> group_of(comoq::OriginConsumer origin, const WebRoute &route,
                                               std::optional<comoq::TrackSubscriber> &held);
// The memory that all answers together keep alive for clients that are slow, beside the pool of media. Any thread.
class WebBudget {
public:
    explicit WebBudget(std::size_t bytes) : left_(static_cast<std::int64_t>(bytes)) {}

    // A part of it, for as long as it is held.
    class Share {
    public:
        // Throws LimitReached if there is not as much left.
        Share(WebBudget &of, std::uint64_t bytes);
        Share(const Share &) = delete;
        Share &operator=(const Share &) = delete;
        ~Share() { of_.left_ += bytes_; }

    private:
        WebBudget &of_;
        const std::int64_t bytes_;
    };

private:
    std::atomic<std::int64_t> left_;
};
// The share of a list of names: a watcher of names keeps some 100 bytes for each of 65,536.
constexpr std::uint64_t share_of_list = std::uint64_t{8} << 20;

// The payloads of all its frames, one after the other. A frame stays in memory until it is sent, evicted or not: it needs a share.
asio::awaitable<void> send_group(comoq::GroupConsumer group, WebBody &body, WebBudget &budget);
// What is announced now, as JSON: the names below the root of `watch`, which `prefix` names.
asio::awaitable<void> send_announced(comoq::AnnounceConsumer watch, std::string prefix, WebBody &body);
