// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

namespace comoq::ietf {

/// The numbers with which a session is closed, as far as they are about what the peer wrote.
enum class CloseCode : std::uint64_t {
    None = 0x0,
    InternalError = 0x1,
    ProtocolViolation = 0x3,
    KeyValueFormatting = 0x6,
};

}  // namespace comoq::ietf
