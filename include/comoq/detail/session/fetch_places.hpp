// SPDX-License-Identifier: MIT
#pragma once
#include "../wait/event.hpp"
#include "../../operation.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace comoq::detail {

/// Decides which of the wanted groups the peer is asked for now. Each question takes a stream, and the peer allows few,
/// so only some have a place; the others wait. The more urgent goes first, then the one whose track has fewer places,
/// then the older. A question without an answer gives its place to a more urgent one, or to one of a track that is
/// worse off, and waits again. The waiting questions are bounded, too: the least urgent is refused.
///
/// Used on one executor.
class FetchPlaces {
public:
    struct Bounds {
        Bounds() = default;
        std::size_t places = 64;         // in all
        std::size_t share = 8;           // of one track
        std::size_t waiting = 1024;      // in all
        std::size_t waiting_share = 256;  // of one track
    };

    FetchPlaces() = default;
    explicit FetchPlaces(const Bounds &bounds) noexcept : bounds_(bounds) {}
    FetchPlaces(const FetchPlaces &) = delete;
    FetchPlaces &operator=(const FetchPlaces &) = delete;

    std::size_t waiting() const noexcept { return waiting_.size(); }
    /// How many have a place.
    std::size_t placed() const noexcept { return placed_.size(); }

    class Ticket;

private:
    struct Track {
        std::size_t tickets = 0, waiting = 0, placed = 0;
        Ticket *least = nullptr;  // of the placed tickets without an answer, the first to lose its place
    };
    using Tracks = std::unordered_map<const void *, Track>;

public:
    /// A question that wants a place, until it is destroyed.
    class Ticket {
    public:
        enum class State : std::uint8_t { Waiting, Placed, Answered, Refused };

        /// `track` tells tracks apart.
        Ticket(FetchPlaces &of, const void *track, std::uint8_t priority)
            : places_(of), track_(of.tracks_.try_emplace(track).first), priority_(priority), age_(of.next_age_++) {
            places_.join(*this);
        }
        Ticket(const Ticket &) = delete;
        Ticket &operator=(const Ticket &) = delete;
        ~Ticket() { places_.leave(*this); }

        State state() const noexcept { return state_; }
        /// The answer has begun: the ticket keeps its place to the end.
        void answered() noexcept {
            if (state_ == State::Placed) state_ = State::Answered;
        }
        /// Completes when the state is, or becomes, different from `known`.
        Operation<void> changed_from(State known) const {
            if (state_ == known) changed_.clear();
            return changed_.wait();
        }

    private:
        friend class FetchPlaces;
        void change(State to) noexcept {
            state_ = to;
            changed_.set();
        }

        FetchPlaces &places_;
        mutable Event changed_;
        // Behind the members that may find no memory: a ticket that is not made leaves no track behind.
        const Tracks::iterator track_;
        const std::uint8_t priority_;
        const std::uint64_t age_;
        State state_ = State::Waiting;
    };

private:
    using Tickets = std::vector<Ticket *>;

    /// True if `one` goes before `other`, of two that wait.
    static bool goes_first(const Ticket &one, const Ticket &other) noexcept {
        if (one.priority_ != other.priority_) return one.priority_ > other.priority_;
        const auto of_one = one.track_->second.placed, of_other = other.track_->second.placed;
        return of_one != of_other ? of_one < of_other : one.age_ < other.age_;
    }
    /// True if `one` loses its place before `other`.
    static bool loses_first(const Ticket &one, const Ticket &other) noexcept {
        if (one.priority_ != other.priority_) return one.priority_ < other.priority_;
        const auto of_one = one.track_->second.placed, of_other = other.track_->second.placed;
        return of_one != of_other ? of_one > of_other : one.age_ > other.age_;
    }

