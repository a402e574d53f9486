// SPDX-License-Identifier: MIT
#pragma once
#include "source.hpp"
#include "sync.hpp"

#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace comoq::detail {

/// A source that looks at a state under its lock. A Rule describes the look: `value_type`; `mutex()`; `waits()`, the
/// list that is woken when the answer may have changed; `available()`; and `take()`, which is called when it is
/// available and gives the outcome. The last three are called under the lock.
///
/// A rule whose look takes long has `look()`, `available(seen)` and `take(seen)`, where `seen` is the look's result, instead
/// of `take()`: so it looks once for each item.
///
/// If each item can be taken by one waiter only, the rule wakes one waiter for each item (`WakeList::take_one`). Such a
/// rule also has `pass_on(wake)`, which wakes one more waiter if anything is left to take. It is called under the lock
/// when the step has taken an item, and when a step ends that may have been woken and has taken nothing. If several
/// lists of waiters are behind one rule, its `waiting()` is told, under the lock, that a waiter has been added to its
/// own.
template <class Rule> class Step {
    static constexpr bool passes_on = requires(Rule rule, WakeList wake) { rule.pass_on(wake); };

public:
    using taken_type = typename Rule::value_type;

    explicit Step(Rule rule) noexcept : rule_(std::move(rule)) {}
    Step(Step &&) noexcept = default;
    Step &operator=(Step &&) = delete;
    ~Step() {
        if constexpr (passes_on) {
            if (!waited_.get()) return;
            WakeList wake;
            Lock lock(rule_.mutex());
            rule_.pass_on(wake);
        }
    }

    bool ready() const noexcept {
        Lock lock(rule_.mutex());
        return rule_.available();
    }
    std::optional<Outcome<taken_type>> take(Permit *permit) {
        // Before the lock is taken: it asks a clock, and drops items that have become too old.
        if constexpr (requires(const Rule rule) { rule.judge_age(); }) rule_.judge_age();
        if constexpr (passes_on) {
            WakeList wake;
            Lock lock(rule_.mutex());
            if (!rule_.available() || (permit != nullptr && !permit->grant())) return std::nullopt;
            std::optional<Outcome<taken_type>> taken(rule_.take());
            waited_.set(false);
            rule_.pass_on(wake);
            return taken;
        } else if constexpr (requires { rule_.look(); }) {
            Lock lock(rule_.mutex());
            const auto seen = rule_.look();
            if (!rule_.available(seen) || (permit != nullptr && !permit->grant())) return std::nullopt;
            return rule_.take(seen);
        } else {
            Lock lock(rule_.mutex());
            if (!rule_.available() || (permit != nullptr && !permit->grant())) return std::nullopt;
            return rule_.take();
        }
    }
    Outcome<taken_type> finish(Outcome<taken_type> &&taken) { return std::move(taken); }
    /// For a rule that can take back the last item: for a step that cannot make an outcome of it.
    void undo() noexcept
        requires requires(Rule rule, WakeList wake) { rule.undo(wake); }
    {
        WakeList wake;
        Lock lock(rule_.mutex());
        rule_.undo(wake);
    }
    std::string subject() const
        requires requires(const Rule rule) { rule.subject(); }
    {
        return rule_.subject();
    }
    bool wait(Waiter &waiter) noexcept {
        Lock lock(rule_.mutex());
        if (rule_.available()) return false;
        rule_.waits().add(waiter);
        if constexpr (passes_on) waited_.set(true);
        if constexpr (requires { rule_.waiting(); }) rule_.waiting();
        return true;
    }
    bool withdraw(Waiter &waiter) noexcept {
        Lock lock(rule_.mutex());
        const bool was_here = rule_.waits().withdraw(waiter);
        if constexpr (passes_on) {
            if (was_here) waited_.set(false);
        }
        return was_here;
    }

    /// Wakes that waiter alone, though there may be nothing to take.
    void wake(Waiter &waiter) noexcept {
        WakeList wake;
        Lock lock(rule_.mutex());
        wake.take(rule_.waits(), waiter);
    }

private:
    /// True if the step may have been woken for an item that it has not taken. The flag moves along with the step.
    class Waited {
    public:
        Waited() = default;
        Waited(Waited &&other) noexcept : value_(std::exchange(other.value_, false)) {}
        Waited &operator=(Waited &&) = delete;
        bool get() const noexcept { return value_; }
        void set(bool value) noexcept { value_ = value; }

    private:
        bool value_ = false;
    };
    struct Nothing {};

    Rule rule_;
    [[no_unique_address]] std::conditional_t<passes_on, Waited, Nothing> waited_;
};

}  // namespace comoq::detail
