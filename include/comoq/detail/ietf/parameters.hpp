// SPDX-License-Identifier: MIT
#pragma once
#include "field_reader.hpp"
#include "field_writer.hpp"
#include "pairs.hpp"
#include "parameter_values.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace comoq::ietf {

enum class GroupOrder : std::uint8_t { Ascending = 1, Descending = 2 };

/// In one message. The drafts have no limit; this one bounds what many small ones cost here.
inline constexpr std::size_t most_tokens = 32;

/// What a message can say besides its own fields. Times are in milliseconds. Everything may be absent.
struct Parameters {
    std::optional<std::uint64_t> object_delivery_timeout;
    std::vector<Token> tokens;
    std::optional<std::uint64_t> rendezvous_timeout;
    std::optional<std::uint64_t> subgroup_delivery_timeout;
    std::optional<std::uint64_t> expires;
    std::optional<Location> largest_object;
    std::optional<std::uint64_t> fill_timeout;
    std::optional<bool> forward;
    std::optional<std::uint8_t> subscriber_priority;
    std::optional<Filter> filter;
    std::optional<GroupOrder> group_order;
    /// As it came: the drafts and their speakers do not agree yet on what is in it.
    std::optional<std::string> fill;
    std::optional<std::uint64_t> new_group_request;
    std::optional<Namespace> prefix;
    std::optional<bool> include_properties;
    /// Of the extension for hops: the relays that an announcement came through, the publisher's number first, and what it costs.
    std::optional<HopPath> hop_path;
    std::optional<std::uint64_t> route_cost;

    friend bool operator==(const Parameters &, const Parameters &) = default;
};

