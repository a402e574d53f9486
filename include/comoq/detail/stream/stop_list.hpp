// SPDX-License-Identifier: MIT
#pragma once
#include "../../operation.hpp"
#include "../containers/intrusive_list.hpp"
#include "../wait/outcome.hpp"
#include "../wait/passkey.hpp"
#include "../wait/step.hpp"
#include "../wait/sync.hpp"
#include "../wait/waiter.hpp"

#include <system_error>
#include <utility>

namespace comoq::detail {

class StopHook;

/// The streams of a session that have failed, for one coroutine that takes them from here. It outlives its hooks, and the
/// waits at it.
class StopList {
public:
    StopList() = default;
    StopList(const StopList &) = delete;
    StopList &operator=(const StopList &) = delete;

    /// Completes when `next` has something to give.
    Operation<void> coming() { return Operation<void>(Passkey(), Step(Rule(*this))); }
    /// Takes the hook of the stream that has failed first; null if there is none.
    inline StopHook *next() noexcept;

private:
    friend class StopHook;

    class Rule {
    public:
        using value_type = void;
        explicit Rule(StopList &of) noexcept : list_(&of) {}
        Mutex &mutex() const noexcept { return list_->mutex_; }
        WaitList &waits() const noexcept { return list_->waits_; }
        bool available() const noexcept { return !list_->hooks_.empty(); }
        Outcome<void> take() noexcept { return {}; }

    private:
        StopList *list_;
    };

    Mutex mutex_;
    WaitList waits_;
    IntrusiveList<StopHook> hooks_;
};

/// Is told when a stream fails: when the peer stops it, it is reset, or the connection is lost; not when all of it has been
/// sent. It costs a stream that does not fail a pointer, and no wait.
///
/// Made, and destroyed, on the executor of the coroutine that takes it from its list, and only after the stream has let go of
/// it.
class StopHook : private ListNode<StopHook> {
public:
    explicit StopHook(StopList &list) noexcept : list_(list) {}
    StopHook(const StopHook &) = delete;
    StopHook &operator=(const StopHook &) = delete;

    /// The stream has failed. Called once, on any thread, under the lock of the connection. The caller forgets the hook.
    void failed(std::error_code code, WakeList &wake) noexcept {
        const Lock lock(list_.mutex_);
        code_ = code;
        is_listed_ = true;
        list_.hooks_.push_back(*this);
        wake.take(list_.waits_);
    }
    /// Of a hook that was taken from its list.
    std::error_code code() const noexcept { return code_; }

protected:
    ~StopHook() {
        // No stream writes this any more.
        if (!is_listed_) return;
        const Lock lock(list_.mutex_);
        list_.hooks_.remove(*this);
    }

private:
    friend class StopList;
    friend class IntrusiveList<StopHook>;

    StopList &list_;
    std::error_code code_;
    bool is_listed_ = false;
};

inline StopHook *StopList::next() noexcept {
    const Lock lock(mutex_);
    StopHook *const hook = hooks_.front();
    if (hook == nullptr) return nullptr;
    hooks_.remove(*hook);
    hook->is_listed_ = false;
    return hook;
}

}  // namespace comoq::detail
