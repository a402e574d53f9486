// SPDX-License-Identifier: MIT
#pragma once
#include "../../connect_error.hpp"
#include "../../error.hpp"

#include <asio/error.hpp>

#include <cstddef>
#include <span>
#include <string_view>
#include <system_error>

namespace comoq::net::detail {

/// What a client has asked a server to speak.
enum class Expected { Qmux, Http };

/// The code for a connection that failed with `failure` before the server had said anything that this side understands:
/// `received` are its first bytes, which may show what it speaks instead.
inline std::error_code explained(std::error_code failure, std::string_view received, Expected expected) noexcept {
    if (received.size() >= 2 && (received[0] == '\x15' || received[0] == '\x16') && received[1] == '\x03')
        return make_error_code(ConnectError::ServerSpeaksTls);
    if (expected == Expected::Qmux && received.starts_with("HTTP/")) return make_error_code(ConnectError::ServerSpeaksHttp);
    // The first frame of every connection of qmux, behind the size of its record.
    constexpr std::string_view parameters("\xffQS0\r\n");
    if (expected == Expected::Http && received.substr(0, 12).find(parameters) != std::string_view::npos)
        return make_error_code(ConnectError::ServerSpeaksQmux);
    const bool is_cut = failure == asio::error::eof || failure == asio::error::connection_reset ||
                        failure == asio::error::broken_pipe || failure == Error::Transport;
    if (received.empty() && is_cut) return make_error_code(ConnectError::ClosedAtOnce);
    return failure;
}
inline std::error_code explained(std::error_code failure, std::span<const std::byte> received, Expected expected) noexcept {
    return explained(failure, {reinterpret_cast<const char *>(received.data()), received.size()}, expected);
}

}  // namespace comoq::net::detail
