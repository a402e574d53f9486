// SPDX-License-Identifier: MIT
#pragma once
#include "../../broadcast.hpp"
#include "../../first_of.hpp"
#include "../../origin.hpp"
#include "../../proxy_config.hpp"
#include "../../with_timeout.hpp"
#include "../wait/event.hpp"
#include "../wait/failure.hpp"
#include "../wait/turn.hpp"
#include "passed_on.hpp"
#include "ring_check.hpp"
#include "upstream_choice.hpp"

#include <asio/awaitable.hpp>
#include <asio/error.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

namespace comoq::detail {

/// The source of a proxied broadcast: the current broadcast, and how to get another one when it fails. Used on one
/// strand.
class ProxyUpstream {
public:
    /// One broadcast only.
    ProxyUpstream(BroadcastConsumer broadcast, ProxyConfig config)
        : config_(std::move(config)), current_(std::move(broadcast)), choice_(0) {}
    /// The broadcast at `path` of the first of `origins` that has one there; of several, the first that knows a
    /// requested track.
    /// `served_at` is the path here, where that is another one.
    ProxyUpstream(std::vector<OriginConsumer> origins, std::string path, ProxyConfig config,
                  std::optional<std::string> served_at = std::nullopt)
        : config_(std::move(config)), origins_(std::move(origins)), path_(std::move(path)), served_at_(std::move(served_at)),
          choice_(origins_.size()) {}
    /// The same if the first answer is known.
    ProxyUpstream(BroadcastConsumer broadcast, OriginConsumer origin, std::string path, ProxyConfig config)
        : config_(std::move(config)), current_(std::move(broadcast)), path_(std::move(path)), choice_(1) {
        origins_.push_back(std::move(origin));
        choice_.took(0, false, now());
    }

    const BroadcastConsumer &current() const noexcept { return current_; }
    /// Null if media pass as they are.
    const ProxyTransform *transform() const noexcept { return config_.transform ? &config_.transform : nullptr; }
    bool is_renamed() const noexcept { return served_at_.has_value(); }
    std::string_view served_at() const noexcept { return served_at_ ? *served_at_ : path_; }
    /// How many origins may be asked for a track in turn.
    std::size_t choices() const noexcept { return choice_.origins(); }

    /// It has ended, or its source is about to go: another one takes its tracks.
    static bool takes_nothing(const BroadcastConsumer &source) noexcept {
        return source.is_closed() || source.state(Passkey())->route().is_leaving();
    }

    /// Takes the first answer, for a request that is passed on. Returns the last refusal if there is none, and NotFound
    /// if all that is left is to wait for the request itself.
    COMOQ_IF_CALLED asio::awaitable<std::error_code> ask(std::shared_ptr<PassedOn> request) {
        return ask_from(0, false, std::move(request));
    }

    /// The broadcast to continue with when `failed`, or a part of it, has failed; an empty one if there is none. While
    /// `failed` is open, only that part has failed.
    COMOQ_IF_CALLED asio::awaitable<BroadcastConsumer> another_than(BroadcastConsumer failed) {
        // A peer that loses a connection ends its tracks and broadcasts one after the other: wait until it has
        // finished.
        if (!failed.is_closed()) co_await next_turn();
        const bool is_lost = takes_nothing(failed);
        if (current_ == failed && choice_.may_ask_again(is_lost, now())) {
            [[maybe_unused]] const auto code = co_await ask_from(choice_.first_to_ask(), is_lost, nullptr);
        }
        co_return current_ == failed ? BroadcastConsumer() : current_;
    }

    /// The same for a track that was read before `refused` replaced a lost broadcast: its publisher may come back later
    /// than the relay that is asked. Waits for a while until it is announced there.
    COMOQ_IF_CALLED asio::awaitable<BroadcastConsumer> one_that_knows(BroadcastConsumer refused) {
        bool is_lost = current_ != refused || !choice_.is_replacement() || takes_nothing(refused);
        if (!is_lost) {
            const auto place = choice_.place();
            auto announced = origins_[place].announced_broadcast(path_).as_tuple();
            auto first = co_await comoq::first_of(std::move(announced), refused.closed(), sleep_for(config_.absence, config_.sleep));
            if (first.index() == 0 && current_ == refused) {
                auto &[code, broadcast] = std::get<0>(first);
                throw_if_cancelled(code);
                if (!code && broadcast != refused) take(std::move(broadcast), place, false);
            }
            is_lost = first.index() == 1;
        }
        if (is_lost) {
            auto other = co_await another_than(std::move(refused));
            co_return other;
        }
        co_return current_ == refused ? BroadcastConsumer() : current_;
    }

