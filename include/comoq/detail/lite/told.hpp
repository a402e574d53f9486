#pragma once
#include "../../error.hpp"

#include <asio/error.hpp>

#include <system_error>

namespace comoq::lite::detail {

/// What the peer is told when this side fails with `code`: who was cancelled here says no more than that.
inline std::error_code told(std::error_code code) noexcept {
    return code == asio::error::operation_aborted ? make_error_code(Error::Cancelled) : code;
}

}  // namespace comoq::lite::detail
