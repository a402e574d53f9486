// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace comoq::detail {

#if defined(__GNUC__) && !defined(__clang__)

/// A T in a config: a struct that users may write as `{.member = value}`, also inside a `co_await` expression.
///
/// There GCC 12 makes the member's value outside of the struct, copies its bytes into it, and destroys both. A member
/// that was made at another address is such a copy: it owns nothing, so it is copied from instead of moved from, and
/// not destroyed. (A constructor of the struct would also help, but a struct with one cannot be written that way.)
template <class T> class ConfigMember : public T {
public:
    using T::T;
    ConfigMember() = default;
    ConfigMember(const T &value) : T(value) {}
    ConfigMember(T &&value) noexcept : T(std::move(value)) {}
    ConfigMember(const ConfigMember &other) noexcept(std::is_nothrow_copy_constructible_v<T>) : T(static_cast<const T &>(other)) {}
    ConfigMember(ConfigMember &&other) noexcept(moves_and_copies)
        : T(other.owns() ? T(static_cast<T &&>(other)) : T(static_cast<const T &>(other))) {}
    ConfigMember &operator=(const ConfigMember &other) noexcept(std::is_nothrow_copy_assignable_v<T>) { return *this = static_cast<const T &>(other); }
    ConfigMember &operator=(ConfigMember &&other) noexcept(moves_and_copies) {
        if (other.owns()) return *this = static_cast<T &&>(other);
        return *this = static_cast<const T &>(other);
    }
    template <class Value>
        requires(!std::is_same_v<std::remove_cvref_t<Value>, ConfigMember> && std::is_assignable_v<T &, Value>)
    ConfigMember &operator=(Value &&value) {
        T::operator=(std::forward<Value>(value));
        return *this;
    }
    ~ConfigMember() {
        // The base's destructor always runs: it gets something of its own to destroy.
        static_assert(std::is_nothrow_default_constructible_v<T>);
        if (!owns()) std::construct_at(static_cast<T *>(this));
    }

    /// A template, so that no other operand becomes such a member in order to be compared.
    template <std::same_as<ConfigMember> One, std::same_as<ConfigMember> Other>
    friend bool operator==(const One &one, const Other &other) {
        return static_cast<const T &>(one) == static_cast<const T &>(other);
    }

    /// A std::function made of this one must be a copy, not a function that calls this one (an empty one would not
    /// survive that). So this type itself cannot be called.
    template <class... Arguments> void operator()(Arguments &&...) const = delete;

private:
    // A share can be copied where another T could only be moved.
    static constexpr bool moves_and_copies = std::is_nothrow_copy_constructible_v<T> && std::is_nothrow_copy_assignable_v<T> &&
                                             std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_assignable_v<T>;

    bool owns() const noexcept { return made_at_ == this; }

    const ConfigMember *made_at_ = this;
};

#else
template <class T> using ConfigMember = T;
#endif

}  // namespace comoq::detail