    void join(Ticket &ticket) {
        Track &track = ticket.track_->second;
        ++track.tickets;
        try {
            placed_.reserve(bounds_.places);
            // Every ticket that has a place may have to wait again.
            waiting_.reserve(waiting_.size() + 1 + bounds_.places);
        } catch (...) {
            forget(ticket);
            throw;
        }
        add(waiting_, ticket, &Track::waiting);
        settle();
        if (waiting_.size() > bounds_.waiting) refuse_one(nullptr);
        if (track.waiting > bounds_.waiting_share) refuse_one(&track);
    }

    void leave(Ticket &ticket) noexcept {
        if (ticket.state_ == Ticket::State::Waiting)
            remove(waiting_, ticket, &Track::waiting);
        else if (ticket.state_ != Ticket::State::Refused)
            remove(placed_, ticket, &Track::placed);
        forget(ticket);
        settle();
    }
    void forget(Ticket &ticket) noexcept {
        if (--ticket.track_->second.tickets == 0) tracks_.erase(ticket.track_);
    }

    /// Gives places to the tickets that may have one now.
    void settle() noexcept {
        for (Move move = next_move(); move.up != nullptr; move = next_move()) {
            if (move.down != nullptr) {
                remove(placed_, *move.down, &Track::placed);
                add(waiting_, *move.down, &Track::waiting);
                move.down->change(Ticket::State::Waiting);
            }
            remove(waiting_, *move.up, &Track::waiting);
            add(placed_, *move.up, &Track::placed);
            move.up->change(Ticket::State::Placed);
        }
    }

    /// A ticket that gets a place, and the one that gives up a place for it, if any.
    struct Move {
        Ticket *up = nullptr, *down = nullptr;
    };
    Move next_move() noexcept {
        Ticket *const least = find_least();
        Move best;
        for (Ticket *const one : waiting_) {
            if (best.up != nullptr && !goes_first(*one, *best.up)) continue;
            const Track &track = one->track_->second;
            Ticket *down = nullptr;
            if (track.placed >= bounds_.share) {
                down = track.least;
                if (down == nullptr || down->priority_ >= one->priority_) continue;
            } else if (placed_.size() >= bounds_.places) {
                down = least;
                if (down == nullptr || !may_take_from(*one, *down)) continue;
            }
            best = {one, down};
        }
        return best;
    }
    static bool may_take_from(const Ticket &one, const Ticket &other) noexcept {
        if (one.priority_ != other.priority_) return one.priority_ > other.priority_;
        // Not if afterwards the other track would be worse off.
        return one.track_->second.placed + 1 < other.track_->second.placed;
    }
    /// Finds the first ticket to lose its place, of each track and of all.
    Ticket *find_least() const noexcept {
        for (Ticket *const one : placed_) one->track_->second.least = nullptr;
        Ticket *least = nullptr;
        for (Ticket *const one : placed_) {
            if (one->state_ != Ticket::State::Placed) continue;
            Ticket *&of_track = one->track_->second.least;
            if (of_track == nullptr || loses_first(*one, *of_track)) of_track = one;
            if (least == nullptr || loses_first(*one, *least)) least = one;
        }
        return least;
    }

    /// Refuses the least urgent waiting ticket, of one track or of all.
    void refuse_one(const Track *track) noexcept {
        Ticket *last = nullptr;
        for (Ticket *const one : waiting_)
            if ((track == nullptr || &one->track_->second == track) && (last == nullptr || goes_first(*last, *one))) last = one;
        remove(waiting_, *last, &Track::waiting);
        last->change(Ticket::State::Refused);
    }

    static void add(Tickets &to, Ticket &ticket, std::size_t Track::*count) noexcept {
        to.push_back(&ticket);  // there is room
        ++(ticket.track_->second.*count);
    }
    static void remove(Tickets &from, Ticket &ticket, std::size_t Track::*count) noexcept {
        const auto place = std::find(from.begin(), from.end(), &ticket);
        *place = from.back();
        from.pop_back();
        --(ticket.track_->second.*count);
    }

    Bounds bounds_;
    Tracks tracks_;
    Tickets waiting_, placed_;
    std::uint64_t next_age_ = 0;
};

}  // namespace comoq::detail
