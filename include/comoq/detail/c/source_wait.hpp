// SPDX-License-Identifier: MIT
#pragma once
#include "../../operation.hpp"
#include "../wait/source.hpp"
#include "../wait/waiter.hpp"
#include "code.hpp"
#include "queue.hpp"

#include <concepts>
#include <cstdint>
#include <optional>
#include <utility>

namespace comoq::detail::c {

/// The source of an operation, which is asked without a coroutine here.
template <class T> class Opened : public Operation<T> {
public:
    static AnySource<T> source_of(Operation<T> &operation) {
        AnySource<T> (AwaitableSource<T, false>::*const take)() noexcept = &Opened::take;
        AwaitableSource<T, false> &base = operation;
        return (base.*take)();
    }
};

/// Makes the event of an outcome: `fill(event, value)` does, which may throw, and gets no failures.
template <class T, class Fill> void fill_event(comoq_event &event, std::uint64_t user, Outcome<T> &&outcome, Fill &fill) noexcept {
    event = comoq_event{user, 0, COMOQ_OK, 0};
    event.code = guarded([&]() -> std::int32_t {
        if (outcome.ec) return number_of(outcome.ec);
        if constexpr (std::is_void_v<T>)
            fill(event);
        else
            fill(event, std::move(outcome.value));
        return event.code;
    });
    if (event.code < 0) event.value = 0;
}

/// A wait for an operation's outcome. The operation's list of waiters has this object itself; the outcome is taken by the thread
/// that takes the event, so that a wait that is withdrawn takes nothing.
template <class T, class Fill> class SourceWait final : public Op, public Waiter, private Permit {
public:
    SourceWait(Ref<Queue> queue, std::uint64_t user, AnySource<T> &&source, Fill fill)
        : Op(std::move(queue), user), fill_(std::move(fill)), source_(std::move(source)) {}

    /// The outcome may come from now on.
    void start() noexcept {
        if (!wait_again()) {
            hold();
            fall_due();
        }
    }

    bool deliver(comoq_event &event) noexcept override {
        typename AnySource<T>::Taken taken;
        while (!taken.fill(source_, *this)) {
            if (is_withdrawn() || wait_again()) return false;
        }
        fill_event(event, user(), taken.finish(source_), fill_);
        forget();
        return true;
    }

    void claimed() noexcept override { hold(); }
    Waiter *wake(std::size_t) noexcept override {
        Waiter *rest = following();
        fall_due();
        return rest;
    }

protected:
    void leave() noexcept override { source_.withdraw(*this); }

private:
    /// False if the outcome is there. A wait that is withdrawn at the same time may not have been in the list when that looked
    /// there: this looks once more.
    bool wait_again() noexcept {
        if (!source_.wait(*this)) return false;
        if (is_withdrawn()) source_.withdraw(*this);
        return true;
    }
    /// If it is asked again after want of memory, it gives the same answer.
    bool grant() noexcept override { return come_out() || is_out(); }

    // The source ends first: it may have an outcome that needs what `fill_` keeps.
    Fill fill_;
    AnySource<T> source_;
};

/// Where the outcome of a call goes.
struct Asked {
    comoq_queue queue;
    std::uint64_t user;
    comoq_event *now;
    comoq_op *op;
};

/// Begins a wait of type `Wait`; `start` is called when its handle is known.
template <class Wait, class... Args> std::int32_t begin(const Asked &asked, Args &&...args) {
    std::int32_t code = COMOQ_OK;
    const auto queue = HandleTable::instance().find<Queue>(asked.queue, code);
    if (!queue) return code;
    const auto wait = make<Wait>(queue.ref(), asked.user, std::forward<Args>(args)...);
    if (!wait->list()) return COMOQ_CLOSED;
    // Before the start: another thread may have the event before this call returns.
    if (asked.op != nullptr) *asked.op = wait->handle();
    wait->start();
    return COMOQ_OK;
}

/// A call that may wait: gives the outcome at once if it is there and the caller wants that, or begins a wait for it.
template <class T, class Fill> std::int32_t ask(const Asked &asked, Operation<T> operation, Fill fill) {
    auto source = Opened<T>::source_of(operation);
    if (asked.now != nullptr) {
        if (auto outcome = source.poll()) {
            fill_event(*asked.now, asked.user, std::move(*outcome), fill);
            return COMOQ_READY;
        }
    }
    if (asked.queue == 0) return asked.now != nullptr ? COMOQ_WOULD_WAIT : COMOQ_ERROR_ARGUMENT;
    return begin<SourceWait<T, Fill>>(asked, std::move(source), std::move(fill));
}

/// The same for a step of a stream: `attempt` is its form without a wait, which needs no operation.
template <class Attempt, class Make, class Fill>
std::int32_t ask_step(const Asked &asked, Attempt &&attempt, Make &&operation, Fill fill) {
    if (asked.now != nullptr) {
        auto result = attempt();
        if (!result.is_nothing_yet()) {
            using Item = std::remove_cvref_t<decltype(*result)>;
            Outcome<std::optional<Item>> outcome(result.code());
            if (result) outcome.value = *std::move(result);
            fill_event(*asked.now, asked.user, std::move(outcome), fill);
            return COMOQ_READY;
        }
    }
    if (asked.queue == 0) return asked.now != nullptr ? COMOQ_WOULD_WAIT : COMOQ_ERROR_ARGUMENT;
    return ask(asked, operation(), std::move(fill));
}

}  // namespace comoq::detail::c
