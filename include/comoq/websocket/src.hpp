// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// As `comoq/src.hpp`, for the headers in `comoq/websocket/`.

#include "../config.hpp"

#if !defined(COMOQ_SEPARATE_COMPILATION)
#error "comoq/websocket/src.hpp: define COMOQ_SEPARATE_COMPILATION for the whole program, or include none of this"
#endif

#include "../impl/websocket/handshake.ipp"
#include "../impl/websocket/http_fields.ipp"
#include "../impl/websocket/http_head.ipp"
#include "../impl/websocket/upgrade.ipp"
