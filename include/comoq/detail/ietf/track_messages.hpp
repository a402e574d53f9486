// SPDX-License-Identifier: MIT
#pragma once
#include "message_type.hpp"
#include "parameters.hpp"
#include "track_properties.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace comoq::ietf {

// The requests that name a track, and what is said of them later: see session_messages.hpp for how they are used.

namespace detail {

/// A request for a track that has nothing but its name and parameters.
template <MessageType message_type> struct TrackRequest {
    std::uint64_t request_id = 0;
    FullName track;
    Parameters parameters;

    friend bool operator==(const TrackRequest &, const TrackRequest &) = default;
    MessageType type(const Dialect &) const noexcept { return message_type; }
    void write(FieldWriter &to, StreamKind) const {
        to.number(request_id);
        to.full_name(track);
        write_parameters(to, parameters, in_subscribe);
    }
    static TrackRequest read(FieldReader &from, MessageType, StreamKind) {
        TrackRequest message;
        message.request_id = from.number();
        message.track = from.full_name();
        message.parameters = read_parameters(from, in_subscribe);
        return message;
    }
};

}  // namespace detail

using Subscribe = detail::TrackRequest<MessageType::Subscribe>;
using TrackStatus = detail::TrackRequest<MessageType::TrackStatus>;

/// New parameters of a request. It has a number of its own; the stream says which request it is about, and in draft 16
/// `existing`.
struct RequestUpdate {
    std::uint64_t request_id = 0;
    std::uint64_t existing = 0;
    Parameters parameters;

    friend bool operator==(const RequestUpdate &, const RequestUpdate &) = default;
    MessageType type(const Dialect &) const noexcept { return MessageType::RequestUpdate; }
    void write(FieldWriter &to, StreamKind) const {
        to.number(request_id);
        if (to.dialect().shared_stream) to.number(existing);
        write_parameters(to, parameters, detail::in_update);
    }
    static RequestUpdate read(FieldReader &from, MessageType, StreamKind) {
        RequestUpdate message;
        message.request_id = from.number();
        if (from.dialect().shared_stream) message.existing = from.number();
        message.parameters = read_parameters(from, detail::in_update);
        return message;
    }
};

/// Offers a track, whose objects carry `alias`.
struct Publish {
    std::uint64_t request_id = 0;
    FullName track;
    std::uint64_t alias = 0;
    Parameters parameters;
    Pairs properties;

    friend bool operator==(const Publish &, const Publish &) = default;
    MessageType type(const Dialect &) const noexcept { return MessageType::Publish; }
    void write(FieldWriter &to, StreamKind) const {
        to.number(request_id);
        to.full_name(track);
        to.number(alias);
        write_parameters(to, parameters, detail::in_publish);
        write_track_properties(to, properties);
    }
    static Publish read(FieldReader &from, MessageType, StreamKind) {
        Publish message;
        message.request_id = from.number();
        message.track = from.full_name();
        message.alias = from.number();
        message.parameters = read_parameters(from, detail::in_publish);
        message.properties = read_track_properties(from);
        return message;
    }
};

/// By the publisher: what it has changed by itself. From draft 20 on.
struct PublishStateNotify {
    Parameters parameters;

    friend bool operator==(const PublishStateNotify &, const PublishStateNotify &) = default;
    MessageType type(const Dialect &) const noexcept { return MessageType::PublishStateNotify; }
    void write(FieldWriter &to, StreamKind) const {
        FieldWriter::need(to.dialect().ranges);
        write_parameters(to, parameters, detail::in_notify);
    }
    static PublishStateNotify read(FieldReader &from, MessageType, StreamKind) {
        return PublishStateNotify{read_parameters(from, detail::in_notify)};
    }
};

/// The last message of a subscription.
struct PublishDone {
    std::uint64_t request_id = 0;  // draft 16
    std::uint64_t status = 0;
    /// The number of streams that were opened; nothing if nobody knows it.
    std::optional<std::uint64_t> streams;
    std::string reason;