namespace detail {

/// The messages that have parameters, as a set of bits. A TRACK_STATUS has those of a SUBSCRIBE.
enum Place : std::uint16_t {
    in_subscribe = 1,
    in_subscribe_ok = 2,
    in_update = 4,
    in_publish = 8,
    in_ok = 16,
    in_fetch = 32,
    in_fetch_ok = 64,
    in_publish_namespace = 128,
    in_subscribe_namespace = 256,
    in_subscribe_tracks = 512,
    in_notify = 1024,
    in_publish_ok = 2048,  ///< of draft 16; in later ones it is as any other OK
    in_namespace = 4096,   ///< of the extension for hops only
};

enum class Parameter : std::uint64_t {
    ObjectDeliveryTimeout = 0x02,
    AuthorizationToken = 0x03,
    RendezvousTimeout = 0x04,
    SubgroupDeliveryTimeout = 0x06,
    Expires = 0x08,
    LargestObject = 0x09,
    FillTimeout = 0x0a,
    Forward = 0x10,
    SubscriberPriority = 0x20,
    Filter = 0x21,
    GroupOrder = 0x22,
    Fill = 0x23,
    NewGroupRequest = 0x32,
    NamespacePrefix = 0x34,
    IncludeProperties = 0x35,
    HopPath = 0x40b57,
    RouteCost = 0x40b58,
};

/// Where a parameter may be: in draft 16, in draft 18, and in the later ones. From draft 20 on a SUBSCRIBE_TRACKS can have each
/// that a SUBSCRIBE can: they are those of the subscriptions that come of it.
struct ParameterRow {
    Parameter type;
    unsigned in_16;
    unsigned in_18;
    unsigned since_20;
};
inline constexpr unsigned in_any_request = in_subscribe | in_update | in_publish | in_fetch | in_publish_namespace |
                                           in_subscribe_namespace | in_subscribe_tracks;
inline constexpr unsigned of_subscriber_16 = in_subscribe | in_update | in_publish_ok;
inline constexpr unsigned of_route = in_publish_namespace | in_namespace | in_update;
inline constexpr ParameterRow parameter_rows[] = {
    {Parameter::ObjectDeliveryTimeout, of_subscriber_16, in_subscribe | in_ok | in_update,
     in_subscribe | in_publish | in_update | in_subscribe_tracks},
    {Parameter::AuthorizationToken, in_any_request, in_any_request, in_any_request},
    {Parameter::RendezvousTimeout, 0, in_subscribe, in_subscribe | in_subscribe_tracks},
    {Parameter::SubgroupDeliveryTimeout, 0, in_subscribe | in_ok | in_update,
     in_subscribe | in_publish | in_update | in_subscribe_tracks},
    {Parameter::Expires, in_subscribe_ok | in_publish | in_publish_ok | in_ok,
     in_subscribe_ok | in_publish | in_ok, in_subscribe_ok | in_publish | in_ok},
    {Parameter::LargestObject, in_subscribe_ok | in_publish | in_ok,
     in_subscribe_ok | in_publish | in_ok, in_subscribe_ok | in_publish | in_ok | in_notify},
    {Parameter::FillTimeout, 0, in_fetch, in_fetch},
    {Parameter::Forward, of_subscriber_16 | in_publish | in_subscribe_namespace,
     in_subscribe | in_update | in_publish | in_ok | in_subscribe_tracks,
     in_subscribe | in_update | in_publish | in_subscribe_tracks | in_notify},
    {Parameter::SubscriberPriority, of_subscriber_16 | in_fetch, in_subscribe | in_fetch | in_update | in_ok,
     in_subscribe | in_publish | in_fetch | in_update | in_subscribe_tracks},
    {Parameter::Filter, of_subscriber_16, in_subscribe | in_ok | in_update,
     in_fetch | in_subscribe | in_publish | in_update | in_subscribe_tracks | in_notify},
    {Parameter::GroupOrder, in_subscribe | in_publish_ok | in_fetch, in_subscribe | in_ok | in_fetch,
     in_subscribe | in_publish | in_subscribe_tracks | in_fetch},
    {Parameter::Fill, 0, 0, in_subscribe | in_update | in_subscribe_tracks},
    {Parameter::NewGroupRequest, of_subscriber_16, in_subscribe | in_ok | in_update,
     in_subscribe | in_update | in_subscribe_tracks},
    {Parameter::NamespacePrefix, 0, in_update, in_update},
    {Parameter::IncludeProperties, 0, 0, in_subscribe | in_fetch | in_subscribe_tracks},
    {Parameter::HopPath, 0, of_route, of_route},
    {Parameter::RouteCost, 0, of_route, of_route},
};
/// The messages that may have it; none if the draft does not know it.
constexpr unsigned places_of(Parameter type, const Dialect &dialect) noexcept {
    for (const ParameterRow &row : parameter_rows)
        if (row.type == type) return dialect.pair_parameters ? row.in_16 : dialect.ranges ? row.since_20 : row.in_18;
    return 0;
}
/// Passes over the value of a pair.
inline void skip_pair(FieldReader &from, Parameter type) noexcept {
    if (static_cast<std::uint64_t>(type) % 2 != 0)
        from.sized(longest_pair);
    else
        from.number();
}

inline std::uint64_t read_small(FieldReader &from, std::uint64_t least, std::uint64_t most) noexcept {
    const std::uint64_t value = from.dialect().pair_parameters ? from.number() : from.byte();
    if (from.ok()) from.fail_unless(value >= least && value <= most);
    return value;
}
inline void write_small(FieldWriter &to, std::uint8_t value) {
    if (to.dialect().pair_parameters) return to.number(value);
    to.byte(value);
}

inline void read_parameter(FieldReader &from, Parameter type, Parameters &to) {
    switch (type) {
        case Parameter::ObjectDeliveryTimeout:
            to.object_delivery_timeout = from.number();
            if (from.ok()) from.fail_unless(from.dialect().zero_timeout || *to.object_delivery_timeout != 0);
            break;
        case Parameter::AuthorizationToken:
            if (to.tokens.size() == most_tokens) return from.fail(CloseCode::InternalError);
            if (Token token = read_token(from, from.sized()); from.ok()) to.tokens.push_back(std::move(token));
            break;
        case Parameter::RendezvousTimeout: to.rendezvous_timeout = from.number(); break;
        case Parameter::SubgroupDeliveryTimeout: to.subgroup_delivery_timeout = from.number(); break;
        case Parameter::Expires: to.expires = from.number(); break;
        case Parameter::LargestObject:
            to.largest_object = !from.dialect().pair_parameters
                                    ? from.location()
                                    : read_within(from, from.sized(), CloseCode::KeyValueFormatting,
                                                  [](FieldReader &inner) { return inner.location(); });
            break;
        case Parameter::FillTimeout: to.fill_timeout = from.number(); break;
        case Parameter::Forward: to.forward = read_small(from, 0, 1) != 0; break;
        case Parameter::SubscriberPriority:
            to.subscriber_priority = static_cast<std::uint8_t>(read_small(from, 0, 255));
            break;
        case Parameter::Filter: to.filter = read_filter(from); break;
        case Parameter::GroupOrder: to.group_order = static_cast<GroupOrder>(read_small(from, 1, 2)); break;
        case Parameter::Fill: to.fill = from.text(longest_pair); break;
        case Parameter::NewGroupRequest: to.new_group_request = from.number(); break;
        case Parameter::NamespacePrefix: to.prefix = from.space(); break;
        case Parameter::IncludeProperties: to.include_properties = read_small(from, 0, 1) != 0; break;
        case Parameter::HopPath: to.hop_path = read_hop_path(from); break;
        case Parameter::RouteCost: to.route_cost = from.number(); break;
    }
}

/// Writes one parameter after another in the order of their types. The count stands before all of them, so that they are
/// gathered first.
class ParameterWriter {
public:
    ParameterWriter(const Dialect &dialect, Place place) : to_(bytes_, dialect), place_(place) {}

