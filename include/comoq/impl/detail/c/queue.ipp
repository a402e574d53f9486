// SPDX-License-Identifier: MIT
#pragma once
#include "../../../detail/c/queue.hpp"

namespace comoq::detail::c {

COMOQ_DECL bool Op::list() {
    handle_ = HandleTable::instance().insert(Ref<Op>(this));
    if (queue_->add(*this)) return true;
    bool last = false;
    HandleTable::instance().remove(handle_, last);
    return false;
}

COMOQ_DECL bool Op::withdraw() noexcept {
    auto state = State::Waiting;
    if (!state_.compare_exchange_strong(state, State::Withdrawn)) return false;
    leave();
    queue_->remove(*this);
    return true;
}

COMOQ_DECL void Op::fall_due() noexcept {
    // The queue may end with this wait, as soon as another thread has taken it.
    const Ref<Queue> queue = queue_;
    queue->add_due(*this);
}

COMOQ_DECL void Op::forget() noexcept {
    queue_->remove(*this);
    bool last = false;
    HandleTable::instance().remove(handle_, last);
}

COMOQ_DECL bool Queue::add(Op &op) noexcept {
    const Lock lock(mutex_);
    if (is_closed_) return false;
    op.next_ = first_;
    if (first_ != nullptr) first_->previous_ = &op;
    first_ = &op;
    op.is_listed_ = true;
    return true;
}

COMOQ_DECL bool Queue::unlink(Op &op) noexcept {
    if (!op.is_listed_) return false;
    op.is_listed_ = false;
    (op.previous_ != nullptr ? op.previous_->next_ : first_) = op.next_;
    if (op.next_ != nullptr) op.next_->previous_ = op.previous_;
    op.previous_ = op.next_ = nullptr;
    return true;
}

COMOQ_DECL bool Queue::unlink_due(Op &op) noexcept {
    if (!op.is_due_) return false;
    op.is_due_ = false;
    (op.previous_due_ != nullptr ? op.previous_due_->next_due_ : first_due_) = op.next_due_;
    (op.next_due_ != nullptr ? op.next_due_->previous_due_ : last_due_) = op.previous_due_;
    op.previous_due_ = op.next_due_ = nullptr;
    return true;
}

COMOQ_DECL void Queue::remove(Op &op) noexcept {
    bool was_due = false;
    {
        const Lock lock(mutex_);
        unlink(op);
        was_due = unlink_due(op);
        lower_if_empty();
    }
    if (was_due) op.drop();
}

COMOQ_DECL void Queue::add_due(Op &op) noexcept {
    {
        const Lock lock(mutex_);
        // Withdrawn ones are no longer listed.
        if (op.is_listed_ && !op.is_due_) {
            op.is_due_ = true;
            op.previous_due_ = last_due_;
            (last_due_ != nullptr ? last_due_->next_due_ : first_due_) = &op;
            last_due_ = &op;
            raise();
            return;
        }
    }
    op.drop();
}

COMOQ_DECL Op *Queue::take_due() noexcept {
    Op *op = first_due_;
    if (op != nullptr) unlink_due(*op);
    return op;
}

COMOQ_DECL void Queue::raise() noexcept {
    there_.notify_one();
    if (!descriptor_.is_open() || is_raised_) return;
    is_raised_ = true;
    if (made_here_) descriptor_.raise();
}

COMOQ_DECL void Queue::lower_if_empty() noexcept {
    if (!is_raised_ || has_something()) return;
    is_raised_ = false;
    if (made_here_) descriptor_.lower();
}

COMOQ_DECL bool Queue::wait(std::unique_lock<Mutex> &lock, std::int32_t timeout) {
    const auto there = [this] { return has_something(); };
    if (timeout > 0) return there_.wait_for(lock, std::chrono::milliseconds(timeout), there);
    if (timeout < 0) there_.wait(lock, there);
    return there();
}

COMOQ_DECL std::int32_t Queue::next(comoq_event *events, std::size_t max, std::int32_t timeout) noexcept {
    using Time = std::chrono::steady_clock;
    constexpr std::size_t most = 0x7fff'ffff;
    const auto until = Time::now() + std::chrono::milliseconds(timeout > 0 ? timeout : 0);
    std::size_t count = 0;
    std::unique_lock lock(mutex_);
    for (;;) {
        Op *due = nullptr;
        while (count < max && count < most && !is_closed_ && (due = take_due()) != nullptr) {
            lock.unlock();
            {
                const Ref<Op> op = Ref<Op>::adopt(due);
                if (op->deliver(events[count])) ++count;
            }
            lock.lock();
        }
        if (count != 0 || is_closed_ || wakes_ != 0 || timeout == 0) break;
        // A wait that fell due for what another one has taken leaves the time that there is.
        std::int32_t left = timeout;
        if (timeout > 0) {
            const auto rest = std::chrono::ceil<std::chrono::milliseconds>(until - Time::now()).count();
            left = rest > 0 ? static_cast<std::int32_t>(rest) : 0;
        }
        if (!wait(lock, left)) break;
    }
    if (count == 0 && is_closed_) return COMOQ_CLOSED;
    if (count == 0 && wakes_ != 0) --wakes_;
    // Others may wait for what is left.
    if (has_something()) there_.notify_one();
    lower_if_empty();
    return static_cast<std::int32_t>(count);
}

COMOQ_DECL int Queue::descriptor() {
    const Lock lock(mutex_);
    if (!descriptor_.is_open()) {
        descriptor_.open();
        if (has_something()) raise();
    }
    return descriptor_.get();
}

COMOQ_DECL std::int32_t Queue::ended() noexcept {
    std::unique_lock lock(mutex_);
    is_closed_ = true;
    there_.notify_all();
    if (descriptor_.is_open()) raise();
    while (first_ != nullptr) {
        const Ref<Op> op(first_);
        unlink(*op);
        lock.unlock();
        bool last = false;
        // Its handle goes with it, unless its event came out, or it was closed, meanwhile.
        if (op->withdraw()) HandleTable::instance().remove(op->handle_, last);
        lock.lock();
    }
    return COMOQ_OK;
}

}  // namespace comoq::detail::c
