/// \file The fields of a control message of MoQ Transport as text.
#pragma once

#include <comoq/detail/ietf/control_codec.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "support/hex.hpp"

namespace comoq::ietf::shown_message {

inline std::string shown(std::uint64_t number) { return " " + std::to_string(number); }
/// Bytes that are not text come as digits.
inline std::string shown_name(const std::string &name) {
    return comoq::detail::is_printable_utf8(name) ? name : "hex:" + test::hex_of(std::as_bytes(std::span(name)));
}
inline std::string shown(const Namespace &space) {
    std::string text;
    for (const auto &field : space) text += (text.empty() ? "" : ",") + shown_name(field);
    return " [" + text + "]";
}
inline std::string shown(const FullName &full) { return shown(full.space) + "/" + shown_name(full.name); }
inline std::string shown(const HopPath &path) {
    std::string text;
    for (const auto hop : path) text += (text.empty() ? "" : ",") + std::to_string(hop);
    return text;
}
inline std::string shown(const Location &at) { return std::to_string(at.group) + "/" + std::to_string(at.object); }
inline std::string shown(const RangeEnd &end) {
    return std::to_string(end.group) + (end.object ? "/" + std::to_string(*end.object) : "");
}
inline std::string shown(const Token &token) {
    return std::to_string(static_cast<int>(token.form)) + ":" + std::to_string(token.alias) + ":" +
           std::to_string(token.type) + ":" + test::hex_of(std::as_bytes(std::span(token.value)));
}
inline std::string shown(const Filter &filter) {
    switch (filter.kind) {
        case Filter::Kind::Everything: return "everything";
        case Filter::Kind::NextObject: return "next";
        case Filter::Kind::Relative: return "relative:" + std::to_string(filter.groups);
        case Filter::Kind::Absolute: break;
    }
    return shown(filter.start) + ".." + (filter.end ? shown(*filter.end) : "");
}
inline std::string shown(const Pairs &pairs) {
    std::string text;
    for (const Pair &pair : pairs)
        text += (text.empty() ? "" : " ") + std::to_string(pair.type) + "=" +
                (pair.has_bytes() ? test::hex_of(pair.bytes) : std::to_string(pair.number));
    return " <" + text + ">";
}

inline std::string shown(const Parameters &parameters) {
    std::string text;
    const auto add = [&](std::string_view name, const std::string &value) {
        text += (text.empty() ? "" : " ") + std::string(name) + "=" + value;
    };
    const auto number = [&](std::string_view name, const auto &value) {
        if (value) add(name, std::to_string(static_cast<std::uint64_t>(*value)));
    };
    number("object_delivery_timeout", parameters.object_delivery_timeout);
    for (const auto &token : parameters.tokens) add("token", shown(token));
    number("rendezvous_timeout", parameters.rendezvous_timeout);
    number("subgroup_delivery_timeout", parameters.subgroup_delivery_timeout);
    number("expires", parameters.expires);
    if (parameters.largest_object) add("largest_object", shown(*parameters.largest_object));
    number("fill_timeout", parameters.fill_timeout);
    number("forward", parameters.forward);
    number("subscriber_priority", parameters.subscriber_priority);
    if (parameters.filter) add("filter", shown(*parameters.filter));
    number("group_order", parameters.group_order);
    if (parameters.fill) add("fill", test::hex_of(std::as_bytes(std::span(*parameters.fill))));
    number("new_group_request", parameters.new_group_request);
    if (parameters.prefix) add("prefix", shown(*parameters.prefix).substr(1));
    number("include_properties", parameters.include_properties);
    if (parameters.hop_path) add("hop_path", shown(*parameters.hop_path));
    number("route_cost", parameters.route_cost);
    return " {" + text + "}";
}

/// The fields of a message in the order in which they stand. Requests have numbers in their answers in draft 16 only.
struct Show {
    bool is_16;

