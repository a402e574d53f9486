// SPDX-License-Identifier: MIT
#pragma once
#include "../../broadcast.hpp"
#include "../../origin.hpp"
#include "../../path.hpp"
#include "../session/announcement_place.hpp"
#include "../session/remote_broadcast.hpp"
#include "../session/untold_cost.hpp"
#include "../wait/frame_turn.hpp"
#include "../wait/turn_after.hpp"
#include "remote_track.hpp"
#include "session_core.hpp"

#include <asio/awaitable.hpp>
#include <asio/cancellation_state.hpp>
#include <asio/this_coro.hpp>

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <new>
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

    private:
        friend class Announcements;
        std::shared_ptr<Announcements> of_;
        std::string path_;
    };

    /// Announces the path here. Throws the code of a refusal. LimitReached, which is counted, means that the bound is reached.
    static Guard begin(const std::shared_ptr<Announcements> &self, std::string path) {
        const auto core = self->core_.lock();
        if (core == nullptr || !core->subscribe) comoq::detail::throw_error(make_error_code(Error::Unauthorized));
        const auto found = self->known_.find(path);
        Guard guard(self, std::move(path));
        if (found != self->known_.end()) {
            ++found->second->ways;
            return guard;
        }
        self->publish(core, guard);
        return guard;
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

    void publish(const std::shared_ptr<SessionCore> &core, Guard &guard) {
        const std::string &path = guard.path_;
        const Path whole(path);
        Place place(core);
        if (!place) {
            core->left_out.fetch_add(1, std::memory_order_relaxed);
            core->log.at_limit(SessionLog::Limit::Announced);
            comoq::detail::throw_error(make_error_code(Error::LimitReached));
        }
        // The peer has no number, and neither do those behind it.
        BroadcastInfo info({0});
        info.cost = comoq::detail::untold_cost;
        info.via = core->via;
        const auto &origin = *core->subscribe;
        // With its handler: another thread may see it, and ask for a track, before the next line.
        RemoteBroadcast::Made made(origin.make_broadcast(std::move(info)));
        auto broadcast = made.broadcast;
        auto published = origin.publish_broadcast(comoq::detail::Passkey(), whole.view(), broadcast.consume(), core->below);
        core->requested.announced(whole.view(), broadcast.consume());
        core->broadcasts.spawn(RemoteBroadcast::serve(core, path, std::move(made)), &its_own_affair);
        known_.emplace(path, std::make_unique<Known>(std::move(place), std::move(broadcast), std::move(published)));
        report(*core, SessionEvent::Kind::Announced, path);
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
