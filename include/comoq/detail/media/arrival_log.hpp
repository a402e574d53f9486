// SPDX-License-Identifier: MIT
#pragma once
#include "group_state.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace comoq::detail {

/// The live groups of a track in the order of their arrival, each with a number of its own. Guarded by the track's
/// lock.
class ArrivalLog {
public:
    struct Arrival {
        std::uint64_t number;
        std::shared_ptr<GroupState> group;  // null: the group is gone
    };
    using Iterator = std::vector<Arrival>::const_iterator;

    void add(const std::shared_ptr<GroupState> &group) {
        arrivals_.push_back({next_, group});
        group->arrival = next_++;
    }

    void remove(GroupState &group) noexcept {
        const auto found = from(group.arrival);
        if (found == end() || found->group.get() != &group) return;
        arrivals_[static_cast<std::size_t>(found - arrivals_.begin())].group.reset();
        // Groups may go in any order, and one that stays must not keep the places of all that came after it: each place
        // is moved at most once for every time that half of them are empty.
        if (++gone_ > arrivals_.size() / 2) {
            std::erase_if(arrivals_, [](const Arrival &arrival) { return arrival.group == nullptr; });
            gone_ = 0;
        }
    }

    void clear() noexcept {
        arrivals_.clear();
        gone_ = 0;
    }

    /// The first arrival with that number or a higher one.
    Iterator from(std::uint64_t number) const noexcept {
        return std::lower_bound(arrivals_.begin(), arrivals_.end(), number,
                                [](const Arrival &arrival, std::uint64_t wanted) { return arrival.number < wanted; });
    }
    Iterator end() const noexcept { return arrivals_.end(); }

private:
    std::vector<Arrival> arrivals_;
    std::size_t gone_ = 0;
    std::uint64_t next_ = 0;
};

}  // namespace comoq::detail
