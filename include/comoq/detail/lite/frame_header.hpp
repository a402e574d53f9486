// SPDX-License-Identifier: MIT
#pragma once
#include "../wait/failure.hpp"
#include "../wire/varint.hpp"
#include "../wire/wire_writer.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace comoq::lite {

/// The header before a frame's payload, on the stream of a group or of a fetch.
struct FrameHeader {
    /// The timestamp minus that of the frame before, or minus 0 for the first one. In the track's timescale.
    std::int64_t delta = 0;
    /// Of the payload, in bytes.
    std::uint64_t size = 0;

    friend bool operator==(const FrameHeader &, const FrameHeader &) = default;
};

/// A written header: `bytes` up to `size`.
struct WrittenFrameHeader {
    std::array<std::byte, 16> bytes;
    std::size_t size;
    std::span<const std::byte> span() const noexcept { return std::span(bytes).first(size); }
};

/// Throws Encode if the difference takes more than 61 bits, or the size more than 62.
inline WrittenFrameHeader write_frame_header(const FrameHeader &header) {
    // Small numbers of either sign become small numbers.
    const auto delta = static_cast<std::uint64_t>(header.delta);
    const std::uint64_t zigzag = (delta << 1) ^ (header.delta < 0 ? ~std::uint64_t{0} : 0);
    WrittenFrameHeader written{{}, 0};
    for (const std::uint64_t value : {zigzag, header.size}) {
        if (value > comoq::detail::max_varint) comoq::detail::throw_error(make_error_code(Error::Encode));
        const auto varint = comoq::detail::write_varint(value);
        std::copy_n(varint.bytes.begin(), varint.size, written.bytes.begin() + static_cast<std::ptrdiff_t>(written.size));
        written.size += varint.size;
    }
    return written;
}
/// Appends it to a buffer.
inline void encode(const FrameHeader &header, std::vector<std::byte> &to) {
    const auto written = write_frame_header(header);
    comoq::detail::WireWriter(to).bytes(written.span());
}

struct ReadFrameHeader {
    FrameHeader header;
    std::size_t size;  // of the header itself, in bytes
};

/// Nothing if it is not complete yet: a header is never malformed.
inline std::optional<ReadFrameHeader> read_frame_header(std::span<const std::byte> input) noexcept {
    const auto zigzag = comoq::detail::read_varint(input);
    if (!zigzag) return std::nullopt;
    const auto size = comoq::detail::read_varint(input.subspan(zigzag->size));
    if (!size) return std::nullopt;
    const auto half = static_cast<std::int64_t>(zigzag->value >> 1);
    const FrameHeader header{(zigzag->value & 1) != 0 ? -half - 1 : half, size->value};
    return ReadFrameHeader{header, zigzag->size + size->size};
}

}  // namespace comoq::lite
