#pragma once
#include "resumption.hpp"

#include <cassert>

namespace comoq::detail {

/// One who waits for a state to change: a node inside the waiting operation's own block, never allocated by the state.
///
/// A waiter belongs to the list that it is in until somebody takes it out under the state's lock: its own side, which
/// withdraws it, or a completing call, which claims it and must then wake it. Whoever took it out owns it.
class Waiter {
public:
    /// Claimed by a completing call; runs under the state's lock, so it must be short and must not lock.
    virtual void claimed() noexcept = 0;
    /// Runs after the lock was released. The waiter may be gone when this returns.
    virtual void wake() noexcept = 0;

    Waiter() = default;
    Waiter(const Waiter &) = delete;
    Waiter &operator=(const Waiter &) = delete;

protected:
    ~Waiter() = default;

private:
    friend class WaitList;
    friend class WakeList;
    Waiter *prev_ = nullptr;
    Waiter *next_ = nullptr;
    bool linked_ = false;
};

/// Those who wait for one thing, oldest first. Guarded by the lock of the state that it is part of.
class WaitList {
public:
    WaitList() = default;
    WaitList(const WaitList &) = delete;
    WaitList &operator=(const WaitList &) = delete;
    ~WaitList() { assert(head_ == nullptr && "a waiter keeps the state alive that it waits for"); }

    bool empty() const noexcept { return head_ == nullptr; }

    void add(Waiter &waiter) noexcept {
        waiter.prev_ = tail_;
        waiter.next_ = nullptr;
        waiter.linked_ = true;
        (tail_ != nullptr ? tail_->next_ : head_) = &waiter;
        tail_ = &waiter;
    }

    /// True if the waiter was still here and now belongs to the caller; false if a completing call has claimed it.
    bool withdraw(Waiter &waiter) noexcept {
        if (!waiter.linked_) return false;
        (waiter.prev_ != nullptr ? waiter.prev_->next_ : head_) = waiter.next_;
        (waiter.next_ != nullptr ? waiter.next_->prev_ : tail_) = waiter.prev_;
        waiter.linked_ = false;
        return true;
    }

private:
    friend class WakeList;
    Waiter *head_ = nullptr;
    Waiter *tail_ = nullptr;
};

/// Waiters claimed under a lock, woken by this object's destructor: declare it before the lock.
class WakeList {
public:
    WakeList() = default;
    WakeList(const WakeList &) = delete;
    WakeList &operator=(const WakeList &) = delete;
    ~WakeList() {
        // What is claimed is ours alone: nobody else frees it or follows its links, so the list may be walked unlocked.
        while (head_ != nullptr) {
            Waiter *waiter = head_;
            head_ = waiter->next_;
            waiter->wake();
        }
    }

    /// Claims everybody in `list`. Called under the lock that guards the list.
    void take(WaitList &list) noexcept {
        if (list.head_ == nullptr) return;
        for (Waiter *waiter = list.head_; waiter != nullptr; waiter = waiter->next_) {
            waiter->linked_ = false;
            waiter->claimed();
        }
        (tail_ != nullptr ? tail_->next_ : head_) = list.head_;
        tail_ = list.tail_;
        list.head_ = list.tail_ = nullptr;
    }

private:
    // The scope comes first so that it outlives the walk: foreign coroutines run when all have been woken.
    ResumeScope scope_;
    Waiter *head_ = nullptr;
    Waiter *tail_ = nullptr;
};

}  // namespace comoq::detail
