// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"

#include <asio/error.hpp>

#include <system_error>

namespace comoq::detail {

/// The code for others here when a part of the session fails with `code`: a local cancellation says no more than
/// Cancelled.
inline std::error_code told(std::error_code code) noexcept {
    return code == asio::error::operation_aborted ? make_error_code(Error::Cancelled) : code;
}

}  // namespace comoq::detail
