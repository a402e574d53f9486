// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/reserve_one.hpp"
#include "../wait/event.hpp"
#include "../../operation.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace comoq::detail {

/// Decides which of the wanted groups the peer is asked for now. Each question takes a stream, and the peer allows few,
/// so only some have a place; the others wait.
///
/// Those who ask (`Fetch::asker`) have equal shares of the places, whatever their priorities: the one that has fewer goes
/// first. Of one asker, and of those with equally many, the more urgent question goes first, then the one whose track has
/// fewer places, then the older. A question without an answer gives its place to one that goes first if that makes the
/// shares more equal, or leaves them as they are, and waits again. A question of several askers counts for the one that has
/// fewest places: nobody makes another's question wait by joining it.
///
/// The waiting questions are bounded, too: the asker with most of them loses the least urgent.
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
    struct Asker {
        std::size_t tickets = 0, waiting = 0, placed = 0;
        Ticket *least = nullptr;  // as of a track
    };
    using Askers = std::unordered_map<std::uint64_t, Asker>;

    /// The askers of a ticket. A few decide: more of them make it no less somebody else's.
    class Shares {
    public:
        // What was added already is given back if the next one finds no memory.
        explicit Shares(Askers &all) noexcept : all_(all) {}
        Shares(Askers &all, std::span<const std::uint64_t> askers) : Shares(all) {
            // The most urgent are the last.
            for (auto asker = askers.rbegin(); asker != askers.rend() && own_.size() < most; ++asker) add(*asker);
            if (own_.empty()) add(0);
        }
        Shares(const Shares &) = delete;
        Shares &operator=(const Shares &) = delete;
        ~Shares() {
            for (const auto &one : own_)
                if (--one->second.tickets == 0) all_.erase(one);
        }
        void swap(Shares &other) noexcept { own_.swap(other.own_); }

        bool are_several() const noexcept { return own_.size() > 1; }
        bool contain(const Asker *asker) const noexcept {
            return std::any_of(own_.begin(), own_.end(), [asker](const auto &one) { return &one->second == asker; });
        }
        Asker *least() const noexcept {
            Asker *least = nullptr;
            for (const auto &one : own_) {
                Asker &asker = one->second;
                if (least == nullptr || std::pair(asker.placed, asker.waiting) < std::pair(least->placed, least->waiting))
                    least = &asker;
            }
            return least;
        }

    private:
        static constexpr std::size_t most = 64;
        void add(std::uint64_t asker) {
            const auto known = [asker](const auto &one) { return one->first == asker; };
            if (std::any_of(own_.begin(), own_.end(), known)) return;
            reserve_one(own_);
            own_.push_back(all_.try_emplace(asker).first);
            ++own_.back()->second.tickets;
        }
        Askers &all_;
        std::vector<Askers::iterator> own_;
    };

public:
    /// A question that wants a place, until it is destroyed.
    class Ticket {
    public:
        enum class State : std::uint8_t { Waiting, Placed, Answered, Refused };

        /// `track` tells tracks apart.
        Ticket(FetchPlaces &of, const void *track, std::uint8_t priority, std::span<const std::uint64_t> askers = {})
            : places_(of), shares_(of.askers_, askers), track_(of.tracks_.try_emplace(track).first), priority_(priority),
              age_(of.next_age_++) {
            places_.join(*this);
        }
        Ticket(const Ticket &) = delete;
        Ticket &operator=(const Ticket &) = delete;
        ~Ticket() { places_.leave(*this); }

        State state() const noexcept { return state_; }
        /// Others have joined those who wait for the group, or some of them have left.
        void set_wishes(std::uint8_t priority, std::span<const std::uint64_t> askers) {
            Shares shares(places_.askers_, askers);
            priority_ = priority;
            places_.change_shares(*this, shares);
        }
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
        Shares shares_;
        Asker *charged_ = nullptr;  // counts it, while it waits or has a place
        // Behind the members that may find no memory: a ticket that is not made leaves no track behind.
        const Tracks::iterator track_;
        std::uint8_t priority_;
        const std::uint64_t age_;
        State state_ = State::Waiting;
    };

