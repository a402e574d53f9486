// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"

namespace comoq::net {

/// Adds ws, wss and tls to the schemes of this program. Including this header is enough. It needs wslay and OpenSSL: link
/// `comoq::net_web`. Returns true.
bool add_web_schemes();

namespace detail {

inline const bool has_web_schemes = add_web_schemes();

}  // namespace detail

}  // namespace comoq::net

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/net/web_schemes.ipp"
#endif
