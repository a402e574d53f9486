// SPDX-License-Identifier: MIT
#pragma once
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace comoq::detail {

/// The end of an operation: a code, and the value that goes with a false one.
template <class T> struct Outcome {
    using value_type = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

    Outcome() = default;
    Outcome(std::error_code code) noexcept : ec(code) {}
    template <class... Args>
        requires std::is_constructible_v<value_type, Args &&...>
    explicit Outcome(std::in_place_t, Args &&...args) : value(std::forward<Args>(args)...) {}

    std::error_code ec;
    value_type value{};
};

template <class T> struct OutcomeTuple {
    using type = std::tuple<std::error_code, T>;
    static type make(Outcome<T> &&outcome) { return type(outcome.ec, std::move(outcome.value)); }
};
template <> struct OutcomeTuple<void> {
    using type = std::tuple<std::error_code>;
    static type make(Outcome<void> &&outcome) { return type(outcome.ec); }
};

}  // namespace comoq::detail
