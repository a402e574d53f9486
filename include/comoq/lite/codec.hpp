#pragma once
#include "../detail/failure.hpp"
#include "../detail/varint.hpp"
#include "../detail/wire_reader.hpp"
#include "../detail/wire_writer.hpp"
#include "messages.hpp"
#include "setup.hpp"
#include "stream_type.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <system_error>
#include <vector>

namespace comoq::lite {

// Messages to bytes and back, without I/O. Nothing is allocated for a length before its bytes are there.

/// The longest message that is read, in bytes: a peer cannot make anybody keep more than that of one that it does not end.
/// The longest of moq-lite-05, a SUBSCRIBE with a path and a name of 4,096 bytes each, has less.
inline constexpr std::size_t max_message_size = 16'384;

/// Appends a message with its length before it. Throws Encode for what the wire cannot carry.
template <class Message> void encode(const Message &message, std::vector<std::byte> &to) {
    std::vector<std::byte> body;
    detail::WireWriter writer(body);
    message.write(writer);
    if (body.size() > max_message_size) comoq::detail::throw_error(make_error_code(Error::Encode));
    detail::WireWriter framed(to);
    framed.varint(body.size());
    framed.bytes(body);
}

/// The same with the type before it that tells the answers on a Subscribe stream apart.
template <class Message> void encode_reply(SubscribeReply type, const Message &message, std::vector<std::byte> &to) {
    detail::WireWriter(to).varint(static_cast<std::uint64_t>(type));
    encode(message, to);
}

/// A message out of what stands after its length; nothing if that is malformed, or is more than one (Decode, to the peer).
template <class Message> std::optional<Message> decode(std::span<const std::byte> body) {
    detail::WireReader reader(body);
    Message message = Message::read(reader);
    if (!reader.complete()) return std::nullopt;
    return message;
}

/// The message that stands at the beginning of what a stream has brought.
struct Framed {
    std::span<const std::byte> body;
    std::size_t size;  // with the length before it: so many bytes are done with
};

/// Nothing if it is not all there yet. Sets `failure` to Decode if it never will be, because it is too long.
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
