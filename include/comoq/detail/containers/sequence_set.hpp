// SPDX-License-Identifier: MIT
#pragma once
#include "reserve_one.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <vector>

namespace comoq::detail {

/// A set of sequence numbers, kept as runs: a track that counts up has one. Beyond `max_runs` it gives up the gap
/// between the two lowest runs: those numbers are too late to be useful, and a track with gaps must not grow for ever.
class SequenceSet {
public:
    static constexpr std::size_t max_gaps = 1024;
    static constexpr std::size_t max_runs = max_gaps + 1;

    std::size_t runs() const noexcept { return runs_.size(); }
    /// How many gaps were given up.
    std::uint64_t given_up() const noexcept { return given_up_; }
    /// Below this number, the set may contain numbers that nobody put there.
    std::uint64_t exact_from() const noexcept { return exact_from_; }

    /// The lowest number from `sequence` on that is not in the set.
    std::uint64_t next_missing(std::uint64_t sequence) const noexcept {
        const auto after = above(sequence);
        if (after == runs_.begin() || std::prev(after)->last < sequence) return sequence;
        return std::prev(after)->last + 1;
    }

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

    /// Calls `visit(first, last)` for each run of numbers in [first, end) that are not in the set.
    template <class Visit> void for_each_gap(std::uint64_t first, std::uint64_t end, Visit visit) const {
        for (const Run &run : runs_) {
            if (first >= end || run.first >= end) break;
            if (run.last < first) continue;
            if (run.first > first) visit(first, run.first - 1);
            first = run.last + 1;
        }
        if (first < end) visit(first, end - 1);
    }

    /// Numbers that are in the set now although nobody put them there.
    struct Gap {
        std::uint64_t first, last;
    };

    /// Reserves memory for the next insertion.
    void reserve() { reserve_one(runs_); }

    /// Returns the gap that it had to give up, if any.
    std::optional<Gap> insert(std::uint64_t sequence) {
        const auto after = runs_.begin() + (above(sequence) - runs_.cbegin());
        const bool joins_next = after != runs_.end() && after->first == sequence + 1;
        if (after != runs_.begin()) {
            const auto before = std::prev(after);
            if (before->last >= sequence) return std::nullopt;
            if (before->last + 1 == sequence) {
                before->last = joins_next ? after->last : sequence;
                if (joins_next) runs_.erase(after);
                return std::nullopt;
            }
        }
        if (joins_next) {
            after->first = sequence;
            return std::nullopt;
        }
        runs_.insert(after, Run{sequence, sequence});
        return limit();
    }

    /// All from `first` to `last`.
    void insert(std::uint64_t first, std::uint64_t last) {
        if (first > last) return;
        // Runs that touch it become one.
        auto from = std::partition_point(runs_.begin(), runs_.end(),
                                         [first](const Run &run) { return run.last < first && run.last + 1 < first; });
        auto to = from;
        for (; to != runs_.end() && (to->first <= last || to->first == last + 1); ++to) {
            first = std::min(first, to->first);
            last = std::max(last, to->last);
        }
        if (from == to) {
            runs_.insert(from, Run{first, last});
            limit();
            return;
        }
        *from = Run{first, last};
        runs_.erase(from + 1, to);
    }

private:
    std::optional<Gap> limit() noexcept {
        if (runs_.size() <= max_runs) return std::nullopt;
        const Gap gap{runs_[0].last + 1, runs_[1].first - 1};
        exact_from_ = std::max(exact_from_, runs_[1].first);
        runs_[0].last = runs_[1].last;
        runs_.erase(runs_.begin() + 1);
        ++given_up_;
        return gap;
    }
    struct Run {
        std::uint64_t first, last;
    };
    /// The first run that begins above `sequence`.
    std::vector<Run>::const_iterator above(std::uint64_t sequence) const noexcept {
        return std::upper_bound(runs_.begin(), runs_.end(), sequence,
                                [](std::uint64_t wanted, const Run &run) { return wanted < run.first; });
    }

    std::uint64_t given_up_ = 0;
    std::uint64_t exact_from_ = 0;
    std::vector<Run> runs_;  // lowest first, none next to another
};

}  // namespace comoq::detail
