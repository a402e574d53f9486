// SPDX-License-Identifier: MIT
#pragma once
#include "../../broadcast.hpp"
#include "../../origin.hpp"
#include "../../path.hpp"
#include "../session/announcement_place.hpp"
#include "../session/link_price.hpp"
#include "../session/remote_broadcast.hpp"
#include "../session/same_publisher.hpp"
#include "../wait/frame_turn.hpp"
#include "../wait/turn_after.hpp"
#include "../wait/visit_in_turns.hpp"
#include "remote_track.hpp"
#include "session_core.hpp"
#include "told_routes.hpp"

#include <asio/awaitable.hpp>
#include <asio/cancellation_state.hpp>
#include <asio/this_coro.hpp>

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace comoq::ietf::detail {

using RemoteBroadcast = comoq::detail::RemoteBroadcast<SessionCore, RemoteTrack>;
using PeersPaths = comoq::detail::PeersPaths<SessionCore>;

/// The namespaces that the peer has announced, by requests of its own or as answers to one of this side: the same namespace may
/// come in both ways, and is announced here until the last one ends. The peer also answers for what is below it.
class Announcements {
public:
    explicit Announcements(const std::shared_ptr<SessionCore> &core) noexcept : core_(core) {}
    Announcements(const Announcements &) = delete;
    Announcements &operator=(const Announcements &) = delete;

    /// One way in which a namespace is announced: until this is destroyed.
    class Guard {
    public:
        Guard(std::shared_ptr<Announcements> of, std::string path) : of_(std::move(of)), path_(std::move(path)) {}
        Guard(Guard &&) noexcept = default;
        Guard &operator=(Guard &&) = delete;
        ~Guard() {
            if (of_ != nullptr) of_->end(path_);
        }

        /// The broadcast there, of a guard that was not moved from. The session is not over.
        BroadcastProducer broadcast() const { return of_->known_.at(path_)->broadcast; }
        /// The peer has it by another route now. Throws as `begin`, and then it is as before.
        void update(BroadcastInfo route) const { of_->change(path_, std::move(route)); }

    private:
        friend class Announcements;
        std::shared_ptr<Announcements> of_;
        std::string path_;
    };

    /// Announces the path here, by that route if the peer has told one. The last route of several ways counts. Throws the code of a
    /// refusal: RoutingLoop for a route through this side; LimitReached, which is counted, if the bound is reached.
    static Guard begin(const std::shared_ptr<Announcements> &self, std::string path, std::optional<BroadcastInfo> route = {}) {
        const auto core = self->core_.lock();
        if (core == nullptr || !core->subscribe) comoq::detail::throw_error(make_error_code(Error::Unauthorized));
        const auto found = self->known_.find(path);
        Guard guard(self, std::move(path));
        if (found != self->known_.end()) {
            ++found->second->ways;
            if (route) guard.update(std::move(*route));
            return guard;
        }
        self->publish(core, guard, route ? std::move(*route) : unknown_route(*core));
        return guard;
    }

    /// The same for what `guard` keeps. If that is announced here, only its route changes.
    static void announce(std::optional<Guard> &guard, const std::shared_ptr<Announcements> &self, const std::string &path,
                         std::optional<BroadcastInfo> route) {
        if (guard && route)
            guard->update(std::move(*route));
        else
            guard.emplace(begin(self, path, std::move(route)));
    }
    /// The peer is about to go: what it has told a route for is the dearest, a few at a time.
    static asio::awaitable<void> make_dear(std::shared_ptr<Announcements> self) {
        const auto change = [](const std::unique_ptr<Known> &known) {
            auto route = *known->broadcast.state(comoq::detail::Passkey())->info();
            route.cost = comoq::detail::dearest;
            // A broadcast that has ended here has no route.
            std::error_code ended;
            known->guard.update(std::move(route), ended);
        };
        auto changing = comoq::detail::visit_in_turns(self->known_, change);
        co_await std::move(changing);
    }
    /// Ends everything, with the session's code, a few at a time. A cancellation does not end it early.
    static asio::awaitable<void> end_all(std::shared_ptr<Announcements> self, std::shared_ptr<SessionCore> core) {
        co_await asio::this_coro::throw_if_cancelled(false);
        const auto code = core->lost_code({});
        for (auto &[path, known] : self->known_)
            if (known->broadcast.state(comoq::detail::Passkey())->has_tracks()) known->finish(code);
        comoq::detail::FrameTurn turn;
        comoq::detail::TurnAfter<64> ends;
        while (!self->known_.empty()) {
            const auto first = self->known_.begin();
            first->second->finish(code);
            self->report(*core, SessionEvent::Kind::Unannounced, first->first);
            self->known_.erase(first);
            if (ends.is_due()) co_await turn.take();
        }
    }

private:
    using Place = comoq::detail::AnnouncementPlace<SessionCore>;
    struct Known {
        Known(Place of, BroadcastProducer made, OriginPublish published) noexcept
            : place(std::move(of)), broadcast(std::move(made)), guard(std::move(published)) {}
        void finish(std::error_code code) {
            if (code)
                broadcast.abort(code);
            else
                broadcast.finish();
        }
        Place place;
        BroadcastProducer broadcast;
        OriginPublish guard;
        std::size_t ways = 1;
    };

    void publish(const std::shared_ptr<SessionCore> &core, Guard &guard, BroadcastInfo route) {
        const std::string &path = guard.path_;
        Place place(core);
        if (!place) {
            core->left_out.fetch_add(1, std::memory_order_relaxed);
            core->log.at_limit(SessionLog::Limit::Announced);
            comoq::detail::throw_error(make_error_code(Error::LimitReached));
        }
        Made made = make(core, path, std::move(route));
        known_.emplace(path, std::make_unique<Known>(std::move(place), std::move(made.broadcast), std::move(made.guard)));
        report(*core, SessionEvent::Kind::Announced, path);
    }
    struct Made {
        BroadcastProducer broadcast;
        OriginPublish guard;
    };
    static Made make(const std::shared_ptr<SessionCore> &core, const std::string &path, BroadcastInfo route) {
        const Path whole(path);
        const auto &origin = *core->subscribe;
        // With its handler: another thread may see it, and ask for a track, before the next line.
        RemoteBroadcast::Made made(origin.make_broadcast(std::move(route)));
        auto broadcast = made.broadcast;
        auto published = origin.publish_broadcast(comoq::detail::Passkey(), whole.view(), broadcast.consume(), core->below);
        core->requested.announced(whole.view(), broadcast.consume());
        core->broadcasts.spawn(RemoteBroadcast::serve(core, path, std::move(made)), &its_own_affair);
        return Made{std::move(broadcast), std::move(published)};
    }
    void change(const std::string &path, BroadcastInfo route) {
        const auto core = core_.lock();
        const auto found = known_.find(path);
        // The session is over.
        if (core == nullptr || found == known_.end()) return;
        Known &known = *found->second;
        const auto state = known.broadcast.state(comoq::detail::Passkey());
        const bool goes_on = !state->closed() && comoq::detail::same_publisher(*state->info(), route);
        if (goes_on) return known.guard.update(std::move(route));
        // The new one is there before the old one goes, so that nobody sees a gap.
        Made made = make(core, path, std::move(route));
        auto before = std::exchange(known.broadcast, std::move(made.broadcast));
        const auto announced = std::exchange(known.guard, std::move(made.guard));
        before.finish();
    }
    void end(const std::string &path) noexcept {
        const auto found = known_.find(path);
        // A session that is over has ended all of them.
        if (found == known_.end() || --found->second->ways != 0) return;
        const auto gone = std::move(found->second);
        known_.erase(found);
        gone->broadcast.finish();
        report(gone->place.core(), SessionEvent::Kind::Unannounced, path);
    }
    static void report(const SessionCore &core, SessionEvent::Kind kind, const std::string &path) noexcept {
        try {
            if (core.has_observer()) core.report(kind, path);
        } catch (const std::bad_alloc &) {
            // Nothing else depends on it.
        }
    }

    const std::weak_ptr<SessionCore> core_;
    std::map<std::string, std::unique_ptr<Known>> known_;
};

}  // namespace comoq::ietf::detail
