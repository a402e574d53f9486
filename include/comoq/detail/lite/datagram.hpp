// SPDX-License-Identifier: MIT
#pragma once
#include "../wire/wire_reader.hpp"
#include "../wire/wire_writer.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace comoq::lite {

/// Longer ones are not sent, and are dropped when they come: one packet holds this on nearly every path.
inline constexpr std::size_t longest_datagram = 1200;

/// A track's datagram as it is read: the payload is a part of the bytes that it was read from.
struct Datagram {
    std::uint64_t subscribe_id = 0;
    std::uint64_t sequence = 0;
    /// Absolute, in the track's timescale.
    std::uint64_t timestamp = 0;
    std::span<const std::byte> payload;
};

/// Throws Encode for numbers of more than 62 bits. The caller checks the size.
inline void encode(const Datagram &datagram, std::vector<std::byte> &to) {
    comoq::detail::WireWriter writer(to);
    writer.varint(datagram.subscribe_id);
    writer.varint(datagram.sequence);
    writer.varint(datagram.timestamp);
    writer.bytes(datagram.payload);
}

/// Nothing if it is malformed or too long: the caller then skips it.
inline std::optional<Datagram> read_datagram(std::span<const std::byte> input) noexcept {
    if (input.size() > longest_datagram) return std::nullopt;
    comoq::detail::WireReader reader(input);
    Datagram datagram;
    datagram.subscribe_id = reader.varint();
    datagram.sequence = reader.varint();
    datagram.timestamp = reader.varint();
    datagram.payload = reader.rest();
    if (!reader.ok()) return std::nullopt;
    return datagram;
}

}  // namespace comoq::lite
