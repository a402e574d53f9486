// SPDX-License-Identifier: MIT
#pragma once
#include "bytes.hpp"
#include "time.hpp"

#include <cstdint>
#include <utility>

namespace comoq {

/// A payload of at most 1,200 bytes that may get lost. Its number is one of the track's sequence numbers, as a group's
/// is. A session drops one that its protocol or its transport cannot carry: with moq-lite a datagram has 1,200 bytes at
/// most, 3 to 24 of which are its header.
struct Datagram {
    Datagram() noexcept = default;
    Datagram(std::uint64_t number, Timestamp at, Bytes bytes) noexcept
        : sequence(number), timestamp(at), payload(std::move(bytes)) {}

    /// The datagram's number, from the numbers of the track's groups.
    std::uint64_t sequence = 0;
    /// In the track's timescale.
    Timestamp timestamp;
    /// At most 1,200 bytes.
    Bytes payload;
};

}  // namespace comoq
