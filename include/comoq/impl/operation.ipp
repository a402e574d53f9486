// SPDX-License-Identifier: MIT
#pragma once
#include "../operation.hpp"

namespace comoq {

COMOQ_DEFINE_OPERATION(void);
COMOQ_DEFINE_OPERATION(std::uint64_t);
COMOQ_DEFINE_OPERATION(std::error_code);

}  // namespace comoq
