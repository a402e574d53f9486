#pragma once
#include "../detail/failure.hpp"
#include "../detail/varint.hpp"
#include "../detail/wire_writer.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace comoq::qmux {

/// The three lowest bits of a STREAM frame's type, which is 0x08 with them.
struct StreamFlags {
    static constexpr std::uint64_t fin = 1, length = 2, offset = 4, all = 7;
};

/// No stream is longer than the largest integer of the wire (RFC 9000, section 19.8).
constexpr bool fits_stream(std::uint64_t offset, std::uint64_t length) noexcept {
    return length <= comoq::detail::max_varint && offset <= comoq::detail::max_varint - length;
}

/// What stands before the payload in a STREAM frame that this side sends. As the peers do, it always says offset and
/// length: its type is 0x0e, or 0x0f at the end of the stream.
struct StreamHeader {
    std::uint64_t id = 0;
    /// How much of the stream came before, in bytes.
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

    /// How many bytes `write` makes of it, if it does not throw.
    constexpr std::uint64_t encoded_size() const noexcept {
        using comoq::detail::varint_size;
        return 1 + varint_size(id) + varint_size(offset) + varint_size(length);
    }
};

/// The longest payload that takes no more than `room` bytes with its header; nothing if there is no room for a header.
/// A byte may be left over, where one more of payload would need a longer length: PADDING is for that.
constexpr std::optional<std::uint64_t> longest_payload(std::uint64_t id, std::uint64_t offset,
                                                       std::uint64_t room) noexcept {
    const std::uint64_t shortest_header = StreamHeader{id, offset, 0, false}.encoded_size();
    if (room < shortest_header) return std::nullopt;
    StreamHeader header{id, offset, std::min(room - shortest_header, comoq::detail::max_varint - offset), false};
    // At most seven steps, the difference between the shortest and the longest length.
    while (header.encoded_size() + header.length > room) --header.length;
    return header.length;
}

}  // namespace comoq::qmux
