// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"

namespace comoq::net {

/// Adds moql, moqt and https to the schemes of this program. moql and moqt are QUIC itself, without HTTP, where SETUP tells the path.
/// Both are the same; other programs have one or the other. https is WebTransport. A client that knows wss, too
/// (`comoq/net/web_schemes.hpp`), tries that `ConnectConfig::websocket_after` later at the same host and port, or as soon as
/// WebTransport has failed, and uses the first that succeeds; the log tells which (Info, "connected"). A listener at https serves
/// WebTransport and QUIC at a port of UDP, and wss at the same port of TCP if the program knows it.
///
/// Including this header is enough. It needs ngtcp2, nghttp3 and GnuTLS: link `comoq::net_quic`. Returns true.
///
/// A client tells at once that nobody listens at a port if the system says so; else it waits for `ConnectDeadlines::connect`. A
/// listener's certificate is `ServerTlsConfig::quic`, or that of the texts or files, or it is generated (`ServerTlsConfig::generate_for`).
/// For wss at the same port it is `ServerTlsConfig::context`, that of the texts or files, or the generated one.
bool add_quic_schemes();

namespace detail {

inline const bool has_quic_schemes = add_quic_schemes();

}  // namespace detail

}  // namespace comoq::net

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/net/quic_schemes.ipp"
#endif