    /// Completes if a question to `source` for the track `name` has come back here.
    COMOQ_IF_CALLED asio::awaitable<void> comes_back(BroadcastConsumer source, std::string name) {
        Event never;
        if (RingCheck::is_probe(name)) co_await never.wait();
        co_await sleep_for(config_.ring_check, config_.sleep);
        RingCheck::Probe probe(ring_check_);
        auto asked = source.track(probe.name()).info().as_tuple();
        auto first = co_await comoq::first_of(std::move(asked), probe.came_back().wait());
        if (first.index() == 0) co_await never.wait();
    }
    /// A track of that name is requested here: true if it is a question of this side that has come back.
    bool meets(std::string_view name) noexcept { return ring_check_.meet(name); }

    /// Another broadcast has become current since it was cleared.
    Event &changed() noexcept { return changed_; }
    /// A request for a track was answered since it was cleared.
    Event &answered() noexcept { return answered_; }
    /// Reports that a request has been answered, with any outcome.
    class Answered {
    public:
        explicit Answered(ProxyUpstream &upstream) noexcept : upstream_(upstream) {}
        Answered(const Answered &) = delete;
        Answered &operator=(const Answered &) = delete;
        ~Answered() { upstream_.answered_.set(); }

    private:
        ProxyUpstream &upstream_;
    };

    /// The current broadcast knows a track: others are not asked for tracks that it lacks.
    void chosen() noexcept { choice_.settle(); }
    /// The current broadcast has delivered something.
    void gave() noexcept { choice_.gave(); }

private:
    using Answer = std::tuple<std::error_code, BroadcastConsumer>;

    /// Asks each once, in a circle, until one of them gives another broadcast. Those that waited for `asked_for` are asked
    /// once more: the others of the ring may have found an answer meanwhile, elsewhere.
    COMOQ_IF_CALLED asio::awaitable<std::error_code> ask_from(std::size_t first, bool is_lost, std::shared_ptr<PassedOn> asked_for) {
        const auto before = current_;
        auto refusal = make_error_code(Error::NotFound);
        std::vector<std::size_t> once_more;
        const auto count = origins_.size();
        for (std::size_t i = 0; i < count + once_more.size(); ++i) {
            const bool is_new = i < count;
            const auto place = is_new ? (first + i) % count : once_more[i - count];
            auto answer = co_await ask_one(place, asked_for, i + 1 < count);
            if (!answer && is_new) once_more.push_back(place);
            if (!answer) continue;
            auto &[code, next] = *answer;
            throw_if_cancelled(code);
            // Several tracks fail at the same time, and the first one to get an answer decides for all.
            if (current_ != before) co_return std::error_code();
            if (code) {
                refusal = code;
            } else if (!next.is_closed()) {
                take(std::move(next), place, is_lost);
                co_return std::error_code();
            }
        }
        co_return refusal;
    }

    /// Nothing if the answer would have to wait for `asked_for`.
    COMOQ_IF_CALLED asio::awaitable<std::optional<Answer>> ask_one(std::size_t place, std::shared_ptr<PassedOn> asked_for, bool has_others) {
        const OriginConsumer &origin = origins_[place];
        auto request = origin.request_broadcast(path_);
        if (asked_for == nullptr || request.ready()) {
            auto answer = co_await std::move(request).as_tuple();
            co_return answer;
        }
        auto path = origin.root().join(Path(path_));
        const PassedOn::Wait wait(*asked_for, origin.state(Passkey()), std::string(path.view()), has_others);
        auto waiting = std::move(request).as_tuple();
        auto first = co_await comoq::first_of(std::move(waiting), closes_ring(asked_for));
        if (first.index() == 1) co_return std::nullopt;
        co_return std::get<0>(std::move(first));
    }

    COMOQ_IF_CALLED static asio::awaitable<void> closes_ring(std::shared_ptr<PassedOn> asked_for) {
        for (;;) {
            asked_for->found().clear();
            if (PassedOn::must_leave(asked_for)) co_return;
            co_await asked_for->found().wait();
        }
    }

    void take(BroadcastConsumer broadcast, std::size_t place, bool after_loss) {
        current_ = std::move(broadcast);
        choice_.took(place, after_loss, now());
        changed_.set();
    }

    /// A cancellation is not a refusal.
    static void throw_if_cancelled(std::error_code code) {
        if (code == asio::error::operation_aborted) throw_error(code);
    }
    static UpstreamChoice::Time now() noexcept { return std::chrono::steady_clock::now(); }

    const ProxyConfig config_;
    BroadcastConsumer current_;
    std::vector<OriginConsumer> origins_;
    const std::string path_;
    const std::optional<std::string> served_at_;
    UpstreamChoice choice_;
    Event changed_, answered_;
    RingCheck ring_check_;
};

}  // namespace comoq::detail
