// SPDX-License-Identifier: MIT
#pragma once
#include "../../config.hpp"

#include <cstdint>

namespace comoq::detail {

/// 64 bits from the system that nobody can guess. Throws what `std::random_device` throws. The function is not in this header
/// because `<random>` takes a tenth of the time that a compiler needs for `comoq.hpp`.
COMOQ_DECL std::uint64_t random_bits();

}  // namespace comoq::detail

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../../impl/detail/containers/random_bits.ipp"
#endif
