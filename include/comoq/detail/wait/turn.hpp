// SPDX-License-Identifier: MIT
#pragma once
#include "../../operation.hpp"
#include "outcome.hpp"
#include "source.hpp"
#include "waiter.hpp"

#include <optional>

namespace comoq::detail {

/// Completes after one trip through the awaiting coroutine's executor.
class TurnSource {
public:
    using taken_type = void;

    bool ready() const noexcept { return false; }
    std::optional<Outcome<void>> take(Permit *permit) {
        if (!is_queued_ || (permit != nullptr && !permit->grant())) return std::nullopt;
        return Outcome<void>();
    }
    Outcome<void> finish(Outcome<void> &&taken) { return taken; }
    bool wait(Waiter &) noexcept {
        is_queued_ = true;
        return false;
    }
    bool withdraw(Waiter &) noexcept { return false; }

private:
    bool is_queued_ = false;
};

/// Lets the other work on the executor run. Unlike `asio::post` with `use_awaitable` it survives that memory runs out.
inline Operation<void> next_turn() { return Operation<void>(Passkey(), TurnSource()); }

}  // namespace comoq::detail
