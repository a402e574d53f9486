// SPDX-License-Identifier: MIT
#pragma once
#include "../wait/source.hpp"
#include "../wait/sync.hpp"
#include "track_state.hpp"

#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// A wait for a requested group. While the track itself is only requested, another may take its place
/// (`BroadcastState::insert_track`): a question that nobody has taken yet then goes to that one.
class FetchSource {
    using Requests = TrackState::Requests;

    struct Asked {
        std::shared_ptr<TrackState> track;
        std::shared_ptr<Requests::Entry> entry;
        FetchWish wish;

        /// Under the track's lock.
        bool has_moved() const noexcept { return track->moved_to() != nullptr && entry->queued(); }
    };

    /// The question's place. It has a lock of its own, because the threads that withdraw a waiter and that follow the
    /// track may differ.
    class Place {
    public:
        Asked get() const noexcept {
            Lock lock(mutex_);
            return at;
        }
        void set(Asked to) noexcept {
            Lock lock(mutex_);
            std::swap(at, to);
        }
        Asked at;

    private:
        mutable Mutex mutex_;
    };

public:
    using taken_type = std::shared_ptr<GroupState>;

    /// `keeps` lives as long as this.
    FetchSource(TrackState::GroupRequester request, std::shared_ptr<const void> keeps)
        : place_(std::make_shared<Place>()), keeps_(std::move(keeps)) {
        place_->at = asked_by(std::move(request));
    }
    FetchSource(FetchSource &&) noexcept = default;
    FetchSource &operator=(FetchSource &&) = delete;
    ~FetchSource() {
        if (place_ != nullptr) leave(place_->get());
    }

    std::string subject() const {
        const Asked at = place_->get();
        return About{"track", at.track->name(), at.entry->key()}.text();
    }
    bool ready() const noexcept {
        try {
            const Asked at = follow();
            Lock lock(at.track->mutex());
            return at.entry->settled();
        } catch (const std::bad_alloc &) {
            return true;  // the step then takes that failure
        }
    }
    std::optional<Outcome<taken_type>> take(Permit *permit) {
        const Asked at = follow();
        Lock lock(at.track->mutex());
        if (!at.entry->settled() || (permit != nullptr && !permit->grant())) return std::nullopt;
        return at.entry->outcome();
    }
    Outcome<taken_type> finish(Outcome<taken_type> &&taken) { return std::move(taken); }
    bool wait(Waiter &waiter) noexcept {
        const Asked at = place_->get();
        Lock lock(at.track->mutex());
        if (at.entry->settled() || at.has_moved()) return false;
        at.entry->requester_waits().add(waiter);
        return true;
    }
    bool withdraw(Waiter &waiter) noexcept {
        const Asked at = place_->get();
        Lock lock(at.track->mutex());
        return at.entry->requester_waits().withdraw(waiter);
    }

private:
    static Asked asked_by(TrackState::GroupRequester &&request) noexcept {
        const FetchWish wish = request.wish();
        auto [track, entry] = request.release();
        return {std::move(track), std::move(entry), wish};
    }
    static void leave(const Asked &at) noexcept {
        at.track->leave_request(*at.entry, at.wish);
    }

    /// Asks the track that took the place of the first one, if there is one.
    Asked follow() const {
        Asked at = place_->get();
        std::shared_ptr<TrackState> to;
        {
            Lock lock(at.track->mutex());
            if (!at.has_moved()) return at;
            to = at.track->moved_to();
        }
        const auto sequence = at.entry->key();
        auto next = to->fetch(sequence, at.wish);
        Asked there;
        if (next.request) {
            there = asked_by(std::move(*next.request));
        } else {
            auto outcome = next.refusal ? Outcome<taken_type>(next.refusal)
                                        : Outcome<taken_type>(std::in_place, std::move(next.group));
            there = {std::move(to), Requests::settled(sequence, std::move(outcome)), at.wish};
        }
        leave(at);
        at = std::move(there);
        place_->set(at);
        return at;
    }

    std::shared_ptr<Place> place_;
    std::shared_ptr<const void> keeps_;
};

}  // namespace comoq::detail
