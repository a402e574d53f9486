#pragma once
#include "media_bounds.hpp"
#include "sliding_log.hpp"
#include "../bytes.hpp"
#include "../time.hpp"

#include <algorithm>
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
};

/// The last datagrams of a track, each with an index that counts all there were. Guarded by the track's lock.
class DatagramQueue {
public:
    std::size_t size() const noexcept { return slots_.size(); }
    std::uint64_t first() const noexcept { return slots_.first(); }
    std::uint64_t end() const noexcept { return slots_.end(); }
    const DatagramSlot &operator[](std::uint64_t index) const noexcept { return slots_[static_cast<std::size_t>(index)]; }

    /// Adds one, and gives the oldest to the caller, to be freed after unlocking, if there are too many.
    std::optional<DatagramSlot> add(DatagramSlot &&slot) {
        highest_ = std::max(highest_, slots_.push(std::move(slot)).sequence);
        if (slots_.size() <= MediaBounds::max_datagrams) return std::nullopt;
        return slots_.pop_front();
    }

    /// Takes all out, to be freed after unlocking; the indices count on.
    std::vector<DatagramSlot> release() noexcept { return slots_.release(); }

    /// Whether one of them has that number.
    bool contains(std::uint64_t sequence) const noexcept {
        // Nearly always: numbers count up.
        if (slots_.size() == 0 || sequence > highest_) return false;
        return std::any_of(slots_.begin_items(), slots_.end_items(),
                           [sequence](const DatagramSlot &slot) { return slot.sequence == sequence; });
    }

private:
    SlidingLog<DatagramSlot> slots_;
    std::uint64_t highest_ = 0;
};

}  // namespace comoq::detail
