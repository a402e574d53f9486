// SPDX-License-Identifier: MIT
#pragma once
#include "answer_messages.hpp"
#include "namespace_messages.hpp"
#include "session_messages.hpp"
#include "track_messages.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

namespace comoq::ietf {

// Control messages: a type, a length of two bytes, and a body that ends where the length says. A message is read when all
// of it is there, so that 64 KiB are the most that a peer can make this side keep of an unfinished one.

using ControlMessage =
    std::variant<Setup, Goaway, RequestOk, RequestError, Subscribe, SubscribeOk, RequestUpdate, Publish, PublishStateNotify,
                 PublishDone, Fetch, FetchOk, TrackStatus, PublishNamespace, SubscribeNamespace, SubscribeTracks,
                 NamespaceFound, NamespaceDone, PublishBlocked, Unsubscribe, FetchCancel, PublishNamespaceDone,
                 PublishNamespaceCancel, MaxRequestId, RequestsBlocked>;

inline constexpr std::size_t longest_body = std::numeric_limits<std::uint16_t>::max();

/// Appends a message. Throws Encode for what the draft cannot say.
template <class Message>
void encode(const Message &message, Draft draft, StreamKind stream, std::vector<std::byte> &to) {
    const Dialect &dialect = dialect_of(draft);
    std::vector<std::byte> body;
    FieldWriter inner(body, dialect);
    message.write(inner, stream);
    FieldWriter::need(body.size() <= longest_body);
    FieldWriter writer(to, dialect);
    writer.number(static_cast<std::uint64_t>(message.type(dialect)));
    writer.byte(static_cast<std::uint8_t>(body.size() >> 8));
    writer.byte(static_cast<std::uint8_t>(body.size() & 0xff));
    writer.bytes(body);
}
inline void encode(const ControlMessage &message, Draft draft, StreamKind stream, std::vector<std::byte> &to) {
    std::visit([&](const auto &held) { encode(held, draft, stream, to); }, message);
}

/// The message at the beginning of a stream's bytes.
struct FramedMessage {
    std::uint64_t type;
    std::span<const std::byte> body;
    std::size_t size;  // with what stands before the body
};

/// Nothing if it is not complete yet.
inline std::optional<FramedMessage> next_message(std::span<const std::byte> input, Draft draft) noexcept {
    FieldReader reader(input, dialect_of(draft));
    const std::uint64_t type = reader.number();
    const std::size_t high = reader.byte();
    const std::size_t size = high << 8 | reader.byte();
    const auto body = reader.bytes(size);
    if (!reader.ok()) return std::nullopt;
    return FramedMessage{type, body, reader.taken()};
}

/// A message, or what to close the session with.
struct DecodedMessage {
    std::optional<ControlMessage> message;
    CloseCode code = CloseCode::None;
};

namespace detail {

template <class Message> DecodedMessage decode_as(FieldReader &from, MessageType type, StreamKind stream) {
    Message message = Message::read(from, type, stream);
    if (from.ok() && from.empty()) return DecodedMessage{std::move(message), CloseCode::None};
    // What is cut here does not go on: the body is complete.
    return DecodedMessage{std::nullopt, from.code() != CloseCode::None ? from.code() : CloseCode::ProtocolViolation};
}

using DecodeMessage = DecodedMessage (*)(FieldReader &, MessageType, StreamKind);

/// Types that draft 16 alone has; nothing if it does not have this one.
inline DecodeMessage old_decoder(MessageType type) noexcept {
    switch (type) {
        case MessageType::ClientSetup:
        case MessageType::ServerSetup: return decode_as<Setup>;
        case MessageType::OldSubscribeNamespace: return decode_as<SubscribeNamespace>;
        case MessageType::Unsubscribe: return decode_as<Unsubscribe>;
        case MessageType::FetchCancel: return decode_as<FetchCancel>;
        case MessageType::PublishNamespaceDone: return decode_as<PublishNamespaceDone>;
        case MessageType::PublishNamespaceCancel: return decode_as<PublishNamespaceCancel>;
        case MessageType::MaxRequestId: return decode_as<MaxRequestId>;
        case MessageType::RequestsBlocked: return decode_as<RequestsBlocked>;
        default: return nullptr;
    }
}
/// Types that draft 16 does not have.
inline DecodeMessage new_decoder(MessageType type, const Dialect &dialect) noexcept {
    switch (type) {
        case MessageType::Setup: return decode_as<Setup>;
        case MessageType::SubscribeNamespace: return decode_as<SubscribeNamespace>;
        case MessageType::SubscribeTracks: return decode_as<SubscribeTracks>;
        case MessageType::PublishBlocked: return decode_as<PublishBlocked>;
        case MessageType::PublishStateNotify: return dialect.ranges ? decode_as<PublishStateNotify> : nullptr;
        default: return nullptr;
    }
}
inline DecodeMessage decoder_of(MessageType type, const Dialect &dialect) noexcept {
    switch (type) {
        case MessageType::RequestUpdate: return decode_as<RequestUpdate>;
        case MessageType::Subscribe: return decode_as<Subscribe>;
        case MessageType::SubscribeOk: return decode_as<SubscribeOk>;
        case MessageType::RequestError: return decode_as<RequestError>;
        case MessageType::PublishNamespace: return decode_as<PublishNamespace>;
        case MessageType::PublishOk: return dialect.ranges ? nullptr : decode_as<RequestOk>;
        case MessageType::RequestOk: return decode_as<RequestOk>;
        case MessageType::NamespaceFound: return decode_as<NamespaceFound>;
        case MessageType::NamespaceDone: return decode_as<NamespaceDone>;
        case MessageType::PublishDone: return decode_as<PublishDone>;
        case MessageType::TrackStatus: return decode_as<TrackStatus>;
        case MessageType::Goaway: return decode_as<Goaway>;
        case MessageType::Fetch: return decode_as<Fetch>;
        case MessageType::FetchOk: return decode_as<FetchOk>;
        case MessageType::Publish: return decode_as<Publish>;
        default: return dialect.shared_stream ? old_decoder(type) : new_decoder(type, dialect);
    }
}

}  // namespace detail

/// The session decides whether the message may come now, and on this stream.
inline DecodedMessage decode(const FramedMessage &framed, Draft draft, StreamKind stream) {
    const Dialect &dialect = dialect_of(draft);
    const auto type = static_cast<MessageType>(framed.type);
    const auto decoder = detail::decoder_of(type, dialect);
    if (decoder == nullptr) return DecodedMessage{std::nullopt, CloseCode::ProtocolViolation};
    FieldReader reader(framed.body, dialect);
    return decoder(reader, type, stream);
}

}  // namespace comoq::ietf
