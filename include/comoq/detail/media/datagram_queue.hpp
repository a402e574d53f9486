// SPDX-License-Identifier: MIT
#pragma once
#include "media_bounds.hpp"
#include "../containers/sequence_set.hpp"
#include "../containers/sliding_log.hpp"
#include "../../bytes.hpp"
#include "../../location.hpp"
#include "../../object_extras.hpp"
#include "../../time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace comoq::detail {

struct DatagramSlot {
    std::uint64_t sequence;
    Timestamp timestamp;
    Bytes payload;
    TimePoint came_at = {};
    std::uint64_t object = 0;
    ObjectExtras extras = {};

    /// The bytes that it takes beside its slot.
    std::size_t cost() const noexcept {
        const std::size_t beside = extras.empty() ? 0 : MediaCost::extras + extras.properties().size();
        return MediaCost::datagram + payload.size() + beside;
    }
};

/// The last datagrams of a track, each with an index that counts all datagrams so far. Guarded by the track's lock.
class DatagramQueue {
public:
    std::size_t size() const noexcept { return slots_.size(); }
    std::uint64_t first() const noexcept { return slots_.first(); }
    std::uint64_t end() const noexcept { return slots_.end(); }
    const DatagramSlot &operator[](std::uint64_t index) const noexcept { return slots_[static_cast<std::size_t>(index)]; }
    /// The bytes that they take, with the slots for those to come.
    std::size_t cost() const noexcept {
        return cost_ + slots_.capacity() * sizeof(DatagramSlot) + used_objects_.size() * used_object_cost;
    }

    /// Makes sure that `use` finds memory.
    void reserve(const Location &place) {
        if (place.object == 0) return used_.reserve();
        std::set<Location> one;
        one.insert(place);
        spare_ = one.extract(one.begin());
    }
    /// The place may not be used again, except that of ids over 0 only the highest `most_used_objects` are remembered, and
    /// only while there are datagrams.
    void use(const Location &place) noexcept {
        if (place.object == 0) {
            used_.insert(place.group);
            return;
        }
        used_objects_.insert(std::move(spare_));
        if (used_objects_.size() > most_used_objects) used_objects_.erase(used_objects_.begin());
    }
    /// True if a datagram had that place, even if it is not here any more.
    bool has_used(const Location &place) const noexcept {
        return place.object == 0 ? used_.contains(place.group) : used_objects_.contains(place);
    }

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
        if (size() == 0) release();
    }

    /// Takes all out, to be freed after unlocking; the indices count on.
    std::vector<DatagramSlot> release() noexcept {
        cost_ = 0;
        used_objects_.clear();
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
    static constexpr std::size_t most_used_objects = MediaBounds::max_datagrams;
    static constexpr std::size_t used_object_cost = 64;

    SequenceSet used_;                   // numbers with an object 0
    std::set<Location> used_objects_;    // with another id
    std::set<Location>::node_type spare_;
};

}  // namespace comoq::detail
