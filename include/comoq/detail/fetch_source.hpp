#pragma once
#include "source.hpp"
#include "sync.hpp"
#include "track_state.hpp"

#include <memory>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// One who waits for a group that was asked for. While the track itself is only asked for, another may take its place
/// (`BroadcastState::insert_track`): then the question goes to that one.
class FetchSource {
public:
    using taken_type = std::shared_ptr<GroupState>;

    /// `fetched` has a request, which counts this requester already. `keeps` lives as long as this.
    FetchSource(TrackState::Fetched fetched, std::shared_ptr<const void> keeps) noexcept
        : track_(std::move(fetched.track)), entry_(std::move(fetched.request)), keeps_(std::move(keeps)) {}
    FetchSource(FetchSource &&) noexcept = default;
    FetchSource &operator=(FetchSource &&) = delete;
    ~FetchSource() {
        if (entry_ != nullptr) leave();
    }

    bool ready() const noexcept {
        try {
            follow();
        } catch (const std::bad_alloc &) {
            return true;  // what is taken then is that failure
        }
        Lock lock(track_->mutex());
        return entry_->settled();
    }
    std::optional<Outcome<taken_type>> take(Permit *permit) {
        follow();
        Lock lock(track_->mutex());
        if (!entry_->settled() || (permit != nullptr && !permit->grant())) return std::nullopt;
        return entry_->outcome();
    }
    Outcome<taken_type> finish(Outcome<taken_type> &&taken) { return std::move(taken); }
    bool wait(Waiter &waiter) noexcept {
        Lock lock(track_->mutex());
        if (entry_->settled() || track_->moved_to() != nullptr) return false;
        entry_->requester_waits().add(waiter);
        return true;
    }
    bool withdraw(Waiter &waiter) noexcept {
        Lock lock(track_->mutex());
        return entry_->requester_waits().withdraw(waiter);
    }

private:
    using Requests = TrackState::Requests;

    void leave() const noexcept {
        WakeList wake;
        Lock lock(track_->mutex());
        track_->requests().leave(*entry_, wake);
    }

    void follow() const {
        std::shared_ptr<TrackState> to;
        std::uint8_t priority = 0;
        {
            Lock lock(track_->mutex());
            if (entry_->settled() || track_->moved_to() == nullptr) return;
            to = track_->moved_to();
            priority = entry_->payload().priority;
        }
        const auto sequence = entry_->key();
        auto next = to->fetch(sequence, priority);
        if (next.request == nullptr) {
            auto outcome = next.refusal ? Outcome<taken_type>(next.refusal)
                                        : Outcome<taken_type>(std::in_place, std::move(next.group));
            next.request = Requests::settled(sequence, std::move(outcome));
            next.track = std::move(to);
        }
        leave();
        track_ = std::move(next.track);
        entry_ = std::move(next.request);
    }

    // Following a track that moved is no change for whoever waits.
    mutable std::shared_ptr<TrackState> track_;
    mutable std::shared_ptr<Requests::Entry> entry_;
    std::shared_ptr<const void> keeps_;
};

}  // namespace comoq::detail
