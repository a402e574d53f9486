#pragma once
#include "event.hpp"
#include "../broadcast.hpp"
#include "../origin.hpp"

#include <asio/awaitable.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::detail {

/// Where a proxied broadcast comes from: the broadcast of the moment, and how to get another one when that fails. Used on
/// one strand.
class ProxyUpstream {
public:
    /// One broadcast, and no other.
    explicit ProxyUpstream(BroadcastConsumer broadcast) : current_(std::move(broadcast)) {}
    /// What `path` leads to at the first of `origins` that has something there, and of those the first that knows a track
    /// which is asked for.
    ProxyUpstream(std::vector<OriginConsumer> origins, std::string path)
        : origins_(std::move(origins)), path_(std::move(path)) {}
    /// The same, where the first answer is known.
    ProxyUpstream(BroadcastConsumer broadcast, OriginConsumer origin, std::string path)
        : current_(std::move(broadcast)), path_(std::move(path)) {
        origins_.push_back(std::move(origin));
    }

    const BroadcastConsumer &current() const noexcept { return current_; }
    /// How many it may be asked for a track in turn.
    std::size_t choices() const noexcept { return origins_.size(); }

    /// The first answer there is. Gives the last refusal if there is none.
    template <class Tag = void> asio::awaitable<std::error_code> ask() {
        auto code = co_await ask_from(0, false);
        co_return code;
    }

    /// The broadcast to go on with when `failed`, or something of it, failed; an empty one if there is none. While
    /// `failed` is open what failed is that thing alone.
    template <class Tag = void> asio::awaitable<BroadcastConsumer> another_than(BroadcastConsumer failed) {
        if (!failed.is_closed()) {
            // Whoever loses a connection ends tracks and broadcasts one after the other: let him come to the end of it.
            const auto executor = co_await asio::this_coro::executor;
            co_await asio::post(executor, asio::use_awaitable);
            if (!failed.is_closed() && (is_chosen_ || origins_.size() < 2)) co_return BroadcastConsumer();
        }
        const bool is_lost = failed.is_closed();
        if (current_ == failed && !origins_.empty() && (!is_lost || in_vain_ < most_in_vain)) {
            // Who had it is asked first, and who did not know it last.
            [[maybe_unused]] const auto code = co_await ask_from(is_lost ? place_ : place_ + 1, is_lost);
        }
        co_return current_ == failed ? BroadcastConsumer() : current_;
    }

    /// The same for a track that was read before `refused` took the place of a broadcast that was lost: whoever makes it may
    /// come back later than what it is asked of. It is waited for until it is announced there, for a while.
    template <class Tag = void> asio::awaitable<BroadcastConsumer> one_that_knows(BroadcastConsumer refused) {
        using namespace asio::experimental::awaitable_operators;
        if (current_ != refused || in_vain_ == 0 || refused.is_closed()) {
            auto other = co_await another_than(std::move(refused));
            co_return other;
        }
        const auto executor = co_await asio::this_coro::executor;
        asio::steady_timer patience(executor, longest_absence);
        auto announced = origins_[place_].announced_broadcast(path_).as_tuple();
        auto first = co_await (std::move(announced) || refused.closed() || patience.async_wait(asio::use_awaitable));
        if (first.index() == 0 && current_ == refused) {
            auto &[code, broadcast] = std::get<0>(first);
            if (!code && broadcast != refused) take(std::move(broadcast), place_);
        }
        if (first.index() == 1) {
            auto other = co_await another_than(std::move(refused));
            co_return other;
        }
        co_return current_ == refused ? BroadcastConsumer() : current_;
    }

    /// Another broadcast than there was when it was cleared.
    Event &changed() noexcept { return changed_; }
    /// A request for a track was answered since it was cleared.
    Event &answered() noexcept { return answered_; }

    /// The broadcast of the moment knows a track: others are not asked for what it does not know.
    void chosen() noexcept { is_chosen_ = true; }
    /// The broadcast of the moment gave something.
    void gave() noexcept { in_vain_ = 0; }

private:
    /// Each once, in a circle, until one of them gives another broadcast than there was.
    template <class Tag = void> asio::awaitable<std::error_code> ask_from(std::size_t first, bool is_lost) {
        const auto before = current_;
        auto refusal = make_error_code(Error::NotFound);
        for (std::size_t i = 0; i < origins_.size(); ++i) {
            const auto place = (first + i) % origins_.size();
            auto request = origins_[place].request_broadcast(path_);
            auto [code, next] = co_await std::move(request).as_tuple();
            // Several tracks fail at the same time, and the first one back decides for all.
            if (current_ != before) co_return std::error_code();
            if (code) {
                refusal = code;
            } else if (!next.is_closed()) {
                take(std::move(next), place);
                if (is_lost) ++in_vain_;
                co_return std::error_code();
            }
        }
        co_return refusal;
    }

    void take(BroadcastConsumer broadcast, std::size_t place) {
        current_ = std::move(broadcast);
        place_ = place;
        is_chosen_ = false;
        changed_.set();
    }

    // As long as a session is waited for.
    static constexpr std::chrono::seconds longest_absence{10};
    // Broadcasts that fail one after the other and give nothing: whoever makes them must not be kept busy for ever.
    static constexpr int most_in_vain = 3;

    BroadcastConsumer current_;
    std::vector<OriginConsumer> origins_;
    std::size_t place_ = 0;  // of the one that gave the current one
    std::string path_;
    bool is_chosen_ = false;
    int in_vain_ = 0;
    Event changed_, answered_;
};

}  // namespace comoq::detail
