// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/pairing_heap.hpp"
#include "../stream/send_schedule.hpp"
#include "../../transport.hpp"

#include <cstdint>
#include <utility>

namespace comoq::detail {

/// Decides who is next among those that wait, by their SendOrder: the most urgent lane first; lanes that are equally
/// urgent take turns; in a lane, the most urgent entry with the lowest rank. Everything takes logarithmic time, averaged
/// over all calls, and allocates nothing.
class TurnQueue {
public:
    /// Someone who may wait.
    class Entry : public HeapNode<Entry> {
    public:
        explicit Entry(const SendOrder &order) noexcept : order_(order) {}
        const SendOrder &order() const noexcept { return order_; }

    protected:
        /// While it does not wait.
        void set_order(const SendOrder &order) noexcept { order_ = order; }

    private:
        friend class TurnQueue;
        SendOrder order_;
        std::uint64_t age_ = 0;  // of those that wait in its queue, the oldest has the smallest number
    };

    /// The entries of one flow that wait.
    class Lane : public HeapNode<Lane> {
    private:
        friend class TurnQueue;
        struct GoesFirst {
            bool operator()(const Entry &one, const Entry &other) const noexcept {
                if (one.order_.urgency() != other.order_.urgency()) return one.order_.urgency() > other.order_.urgency();
                return one.order_.rank != other.order_.rank ? one.order_.rank < other.order_.rank : one.age_ < other.age_;
            }
        };
        PairingHeap<Entry, GoesFirst> entries_;
        std::uint64_t turn_ = 0;  // the smallest is the next one
        bool is_held_ = false, is_in_ = false;
    };

    /// The next entry; null if none waits in a lane that is not held.
    Entry *next() const noexcept { return lanes_.empty() ? nullptr : lanes_.top()->entries_.top(); }

    void add(Lane &lane, Entry &entry) noexcept {
        entry.age_ = ++ages_;
        if (lane.entries_.empty()) lane.turn_ = ++turns_;
        lane.entries_.add(entry);
        settle(lane);
    }
    /// The entry has had its turn, which its lane has used up, or has left without one.
    void remove(Lane &lane, Entry &entry, bool had_turn) noexcept {
        lane.entries_.remove(entry);
        if (had_turn) lane.turn_ = ++turns_;
        settle(lane);
    }
    /// Of an entry that waits in this lane.
    void set_order(Lane &lane, Entry &entry, const SendOrder &order) noexcept {
        entry.order_ = order;
        lane.entries_.update(entry);
        settle(lane);
    }
    /// Where an entry waits, if it does.
    struct Place {
        TurnQueue *queue = nullptr;
        Lane *lane = nullptr;
        void enter(Entry &entry) const noexcept {
            if (queue != nullptr) queue->add(*lane, entry);
        }
        void leave(Entry &entry, bool had_turn) noexcept {
            const Place left = std::exchange(*this, Place());
            if (left.queue != nullptr) left.queue->remove(*left.lane, entry, had_turn);
        }
        bool operator==(const Place &) const = default;
    };
    /// A lane that is held has no next entry.
    void hold(Lane &lane, bool is_held) noexcept {
        if (lane.is_held_ == is_held) return;
        lane.is_held_ = is_held;
        settle(lane);
    }

private:
    struct LaneGoesFirst {
        bool operator()(const Lane &one, const Lane &other) const noexcept {
            const std::uint32_t left = one.entries_.top()->order().urgency(), right = other.entries_.top()->order().urgency();
            return left != right ? left > right : one.turn_ < other.turn_;
        }
    };
    /// Puts the lane where it belongs after a change.
    void settle(Lane &lane) noexcept {
        if (std::exchange(lane.is_in_, !lane.is_held_ && !lane.entries_.empty())) lanes_.remove(lane);
        if (lane.is_in_) lanes_.add(lane);
    }

    PairingHeap<Lane, LaneGoesFirst> lanes_;
    std::uint64_t ages_ = 0, turns_ = 0;
};

}  // namespace comoq::detail
