// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"

namespace comoq::net {

/// Adds moql, moqt and https to the schemes of this program. moql and moqt are QUIC itself, without HTTP, where SETUP tells the path.
/// Both are the same; other programs have one or the other. https is WebTransport, of clients alone: if the program knows wss, too
/// (`comoq/net/web_schemes.hpp`), that is tried `ConnectConfig::websocket_after` later at the same host and port, or as soon as
/// WebTransport has failed, and the first that succeeds is used; the log tells which (Info, "connected").
///
/// Including this header is enough. It needs ngtcp2, nghttp3 and GnuTLS: link `comoq::net_quic`. Returns true.
///
/// A client tells at once that nobody listens at a port if the system says so; else it waits for `ConnectDeadlines::connect`. A
/// listener's certificate is `ServerTlsConfig::quic`, or that of the files.
bool add_quic_schemes();

namespace detail {

inline const bool has_quic_schemes = add_quic_schemes();

}  // namespace detail

}  // namespace comoq::net

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/net/quic_schemes.ipp"
#endif