    template <class Write> void add(Parameter type, const Write &write) {
        FieldWriter::need((places_of(type, to_.dialect()) & place_) != 0);
        const auto number = static_cast<std::uint64_t>(type);
        to_.difference(number, before_);
        before_ = number;
        ++count_;
        write(to_);
    }
    void add_number(Parameter type, const std::optional<std::uint64_t> &value) {
        if (value) add(type, [&](FieldWriter &to) { to.number(*value); });
    }
    template <class Value> void add_small(Parameter type, const std::optional<Value> &value) {
        if (value) add(type, [&](FieldWriter &to) { write_small(to, static_cast<std::uint8_t>(*value)); });
    }
    void finish(FieldWriter &to) const {
        to.number(count_);
        to.bytes(bytes_);
    }

private:
    std::vector<std::byte> bytes_;
    FieldWriter to_;
    Place place_;
    std::uint64_t before_ = 0;
    std::uint64_t count_ = 0;
};

}  // namespace detail

/// A wrong value, an unknown type, one twice, and one in a message that it has no place in end the session; but draft 16
/// ignores the last. Without a count before them, they go on to the end.
inline Parameters read_parameters(FieldReader &from, detail::Place place, bool is_counted = true) {
    Parameters parameters;
    const std::uint64_t count = is_counted ? from.number() : 0;
    std::uint64_t before = 0;
    for (std::uint64_t i = 0; from.ok() && (is_counted ? i < count : !from.empty()); ++i) {
        const std::uint64_t number = from.sum(before);
        const auto type = static_cast<detail::Parameter>(number);
        const bool again = i != 0 && number == before && type != detail::Parameter::AuthorizationToken;
        before = number;
        const unsigned places = detail::places_of(type, from.dialect());
        const bool is_here = (places & place) != 0;
        if (from.ok()) from.fail_unless(!again && (is_here || (from.dialect().pair_parameters && places != 0)));
        if (from.ok() && is_here)
            detail::read_parameter(from, type, parameters);
        else if (from.ok())
            detail::skip_pair(from, type);
    }
    return parameters;
}
/// Throws Encode for what the message cannot have. A delivery timeout that is none is left out where it would be wrong.
inline void write_parameters(FieldWriter &to, const Parameters &parameters, detail::Place place) {
    using detail::Parameter;
    detail::ParameterWriter writer(to.dialect(), place);
    FieldWriter::need(parameters.tokens.size() <= most_tokens);
    if (to.dialect().zero_timeout || parameters.object_delivery_timeout != 0)
        writer.add_number(Parameter::ObjectDeliveryTimeout, parameters.object_delivery_timeout);
    for (const Token &token : parameters.tokens)
        writer.add(Parameter::AuthorizationToken, [&](FieldWriter &out) {
            detail::write_within(out, [&](FieldWriter &inner) { detail::write_token(inner, token); });
        });
    writer.add_number(Parameter::RendezvousTimeout, parameters.rendezvous_timeout);
    writer.add_number(Parameter::SubgroupDeliveryTimeout, parameters.subgroup_delivery_timeout);
    writer.add_number(Parameter::Expires, parameters.expires);
    if (parameters.largest_object)
        writer.add(Parameter::LargestObject, [&](FieldWriter &out) {
            if (!out.dialect().pair_parameters) return out.location(*parameters.largest_object);
            detail::write_within(out, [&](FieldWriter &inner) { inner.location(*parameters.largest_object); });
        });
    writer.add_number(Parameter::FillTimeout, parameters.fill_timeout);
    writer.add_small(Parameter::Forward, parameters.forward);
    writer.add_small(Parameter::SubscriberPriority, parameters.subscriber_priority);
    if (parameters.filter)
        writer.add(Parameter::Filter, [&](FieldWriter &out) { detail::write_filter(out, *parameters.filter); });
    writer.add_small(Parameter::GroupOrder, parameters.group_order);
    if (parameters.fill)
        writer.add(Parameter::Fill, [&](FieldWriter &out) { out.text(*parameters.fill, longest_pair); });
    writer.add_number(Parameter::NewGroupRequest, parameters.new_group_request);
    if (parameters.prefix)
        writer.add(Parameter::NamespacePrefix, [&](FieldWriter &out) { out.space(*parameters.prefix); });
    writer.add_small(Parameter::IncludeProperties, parameters.include_properties);
    if (parameters.hop_path)
        writer.add(Parameter::HopPath, [&](FieldWriter &out) { detail::write_hop_path(out, *parameters.hop_path); });
    writer.add_number(Parameter::RouteCost, parameters.route_cost);
    writer.finish(to);
}

}  // namespace comoq::ietf
