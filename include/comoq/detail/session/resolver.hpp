// SPDX-License-Identifier: MIT
#pragma once
#include "../../broadcast.hpp"
#include "../../error.hpp"
#include "../../operation.hpp"
#include "../../origin.hpp"
#include "../../track_consumer.hpp"
#include "../../with_timeout.hpp"
#include "asking_share.hpp"

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// Resolves a peer's questions: `request_broadcast` within the peer's view, and the tracks and groups of the result. A
/// broadcast that came through the peer itself is NotFound. A question that is not answered in time is refused with
/// Timeout, and one that exceeds the peer's share with LimitReached.
///
/// Used on the session's executor.
class Resolver {
public:
    Resolver(AskingShare::Limits share, std::chrono::milliseconds patience, Sleep sleep)
        : share_(share), patience_(patience), sleep_(std::move(sleep)) {}
    Resolver(const Resolver &) = delete;
    Resolver &operator=(const Resolver &) = delete;

    /// The peer's view, the number that its routes carry, and the hop id of its origin; 0, and none, mean unknown.
    void admit(std::optional<OriginConsumer> view, std::uint64_t via, std::optional<std::uint64_t> peer_hop) {
        view_ = std::move(view);
        hop_ = peer_hop.value_or(0);
        if (view_) view_ = view_->without_hop(via).without_hop(hop_);
    }

    /// `is_peers(broadcast)` tells whether a broadcast is one of the peer's own, which has no hop yet.
    template <class IsPeers> asio::awaitable<BroadcastConsumer> broadcast(std::string_view path, IsPeers is_peers) {
        if (!view_) throw_error(make_error_code(Error::NotFound));
        auto asking = view_->request_broadcast(path);
        auto found = co_await in_time<BroadcastConsumer>(std::move(asking));
        // A request that others had already made may have found a route that leads back there.
        if ((hop_ != 0 && found.info().came_through(hop_)) || is_peers(found)) throw_error(make_error_code(Error::NotFound));
        co_return found;
    }

    /// Waits until the path is announced, by anybody but the peer, and not longer than `time`. No handler is asked.
    asio::awaitable<BroadcastConsumer> announced(std::string_view path, std::chrono::milliseconds time) {
        if (!view_) throw_error(make_error_code(Error::NotFound));
        const Asking asking(*this);
        auto waiting = with_timeout(view_->announced_broadcast(path), time, sleep_);
        co_return co_await std::move(waiting);
    }

    /// The value of an operation, within the time and the share that a question has.
    template <class T> asio::awaitable<T> in_time(Operation<T> question) {
        if (question.ready()) co_return co_await std::move(question);
        const Asking asking(*this);
        auto answering = with_timeout(std::move(question), patience_, sleep_);
        co_return co_await std::move(answering);
    }

    std::size_t waiting() const noexcept { return share_.waiting(); }

private:
    class Asking {
    public:
        explicit Asking(Resolver &of) : share_(of.share_) {
            const auto now = of.view_ ? of.view_->state(Passkey())->bounds()->now() : TimePoint();
            if (!share_.begin(now)) throw_error(make_error_code(Error::LimitReached));
        }
        Asking(const Asking &) = delete;
        Asking &operator=(const Asking &) = delete;
        ~Asking() { share_.end(); }

    private:
        AskingShare &share_;
    };

    AskingShare share_;
    const std::chrono::milliseconds patience_;
    const Sleep sleep_;
    std::optional<OriginConsumer> view_;
    std::uint64_t hop_ = 0;
};

}  // namespace comoq::detail
