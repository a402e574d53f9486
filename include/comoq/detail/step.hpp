#pragma once
#include "source.hpp"
#include "sync.hpp"

#include <optional>
#include <utility>

namespace comoq::detail {

/// A source that looks at a state under its lock. A Rule says what to look at: `value_type`; `mutex()`; `waits()`, the
/// list that is woken when the answer may have changed; `available()`; and `take()`, which is called when it is
/// available and gives the outcome. The last three are called under the lock.
template <class Rule> class Step {
public:
    using taken_type = typename Rule::value_type;

    explicit Step(Rule rule) noexcept : rule_(std::move(rule)) {}

    bool ready() const noexcept {
        Lock lock(rule_.mutex());
        return rule_.available();
    }
    std::optional<Outcome<taken_type>> take(Permit *permit) {
        Lock lock(rule_.mutex());
        if (!rule_.available() || (permit != nullptr && !permit->grant())) return std::nullopt;
        return rule_.take();
    }
    Outcome<taken_type> finish(Outcome<taken_type> &&taken) { return std::move(taken); }
    /// Of a rule that can take back what was taken last: for who cannot make an outcome of it.
    void undo() noexcept
        requires requires(Rule rule, WakeList wake) { rule.undo(wake); }
    {
        WakeList wake;
        Lock lock(rule_.mutex());
        rule_.undo(wake);
    }
    bool wait(Waiter &waiter) noexcept {
        Lock lock(rule_.mutex());
        if (rule_.available()) return false;
        rule_.waits().add(waiter);
        return true;
    }
    bool withdraw(Waiter &waiter) noexcept {
        Lock lock(rule_.mutex());
        return rule_.waits().withdraw(waiter);
    }

private:
    Rule rule_;
};

}  // namespace comoq::detail
