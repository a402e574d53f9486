#pragma once
#include "../detail/media_bounds.hpp"
#include "../detail/wire_reader.hpp"
#include "../detail/wire_writer.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace comoq::lite {

/// A datagram of a track, as it is read: its payload is a part of what it was read from.
struct Datagram {
    std::uint64_t subscribe_id = 0;
    std::uint64_t sequence = 0;
    /// Absolute, in the track's timescale.
    std::uint64_t timestamp = 0;
    std::span<const std::byte> payload;
};

/// Throws Encode for numbers of more than 62 bits; the payload's size is for the track to watch.
inline void encode(const Datagram &datagram, std::vector<std::byte> &to) {
    comoq::detail::WireWriter writer(to);
    writer.varint(datagram.subscribe_id);
    writer.varint(datagram.sequence);
    writer.varint(datagram.timestamp);
    writer.bytes(datagram.payload);
}

/// Nothing if it is malformed, or has more than 1,200 bytes of payload: it is then to be passed over.
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
