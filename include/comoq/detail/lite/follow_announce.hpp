// SPDX-License-Identifier: MIT
#pragma once
#include "announce_ids.hpp"
#include "read_announce.hpp"
#include "remote_broadcast.hpp"
#include "../session/announcement_place.hpp"
#include "../session/left_out_names.hpp"
#include "../session/link_price.hpp"
#include "../session/same_publisher.hpp"
#include "session_core.hpp"
#include "stream_reader.hpp"
#include "../wait/frame_turn.hpp"
#include "../wait/turn_after.hpp"
#include "../wait/visit_in_turns.hpp"
#include "../../first_of.hpp"
#include "../../origin.hpp"

#include <asio/awaitable.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/this_coro.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::lite::detail {

/// Announces the peer's broadcasts below a prefix here, and serves them.
class AnnounceFollower : public std::enable_shared_from_this<AnnounceFollower> {
public:
    AnnounceFollower(std::shared_ptr<SessionCore> core, std::string prefix) : core_(std::move(core)), prefix_(std::move(prefix)) {}
    AnnounceFollower(const AnnounceFollower &) = delete;
    AnnounceFollower &operator=(const AnnounceFollower &) = delete;

    /// Runs until the peer announces no more. Throws the peer's fault, or the stream's failure.
    asio::awaitable<void> follow() {
        lost_ = true;
        // A task that waits for it would cost each session more than this does.
        core_->when_told_to_go.push_back([weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->core_->spawn(make_dear(self));
        });
        auto asked = ask_with(core_, BidiStreamType::Announce, AnnounceRequest{prefix_, core_->hop_id()});
        auto stream = co_await std::move(asked);
        StreamReader reader(std::move(stream.receive), core_->version(), StreamUse::Request);
        const auto code = co_await outcome_of(follow(reader));
        lost_ = reader.lost();
        if (code) comoq::detail::throw_error(code);
    }
    /// True if the stream failed, and not if the peer did something wrong.
    bool lost() const noexcept { return lost_; }

    /// The code with which `end_all` ends everything.
    void set_end(std::error_code code) noexcept { end_code_ = code ? core_->lost_code(code) : code; }
    /// Ends everything that was announced: with the code of the failure, if there was one. First the broadcasts that
    /// have tracks, at once: they end before their tracks fail, so that a reader knows that the whole broadcast is
    /// over, and not only its track. Then the rest, a few at a time, because a peer may have announced thousands. It
    /// does not throw, and a cancellation does not end it early.
    asio::awaitable<void> end_all() {
        const auto &code = end_code_;
        is_over_ = true;
        co_await asio::this_coro::throw_if_cancelled(false);
        for (auto &[suffix, known] : announced_)
            if (known.announced != nullptr && known.announced->has_tracks()) known.announced->end(code);
        comoq::detail::FrameTurn turn;
        comoq::detail::TurnAfter<64> ends;
        while (!announced_.empty()) {
            const auto first = announced_.begin();
            if (first->second.announced != nullptr) {
                first->second.announced->end(code);
                report(false, first->first);
            }
            announced_.erase(first);
            if (ends.is_due()) co_await turn.take();
        }
    }

private:
    /// The peer is about to go: all of its routes are the dearest, a few at a time.
    static asio::awaitable<void> make_dear(std::shared_ptr<AnnounceFollower> self) {
        const auto change = [](Known &known) {
            if (known.announced == nullptr) return;
            auto route = *known.announced->info();
            route.cost = comoq::detail::dearest;
            known.announced->change_route(std::move(route));
        };
        auto changing = comoq::detail::visit_in_turns(self->announced_, change);
        co_await std::move(changing);
    }

    asio::awaitable<void> follow(StreamReader &reader) {
        const auto ok = co_await reader.message<AnnounceOk>();
        if (!ok) co_return;
        co_await know_price();
        std::optional<std::string> ended;
        const auto waits = [this, &ended] {
            if (ended) end(*std::exchange(ended, std::nullopt));
        };
        while (auto change = co_await next_announce(reader, ids_, core_->version(), waits)) {
            // Another broadcast that begins at once takes the place of the one that ended, without a gap.
            const bool replaces = ended && change->active && *ended == change->suffix;
            if (ended && !replaces) end(*ended);
            ended.reset();
            if (change->active)
                begin(std::move(*change), ok->hop_id, replaces);
            else if (reader.buffered() != 0)
                ended = std::move(change->suffix);
            else
                end(change->suffix);
        }
        if (ended) end(*ended);
    }

    struct Announced {
        Announced(BroadcastProducer made, OriginPublish published) noexcept
            : broadcast(std::move(made)), guard(std::move(published)) {}
        std::shared_ptr<const BroadcastInfo> info() const { return broadcast.state(comoq::detail::Passkey())->info(); }
        bool has_tracks() const { return broadcast.state(comoq::detail::Passkey())->has_tracks(); }
        void end(std::error_code code) {
            if (code)
                broadcast.abort(code);
            else
                broadcast.finish();
        }
        /// It goes on by another route. False if it may not come by that one.
        bool change_route(BroadcastInfo info) {
            if (broadcast.state(comoq::detail::Passkey())->closed()) return false;
            try {
                guard.update(std::move(info));
            } catch (const std::system_error &) {
                return false;
            }
            return true;
        }
        BroadcastProducer broadcast;
        OriginPublish guard;
    };

