// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace comoq::quic {

/// Is told the secrets of a connection, each a line of the form that Wireshark and others read (NSS key log, SSLKEYLOGFILE):
/// whoever has them can read the whole connection. For debugging alone. Called while TLS shakes hands, on the thread that moves
/// the packets; must not throw, nor use the connection.
using KeyLog = std::function<void(std::string_view line)>;

/// One that appends to that file. A file that this makes can be read by its owner alone; one that exists keeps its permissions. Copies share it, and any thread may call them. Throws
/// `std::system_error` if it cannot be opened; a line that cannot be written later is lost.
KeyLog key_log_to(const std::string &file);

}  // namespace comoq::quic

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/quic/key_log.ipp"
#endif
