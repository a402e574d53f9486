#pragma once
#include "media_bounds.hpp"
#include "../bytes.hpp"
#include "../time.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

namespace comoq::detail {

struct DatagramSlot {
    std::uint64_t sequence;
    Timestamp timestamp;
    Bytes payload;
};

/// The last datagrams of a track, each with an index that counts all there were. Guarded by the track's lock.
class DatagramQueue {
public:
    std::uint64_t first() const noexcept { return end_ - slots_.size(); }
    std::uint64_t end() const noexcept { return end_; }
    const DatagramSlot &operator[](std::uint64_t index) const noexcept {
        return slots_[static_cast<std::size_t>(index - first())];
    }

    /// Adds one, and gives the oldest to the caller, to be freed after unlocking, if there are too many.
    std::optional<DatagramSlot> add(DatagramSlot &&slot) {
        slots_.push_back(std::move(slot));
        highest_ = std::max(highest_, slots_.back().sequence);
        ++end_;
        if (slots_.size() <= MediaBounds::max_datagrams) return std::nullopt;
        std::optional<DatagramSlot> oldest(std::move(slots_.front()));
        slots_.pop_front();
        return oldest;
    }

    /// Takes all out, to be freed after unlocking; the indices count on.
    std::deque<DatagramSlot> release() noexcept { return std::exchange(slots_, {}); }

    /// Whether one of them has that number.
    bool contains(std::uint64_t sequence) const noexcept {
        // Nearly always: numbers count up.
        if (slots_.empty() || sequence > highest_) return false;
        return std::any_of(slots_.begin(), slots_.end(),
                           [sequence](const DatagramSlot &slot) { return slot.sequence == sequence; });
    }

private:
    std::deque<DatagramSlot> slots_;
    std::uint64_t end_ = 0;
    std::uint64_t highest_ = 0;
};

}  // namespace comoq::detail
