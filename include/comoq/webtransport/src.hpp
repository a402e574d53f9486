// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// As `comoq/src.hpp`, for the headers in `comoq/webtransport/`.

#include "../config.hpp"

#if !defined(COMOQ_SEPARATE_COMPILATION)
#error "comoq/webtransport/src.hpp: define COMOQ_SEPARATE_COMPILATION for the whole program, or include none of this"
#endif

#include "../impl/detail/webtransport/http.ipp"
#include "../impl/webtransport/accept.ipp"
#include "../impl/webtransport/connect.ipp"
#include "../impl/webtransport/session.ipp"
