#pragma once
#include "../broadcast.hpp"
#include "../origin.hpp"

#include <asio/awaitable.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <optional>
#include <string>
#include <utility>

namespace comoq::detail {

/// Where a proxied broadcast comes from: the broadcast of the moment, and how to get another one when that fails. Used on
/// one strand.
class ProxyUpstream {
public:
    /// One broadcast, and no other.
    explicit ProxyUpstream(BroadcastConsumer broadcast) : current_(std::move(broadcast)) {}
    /// What `path` leads to at `origin`; `broadcast` is what it led to first.
    ProxyUpstream(BroadcastConsumer broadcast, OriginConsumer origin, std::string path)
        : current_(std::move(broadcast)), origin_(std::move(origin)), path_(std::move(path)) {}

    const BroadcastConsumer &current() const noexcept { return current_; }

    /// The broadcast to go on with when `failed`, or something of it, failed; an empty one if there is none. While
    /// `failed` is open what failed is that thing alone.
    template <class Tag = void> asio::awaitable<BroadcastConsumer> another_than(BroadcastConsumer failed) {
        if (!failed.is_closed()) {
            // Whoever loses a connection ends tracks and broadcasts one after the other: let him come to the end of it.
            const auto executor = co_await asio::this_coro::executor;
            co_await asio::post(executor, asio::use_awaitable);
            if (!failed.is_closed()) co_return BroadcastConsumer();
        }
        if (current_ == failed && origin_ && in_vain_ < most_in_vain) {
            auto request = origin_->request_broadcast(path_);
            auto [code, next] = co_await std::move(request).as_tuple();
            // Several tracks fail at the same time, and the first one back decides for all.
            if (!code && current_ == failed && !next.is_closed()) {
                current_ = std::move(next);
                ++in_vain_;
            }
        }
        co_return current_ == failed ? BroadcastConsumer() : current_;
    }

    /// The broadcast of the moment gave something.
    void gave() noexcept { in_vain_ = 0; }

private:
    // Broadcasts that fail one after the other and give nothing: whoever makes them must not be kept busy for ever.
    static constexpr int most_in_vain = 3;

    BroadcastConsumer current_;
    std::optional<OriginConsumer> origin_;
    std::string path_;
    int in_vain_ = 0;
};

}  // namespace comoq::detail