    using Place = comoq::detail::AnnouncementPlace<SessionCore>;
    struct Known {
        explicit Known(Place of) noexcept : place(std::move(of)) {}
        Place place;
        std::unique_ptr<Announced> announced;  // null if it has no place here
    };

    /// `replaces` what was announced at that path; without that, the same publisher's broadcast stays, and has another
    /// route.
    void begin(Announce &&change, std::uint64_t peer, bool replaces) {
        const std::string &key = change.suffix;
        // Before it takes a place: there may be no memory for it.
        auto info = route_of(std::move(change.hops), change.cost, peer);
        auto found = announced_.find(key);
        const bool is_new = found == announced_.end();
        if (is_new) {
            Place place(core_);
            if (!place) {
                leave_out(key);
                return;
            }
            found = announced_.try_emplace(key, std::move(place)).first;
        }
        const auto &present = found->second.announced;
        const bool goes_on = !replaces && present != nullptr && comoq::detail::same_publisher(*present->info(), info);
        if (goes_on && present->change_route(info)) return;
        // The new one is there before the old one goes, so that nobody sees a gap.
        std::unique_ptr<Announced> now;
        try {
            now = make(std::move(info), change.suffix);
        } catch (const std::bad_alloc &) {
            if (is_new) announced_.erase(found);
            throw;
        }
        if (is_new) left_out_.take_in(key);
        const bool is_here = now != nullptr;
        const auto before = std::exchange(found->second.announced, std::move(now));
        if (before != nullptr) before->broadcast.finish();
        if (is_here != (before != nullptr)) report(is_here, key);
    }

    // What was left out is brought in when there is room. The peer is asked once more for its announcements, on a stream
    // of its own that is left when it has listed them; each is followed on the first stream, as before. The pauses
    // in between bound what such lists cost: at most one a second, and a thousand announcements a second. A list that
    // brings nothing in is asked for more and more rarely. One that does not come, or does not go on, for `answer_within`
    // is given up: its stream is not kept, and a peer that does not let go of such streams gets few of them.

    static constexpr std::chrono::milliseconds shortest_pause = std::chrono::seconds(1);
    static constexpr std::chrono::milliseconds longest_pause = std::chrono::minutes(1);
    static constexpr std::chrono::milliseconds longest_after_silence = std::chrono::hours(1);

    void leave_out(const std::string &key) {
        left_out_.add(key);
        core_->log.at_limit(SessionLog::Limit::Announced);
        if (std::exchange(is_bringing_in_, true)) return;
        try {
            core_->spawn(bring_in(shared_from_this()));
        } catch (const std::bad_alloc &) {
            // The next one that is left out is another chance.
            is_bringing_in_ = false;
        }
    }
    static asio::awaitable<void> bring_in(std::shared_ptr<AnnounceFollower> self) {
        const BringingIn end{*self};
        Pauses pauses;
        for (comoq::detail::FrameTurn turn; self->has_left_out();) {
            bool found_memory = true;
            try {
                auto round = bring_in_after(self, pauses);
                co_await std::move(round);
            } catch (const std::bad_alloc &) {
                found_memory = false;
            } catch (const std::system_error &error) {
                if (error.code() != std::errc::not_enough_memory) throw;
                found_memory = false;
            }
            if (found_memory) continue;
            // Nothing else may ever begin this again.
            const auto cancellation = co_await asio::this_coro::cancellation_state;
            if (cancellation.cancelled() != asio::cancellation_type::none) co_return;
            co_await turn.take();
        }
    }
    struct Pauses {
        std::chrono::milliseconds next = shortest_pause;
        std::uint64_t listed = 0;  // by the last list
    };
    static asio::awaitable<void> bring_in_after(std::shared_ptr<AnnounceFollower> self, Pauses &pauses) {
        co_await self->core_->sleep(pauses.next + std::chrono::milliseconds(pauses.listed));
        if (!self->has_left_out() || !self->core_->has_room_for_announcement()) co_return;
        pauses.listed = 0;
        const auto before = self->announced_.size();
        bool lost = true, is_silent = false;
        auto round = self->bring_in_unless_silent(pauses.listed, lost, is_silent);
        const auto code = co_await outcome_of(std::move(round));
        // A fault of the peer's.
        if (code && !lost && code != std::errc::not_enough_memory) self->core_->close(told(code), "ANNOUNCE");
        const bool has_brought = !code && self->announced_.size() > before;
        pauses.next = has_brought ? shortest_pause : std::min(2 * pauses.next, is_silent ? longest_after_silence : longest_pause);
    }
    asio::awaitable<void> bring_in_unless_silent(std::uint64_t &listed, bool &lost, bool &is_silent) {
        auto round = bring_in_once(listed, lost);
        auto silence = until_silent(listed);
        const auto first = co_await comoq::first_of(std::move(round), std::move(silence));
        is_silent = first.index() == 1;
    }
    asio::awaitable<void> until_silent(const std::uint64_t &listed) const {
        for (std::uint64_t before = 0;; before = listed) {
            co_await core_->sleep(core_->config.answer_within);
            if (listed == before) co_return;
        }
    }
    bool has_left_out() const noexcept { return !is_over_ && left_out_.size() != 0; }
    struct BringingIn {
        AnnounceFollower &follower;
        ~BringingIn() { follower.is_bringing_in_ = false; }
    };

