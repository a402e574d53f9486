// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// As `comoq/src.hpp`, for the headers in `comoq/quic/`.

#include "../config.hpp"

#if !defined(COMOQ_SEPARATE_COMPILATION)
#error "comoq/quic/src.hpp: define COMOQ_SEPARATE_COMPILATION for the whole program, or include none of this"
#endif

#include "../impl/detail/quic/datagram_socket.ipp"
#include "../impl/detail/quic/shared_port.ipp"
#include "../impl/detail/quic/tls_session.ipp"
#include "../impl/quic/connection.ipp"
#include "../impl/quic/connection_begin.ipp"
#include "../impl/quic/connection_endings.ipp"
#include "../impl/quic/connection_events.ipp"
#include "../impl/quic/connection_http3.ipp"
#include "../impl/quic/connection_output.ipp"
#include "../impl/quic/credentials.ipp"
#include "../impl/quic/key_log.ipp"
#include "../impl/quic/listener.ipp"
#include "../impl/quic/shared_port.ipp"
