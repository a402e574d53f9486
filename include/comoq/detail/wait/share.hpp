// SPDX-License-Identifier: MIT
#pragma once
#include "../../config.hpp"
#include "failure.hpp"
#include "resumption.hpp"
#include "sync.hpp"

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace comoq::detail {

/// Makes a handle empty where the default constructor means something else.
struct EmptyHandle {};

/// A share in an object that ends when its last share goes: a producer's or a handler's handle contains one. `Count` is
/// the state's member that counts this kind of share, `Gone` its function for a count that drops to zero, and `Came`,
/// if set, for one that rises from there.
template <class State, auto Count, auto Gone, auto Came = nullptr> class Share {
public:
    Share() noexcept : state_() {}
    explicit Share(std::shared_ptr<State> state) noexcept : state_(std::move(state)) { acquire(); }
    Share(const Share &other) noexcept : state_(other.state_) { acquire(); }
    Share(Share &&other) noexcept : state_(std::move(other.state_)) {}
    Share &operator=(Share other) noexcept {
        std::swap(state_, other.state_);
        return *this;
    }
    // The pointer is in a union so that no part of this object is touched after the scope has ended: the coroutines
    // that it resumes may free the memory which the object is part of.
    COMOQ_INLINED ~Share() {
        // Most are empty when they end: they were moved from.
        if (state_ != nullptr) end();
    }

    explicit operator bool() const noexcept { return state_ != nullptr; }
    /// Throws Closed if there is nothing to share: so do the calls of an empty handle.
    State *operator->() const { return held().get(); }
    State &operator*() const { return *held(); }
    const std::shared_ptr<State> &held() const {
        if (state_ == nullptr) throw_error(make_error_code(Error::Closed));
        return state_;
    }
    /// Null if there is nothing.
    const std::shared_ptr<State> &state() const noexcept { return state_; }

    void reset() noexcept {
        ResumeScope scope;
        if (state_ != nullptr && was_last()) ((*state_).*Gone)();
        state_.reset();
    }

private:
    COMOQ_APART void end() noexcept {
        ResumeScope scope;
        if (was_last()) ((*state_).*Gone)();
        state_.~shared_ptr();
    }
    void acquire() noexcept {
        if (state_ == nullptr) return;
        if constexpr (std::is_null_pointer_v<decltype(Came)>)
            ((*state_).*Count).fetch_add(1, std::memory_order_relaxed);
        else if (((*state_).*Count).fetch_add(1) == 0)
            ((*state_).*Came)();
    }
    bool was_last() noexcept {
        // If both changes are reported, they are in one order with all other sequentially consistent operations.
        constexpr auto order = std::is_null_pointer_v<decltype(Came)> ? std::memory_order_acq_rel : std::memory_order_seq_cst;
        return ((*state_).*Count).fetch_sub(1, order) == 1;
    }

    union {
        std::shared_ptr<State> state_;
    };
};

}  // namespace comoq::detail
