// SPDX-License-Identifier: MIT
#pragma once
#include "../wait/sync.hpp"
#include "../wait/waiter.hpp"
#include "held_info.hpp"

#include <atomic>
#include <utility>

namespace comoq::detail {

/// What may change of a broadcast's way to here while the broadcast goes on. Any thread, also under another lock: nothing
/// is locked, or ended, in the meantime.
class BroadcastRoute {
public:
    /// Nothing if it has never changed.
    HeldInfo changed_info() const noexcept {
        if (!has_changed_info_.load(std::memory_order_acquire)) return {};
        Lock lock(mutex_);
        return changed_info_;
    }
    void change(HeldInfo info, WakeList &wake) noexcept {
        Lock lock(mutex_);
        std::swap(changed_info_, info);
        wake.take(waits_);
        has_changed_info_.store(true, std::memory_order_release);
    }

    /// Its source takes no new tracks: requests for its path are to get another broadcast, if there is one. Its tracks go on.
    bool is_leaving() const noexcept { return is_leaving_.load(std::memory_order_acquire); }
    void leave() noexcept { is_leaving_.store(true, std::memory_order_release); }

    /// The lock and the waiters of those who follow the info. Guarded by that lock: the info that has changed last.
    Mutex &mutex() const noexcept { return mutex_; }
    WaitList &waits() noexcept { return waits_; }
    const HeldInfo &last() const noexcept { return changed_info_; }

private:
    Atomic<bool> has_changed_info_{false};
    Atomic<bool> is_leaving_{false};
    mutable Mutex mutex_;
    HeldInfo changed_info_;
    WaitList waits_;
};

}  // namespace comoq::detail