    friend bool operator==(const PublishDone &, const PublishDone &) = default;
    MessageType type(const Dialect &) const noexcept { return MessageType::PublishDone; }
    void write(FieldWriter &to, StreamKind) const {
        if (to.dialect().shared_stream) to.number(request_id);
        to.number(turned(status, to.dialect()));
        to.number(streams.value_or(to.dialect().unknown_streams));
        to.reason(reason);
    }
    static PublishDone read(FieldReader &from, MessageType, StreamKind) {
        PublishDone message;
        if (from.dialect().shared_stream) message.request_id = from.number();
        message.status = turned(from.number(), from.dialect());
        const std::uint64_t streams = from.number();
        if (streams != from.dialect().unknown_streams) message.streams = streams;
        message.reason = from.reason();
        return message;
    }

private:
    static constexpr std::uint64_t turned(std::uint64_t status, const Dialect &dialect) noexcept {
        constexpr std::uint64_t too_far_behind = 5, expired = 6;
        if (!dialect.old_ends || (status != too_far_behind && status != expired)) return status;
        return status == expired ? too_far_behind : expired;
    }
};

/// Asks for a range of a track.
struct Fetch {
    enum class Kind : std::uint8_t {
        Standalone = 1,
        RelativeJoining = 2,  ///< from `joining_start` groups before the one that the subscription began with
        AbsoluteJoining = 3,  ///< from group `joining_start` on
    };

    std::uint64_t request_id = 0;
    /// From draft 20 on always Standalone, and the range is the filter in `parameters`.
    Kind kind = Kind::Standalone;
    FullName track;  // Standalone
    Location start{};
    RangeEnd end{};
    std::uint64_t joining_request = 0;
    std::uint64_t joining_start = 0;
    Parameters parameters;

    friend bool operator==(const Fetch &, const Fetch &) = default;
    MessageType type(const Dialect &) const noexcept { return MessageType::Fetch; }
    void write(FieldWriter &to, StreamKind) const;
    static Fetch read(FieldReader &from, MessageType, StreamKind);

private:
    void write_range(FieldWriter &to) const;
    void read_range(FieldReader &from);
};

namespace detail {

/// The object after the last one; 0 for the whole group.
inline RangeEnd read_exclusive_end(FieldReader &from) noexcept {
    const Location end = from.location();
    return RangeEnd{end.group, end.object != 0 ? std::optional(end.object - 1) : std::nullopt};
}
inline void write_exclusive_end(FieldWriter &to, const RangeEnd &end) {
    FieldWriter::need(!end.object || *end.object != ~std::uint64_t{0});
    to.location(Location{end.group, end.object ? *end.object + 1 : 0});
}

}  // namespace detail

inline void Fetch::write_range(FieldWriter &to) const {
    to.number(static_cast<std::uint64_t>(kind));
    if (kind != Kind::Standalone) {
        to.number(joining_request);
        return to.number(joining_start);
    }
    to.full_name(track);
    to.location(start);
    detail::write_exclusive_end(to, end);
}
inline void Fetch::read_range(FieldReader &from) {
    const std::uint64_t number = from.number();
    if (from.ok()) from.fail_unless(number >= 1 && number <= 3);
    if (!from.ok()) return;
    kind = static_cast<Kind>(number);
    if (kind != Kind::Standalone) {
        joining_request = from.number();
        joining_start = from.number();
        return;
    }
    track = from.full_name();
    start = from.location();
    end = detail::read_exclusive_end(from);
}
inline void Fetch::write(FieldWriter &to, StreamKind) const {
    to.number(request_id);
    if (to.dialect().fetch_by_filter) {
        FieldWriter::need(kind == Kind::Standalone && start == Location{} && end == RangeEnd{});
        to.full_name(track);
    } else {
        write_range(to);
    }
    write_parameters(to, parameters, detail::in_fetch);
}
inline Fetch Fetch::read(FieldReader &from, MessageType, StreamKind) {
    Fetch message;
    message.request_id = from.number();
    if (from.dialect().fetch_by_filter)
        message.track = from.full_name();
    else
        message.read_range(from);
    message.parameters = read_parameters(from, detail::in_fetch);
    return message;
}

}  // namespace comoq::ietf
