#pragma once
#include "reserve_one.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <vector>

namespace comoq::detail {

/// A set of sequence numbers, kept as runs: a track that counts up has one. Of more than `max_runs` the gap between the
/// two lowest is filled: what has not come by then is late beyond use, and a track with gaps must not grow for ever.
class SequenceSet {
public:
    static constexpr std::size_t max_runs = 1024;

    std::size_t runs() const noexcept { return runs_.size(); }

    bool contains(std::uint64_t sequence) const noexcept {
        const auto after = above(sequence);
        return after != runs_.begin() && std::prev(after)->last >= sequence;
    }

    /// True if every number in [first, end) is in the set.
    bool covers(std::uint64_t first, std::uint64_t end) const noexcept {
        if (first >= end) return true;
        const auto after = above(first);
        return after != runs_.begin() && std::prev(after)->last >= end - 1;
    }

    /// Makes sure that the next insertion finds memory.
    void reserve() { reserve_one(runs_); }

    void insert(std::uint64_t sequence) {
        const auto after = runs_.begin() + (above(sequence) - runs_.cbegin());
        const bool joins_next = after != runs_.end() && after->first == sequence + 1;
        if (after != runs_.begin()) {
            const auto before = std::prev(after);
            if (before->last >= sequence) return;
            if (before->last + 1 == sequence) {
                before->last = joins_next ? after->last : sequence;
                if (joins_next) runs_.erase(after);
                return;
            }
        }
        if (joins_next) {
            after->first = sequence;
            return;
        }
        runs_.insert(after, Run{sequence, sequence});
        if (runs_.size() > max_runs) {
            runs_[0].last = runs_[1].last;
            runs_.erase(runs_.begin() + 1);
        }
    }

private:
    struct Run {
        std::uint64_t first, last;
    };
    /// The first run that begins above `sequence`.
    std::vector<Run>::const_iterator above(std::uint64_t sequence) const noexcept {
        return std::upper_bound(runs_.begin(), runs_.end(), sequence,
                                [](std::uint64_t wanted, const Run &run) { return wanted < run.first; });
    }

    std::vector<Run> runs_;  // lowest first, none next to another
};

}  // namespace comoq::detail
