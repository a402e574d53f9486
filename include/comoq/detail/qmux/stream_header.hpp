// SPDX-License-Identifier: MIT
#pragma once
#include "../wait/failure.hpp"
#include "../wire/varint.hpp"
#include "../wire/wire_writer.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace comoq::qmux {

/// The three lowest bits of a STREAM frame's type, which begins at 0x08.
struct StreamFlags {
    static constexpr std::uint64_t fin = 1, length = 2, offset = 4, all = 7;
};

/// No stream is longer than the largest integer of the wire (RFC 9000, section 19.8).
constexpr bool fits_stream(std::uint64_t offset, std::uint64_t length) noexcept {
    return length <= comoq::detail::max_varint && offset <= comoq::detail::max_varint - length;
}

/// The bytes before the payload in a STREAM frame that this side sends. Like the peers, it always writes offset and
/// length: its type is 0x0e, or 0x0f at the end of the stream.
struct StreamHeader {
    std::uint64_t id = 0;
    /// The payload's position in the stream, in bytes.
    std::uint64_t offset = 0;
    /// Of the payload, in bytes.
    std::uint64_t length = 0;
    /// The stream ends with this payload.
    bool fin = false;

    friend bool operator==(const StreamHeader &, const StreamHeader &) = default;

    /// Throws Encode if the id has more than 62 bits, or the stream would be too long.
    void write(comoq::detail::WireWriter &to) const {
        if (!fits_stream(offset, length)) comoq::detail::throw_error(make_error_code(Error::Encode));
        to.varint(0x08 | StreamFlags::offset | StreamFlags::length | (fin ? StreamFlags::fin : 0));
        to.varint(id);
        to.varint(offset);
        to.varint(length);
    }

    /// How many bytes `write` appends if it does not throw.
    constexpr std::uint64_t encoded_size() const noexcept {
        using comoq::detail::varint_size;
        return 1 + varint_size(id) + varint_size(offset) + varint_size(length);
    }
};

/// The longest payload that fits into `room` bytes with its header; nothing if the header does not fit. One byte may be
/// left over if another byte of payload would need a longer length field: PADDING fills it.
constexpr std::optional<std::uint64_t> longest_payload(std::uint64_t id, std::uint64_t offset,
                                                       std::uint64_t room) noexcept {
    const std::uint64_t shortest_header = StreamHeader{id, offset, 0, false}.encoded_size();
    if (room < shortest_header) return std::nullopt;
    StreamHeader header{id, offset, std::min(room - shortest_header, comoq::detail::max_varint - offset), false};
    // At most seven steps: the difference between the shortest and the longest length field.
    while (header.encoded_size() + header.length > room) --header.length;
    return header.length;
}

}  // namespace comoq::qmux
