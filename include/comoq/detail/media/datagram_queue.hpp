// SPDX-License-Identifier: MIT
#pragma once
#include "media_bounds.hpp"
#include "../containers/sequence_set.hpp"
#include "../containers/sliding_log.hpp"
#include "../../bytes.hpp"
#include "../../time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace comoq::detail {

struct DatagramSlot {
    std::uint64_t sequence;
    Timestamp timestamp;
    Bytes payload;
    TimePoint came_at = {};

    /// The bytes that it takes beside its slot.
    std::size_t cost() const noexcept { return MediaCost::datagram + payload.size(); }
};

/// The last datagrams of a track, each with an index that counts all datagrams so far. Guarded by the track's lock.
class DatagramQueue {
public:
    std::size_t size() const noexcept { return slots_.size(); }
    std::uint64_t first() const noexcept { return slots_.first(); }
    std::uint64_t end() const noexcept { return slots_.end(); }
    const DatagramSlot &operator[](std::uint64_t index) const noexcept { return slots_[static_cast<std::size_t>(index)]; }
    /// The bytes that they take, with the slots for those to come.
    std::size_t cost() const noexcept { return cost_ + slots_.capacity() * sizeof(DatagramSlot); }

    /// Makes sure that the next number finds memory.
    void reserve() { used_.reserve(); }
    /// The number may not be used again.
    void use(std::uint64_t sequence) noexcept { used_.insert(sequence); }
    /// True if a datagram had that number, even if it is not here any more.
    bool has_used(std::uint64_t sequence) const noexcept { return used_.contains(sequence); }

    /// Adds a datagram. If there are too many, returns the oldest, for the caller to free after unlocking.
    std::optional<DatagramSlot> add(DatagramSlot &&slot) {
        const std::size_t cost = slot.cost();
        slots_.push(std::move(slot));
        cost_ += cost;
        if (slots_.size() <= MediaBounds::max_datagrams) return std::nullopt;
        return pop_front();
    }

    /// True if the oldest came longer ago than `keep`.
    bool expired(TimePoint now, std::chrono::milliseconds keep) const noexcept {
        return size() != 0 && now - (*this)[first()].came_at > keep;
    }
    /// Takes out the datagrams that came longer ago than `keep`, to be freed after unlocking; the younger ones stay in
    /// the buffer.
    void expire(TimePoint now, std::chrono::milliseconds keep, std::vector<DatagramSlot> &old) {
        std::size_t count = 0;
        while (count < size() && now - (*this)[first() + count].came_at > keep) ++count;
        old.reserve(old.size() + count);
        for (; count != 0; --count) old.push_back(pop_front());
        // The slots of a track that has no datagrams go, too.
        if (size() == 0) slots_.release();
    }

    /// Takes all out, to be freed after unlocking; the indices count on.
    std::vector<DatagramSlot> release() noexcept {
        cost_ = 0;
        return slots_.release();
    }

private:
    DatagramSlot pop_front() noexcept {
        DatagramSlot oldest = slots_.pop_front();
        cost_ -= oldest.cost();
        return oldest;
    }

    SlidingLog<DatagramSlot> slots_;
    std::size_t cost_ = 0;  // without the slots
    SequenceSet used_;
};

}  // namespace comoq::detail
