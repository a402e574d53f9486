#pragma once
#include "../detail/failure.hpp"
#include "../detail/varint.hpp"
#include "../detail/wire_writer.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

namespace comoq::qmux {

// A record on a byte stream: its size, and then whole frames. On WebSocket a message is a record, and nothing of this is
// needed.

/// What every side takes, in bytes of frames: with a size of two bytes it makes 16 KiB (draft-ietf-quic-qmux-01, section
/// 5.2).
inline constexpr std::uint64_t default_max_record_size = 16'382;

/// Appends what stands before so many bytes of frames. Throws Encode for 0, and for more than 62 bits.
inline void encode_record_size(std::uint64_t size, std::vector<std::byte> &to) {
    if (size == 0) comoq::detail::throw_error(make_error_code(Error::Encode));
    comoq::detail::WireWriter(to).varint(size);
}

/// The record that stands at the beginning of what has come.
struct Record {
    std::span<const std::byte> frames;
    std::size_t size;  // with the size before it: so many bytes are done with
};

/// Nothing if it is not all there yet. Sets `failure` to Decode if it never will be, because it is longer than
/// `max_record_size`, which is what this side has told its peer, or has no frame at all.
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
