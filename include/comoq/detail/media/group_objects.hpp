// SPDX-License-Identifier: MIT
#pragma once
#include "../../group_info.hpp"
#include "../containers/sliding_log.hpp"
#include "../wait/failure.hpp"
#include "media_bounds.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>

namespace comoq::detail {

/// What a group has that has lanes, gaps, or a beginning in the middle; a plain group has none of it. Guarded by the
/// track's lock, except for the constant info.
class GroupObjects {
public:
    // As group numbers: more does not fit the wire of every draft.
    static constexpr std::uint64_t highest = (std::uint64_t{1} << 62) - 1;

    explicit GroupObjects(const GroupInfo &of) noexcept : info(of) {}

    const GroupInfo info;
    std::optional<EndMarker> end;

    /// The object id of the frame with that index, or of one that may come there without a gap.
    std::uint64_t id_of(std::size_t index) const noexcept {
        const auto after = std::upper_bound(gaps_.begin_items(), gaps_.end_items(), index,
                                            [](std::size_t wanted, const Gap &gap) { return wanted < gap.index; });
        const std::uint64_t shift = after == gaps_.begin_items() ? 0 : std::prev(after)->shift;
        return info.first_object + index + shift;
    }

    /// Makes sure that `skip` finds memory. Throws BoundsExceeded if the frame there would have too high an id.
    void prepare(std::size_t index, std::uint64_t skipped) {
        const std::uint64_t next = id_of(index);
        if (next > highest || skipped > highest - next) throw_error(make_error_code(Error::BoundsExceeded));
        if (skipped != 0) gaps_.reserve();
    }
    /// The frame at `index`, which is the next one, leaves out this many ids.
    void skip(std::size_t index, std::uint64_t skipped) noexcept {
        if (skipped == 0) return;
        const std::uint64_t before = gaps_.size() != 0 ? gaps_[gaps_.end() - 1].shift : 0;
        gaps_.push(Gap{index, before + skipped});
    }
    /// The frames before `first` have gone. The id of the one before it stays known.
    void forget_before(std::size_t first) noexcept {
        while (gaps_.size() > 1 && gaps_[gaps_.first() + 1].index < first) gaps_.pop_front();
    }
    /// All frames have gone: ids are not known any more.
    void release() noexcept { gaps_.release(); }

private:
    struct Gap {
        std::size_t index;    // of the frame after the gap
        std::uint64_t shift;  // of its id and those after it, by this gap and all before it
    };
    SlidingLog<Gap> gaps_;
};

/// Throws BoundsExceeded.
inline void throw_unless_possible(const GroupInfo &info) {
    if (info.first_object > GroupObjects::highest || info.subgroup > GroupObjects::highest)
        throw_error(make_error_code(Error::BoundsExceeded));
}

}  // namespace comoq::detail
