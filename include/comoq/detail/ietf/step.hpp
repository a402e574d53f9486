// SPDX-License-Identifier: MIT
#pragma once
#include "close_code.hpp"
#include "field_reader.hpp"

#include <cstddef>
#include <optional>
#include <utility>

namespace comoq::ietf {

/// What the beginning of a stream's bytes is: a whole value, the beginning of one, or something that ends the session.
template <class Value> struct Step {
    std::optional<Value> value;
    std::size_t size = 0;  // of the value, in bytes
    CloseCode code = CloseCode::None;

    /// There is nothing wrong so far, but more bytes are needed. A stream that ends here violates the protocol.
    bool needs_more() const noexcept { return !value && code == CloseCode::None; }
};

namespace detail {

template <class Value> Step<Value> step_of(const FieldReader &from, Value &&value) {
    if (from.ok()) return Step<Value>{std::move(value), from.taken(), CloseCode::None};
    return Step<Value>{std::nullopt, 0, from.code()};
}

}  // namespace detail

}  // namespace comoq::ietf
