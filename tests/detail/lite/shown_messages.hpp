/// \file What this side makes of the bytes of a message: its fields as text, and the bytes that it writes for them.
#pragma once

#include <comoq/detail/lite/codec.hpp>
#include <comoq/detail/lite/frame_header.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <type_traits>
#include <vector>

#include "support/hex.hpp"

namespace comoq::lite::shown_messages {

using comoq::test::hex_of;
using Octets = std::vector<std::byte>;

inline std::string shown(std::uint64_t number) { return std::to_string(number); }
inline std::string shown(const std::string &text) { return text; }
template <class T> std::string shown(const std::optional<T> &value) {
    if constexpr (std::is_enum_v<T>)
        return value ? std::to_string(static_cast<std::uint64_t>(*value)) : "-";
    else
        return value ? shown(*value) : "-";
}
inline std::string shown(const std::vector<std::uint64_t> &hops) {
    std::string text = "[";
    for (const auto hop : hops) text += (text.size() > 1 ? "," : "") + std::to_string(hop);
    return text + "]";
}
inline std::string shown(const Cost &cost) { return shown(cost.warm) + "/" + shown(cost.cold); }
inline std::string shown(const FrameBounds &frames) { return shown(frames.first) + " " + shown(frames.last); }
inline std::string shown(const Subscription &wishes) {
    return shown(wishes.priority) + " " + std::to_string(wishes.max_latency.count()) + " " + shown(wishes.start) + " " +
           shown(wishes.end);
}
template <class... Fields> std::string list(const Fields &...fields) {
    std::string text;
    ((text += (text.empty() ? "" : " ") + shown(fields)), ...);
    return text;
}

inline std::string text_of(const Setup &message) {
    return shown(message.probe) + " " + shown(message.path) + " " + shown(message.role) + " " + shown(message.cost) + " " +
           shown(message.origin);
}
inline std::string text_of(const AnnounceRequest &message) { return message.prefix + " " + shown(message.exclude_hop); }
inline std::string text_of(const AnnounceOk &message) { return list(message.hop_id, message.active_count); }
inline std::string text_of(const Announce &message) {
    return (message.active ? "active " : "ended ") + message.suffix + " " + shown(message.hops);
}
inline std::string text_of(const AnnounceStart &message) {
    return message.suffix + " " + shown(message.hops) + " " + shown(message.cost);
}
inline std::string text_of(const AnnounceEnd &message) { return list(message.id); }
inline std::string text_of(const AnnounceRestart &message) { return list(message.id, message.hops, message.cost); }
inline std::string text_of(const Track &message) { return list(message.broadcast, message.track); }
inline std::string text_of(const TrackInfoMessage &message) {
    const auto &info = message.info;
    return shown(info.priority) + " " + std::to_string(info.max_latency.count()) + " " + shown(info.timescale.units_per_second());
}
inline std::string text_of(const Subscribe &message) {
    return list(message.id, message.broadcast, message.track, message.wishes, message.frames);
}
inline std::string text_of(const SubscribeUpdate &message) { return list(message.wishes, message.frames); }
inline std::string text_of(const SubscribeOk &message) { return list(message.group); }
inline std::string text_of(const SubscribeEnd &message) { return list(message.group); }
inline std::string text_of(const SubscribeDrop &message) { return list(message.start, message.end, message.error); }
inline std::string text_of(const Fetch &message) {
    return list(message.broadcast, message.track, std::uint64_t{message.priority}, message.group, message.frames);
}
inline std::string text_of(const Group &message) { return list(message.subscribe_id, message.sequence, message.first_frame); }
inline std::string text_of(const Probe &message) { return list(message.bitrate, message.rtt); }
inline std::string text_of(const Goaway &message) { return message.uri; }

enum class Kind {
    Setup, AnnounceRequest, AnnounceOk, Announce, Start, AnnounceEnd, Restart, Track, TrackInfo, Subscribe, Update, Ok, End,
    Drop, Fetch, Group, Probe, Goaway, Frame,
};

/// What this side makes of a message: its fields, and the bytes that it writes for them.
struct Read {
    std::string text;
    std::string again;
};

template <class Message> std::optional<Read> read_as(std::span<const std::byte> body, Version version, Octets written = {}) {
    const auto message = decode<Message>(body, version);
    if (!message) return std::nullopt;
    encode(*message, version, written);
    return Read{text_of(*message), hex_of(written)};
}
inline std::optional<Read> read_typed(Kind kind, std::uint64_t type, std::span<const std::byte> body, Version version) {
    Octets written;
    detail::WireWriter(written).varint(type);
    if (kind == Kind::Start || kind == Kind::AnnounceEnd || kind == Kind::Restart) {
        switch (static_cast<AnnounceType>(type)) {
        case AnnounceType::Start: return read_as<AnnounceStart>(body, version, written);
        case AnnounceType::End: return read_as<AnnounceEnd>(body, version, written);
        case AnnounceType::Restart: return read_as<AnnounceRestart>(body, version, written);
        }
        return Read{"skipped", ""};
    }
    switch (static_cast<SubscribeReply>(type)) {
    case SubscribeReply::Ok: return read_as<SubscribeOk>(body, version, written);
    case SubscribeReply::End: return read_as<SubscribeEnd>(body, version, written);
    case SubscribeReply::Drop: return read_as<SubscribeDrop>(body, version, written);
    }
    return std::nullopt;
}
inline std::optional<Read> read_frame(std::span<const std::byte> octets) {
    const auto read = read_frame_header(octets);
    if (!read || read->size + read->header.size != octets.size()) return std::nullopt;
    const auto payload = octets.subspan(read->size);
    Octets written;
    encode(read->header, written);
    return Read{std::to_string(read->header.delta) + " " + hex_of(payload), hex_of(written) + hex_of(payload)};
}

/// Nothing if it is malformed, or is not one whole message.
inline std::optional<Read> read(Kind kind, Version version, const Octets &octets) {
    if (kind == Kind::Frame) return read_frame(octets);
    std::span<const std::byte> rest(octets);
    std::optional<std::uint64_t> type;
    if (kind == Kind::Start || kind == Kind::AnnounceEnd || kind == Kind::Restart || kind == Kind::Ok || kind == Kind::End ||
        kind == Kind::Drop) {
        const auto read = comoq::detail::read_varint(rest);
        if (!read) return std::nullopt;
        type = read->value;
        rest = rest.subspan(read->size);
    }
    std::error_code failure;
    const auto framed = next_message(rest, failure);
    if (!framed || framed->size != rest.size()) return std::nullopt;
    if (type) return read_typed(kind, *type, framed->body, version);
    switch (kind) {
    case Kind::Setup: return read_as<Setup>(framed->body, version);
    case Kind::AnnounceRequest: return read_as<AnnounceRequest>(framed->body, version);
    case Kind::AnnounceOk: return read_as<AnnounceOk>(framed->body, version);
    case Kind::Announce: return read_as<Announce>(framed->body, version);
    case Kind::Track: return read_as<Track>(framed->body, version);
    case Kind::TrackInfo: return read_as<TrackInfoMessage>(framed->body, version);
    case Kind::Subscribe: return read_as<Subscribe>(framed->body, version);
    case Kind::Update: return read_as<SubscribeUpdate>(framed->body, version);
    case Kind::Fetch: return read_as<Fetch>(framed->body, version);
    case Kind::Group: return read_as<Group>(framed->body, version);
    case Kind::Probe: return read_as<Probe>(framed->body, version);
    case Kind::Goaway: return read_as<Goaway>(framed->body, version);
    default: return std::nullopt;
    }
}

}  // namespace comoq::lite::shown_messages
