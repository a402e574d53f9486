// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// As `comoq/src.hpp`, for the headers in `comoq/net/` except those that need TLS or WebSocket.

#include "../config.hpp"

#if !defined(COMOQ_SEPARATE_COMPILATION)
#error "comoq/net/src.hpp: define COMOQ_SEPARATE_COMPILATION for the whole program, or include none of this"
#endif

#include "../impl/detail/net/tcp.ipp"
#include "../impl/net/connect.ipp"
#include "../impl/net/listener.ipp"
#include "../impl/net/page_origins.ipp"
#include "../impl/net/schemes.ipp"
#include "../impl/net/sockets.ipp"
#include "../impl/net/source_limits.ipp"
#include "../impl/net/url.ipp"