    asio::awaitable<void> bring_in_once(std::uint64_t &listed, bool &lost) {
        left_out_.begin_round();
        auto asked = ask_with(core_, BidiStreamType::Announce, AnnounceRequest{prefix_, core_->hop_id()});
        auto stream = co_await std::move(asked);
        StreamReader reader(std::move(stream.receive), core_->version(), StreamUse::Request);
        const auto code = co_await outcome_of(bring_in_from(reader, listed));
        lost = reader.lost();
        if (code) comoq::detail::throw_error(code);
        stream.send->finish();
    }
    asio::awaitable<void> bring_in_from(StreamReader &reader, std::uint64_t &listed) {
        const auto ok = co_await reader.message<AnnounceOk>();
        if (!ok) co_return;
        // Changes may come between those that are listed: what is here already is looked at, too.
        while (listed < ok->active_count || (ok->active_count != 0 && reader.buffered() != 0)) {
            auto change = co_await next_listed(reader, core_->version());
            if (!change || !has_left_out()) break;
            if (!change->active) continue;
            ++listed;
            const std::string &key = change->suffix;
            // The first stream has to tell of its end.
            if (core_->layout().announce_ids && !ids_.knows(key)) continue;
            if (announced_.contains(key) || !left_out_.may_come_in(key)) continue;
            if (!core_->has_room_for_announcement()) break;
            begin(std::move(*change), ok->hop_id, false);
        }
    }

    /// The announcements that have room here, and as many that are left out.
    std::size_t most_known() const noexcept { return core_->config.max_announced + comoq::detail::LeftOutNames::most; }

    /// The price of the link is known: the peer may have set it in its SETUP.
    asio::awaitable<void> know_price() {
        if (!core_->layout().route_cost || core_->config.link_cost) co_return;
        auto coming = core_->setup.wait();
        [[maybe_unused]] const auto setup = co_await std::move(coming);
    }

    BroadcastInfo route_of(std::vector<std::uint64_t> &&hops, const Cost &cost, std::uint64_t peer) const {
        hops.push_back(peer);
        BroadcastInfo info(std::move(hops));
        info.cost = core_->goaway.peek() ? comoq::detail::dearest : comoq::detail::over_link(cost, core_->link_price());
        info.via = core_->via;
        return info;
    }
    /// Null if it has no place here: it already came through here, or this side has no use for it.
    std::unique_ptr<Announced> make(BroadcastInfo info, const std::string &suffix) {
        const auto &origin = *core_->subscribe;
        try {
            const Path path = Path(prefix_).join(Path(suffix));
            // With its handler: another thread may see it, and ask for a track, before the next line.
            RemoteBroadcast::Made made(origin.make_broadcast(std::move(info)));
            auto broadcast = made.broadcast;
            auto guard = origin.publish_broadcast(comoq::detail::Passkey(), path.view(), broadcast.consume(), core_->below);
            core_->requested.announced(path.view(), broadcast.consume());
            core_->broadcasts.spawn(RemoteBroadcast::serve(core_, std::string(path.view()), std::move(made)), &its_own_affair);
            return std::make_unique<Announced>(std::move(broadcast), std::move(guard));
        } catch (const std::system_error &error) {
            if (error.code() == Error::Dropped) throw;
            return nullptr;
        }
    }

    void end(const std::string &key) {
        const auto place = announced_.find(key);
        if (place == announced_.end()) {
            if (left_out_.remove(key)) return;
            comoq::detail::throw_error(make_error_code(Error::ProtocolViolation));
        }
        const auto gone = std::move(place->second.announced);
        announced_.erase(place);
        if (gone == nullptr) return;
        gone->broadcast.finish();
        report(false, key);
    }

    void report(bool is_here, const std::string &suffix) const {
        if (!core_->has_observer()) return;
        try {
            const Path path = Path(prefix_).join(Path(suffix));
            core_->report(is_here ? SessionEvent::Kind::Announced : SessionEvent::Kind::Unannounced, path.view());
        } catch (const std::bad_alloc &) {
            // Nothing else depends on it.
        }
    }

    const std::shared_ptr<SessionCore> core_;
    const std::string prefix_;
    std::map<std::string, Known> announced_;
    comoq::detail::LeftOutNames left_out_{core_->left_out};
    AnnouncedIds ids_{most_known(), core_->left_out};
    std::error_code end_code_;
    bool lost_ = false;
    bool is_over_ = false;
    bool is_bringing_in_ = false;
};

}  // namespace comoq::lite::detail
