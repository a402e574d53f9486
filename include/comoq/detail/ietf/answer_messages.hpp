// SPDX-License-Identifier: MIT
#pragma once
#include "message_type.hpp"
#include "parameters.hpp"
#include "track_messages.hpp"
#include "track_properties.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace comoq::ietf {

// The answers to requests: see session_messages.hpp for how they are used. `request_id` is in draft 16 only: later drafts
// answer on the stream of the request.

/// Yes. What it may contain depends on the request: the one that is asked about a track's state has properties, which draft 16
/// leaves out.
struct RequestOk {
    std::uint64_t request_id = 0;
    /// It answers a PUBLISH: draft 16 has a type for that. Peers of draft 18 may use it, and it is read as the other one.
    bool of_publish = false;
    Parameters parameters;
    Pairs properties;

    friend bool operator==(const RequestOk &, const RequestOk &) = default;
    MessageType type(const Dialect &dialect) const noexcept {
        return of_publish && dialect.shared_stream ? MessageType::PublishOk : MessageType::RequestOk;
    }
    void write(FieldWriter &to, StreamKind) const {
        if (to.dialect().shared_stream) to.number(request_id);
        write_parameters(to, parameters, place(to.dialect()));
        if (to.dialect().redirects) write_track_properties(to, properties);
    }
    static RequestOk read(FieldReader &from, MessageType type, StreamKind) {
        RequestOk message;
        message.of_publish = type == MessageType::PublishOk && from.dialect().shared_stream;
        if (from.dialect().shared_stream) message.request_id = from.number();
        message.parameters = read_parameters(from, message.place(from.dialect()));
        if (from.dialect().redirects) message.properties = read_track_properties(from);
        return message;
    }

private:
    detail::Place place(const Dialect &dialect) const noexcept {
        return of_publish && dialect.shared_stream ? detail::in_publish_ok : detail::in_ok;
    }
};

/// No.
struct RequestError {
    /// Where the request can be made instead: of the track or namespace in `track`.
    struct Redirect {
        std::string uri;
        FullName track;

        friend bool operator==(const Redirect &, const Redirect &) = default;
    };
    /// The code that has a redirect.
    static constexpr std::uint64_t redirect_code = 0x34;

    std::uint64_t request_id = 0;
    std::uint64_t code = 0;
    /// When to try again, in milliseconds and one more; 0 for never.
    std::uint64_t retry = 0;
    std::string reason;
    std::optional<Redirect> redirect;

    friend bool operator==(const RequestError &, const RequestError &) = default;
    MessageType type(const Dialect &) const noexcept { return MessageType::RequestError; }
    void write(FieldWriter &to, StreamKind) const {
        if (to.dialect().shared_stream) to.number(request_id);
        to.number(code);
        to.number(retry);
        to.reason(reason);
        FieldWriter::need(redirect.has_value() == (code == redirect_code && to.dialect().redirects));
        if (!redirect) return;
        to.text(redirect->uri, longest_uri);
        to.full_name(redirect->track);
    }
    static RequestError read(FieldReader &from, MessageType, StreamKind) {
        RequestError message;
        if (from.dialect().shared_stream) message.request_id = from.number();
        message.code = from.number();
        message.retry = from.number();
        message.reason = from.reason();
        if (message.code != redirect_code || !from.dialect().redirects) return message;
        Redirect redirect;
        redirect.uri = from.text(longest_uri);
        redirect.track = from.full_name();
        message.redirect = std::move(redirect);
        return message;
    }
};

/// The subscription's objects carry `alias`.
struct SubscribeOk {
    std::uint64_t request_id = 0;
    std::uint64_t alias = 0;
    Parameters parameters;
    Pairs properties;

    friend bool operator==(const SubscribeOk &, const SubscribeOk &) = default;
    MessageType type(const Dialect &) const noexcept { return MessageType::SubscribeOk; }
    void write(FieldWriter &to, StreamKind) const {
        if (to.dialect().shared_stream) to.number(request_id);
        to.number(alias);
        write_parameters(to, parameters, detail::in_subscribe_ok);
        write_track_properties(to, properties);
    }
    static SubscribeOk read(FieldReader &from, MessageType, StreamKind) {
        SubscribeOk message;
        if (from.dialect().shared_stream) message.request_id = from.number();
        message.alias = from.number();
        message.parameters = read_parameters(from, detail::in_subscribe_ok);
        message.properties = read_track_properties(from);
        return message;
    }
};

/// The range that comes on the stream of the fetch ends at `end`.
struct FetchOk {
    std::uint64_t request_id = 0;
    /// Nothing of the track comes after it.
    bool end_of_track = false;
    /// From draft 20 on with an object.
    RangeEnd end{};
    Parameters parameters;
    Pairs properties;

    friend bool operator==(const FetchOk &, const FetchOk &) = default;
    MessageType type(const Dialect &) const noexcept { return MessageType::FetchOk; }
    void write(FieldWriter &to, StreamKind) const {
        if (to.dialect().shared_stream) to.number(request_id);
        to.byte(end_of_track ? 1 : 0);
        if (to.dialect().inclusive_end) {
            FieldWriter::need(end.object.has_value());
            to.location(Location{end.group, end.object.value_or(0)});
        } else {
            detail::write_exclusive_end(to, end);
        }
        write_parameters(to, parameters, detail::in_fetch_ok);
        write_track_properties(to, properties);
    }
    static FetchOk read(FieldReader &from, MessageType, StreamKind) {
        FetchOk message;
        if (from.dialect().shared_stream) message.request_id = from.number();
        const auto end_of_track = from.byte();
        if (from.ok()) from.fail_unless(end_of_track <= 1);
        message.end_of_track = end_of_track == 1;
        if (from.dialect().inclusive_end) {
            const Location last = from.location();
            message.end = RangeEnd{last.group, last.object};
        } else {
            message.end = detail::read_exclusive_end(from);
        }
        message.parameters = read_parameters(from, detail::in_fetch_ok);
        message.properties = read_track_properties(from);
        return message;
    }
};

}  // namespace comoq::ietf