private:
    using Tickets = std::vector<Ticket *>;

    /// True if `one` goes before `other`, of two that wait.
    static bool goes_first(const Ticket &one, const Ticket &other) noexcept {
        if (one.charged_->placed != other.charged_->placed) return one.charged_->placed < other.charged_->placed;
        if (one.priority_ != other.priority_) return one.priority_ > other.priority_;
        const auto of_one = one.track_->second.placed, of_other = other.track_->second.placed;
        return of_one != of_other ? of_one < of_other : one.age_ < other.age_;
    }
    /// True if `one` loses its place before `other`.
    static bool loses_first(const Ticket &one, const Ticket &other) noexcept {
        if (one.charged_->placed != other.charged_->placed) return one.charged_->placed > other.charged_->placed;
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
        add(waiting_, ticket, as_waiting);
        settle();
        if (waiting_.size() > bounds_.waiting) refuse_one(nullptr);
        if (track.waiting > bounds_.waiting_share) refuse_one(&track);
    }

    void leave(Ticket &ticket) noexcept {
        if (ticket.state_ == Ticket::State::Waiting)
            remove(waiting_, ticket, as_waiting);
        else if (ticket.state_ != Ticket::State::Refused)
            remove(placed_, ticket, as_placed);
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
                remove(placed_, *move.down, as_placed);
                add(waiting_, *move.down, as_waiting);
                move.down->change(Ticket::State::Waiting);
            }
            remove(waiting_, *move.up, as_waiting);
            add(placed_, *move.up, as_placed);
            move.up->change(Ticket::State::Placed);
        }
    }

    /// A ticket that gets a place, and the one that gives up a place for it, if any.
    struct Move {
        Ticket *up = nullptr, *down = nullptr;
    };
    Move next_move() noexcept {
        for (Ticket *const one : waiting_)
            if (one->shares_.are_several()) charge(*one, *one->shares_.least(), &Asker::waiting);
        Ticket *const least = find_least();
        Move best;
        for (Ticket *const one : waiting_) {
            if (best.up != nullptr && !goes_first(*one, *best.up)) continue;
            const Track &track = one->track_->second;
            Ticket *down = nullptr;
            if (track.placed >= bounds_.share) {
                down = track.least;
                if (down == nullptr || !may_take_from(*one, *down)) continue;
            } else if (placed_.size() >= bounds_.places) {
                down = least;
                // Where nobody gives a place up to the asker, he has those of his own.
                if (down == nullptr || !may_take_from(*one, *down)) down = one->charged_->least;
                if (down == nullptr || !may_take_from(*one, *down)) continue;
            }
            best = {one, down};
        }
        return best;
    }
    static bool may_take_from(const Ticket &one, const Ticket &other) noexcept {
        if (one.charged_ != other.charged_) {
            const auto after = one.charged_->placed + 1, before = other.charged_->placed;
            if (after != before) return after < before;
            if (one.priority_ == other.priority_) return false;
        }
        if (one.priority_ != other.priority_) return one.priority_ > other.priority_;
        // Not if afterwards the other track would be worse off.
        return one.track_->second.placed + 1 < other.track_->second.placed;
    }
    /// Finds the first ticket to lose its place, of each track, of each asker and of all.
    Ticket *find_least() const noexcept {
        for (Ticket *const one : waiting_) one->charged_->least = nullptr;
        for (Ticket *const one : placed_) one->track_->second.least = one->charged_->least = nullptr;
        Ticket *least = nullptr;
        for (Ticket *const one : placed_) {
            if (one->state_ != Ticket::State::Placed) continue;
            for (Ticket **of : {&one->track_->second.least, &one->charged_->least, &least})
                if (*of == nullptr || loses_first(*one, **of)) *of = one;
        }
        return least;
    }

    static bool is_refused_first(const Ticket &one, const Ticket &other) noexcept {
        if (one.charged_->waiting != other.charged_->waiting) return one.charged_->waiting > other.charged_->waiting;
        return one.priority_ != other.priority_ ? one.priority_ < other.priority_ : one.age_ > other.age_;
    }
    /// Refuses the least urgent waiting ticket of the asker that has most, of one track or of all.
    void refuse_one(const Track *track) noexcept {
        Ticket *last = nullptr;
        for (Ticket *const one : waiting_)
            if ((track == nullptr || &one->track_->second == track) && (last == nullptr || is_refused_first(*one, *last))) last = one;
        remove(waiting_, *last, as_waiting);
        last->change(Ticket::State::Refused);
    }

    /// The members of a track's and an asker's counts.
    struct Counted {
        std::size_t Track::*of_track;
        std::size_t Asker::*of_asker;
    };
    static constexpr Counted as_waiting{&Track::waiting, &Asker::waiting}, as_placed{&Track::placed, &Asker::placed};

    static void add(Tickets &to, Ticket &ticket, const Counted &as) noexcept {
        to.push_back(&ticket);  // there is room
        ++(ticket.track_->second.*as.of_track);
        charge(ticket, *ticket.shares_.least(), as.of_asker);
    }
    static void remove(Tickets &from, Ticket &ticket, const Counted &as) noexcept {
        const auto place = std::find(from.begin(), from.end(), &ticket);
        *place = from.back();
        from.pop_back();
        --(ticket.track_->second.*as.of_track);
        --(std::exchange(ticket.charged_, nullptr)->*as.of_asker);
    }
    static void charge(Ticket &ticket, Asker &asker, std::size_t Asker::*count) noexcept {
        if (ticket.charged_ != nullptr) --(ticket.charged_->*count);
        ticket.charged_ = &asker;
        ++(asker.*count);
    }
    /// The ticket has new askers; `shares` gets the old ones.
    void change_shares(Ticket &ticket, Shares &shares) noexcept {
        const bool has_place = ticket.state_ == Ticket::State::Placed || ticket.state_ == Ticket::State::Answered;
        if (ticket.charged_ != nullptr && !shares.contain(ticket.charged_))
            charge(ticket, *shares.least(), has_place ? &Asker::placed : &Asker::waiting);
        ticket.shares_.swap(shares);
        settle();
    }

    Bounds bounds_;
    Askers askers_;
    Tracks tracks_;
    Tickets waiting_, placed_;
    std::uint64_t next_age_ = 0;
};

}  // namespace comoq::detail
