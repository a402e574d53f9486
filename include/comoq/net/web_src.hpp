// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// As `comoq/net/src.hpp`, for ws, wss and tls. It needs `comoq/websocket/src.hpp` and asio's `asio/ssl/impl/src.hpp`, too.

#include "../config.hpp"

#if !defined(COMOQ_SEPARATE_COMPILATION)
#error "comoq/net/web_src.hpp: define COMOQ_SEPARATE_COMPILATION for the whole program, or include none of this"
#endif

#include "../impl/detail/net/tls_stream.ipp"
#include "../impl/net/tls.ipp"
#include "../impl/net/web_origins.ipp"
#include "../impl/net/web_schemes.ipp"
