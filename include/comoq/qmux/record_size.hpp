// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

namespace comoq::qmux {

/// Every side accepts this size, in bytes of frames: with two bytes for the size it makes 16 KiB
/// (draft-ietf-quic-qmux-01, section 5.2).
inline constexpr std::uint64_t default_max_record_size = 16'382;

}  // namespace comoq::qmux
