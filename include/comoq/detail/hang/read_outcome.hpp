// SPDX-License-Identifier: MIT
#pragma once
#include "../../frame.hpp"
#include "../../operation.hpp"

#include <asio/awaitable.hpp>
#include <asio/error.hpp>

#include <optional>
#include <system_error>
#include <tuple>
#include <utility>

namespace comoq::hang::detail {

using ReadOutcome = std::tuple<std::error_code, std::optional<Frame>>;

/// What a step gives, for `first_of`. Cancellation is thrown: it is not the group's.
inline asio::awaitable<ReadOutcome> read_outcome(Operation<std::optional<Frame>> step) {
    ReadOutcome outcome = co_await std::move(step).as_tuple();
    if (std::get<0>(outcome) == asio::error::operation_aborted) throw std::system_error(std::get<0>(outcome));
    co_return outcome;
}

}  // namespace comoq::hang::detail
