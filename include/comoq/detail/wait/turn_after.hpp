#pragma once
namespace comoq::detail {

/// Counts the steps of a loop that takes what others have made ready: after `most` of them the others on the executor
/// have their turn, which the loop takes as it likes (turn.hpp, frame_turn.hpp).
template <unsigned most> class TurnAfter {
public:
    /// Called once a step.
    bool is_due() noexcept { return ++steps_ % most == 0; }

private:
    unsigned steps_ = 0;
};

}  // namespace comoq::detail
