// SPDX-License-Identifier: MIT
#pragma once
#include "../../operation.hpp"
#include "fair_queue.hpp"
#include "turn.hpp"

namespace comoq::detail {

/// Completes after one trip through the awaiting coroutine's executor, and not before the context's other work that is ready
/// has had its turn. A `FairStrand` would go on with its own turn otherwise. Await it at once: the strand's turn ends with the
/// function that calls this.
inline Operation<void> context_turn() {
    FairQueue::end_turn_here();
    return next_turn();
}

}  // namespace comoq::detail
