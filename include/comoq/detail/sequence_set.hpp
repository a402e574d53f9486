#pragma once
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>

namespace comoq::detail {

/// A set of sequence numbers, kept as runs: a track that counts up has one. Of more than `max_runs` the gap between the
/// two lowest is filled: what has not come by then is late beyond use, and a track with gaps must not grow for ever.
class SequenceSet {
public:
    static constexpr std::size_t max_runs = 1024;

    std::size_t runs() const noexcept { return runs_.size(); }

    bool contains(std::uint64_t sequence) const noexcept {
        auto after = runs_.upper_bound(sequence);
        return after != runs_.begin() && std::prev(after)->second >= sequence;
    }

    /// True if every number in [first, end) is in the set.
    bool covers(std::uint64_t first, std::uint64_t end) const noexcept {
        if (first >= end) return true;
        auto after = runs_.upper_bound(first);
        return after != runs_.begin() && std::prev(after)->second >= end - 1;
    }

    void insert(std::uint64_t sequence) {
        auto after = runs_.upper_bound(sequence);
        const bool joins_next = after != runs_.end() && after->first == sequence + 1;
        if (after != runs_.begin()) {
            auto before = std::prev(after);
            if (before->second >= sequence) return;
            if (before->second + 1 == sequence) {
                before->second = joins_next ? after->second : sequence;
                if (joins_next) runs_.erase(after);
                return;
            }
        }
        const auto last = joins_next ? after->second : sequence;
        runs_.emplace_hint(after, sequence, last);
        if (joins_next) runs_.erase(after);
        if (runs_.size() > max_runs) {
            const auto lowest = runs_.begin(), above = std::next(lowest);
            lowest->second = above->second;
            runs_.erase(above);
        }
    }

private:
    std::map<std::uint64_t, std::uint64_t> runs_;  // first number of a run -> its last
};

}  // namespace comoq::detail
