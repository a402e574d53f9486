// SPDX-License-Identifier: MIT
#pragma once
#include "resumption.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>

namespace comoq::detail {

/// A wait for a state to change: a node inside the waiting operation's own block, never allocated by the state.
///
/// A waiter belongs to its list until one side takes it out under the state's lock: its own side, which withdraws it,
/// or a completing call, which claims it and must then wake it. The side that took it out owns it.
class Waiter {
public:
    /// Claimed by a completing call; runs under the state's lock, so it must be short and must not lock.
    virtual void claimed() noexcept = 0;
    /// Runs after the lock was released. Wakes this waiter, and up to `most` in all together with those that follow it
    /// in the list; returns the first that it has not woken. The woken ones may be gone when this returns.
    virtual Waiter *wake(std::size_t most) noexcept = 0;

    /// Waiters of one kind know each other's type, and can be woken together.
    explicit Waiter(const void *kind = nullptr) noexcept : kind_(kind) {}
    Waiter(const Waiter &) = delete;
    Waiter &operator=(const Waiter &) = delete;

protected:
    ~Waiter() = default;

    /// For a claimed waiter: the one that is woken after it.
    Waiter *following() const noexcept { return next_; }
    /// True if the other one was made with the same kind.
    bool same_kind(const Waiter &other) const noexcept { return kind_ == other.kind_; }

private:
    friend class WaitList;
    friend class WakeList;
    Waiter *prev_ = nullptr;
    Waiter *next_ = nullptr;
    const void *const kind_;
    bool linked_ = false;
};

/// The waiters for one event, oldest first. Guarded by the lock of the state that it is part of. It is one pointer,
/// because states have many lists that are empty: the first waiter's `prev_` is the last one.
class WaitList {
public:
    WaitList() = default;
    WaitList(const WaitList &) = delete;
    WaitList &operator=(const WaitList &) = delete;
    ~WaitList() { assert(head_ == nullptr && "a waiter keeps the state alive that it waits for"); }

    bool empty() const noexcept { return head_ == nullptr; }

    void add(Waiter &waiter) noexcept {
        waiter.next_ = nullptr;
        waiter.linked_ = true;
        if (head_ == nullptr) {
            head_ = waiter.prev_ = &waiter;
            return;
        }
        waiter.prev_ = head_->prev_;
        waiter.prev_->next_ = head_->prev_ = &waiter;
    }

    /// True if the waiter was still here and now belongs to the caller; false if a completing call has claimed it.
    bool withdraw(Waiter &waiter) noexcept {
        if (!waiter.linked_) return false;
        (&waiter == head_ ? head_ : waiter.prev_->next_) = waiter.next_;
        if (Waiter *const before = waiter.next_ != nullptr ? waiter.next_ : head_) before->prev_ = waiter.prev_;
        waiter.linked_ = false;
        return true;
    }

private:
    friend class WakeList;
    Waiter *head_ = nullptr;
};

/// Waiters claimed under a lock, woken by this object's destructor: declare it before the lock.
class WakeList {
public:
    WakeList() = default;
    WakeList(const WakeList &) = delete;
    WakeList &operator=(const WakeList &) = delete;
    ~WakeList() {
        if (head_ != nullptr) wake_all();
    }

    /// Claims every waiter in `list`. Called under the lock that guards the list.
    void take(WaitList &list) noexcept {
        if (list.head_ != nullptr) claim_all(list);
    }

    /// Claims the waiter that has waited longest, if any: for an item that only one can take. A claimed waiter that
    /// does not take it must pass the call on (step.hpp).
    void take_one(WaitList &list) noexcept {
        if (list.head_ != nullptr) take(list, *list.head_);
    }

    /// Claims that waiter, unless another call has claimed it.
    void take(WaitList &list, Waiter &waiter) noexcept {
        if (!list.withdraw(waiter)) return;
        waiter.claimed();
        ++claimed_;
        waiter.next_ = nullptr;
        (tail_ != nullptr ? tail_->next_ : head_) = &waiter;
        tail_ = &waiter;
    }

private:
    // Separate from the functions above: without waiters, which is most often, these are not called.
    void wake_all() noexcept {
        // The claimed waiters belong to this list alone: nobody else frees them or follows their links, so it may be
        // walked unlocked.
        const std::size_t most = most_together();
        while (head_ != nullptr) head_ = head_->wake(most);
    }
    void claim_all(WaitList &list) noexcept {
        for (Waiter *waiter = list.head_; waiter != nullptr; waiter = waiter->next_) {
            waiter->linked_ = false;
            waiter->claimed();
            ++claimed_;
        }
        (tail_ != nullptr ? tail_->next_ : head_) = list.head_;
        tail_ = list.head_->prev_;
        list.head_ = nullptr;
    }

    /// One post for each waiter costs more than all the rest of waking it, and one for all would keep a context that
    /// many threads run from sharing the work. So there are at least eight posts, given that many waiters, and at most
    /// 64 waiters in one, so that other queued work gets its turn.
    std::size_t most_together() const noexcept { return std::clamp<std::size_t>(claimed_ / 8, 1, 64); }

    // The scope comes first so that it outlives the walk: foreign coroutines run when all waiters have been woken.
    ResumeScope scope_;
    Waiter *head_ = nullptr;
    Waiter *tail_ = nullptr;
    std::size_t claimed_ = 0;
};

}  // namespace comoq::detail
