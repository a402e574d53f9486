// SPDX-License-Identifier: MIT
#pragma once
namespace comoq::detail {

/// Counts the steps of a loop that takes what others have made ready: after `most` of them the others on the executor
/// have their turn, which the loop takes as it likes (turn.hpp, frame_turn.hpp).
template <unsigned most> class TurnAfter {
public:
    /// Called once a step. A step counts as much as `weight` usual ones.
    bool is_due(unsigned weight = 1) noexcept {
        steps_ += weight;
        if (steps_ < most) return false;
        steps_ = 0;
        return true;
    }

private:
    unsigned steps_ = 0;
};

}  // namespace comoq::detail
