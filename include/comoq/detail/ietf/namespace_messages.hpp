// SPDX-License-Identifier: MIT
#pragma once
#include "message_type.hpp"
#include "parameters.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace comoq::ietf {

// The messages about namespaces: see session_messages.hpp for how they are used.

/// Tracks below this namespace can be asked for here.
struct PublishNamespace {
    std::uint64_t request_id = 0;
    Namespace space;
    Parameters parameters;

    friend bool operator==(const PublishNamespace &, const PublishNamespace &) = default;
    MessageType type(const Dialect &) const noexcept { return MessageType::PublishNamespace; }
    void write(FieldWriter &to, StreamKind) const {
        to.number(request_id);
        to.whole_space(space);
        write_parameters(to, parameters, detail::in_publish_namespace);
    }
    static PublishNamespace read(FieldReader &from, MessageType, StreamKind) {
        PublishNamespace message;
        message.request_id = from.number();
        message.space = from.whole_space();
        message.parameters = read_parameters(from, detail::in_publish_namespace);
        return message;
    }
};

/// Asks which namespaces there are below a prefix.
struct SubscribeNamespace {
    /// Draft 16: whether tracks are published, namespaces are named, or both. Later drafts have a message for each.
    enum class Wanted : std::uint8_t { Tracks, Namespaces, Both };

    std::uint64_t request_id = 0;
    Namespace prefix;
    Wanted wanted = Wanted::Namespaces;
    Parameters parameters;

    friend bool operator==(const SubscribeNamespace &, const SubscribeNamespace &) = default;
    MessageType type(const Dialect &dialect) const noexcept {
        return dialect.shared_stream ? MessageType::OldSubscribeNamespace : MessageType::SubscribeNamespace;
    }
    void write(FieldWriter &to, StreamKind) const {
        to.number(request_id);
        to.space(prefix);
        if (to.dialect().shared_stream)
            to.number(static_cast<std::uint64_t>(wanted));
        else
            FieldWriter::need(wanted == Wanted::Namespaces);
        write_parameters(to, parameters, detail::in_subscribe_namespace);
    }
    static SubscribeNamespace read(FieldReader &from, MessageType, StreamKind) {
        SubscribeNamespace message;
        message.request_id = from.number();
        message.prefix = from.space();
        if (from.dialect().shared_stream) {
            const std::uint64_t wanted = from.number();
            if (from.ok()) from.fail_unless(wanted <= 2);
            if (from.ok()) message.wanted = static_cast<Wanted>(wanted);
        }
        message.parameters = read_parameters(from, detail::in_subscribe_namespace);
        return message;
    }
};

/// Asks that every track below a prefix is published here.
struct SubscribeTracks {
    std::uint64_t request_id = 0;
    Namespace prefix;
    Parameters parameters;

    friend bool operator==(const SubscribeTracks &, const SubscribeTracks &) = default;
    MessageType type(const Dialect &) const noexcept { return MessageType::SubscribeTracks; }
    void write(FieldWriter &to, StreamKind) const {
        FieldWriter::need(!to.dialect().shared_stream);
        to.number(request_id);
        to.space(prefix);
        write_parameters(to, parameters, detail::in_subscribe_tracks);
    }
    static SubscribeTracks read(FieldReader &from, MessageType, StreamKind) {
        SubscribeTracks message;
        message.request_id = from.number();
        message.prefix = from.space();
        message.parameters = read_parameters(from, detail::in_subscribe_tracks);
        return message;
    }
};

namespace detail {

/// A namespace by what comes after the prefix that was asked for.
template <MessageType message_type> struct SuffixMessage {
    Namespace suffix;

    friend bool operator==(const SuffixMessage &, const SuffixMessage &) = default;
    MessageType type(const Dialect &) const noexcept { return message_type; }
    void write(FieldWriter &to, StreamKind) const { to.space(suffix); }
    static SuffixMessage read(FieldReader &from, MessageType, StreamKind) { return SuffixMessage{from.space()}; }
};

}  // namespace detail

/// A namespace that is there. A second one changes its route.
struct NamespaceFound {
    Namespace suffix;
    /// Of the extension for hops: there if both sides have it.
    std::optional<Parameters> parameters = {};

    friend bool operator==(const NamespaceFound &, const NamespaceFound &) = default;
    MessageType type(const Dialect &) const noexcept { return MessageType::NamespaceFound; }
    void write(FieldWriter &to, StreamKind) const {
        to.space(suffix);
        if (parameters) write_parameters(to, *parameters, detail::in_namespace);
    }
    static NamespaceFound read(FieldReader &from, MessageType, StreamKind) {
        NamespaceFound message;
        message.suffix = from.space();
        if (from.ok() && !from.empty() && !from.dialect().shared_stream)
            message.parameters = read_parameters(from, detail::in_namespace);
        return message;
    }
};
using NamespaceDone = detail::SuffixMessage<MessageType::NamespaceDone>;

/// A track below the prefix cannot be published.
struct PublishBlocked {
    FullName track;  // its namespace without the prefix

    friend bool operator==(const PublishBlocked &, const PublishBlocked &) = default;
    MessageType type(const Dialect &) const noexcept { return MessageType::PublishBlocked; }
    void write(FieldWriter &to, StreamKind) const {
        FieldWriter::need(!to.dialect().shared_stream);
        to.full_name(track);
    }
    static PublishBlocked read(FieldReader &from, MessageType, StreamKind) { return PublishBlocked{from.full_name()}; }
};

}  // namespace comoq::ietf
