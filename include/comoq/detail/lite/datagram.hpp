#pragma once
#include "../media/media_bounds.hpp"
#include "../wire/wire_reader.hpp"
#include "../wire/wire_writer.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace comoq::lite {

/// A track's datagram as it is read: the payload is a part of the bytes that it was read from.
struct Datagram {
    std::uint64_t subscribe_id = 0;
    std::uint64_t sequence = 0;
    /// Absolute, in the track's timescale.
    std::uint64_t timestamp = 0;
    std::span<const std::byte> payload;
};

/// Throws Encode for numbers of more than 62 bits; the track checks the payload's size.
inline void encode(const Datagram &datagram, std::vector<std::byte> &to) {
    comoq::detail::WireWriter writer(to);
    writer.varint(datagram.subscribe_id);
    writer.varint(datagram.sequence);
    writer.varint(datagram.timestamp);
    writer.bytes(datagram.payload);
}

/// Nothing if it is malformed, or has more than 1,200 bytes of payload: the caller then skips it.
inline std::optional<Datagram> read_datagram(std::span<const std::byte> input) noexcept {
    comoq::detail::WireReader reader(input);
    Datagram datagram;
    datagram.subscribe_id = reader.varint();
    datagram.sequence = reader.varint();
    datagram.timestamp = reader.varint();
    datagram.payload = reader.rest();
    if (!reader.ok() || datagram.payload.size() > comoq::detail::MediaBounds::max_datagram_size) return std::nullopt;
    return datagram;
}

}  // namespace comoq::lite
