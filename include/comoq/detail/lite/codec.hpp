// SPDX-License-Identifier: MIT
#pragma once
#include "../wait/failure.hpp"
#include "../wire/varint.hpp"
#include "../wire/wire_reader.hpp"
#include "../wire/wire_writer.hpp"
#include "messages.hpp"
#include "../../lite/setup.hpp"
#include "stream_type.hpp"
#include "version.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

namespace comoq::lite {

// Converts messages to bytes and back, without I/O. It allocates nothing for a length before the bytes are there.

/// The longest message that is read, in bytes: it bounds what a peer can make this side keep of an unfinished message.
/// The longest, a SUBSCRIBE with a path and a name of 4,096 bytes each, is shorter.
inline constexpr std::size_t max_message_size = 16'384;

/// Appends a message with its length before it. Throws Encode for values that the wire cannot carry, or that the version
/// has no place for.
template <class Message> void encode(const Message &message, Version version, std::vector<std::byte> &to) {
    std::vector<std::byte> body;
    detail::WireWriter writer(body);
    message.write(writer, layout_of(version));
    if (body.size() > max_message_size) comoq::detail::throw_error(make_error_code(Error::Encode));
    detail::WireWriter framed(to);
    framed.varint(body.size());
    framed.bytes(body);
}

/// The same, with the type before it that tells apart what comes on one stream: a `SubscribeReply`, or an `AnnounceType`.
template <class Type, class Message>
void encode_typed(Type type, const Message &message, Version version, std::vector<std::byte> &to) {
    detail::WireWriter(to).varint(static_cast<std::uint64_t>(type));
    encode(message, version, to);
}

/// Decodes a message from the bytes after its length; nothing if they are malformed, or are more than one message
/// (Decode, to the peer).
template <class Message> std::optional<Message> decode(std::span<const std::byte> body, Version version) {
    detail::WireReader reader(body);
    Message message = Message::read(reader, layout_of(version));
    if (!reader.complete()) return std::nullopt;
    return message;
}

/// The message at the beginning of a stream's bytes.
struct Framed {
    std::span<const std::byte> body;
    std::size_t size;  // with the length before it: this many bytes are consumed
};

/// Nothing if it is not complete yet. Sets `failure` to Decode if it never will be, because it is too long.
inline std::optional<Framed> next_message(std::span<const std::byte> input, std::error_code &failure) noexcept {
    const auto length = comoq::detail::read_varint(input);
    if (!length) return std::nullopt;
    if (length->value > max_message_size) {
        failure = make_error_code(Error::Decode);
        return std::nullopt;
    }
    const auto size = static_cast<std::size_t>(length->value);
    if (input.size() - length->size < size) return std::nullopt;
    return Framed{input.subspan(length->size, size), length->size + size};
}

}  // namespace comoq::lite
