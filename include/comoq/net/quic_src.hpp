// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// As `comoq/net/src.hpp`, for moql, moqt and https. It needs `comoq/quic/src.hpp` and `comoq/webtransport/src.hpp`, too.

#include "../config.hpp"

#if !defined(COMOQ_SEPARATE_COMPILATION)
#error "comoq/net/quic_src.hpp: define COMOQ_SEPARATE_COMPILATION for the whole program, or include none of this"
#endif

#include "../impl/net/quic_listening.ipp"
#include "../impl/net/quic_schemes.ipp"
#include "../impl/net/quic_sockets.ipp"