    std::string id(std::uint64_t number) const { return is_16 ? shown(number) : ""; }
    std::string operator()(const Setup &m) const { return "SETUP" + shown(m.options); }
    std::string operator()(const Goaway &m) const {
        return "GOAWAY " + m.uri + shown(m.timeout) + (m.request_id ? shown(*m.request_id) : "");
    }
    std::string operator()(const RequestOk &m) const {
        return "REQUEST_OK" + id(m.request_id) + shown(m.parameters) + shown(m.properties);
    }
    std::string operator()(const RequestError &m) const {
        std::string text = "REQUEST_ERROR" + id(m.request_id) + shown(m.code) + shown(m.retry) + " " + m.reason;
        return m.redirect ? text + " " + m.redirect->uri + shown(m.redirect->track) : text;
    }
    std::string operator()(const Subscribe &m) const { return "SUBSCRIBE" + request(m); }
    std::string operator()(const TrackStatus &m) const { return "TRACK_STATUS" + request(m); }
    template <class Message> static std::string request(const Message &m) {
        return shown(m.request_id) + shown(m.track) + shown(m.parameters);
    }
    std::string operator()(const SubscribeOk &m) const {
        return "SUBSCRIBE_OK" + id(m.request_id) + shown(m.alias) + shown(m.parameters) + shown(m.properties);
    }
    std::string operator()(const RequestUpdate &m) const {
        return "REQUEST_UPDATE" + shown(m.request_id) + id(m.existing) + shown(m.parameters);
    }
    std::string operator()(const Publish &m) const {
        return "PUBLISH" + shown(m.request_id) + shown(m.track) + shown(m.alias) + shown(m.parameters) +
               shown(m.properties);
    }
    std::string operator()(const PublishStateNotify &m) const { return "PUBLISH_STATE_NOTIFY" + shown(m.parameters); }
    std::string operator()(const PublishDone &m) const {
        return "PUBLISH_DONE" + id(m.request_id) + shown(m.status) + (m.streams ? shown(*m.streams) : " -") + " " + m.reason;
    }
    std::string operator()(const Fetch &m) const {
        std::string text = "FETCH" + shown(m.request_id);
        if (m.kind != Fetch::Kind::Standalone)
            text += " join" + std::to_string(static_cast<int>(m.kind)) + shown(m.joining_request) + shown(m.joining_start);
        else if (m.start == Location{} && m.end == RangeEnd{})
            text += shown(m.track);
        else
            text += shown(m.track) + " " + shown(m.start) + " " + shown(m.end);
        return text + shown(m.parameters);
    }
    std::string operator()(const FetchOk &m) const {
        return "FETCH_OK" + id(m.request_id) + shown(m.end_of_track ? 1 : 0) + " " + shown(m.end) + shown(m.parameters) +
               shown(m.properties);
    }
    std::string operator()(const PublishNamespace &m) const {
        return "PUBLISH_NAMESPACE" + shown(m.request_id) + shown(m.space) + shown(m.parameters);
    }
    std::string operator()(const SubscribeNamespace &m) const {
        return "SUBSCRIBE_NAMESPACE" + shown(m.request_id) + shown(m.prefix) + id(static_cast<std::uint64_t>(m.wanted)) +
               shown(m.parameters);
    }
    std::string operator()(const SubscribeTracks &m) const {
        return "SUBSCRIBE_TRACKS" + shown(m.request_id) + shown(m.prefix) + shown(m.parameters);
    }
    std::string operator()(const NamespaceFound &m) const { 
        return "NAMESPACE" + shown(m.suffix) + (m.parameters ? shown(*m.parameters) : "");
    }
    std::string operator()(const NamespaceDone &m) const { return "NAMESPACE_DONE" + shown(m.suffix); }
    std::string operator()(const PublishBlocked &m) const { return "PUBLISH_BLOCKED" + shown(m.track); }
    std::string operator()(const PublishNamespaceCancel &m) const {
        return "PUBLISH_NAMESPACE_CANCEL" + shown(m.request_id) + shown(m.code) + " " + m.reason;
    }
    std::string operator()(const Unsubscribe &m) const { return "UNSUBSCRIBE" + shown(m.value); }
    std::string operator()(const FetchCancel &m) const { return "FETCH_CANCEL" + shown(m.value); }
    std::string operator()(const PublishNamespaceDone &m) const { return "PUBLISH_NAMESPACE_DONE" + shown(m.value); }
    std::string operator()(const MaxRequestId &m) const { return "MAX_REQUEST_ID" + shown(m.value); }
    std::string operator()(const RequestsBlocked &m) const { return "REQUESTS_BLOCKED" + shown(m.value); }
};

inline std::string shown(const ControlMessage &message, Draft draft) {
    return std::visit(Show{draft == Draft::Draft16}, message);
}

}  // namespace comoq::ietf::shown_message
