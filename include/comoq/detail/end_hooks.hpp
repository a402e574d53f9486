#pragma once
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace comoq::detail {

/// Somebody who must do something when a broadcast or a track ends: take it off the lists that it is on.
class EndHook {
public:
    /// Called once, with no lock held, by the call that ended it, before that call returns.
    virtual void ended() noexcept = 0;

    virtual ~EndHook() = default;

private:
    friend class EndHooks;
    static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);
    std::size_t place_ = nowhere;
};

/// The hooks of one object, guarded by its lock.
class EndHooks {
public:
    void add(std::shared_ptr<EndHook> hook) {
        hooks_.push_back(std::move(hook));
        hooks_.back()->place_ = hooks_.size() - 1;
    }

    /// Gives the hook to the caller to free after unlocking; null if it is not here.
    std::shared_ptr<EndHook> remove(EndHook &hook) noexcept {
        if (hook.place_ == EndHook::nowhere) return nullptr;
        auto removed = std::move(hooks_[hook.place_]);
        if (hook.place_ + 1 != hooks_.size()) {
            hooks_.back()->place_ = hook.place_;
            hooks_[hook.place_] = std::move(hooks_.back());
        }
        hooks_.pop_back();
        hook.place_ = EndHook::nowhere;
        return removed;
    }

    /// Takes all of them out, to be called after unlocking.
    std::vector<std::shared_ptr<EndHook>> take() noexcept {
        for (auto &hook : hooks_) hook->place_ = EndHook::nowhere;
        return std::exchange(hooks_, {});
    }

private:
    std::vector<std::shared_ptr<EndHook>> hooks_;
};

}  // namespace comoq::detail
