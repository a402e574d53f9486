/// \file
/// How the library fails: by throwing in a synchronous call, or by settling something with a code.
#pragma once

#include <system_error>

#include <comoq/error.hpp>

namespace comoq::detail {

/// Throws `std::system_error`. Takes an `Error` as well.
[[noreturn]] inline void throw_error(std::error_code ec) { throw std::system_error(ec); }

/// The code to settle with when the caller gave `ec`: a false one cannot stand for a failure, and becomes `Cancelled`.
inline std::error_code failure(std::error_code ec) noexcept { return ec ? ec : make_error_code(Error::Cancelled); }

}  // namespace comoq::detail
