// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

namespace comoq::lite {

/// The type of a unidirectional stream: its first varint. (wire.md, section 2.)
enum class UniStreamType : std::uint64_t { Group = 0x0, Setup = 0x1 };

/// The same of a bidirectional one.
enum class BidiStreamType : std::uint64_t { Announce = 0x1, Subscribe = 0x2, Fetch = 0x3, Probe = 0x4, Goaway = 0x5, Track = 0x6 };

/// What is told of an announcement, on versions where it has a number: the varint before the message's length.
enum class AnnounceType : std::uint64_t { Start = 0x0, End = 0x1, Restart = 0x2 };

/// A publisher's answers on a Subscribe stream: the varint before the message's length.
enum class SubscribeReply : std::uint64_t { Ok = 0x0, End = 0x1, Drop = 0x2 };

}  // namespace comoq::lite
