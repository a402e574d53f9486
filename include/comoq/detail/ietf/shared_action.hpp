// SPDX-License-Identifier: MIT
#pragma once
#include "control_codec.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

namespace comoq::ietf::detail {

/// What is to be done for a message on a stream that requests share, or for an act of the session.
struct SharedAction {
    enum class Kind : std::uint8_t {
        Begin,    ///< the peer makes a request: its stream begins with these bytes
        Give,     ///< these bytes come on the stream of a request
        End,      ///< nothing more comes on it
        Cancel,   ///< the peer wants no more of the request
        Session,  ///< these bytes are about the session
        Send,     ///< these bytes go to the peer
        Allow,    ///< the peer allows more requests
    };
    Kind kind;
    std::uint64_t request = 0;
    std::vector<std::byte> bytes = {};

    friend bool operator==(const SharedAction &, const SharedAction &) = default;
};
using SharedActions = std::vector<SharedAction>;

using Numbers = std::initializer_list<std::uint64_t>;

/// Appends a message that begins with these numbers.
inline void append_message(MessageType type, Numbers numbers, std::span<const std::byte> rest, const Dialect &dialect,
                           std::vector<std::byte> &to) {
    std::vector<std::byte> body;
    FieldWriter inner(body, dialect);
    for (const std::uint64_t number : numbers) inner.number(number);
    inner.bytes(rest);
    FieldWriter::need(body.size() <= longest_body);
    FieldWriter writer(to, dialect);
    writer.number(static_cast<std::uint64_t>(type));
    writer.byte(static_cast<std::uint8_t>(body.size() >> 8));
    writer.byte(static_cast<std::uint8_t>(body.size() & 0xff));
    writer.bytes(body);
}
/// What comes after the number of the request.
template <class Message> std::vector<std::byte> after_number(const Message &message, const Dialect &dialect) {
    std::vector<std::byte> octets;
    FieldWriter to(octets, dialect);
    message.write(to, StreamKind::Request);
    FieldReader from(octets, dialect);
    from.number();
    const auto rest = from.rest_bytes();
    return std::vector<std::byte>(rest.begin(), rest.end());
}
/// Appends a message with another number in the place of its first one.
inline void append_numbered(const FramedMessage &message, std::uint64_t number, const Dialect &dialect, std::vector<std::byte> &to) {
    FieldReader from(message.body, dialect);
    from.number();
    append_message(static_cast<MessageType>(message.type), {number}, from.rest_bytes(), dialect, to);
}

}  // namespace comoq::ietf::detail
