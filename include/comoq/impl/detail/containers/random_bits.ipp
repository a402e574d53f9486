// SPDX-License-Identifier: MIT
#pragma once
#include "../../../detail/containers/random_bits.hpp"

#include <random>

namespace comoq::detail {

COMOQ_DECL std::uint64_t random_bits() {
    std::random_device device;
    return std::uniform_int_distribution<std::uint64_t>()(device);
}

}  // namespace comoq::detail
