// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <set>

namespace comoq::net::detail {

/// Tells what comes again and again once a spell: a spell ends when nothing has come for a minute. So however fast it comes, the
/// log has a line for each kind. There are a few kinds only.
template <class Kind> class Spells {
public:
    /// Whether it is the first of that kind in this spell. May throw std::bad_alloc.
    bool begins(const Kind &kind, std::chrono::steady_clock::time_point now) {
        if (now - latest_ > std::chrono::minutes(1)) met_.clear();
        latest_ = now;
        return met_.insert(kind).second;
    }

private:
    std::set<Kind> met_;
    std::chrono::steady_clock::time_point latest_;
};

}  // namespace comoq::net::detail
