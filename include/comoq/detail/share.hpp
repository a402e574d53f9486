#pragma once
#include "resumption.hpp"
#include "sync.hpp"

#include <cstddef>
#include <memory>
#include <utility>

namespace comoq::detail {

/// A share in something that ends when its last share goes: what a producer or a handler handle is made of.
/// `Count` is the state's member that counts this kind of share, `Gone` its function for when that drops to zero.
template <class State, auto Count, auto Gone> class Share {
public:
    Share() noexcept : state_() {}
    explicit Share(std::shared_ptr<State> state) noexcept : state_(std::move(state)) { acquire(); }
    Share(const Share &other) noexcept : state_(other.state_) { acquire(); }
    Share(Share &&other) noexcept : state_(std::move(other.state_)) {}
    Share &operator=(Share other) noexcept {
        std::swap(state_, other.state_);
        return *this;
    }
    // The pointer sits in a union so that nothing of this object is touched after the scope has ended: the coroutines
    // that it resumes may free the memory which the object is part of.
    ~Share() {
        ResumeScope scope;
        release();
        state_.~shared_ptr();
    }

    explicit operator bool() const noexcept { return state_ != nullptr; }
    State *operator->() const noexcept { return state_.get(); }
    State &operator*() const noexcept { return *state_; }
    const std::shared_ptr<State> &state() const noexcept { return state_; }

    void reset() noexcept {
        ResumeScope scope;
        release();
        state_.reset();
    }

private:
    void acquire() noexcept {
        if (state_ != nullptr) ((*state_).*Count).fetch_add(1, std::memory_order_relaxed);
    }
    void release() noexcept {
        if (state_ != nullptr && ((*state_).*Count).fetch_sub(1, std::memory_order_acq_rel) == 1) ((*state_).*Gone)();
    }

    union {
        std::shared_ptr<State> state_;
    };
};

}  // namespace comoq::detail
