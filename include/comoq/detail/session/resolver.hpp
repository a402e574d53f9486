// SPDX-License-Identifier: MIT
#pragma once
#include "../../broadcast.hpp"
#include "../../error.hpp"
#include "../../first_of.hpp"
#include "../../operation.hpp"
#include "../../origin.hpp"
#include "../../track_consumer.hpp"
#include "../../task_group.hpp"
#include "../../with_timeout.hpp"
#include "../wait/event.hpp"
#include "asking_share.hpp"
#include "outcome_of.hpp"

#include <asio/awaitable.hpp>
#include <asio/this_coro.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

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

    /// Waits until the path is announced, by anybody but the peer, or one above it is whose source gives it, and not longer than
    /// `time`. `ask()` requests the path again, when one above it is announced that was not when the first request was made: by
    /// what `announced_above` gave before that.
    template <class Ask>
    asio::awaitable<BroadcastConsumer> announced(std::string path, std::uint64_t above, std::chrono::milliseconds time, Ask ask) {
        if (!view_) throw_error(make_error_code(Error::NotFound));
        const Asking asking(*this);
        auto meeting = meet(*view_, std::move(path), above, std::move(ask));
        auto waiting = with_timeout(std::move(meeting), time, sleep_);
        co_return co_await std::move(waiting);
    }

    /// Which of the paths above that one are announced: a bit for each, the shortest first. There are 31 at most.
    std::uint64_t announced_above(std::string_view path) const { return view_ ? announced_above(*view_, path) : 0; }

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

    static std::uint64_t announced_above(const OriginConsumer &view, std::string_view path) {
        std::uint64_t above = 0;
        for_each_above(path, [&view, &above](std::string_view shorter, std::uint64_t bit) {
            if (view.announced_broadcast(shorter).ready()) above |= bit;
        });
        return above;
    }
    template <class Visit> static void for_each_above(std::string_view path, Visit visit) {
        std::uint64_t bit = 1;
        for (auto slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1), bit <<= 1)
            visit(path.substr(0, slash), bit);
    }
    template <class Ask>
    static asio::awaitable<BroadcastConsumer> meet(OriginConsumer view, std::string path, std::uint64_t above, Ask ask) {
        while (true) {
            auto exactly = view.announced_broadcast(path);
            auto newly = until_announced_above(view, path, above);
            auto first = co_await comoq::first_of(std::move(exactly), std::move(newly));
            if (first.index() == 0) co_return std::move(std::get<0>(first));
            above = announced_above(view, path);
            std::optional<BroadcastConsumer> found;
            auto asking = ask();
            const auto refusal = co_await outcome_into(std::move(asking), found);
            if (found) co_return std::move(*found);
            if (refusal != Error::NotFound) throw_error(refusal);
        }
    }
    /// Runs until a path above that one is announced which is not in `above`.
    static asio::awaitable<void> until_announced_above(OriginConsumer view, std::string path, std::uint64_t above) {
        Event met;
        comoq::TaskGroup waiting(co_await asio::this_coro::executor);
        for_each_above(path, [&view, &met, &waiting, above](std::string_view shorter, std::uint64_t bit) {
            if ((above & bit) == 0) waiting.spawn(tell(view.announced_broadcast(shorter), met), &its_own_affair);
        });
        co_await met.wait();
    }
    static asio::awaitable<void> tell(Operation<BroadcastConsumer> announced, Event met) {
        [[maybe_unused]] const auto broadcast = co_await std::move(announced);
        met.set();
    }

    AskingShare share_;
    const std::chrono::milliseconds patience_;
    const Sleep sleep_;
    std::optional<OriginConsumer> view_;
    std::uint64_t hop_ = 0;
};

}  // namespace comoq::detail
