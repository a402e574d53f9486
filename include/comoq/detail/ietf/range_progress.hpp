// SPDX-License-Identifier: MIT
#pragma once
#include "asked_range.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <set>

namespace comoq::ietf::detail {

/// How far the groups of a track have come in the range that a subscriber wants of it. Groups come in any order, so that one of
/// the range may still come when the end is there: only a whole last group with nothing missing before it tells that none does.
class RangeProgress {
public:
    /// Something of that group has come. True if the end of the range is reached, or passed, by it.
    bool came(std::uint64_t group, const AskedRange &range) {
        const auto before = newest_;
        if (!newest_ || *newest_ < group) newest_ = group;
        return range.end && newest_ != before && has_reached(range) && !(before && *before > range.end->group);
    }
    /// Nothing more of that group will come.
    void completed(std::uint64_t group) noexcept { whole_ = std::max(whole_.value_or(0), group); }

    bool has_reached(const AskedRange &range) const noexcept { return range.end && newest_ && *newest_ >= range.end->group; }
    /// A group behind the range has come.
    bool has_passed(const AskedRange &range) const noexcept { return range.end && newest_ && *newest_ > range.end->group; }
    /// Its last group is whole.
    bool is_whole(const AskedRange &range) const noexcept { return range.end && whole_ == range.end->group; }

    /// That group is behind the end. The lowest ones are remembered, in case that the end moves.
    void leave_out(std::uint64_t group) {
        left_out_.insert(group);
        if (left_out_.size() > most_left_out) left_out_.erase(std::prev(left_out_.end()));
    }
    /// True if one that was left out is in the range now.
    bool has_wanted(const AskedRange &range) const noexcept {
        return !left_out_.empty() && (!range.end || *left_out_.begin() <= range.end->group);
    }
    /// The lowest one of those, if there is one.
    std::optional<std::uint64_t> take_wanted(const AskedRange &range) {
        if (!has_wanted(range)) return std::nullopt;
        return left_out_.extract(left_out_.begin()).value();
    }

private:
    /// As many as a subscriber remembers gaps. 40 bytes each.
    static constexpr std::size_t most_left_out = 1024;

    std::optional<std::uint64_t> newest_, whole_;
    std::set<std::uint64_t> left_out_;
};

}  // namespace comoq::ietf::detail
