// SPDX-License-Identifier: MIT
#pragma once
#include "fair_queue.hpp"
#include "frame_turn.hpp"

namespace comoq::detail {

/// A turn of the others on the context, where one thread runs it: as FrameTurn, and a `FairStrand` ends its own turn for it, which
/// would go on otherwise. Each other strand has one turn then. Needs no memory where FrameTurn needs none.
class ContextTurn {
public:
    /// Await it at once: the strand's turn ends with the function that calls this.
    auto take() {
        FairQueue::end_turn_here();
        return turn_.take();
    }

private:
    FrameTurn turn_;
};

}  // namespace comoq::detail
