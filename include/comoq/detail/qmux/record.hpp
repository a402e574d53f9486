// SPDX-License-Identifier: MIT
#pragma once
#include "../../qmux/record_size.hpp"
#include "../wait/failure.hpp"
#include "../wire/varint.hpp"
#include "../wire/wire_writer.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

namespace comoq::qmux {

// A record on a byte stream: its size, followed by whole frames. On WebSocket a message is a record and needs none of
// this.

/// Appends the header of a record with `size` bytes of frames. Throws Encode for 0, and for more than 62 bits.
inline void encode_record_size(std::uint64_t size, std::vector<std::byte> &to) {
    if (size == 0) comoq::detail::throw_error(make_error_code(Error::Encode));
    comoq::detail::WireWriter(to).varint(size);
}

/// The record at the beginning of the input.
struct Record {
    std::span<const std::byte> frames;
    std::size_t size;  // including the header, in bytes
};

/// Nothing if the record is not complete yet. Sets `failure` to Decode if it never will be: it is longer than
/// `max_record_size`, which this side has told its peer, or has no frame at all.
inline std::optional<Record> next_record(std::span<const std::byte> input, std::uint64_t max_record_size,
                                         std::error_code &failure) noexcept {
    const auto length = comoq::detail::read_varint(input);
    if (!length) return std::nullopt;
    if (length->value == 0 || length->value > max_record_size) {
        failure = make_error_code(Error::Decode);
        return std::nullopt;
    }
    if (input.size() - length->size < length->value) return std::nullopt;
    const auto size = static_cast<std::size_t>(length->value);
    return Record{input.subspan(length->size, size), length->size + size};
}

}  // namespace comoq::qmux
