// SPDX-License-Identifier: MIT
#pragma once
#include "../wait/sync.hpp"

#include <cstdint>

namespace comoq::detail {

/// A count that may join another one, once: the other one then has everything that this one has counted, and counts all
/// later changes. The other one joins none. Threads: any, also while it joins.
class JoiningCount {
public:
    void add(std::uint64_t more) noexcept {
        if (JoiningCount *there = joined_.load()) {
            there->here_.fetch_add(more);
            return;
        }
        here_.fetch_add(more);
        // It may have joined since the look above. This change was counted before or after that, and moves over once.
        if (JoiningCount *there = joined_.load()) move_to(*there);
    }
    void subtract(std::uint64_t less) noexcept { add(0 - less); }

    std::uint64_t load() const noexcept {
        const JoiningCount *there = joined_.load();
        return (there != nullptr ? there : this)->here_.load();
    }

    void join(JoiningCount &there) noexcept {
        joined_.store(&there);
        move_to(there);
    }

private:
    void move_to(JoiningCount &there) noexcept {
        if (const auto all = here_.exchange(0)) there.here_.fetch_add(all);
    }

    Atomic<std::uint64_t> here_{0};
    Atomic<JoiningCount *> joined_{nullptr};
};

}  // namespace comoq::detail
