// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/intrusive_list.hpp"

#include <memory>
#include <utility>

namespace comoq::detail {

/// An object that must act when a broadcast or a track ends: it takes that off the lists that it is on.
class EndHook : public ListNode<EndHook> {
public:
    /// Called once, with no lock held, by the call that ended it, before that call returns.
    virtual void ended() noexcept = 0;
    virtual ~EndHook() = default;

private:
    friend class EndHooks;
    std::shared_ptr<EndHook> self_;  // while it is in a list
    bool listed_ = false;            // in the object's list, and not taken out; guarded by the object's lock
};

/// The hooks of one object, guarded by its lock.
class EndHooks {
public:
    /// Hooks that were taken out, to be called after unlocking.
    class Taken {
    public:
        Taken() = default;
        explicit Taken(IntrusiveList<EndHook> hooks) noexcept : hooks_(hooks) {}
        Taken(const Taken &) = delete;
        Taken &operator=(Taken &&other) noexcept {
            std::swap(hooks_, other.hooks_);
            return *this;
        }
        ~Taken() { drop_all(hooks_); }

        bool empty() const noexcept { return hooks_.empty(); }
        void call() noexcept {
            while (!hooks_.empty()) drop_first(hooks_)->ended();
        }

    private:
        IntrusiveList<EndHook> hooks_;
    };

    EndHooks() = default;
    EndHooks(const EndHooks &) = delete;
    EndHooks &operator=(const EndHooks &) = delete;
    ~EndHooks() { drop_all(hooks_); }

    /// A hook is in one list at most.
    void add(std::shared_ptr<EndHook> hook) noexcept {
        EndHook &added = *hook;
        added.self_ = std::move(hook);
        added.listed_ = true;
        hooks_.push_back(added);
    }

    /// Returns the hook, for the caller to free after unlocking; null if it is not here.
    std::shared_ptr<EndHook> remove(EndHook &hook) noexcept {
        if (!std::exchange(hook.listed_, false)) return nullptr;
        hooks_.remove(hook);
        return std::move(hook.self_);
    }

    Taken take() noexcept {
        for (EndHook *hook = hooks_.front(); hook != nullptr; hook = hooks_.after(*hook)) hook->listed_ = false;
        return Taken(std::exchange(hooks_, {}));
    }

private:
    static std::shared_ptr<EndHook> drop_first(IntrusiveList<EndHook> &hooks) noexcept {
        EndHook &first = *hooks.front();
        hooks.remove(first);
        return std::move(first.self_);
    }
    static void drop_all(IntrusiveList<EndHook> &hooks) noexcept {
        while (!hooks.empty()) drop_first(hooks);
    }

    IntrusiveList<EndHook> hooks_;
};

}  // namespace comoq::detail
