// SPDX-License-Identifier: MIT
#pragma once
#include "../../c/queue.h"
#include "handle_table.hpp"
#include "made_here.hpp"
#include "wake_descriptor.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace comoq::detail::c {

class Queue;

/// A wait whose outcome goes to a queue as one event.
///
/// Its queue has it in a list from the beginning to the end, so that the queue's end can end it. When the outcome may be there it is
/// also in the queue's list of due waits, with a reference of that list's. Whether the event comes out, or the wait is withdrawn, is
/// one decision: the change of `state_`.
class Op : public Object {
public:
    static constexpr std::uint32_t handle_kind = COMOQ_KIND_OP;
    Op(Ref<Queue> queue, std::uint64_t user) noexcept : Object(COMOQ_KIND_OP), queue_(std::move(queue)), user_(user) {}

    /// The event, unless the wait was withdrawn or the outcome is not there after all. Called by the thread that took it from its
    /// queue, and by no other at that time.
    virtual bool deliver(comoq_event &event) noexcept = 0;

    /// Withdraws the wait. False if its event has come out before.
    bool withdraw() noexcept;
    std::int32_t ended() noexcept override { return withdraw() ? COMOQ_OK : COMOQ_ERROR_HANDLE; }

    /// Before anything can complete it: makes its handle, and lists it with its queue. Throws; false if the queue is closed.
    bool list();
    comoq_op handle() const noexcept { return handle_; }

protected:
    /// Takes the wait back from what would complete it.
    virtual void leave() noexcept = 0;
    /// The event comes out. False if the wait was withdrawn.
    bool come_out() noexcept {
        auto state = State::Waiting;
        return state_.compare_exchange_strong(state, State::Out);
    }
    bool is_withdrawn() const noexcept { return state_.load() == State::Withdrawn; }
    bool is_out() const noexcept { return state_.load() == State::Out; }
    /// The outcome may be there. Takes a reference over.
    void fall_due() noexcept;
    std::uint64_t user() const noexcept { return user_; }
    /// After its event came out.
    void forget() noexcept;

private:
    friend class Queue;
    enum class State : std::uint8_t { Waiting, Out, Withdrawn };

    const Ref<Queue> queue_;
    const std::uint64_t user_;
    comoq_op handle_ = 0;
    Atomic<State> state_{State::Waiting};
    // Under the queue's mutex.
    Op *previous_ = nullptr, *next_ = nullptr;
    Op *previous_due_ = nullptr, *next_due_ = nullptr;
    bool is_listed_ = false, is_due_ = false;
};

/// Waits, and those of them that are due.
class Queue final : public Object {
public:
    static constexpr std::uint32_t handle_kind = COMOQ_KIND_QUEUE;
    Queue() : Object(COMOQ_KIND_QUEUE) {}

    /// As `comoq_queue_next`.
    std::int32_t next(comoq_event *events, std::size_t max, std::int32_t timeout) noexcept;
    void wake() noexcept {
        const Lock lock(mutex_);
        ++wakes_;
        raise();
    }
    /// As `comoq_queue_fd`. Throws std::system_error.
    int descriptor();
    /// Its handle was closed: ends all waits.
    std::int32_t ended() noexcept override;

private:
    friend class Op;

    bool add(Op &op) noexcept;
    void remove(Op &op) noexcept;
    void add_due(Op &op) noexcept;
    bool unlink(Op &op) noexcept;
    bool unlink_due(Op &op) noexcept;
    /// A due wait, with its reference.
    Op *take_due() noexcept;
    /// Under the mutex.
    bool has_something() const noexcept { return first_due_ != nullptr || wakes_ != 0 || is_closed_; }
    void raise() noexcept;
    void lower_if_empty() noexcept;
    bool wait(std::unique_lock<Mutex> &lock, std::int32_t timeout);

    Mutex mutex_;
    std::condition_variable there_;
    // The child of a fork has a copy of the queue, and the parent's descriptor.
    const MadeHere made_here_;
    WakeDescriptor descriptor_;
    Op *first_ = nullptr;
    Op *first_due_ = nullptr, *last_due_ = nullptr;
    // Each ends one wait.
    std::uint64_t wakes_ = 0;
    bool is_closed_ = false, is_raised_ = false;
};

}  // namespace comoq::detail::c

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../../impl/detail/c/queue.ipp"
#endif
