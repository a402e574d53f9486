/// \file Random messages of MoQ Transport that this side can write in a draft, and what another reader must find in them.
#pragma once

#include <comoq/detail/ietf/control_codec.hpp>
#include <comoq/detail/ietf/parameters.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace comoq::ietf {

class RandomFields {
public:
    RandomFields(std::uint64_t seed, Draft draft) : random_(seed), draft_(draft) {}

    Draft draft() const noexcept { return draft_; }
    std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
    bool one_in(std::uint64_t count) { return below(count) == 0; }

    /// Of any length on the wire. From 1,000 on it is noted, because a smaller one says little if it is found.
    std::uint64_t number() { return noted(plain()); }
    std::uint64_t plain() {
        const std::uint64_t longest = dialect_of(draft_).quic_integers ? 62 : 64;
        return random_() >> (64 - longest + below(longest));
    }
    std::uint64_t noted(std::uint64_t value) {
        if (value >= 1000) noted_.push_back(value);
        return value;
    }
    /// The numbers that the message says, in any order.
    std::vector<std::uint64_t> take_noted() { return std::exchange(noted_, {}); }

    std::string text(std::size_t longest) {
        std::string text(below(longest + 1), '\0');
        for (char &c : text) c = static_cast<char>('a' + below(26));
        return text;
    }
    Namespace space(std::size_t fewest) {
        Namespace space(fewest + below(4));
        for (auto &field : space) field = "n" + text(6);
        return space;
    }
    FullName full_name() { return FullName{space(1), text(8)}; }
    Location location() {
        const auto group = number();
        return Location{group, number()};
    }
    std::uint64_t group_after(const Location &start) {
        const std::uint64_t room = highest_number - std::min(start.group, highest_number);
        return noted(start.group + (room == 0 ? 0 : 1 + plain() % room));
    }
    Pairs pairs(std::uint64_t first_type) {
        Pairs pairs;
        // What is longer than a word keeps the reader from mistaking one form for the other.
        for (auto type = first_type + below(4); type < first_type + 12; type += 1 + below(6)) {
            if (type % 2 == 0) {
                pairs.add(type, plain());
                continue;
            }
            const auto value = text(70);
            pairs.add(type, std::as_bytes(std::span(value)));
        }
        return pairs;
    }

private:
    std::mt19937_64 random_;
    Draft draft_;
    std::vector<std::uint64_t> noted_;
};

class RandomMessages {
public:
    explicit RandomMessages(RandomFields &fields) : fields_(fields) {}

    /// Of each kind that the draft has, with what may be in it. Hops are an extension, and are left out.
    ControlMessage next() {
        for (;;) {
            fields_.take_noted();
            if (auto message = of_kind(fields_.below(std::variant_size_v<ControlMessage>))) return std::move(*message);
        }
    }

private:
    std::optional<ControlMessage> of_kind(std::uint64_t kind) {
        switch (kind) {
            case 0: return setup();
            case 1: return goaway();
            case 2: return ok();
            case 3: return error();
            case 4: return subscribe();
            case 5: return subscribe_ok();
            case 6: return update();
            case 7: return publish();
            case 8: return has().ranges ? std::optional(ControlMessage(PublishStateNotify{parameters(detail::in_notify)})) : std::nullopt;
            case 9: return done();
            case 10: return fetch();
            case 11: return fetch_ok();
            case 12: return track_status();
            case 13: return publish_namespace();
            case 14: return subscribe_namespace();
            case 15: return !is_old() ? std::optional(ControlMessage(subscribe_tracks())) : std::nullopt;
            case 16: return NamespaceFound{fields_.space(0), {}};
            case 17: return NamespaceDone{fields_.space(0)};
            case 18: return !is_old() ? std::optional(ControlMessage(PublishBlocked{fields_.full_name()})) : std::nullopt;
            case 19: return old(Unsubscribe{fields_.number()});
            case 20: return old(FetchCancel{fields_.number()});
            case 21: return old(PublishNamespaceDone{fields_.number()});
            case 22: return old(namespace_cancel());
            case 23: return old(MaxRequestId{fields_.number()});
            default: return old(RequestsBlocked{fields_.number()});
        }
    }
    const Dialect &has() const { return dialect_of(fields_.draft()); }
    bool is_old() const { return has().shared_stream; }
    template <class Message> std::optional<ControlMessage> old(Message message) const {
        if (!is_old()) return std::nullopt;
        return message;
    }

    Setup setup() {
        Setup message;
        message.of_server = is_old() && fields_.one_in(2);
        if (fields_.one_in(2) && !message.of_server) message.options.add(0x01, text_bytes("/" + fields_.text(9)));
        if (is_old() && fields_.one_in(2)) message.options.add(0x02, fields_.plain());
        if (fields_.one_in(2)) message.options.add(0x04, fields_.plain());
        if (fields_.one_in(2)) message.options.add(0x07, text_bytes(fields_.text(20)));
        if (fields_.one_in(2)) message.options.add(0x7001, text_bytes(fields_.text(90)));
        return message;
    }
    Goaway goaway() {
        Goaway message;
        message.uri = fields_.text(30);
        if (has().goaway_timeout) message.timeout = fields_.number();
        return message;
    }
    RequestOk ok() {
        RequestOk message;
        if (is_old()) message.request_id = fields_.number();
        message.of_publish = is_old() && fields_.one_in(2);
        message.parameters = parameters(message.of_publish ? detail::in_publish_ok : detail::in_ok);
        if (has().redirects) message.properties = fields_.pairs(0x7000);
        return message;
    }
    RequestError error() {
        RequestError message;
        if (is_old()) message.request_id = fields_.number();
        message.code = has().redirects && fields_.one_in(3) ? RequestError::redirect_code : fields_.below(0x30);
        message.retry = fields_.number();
        message.reason = fields_.text(40);
        if (has().redirects && message.code == RequestError::redirect_code)
            message.redirect = RequestError::Redirect{fields_.text(30), fields_.full_name()};
        return message;
    }
    Subscribe subscribe() {
        Subscribe message;
        message.request_id = fields_.number();
        message.track = fields_.full_name();
        message.parameters = parameters(detail::in_subscribe);
        return message;
    }
    /// Readers do not agree on which of a SUBSCRIBE's parameters it may have, but on this one.
    TrackStatus track_status() {
        TrackStatus message;
        message.request_id = fields_.number();
        message.track = fields_.full_name();
        if (fields_.one_in(2)) message.parameters.tokens = tokens();
        return message;
    }
    SubscribeOk subscribe_ok() {
        SubscribeOk message;
        if (is_old()) message.request_id = fields_.number();
        message.alias = fields_.number();
        message.parameters = parameters(detail::in_subscribe_ok);
        message.properties = fields_.pairs(0x7000);
        return message;
    }
    RequestUpdate update() {
        RequestUpdate message;
        message.request_id = fields_.number();
        if (is_old()) message.existing = fields_.number();
        message.parameters = parameters(detail::in_update);
        return message;
    }
    Publish publish() {
        Publish message;
        message.request_id = fields_.number();
        message.track = fields_.full_name();
        message.alias = fields_.number();
        message.parameters = parameters(detail::in_publish);
        message.properties = fields_.pairs(0x7000);
        return message;
    }
    PublishDone done() {
        PublishDone message;
        if (is_old()) message.request_id = fields_.number();
        message.status = fields_.below(0x10);
        message.streams = fields_.noted(fields_.below(1u << 30));
        message.reason = fields_.text(40);
        return message;
    }
    Fetch fetch() {
        Fetch message;
        message.request_id = fields_.number();
        message.parameters = parameters(detail::in_fetch);
        if (has().fetch_by_filter || fields_.one_in(2)) message.track = fields_.full_name();
        if (has().fetch_by_filter) return message;
        if (message.track == FullName{}) {
            message.kind = fields_.one_in(2) ? Fetch::Kind::RelativeJoining : Fetch::Kind::AbsoluteJoining;
            message.joining_request = fields_.number();
            message.joining_start = fields_.number();
        } else {
            message.start = fields_.location();
            message.end = RangeEnd{fields_.group_after(message.start), std::nullopt};
        }
        return message;
    }
    FetchOk fetch_ok() {
        FetchOk message;
        if (is_old()) message.request_id = fields_.number();
        message.end_of_track = fields_.one_in(2);
        message.end.group = fields_.number();
        if (has().inclusive_end) message.end.object = fields_.number();
        message.parameters = parameters(detail::in_fetch_ok);
        message.properties = fields_.pairs(0x7000);
        return message;
    }
    PublishNamespace publish_namespace() {
        PublishNamespace message;
        message.request_id = fields_.number();
        message.space = fields_.space(1);
        message.parameters = parameters(detail::in_publish_namespace);
        return message;
    }
    SubscribeNamespace subscribe_namespace() {
        SubscribeNamespace message;
        message.request_id = fields_.number();
        message.prefix = fields_.space(is_old() ? 1 : 0);
        message.wanted = is_old() ? static_cast<SubscribeNamespace::Wanted>(fields_.below(3)) : SubscribeNamespace::Wanted::Namespaces;
        message.parameters = parameters(detail::in_subscribe_namespace);
        return message;
    }
    SubscribeTracks subscribe_tracks() {
        SubscribeTracks message;
        message.request_id = fields_.number();
        message.prefix = fields_.space(0);
        // As for TRACK_STATUS.
        message.parameters.forward = fields_.one_in(2);
        if (fields_.one_in(2)) message.parameters.tokens = tokens();
        return message;
    }
    PublishNamespaceCancel namespace_cancel() {
        return PublishNamespaceCancel{fields_.number(), fields_.below(0x20), fields_.text(30)};
    }

    static std::span<const std::byte> text_bytes(const std::string &text) { return std::as_bytes(std::span(text)); }

    Parameters parameters(detail::Place place) {
        using detail::Parameter;
        Parameters chosen;
        const auto wants = [&](Parameter type) { return (detail::places_of(type, has()) & place) != 0 && fields_.one_in(2); };
        const auto maybe = [&](Parameter type, std::optional<std::uint64_t> &value) {
            if (wants(type)) value = fields_.noted(1 + fields_.below(1u << 30));
        };
        maybe(Parameter::ObjectDeliveryTimeout, chosen.object_delivery_timeout);
        maybe(Parameter::RendezvousTimeout, chosen.rendezvous_timeout);
        maybe(Parameter::SubgroupDeliveryTimeout, chosen.subgroup_delivery_timeout);
        maybe(Parameter::Expires, chosen.expires);
        maybe(Parameter::FillTimeout, chosen.fill_timeout);
        maybe(Parameter::NewGroupRequest, chosen.new_group_request);
        if (wants(Parameter::AuthorizationToken)) chosen.tokens = tokens();
        if (wants(Parameter::LargestObject)) chosen.largest_object = fields_.location();
        if (wants(Parameter::Forward)) chosen.forward = fields_.one_in(2);
        if (wants(Parameter::SubscriberPriority)) chosen.subscriber_priority = static_cast<std::uint8_t>(fields_.below(256));
        if (wants(Parameter::GroupOrder)) chosen.group_order = fields_.one_in(2) ? GroupOrder::Ascending : GroupOrder::Descending;
        if (wants(Parameter::Filter)) chosen.filter = filter();
        if (wants(Parameter::NamespacePrefix)) chosen.prefix = fields_.space(0);
        if (wants(Parameter::IncludeProperties)) chosen.include_properties = fields_.one_in(2);
        return chosen;
    }
    std::vector<Token> tokens() {
        std::vector<Token> tokens(1 + fields_.below(2));
        for (Token &token : tokens) {
            token.form = static_cast<Token::Form>(fields_.below(4));
            if (token.form != Token::Form::UseValue) token.alias = fields_.number();
            if (token.form != Token::Form::Register && token.form != Token::Form::UseValue) continue;
            token.type = fields_.number();
            token.value = fields_.text(70);
        }
        return tokens;
    }
    Filter filter() {
        Filter filter;
        filter.kind = static_cast<Filter::Kind>((has().ranges ? 0 : 1) + fields_.below(has().ranges ? 4 : 3));
        if (filter.kind == Filter::Kind::Relative && has().ranges) filter.groups = fields_.number();
        if (filter.kind != Filter::Kind::Absolute) return filter;
        const auto start = fields_.noted(fields_.plain() % highest_number);
        filter.start = Location{start, fields_.noted(1 + fields_.below(5000))};
        if (fields_.one_in(2)) return filter;
        const auto groups = fields_.plain() % (highest_number - start);
        filter.end = RangeEnd{start + groups, {}};
        // It is on the wire as it is, or counts from the start: other readers show what is there.
        fields_.noted(has().filter == FilterForm::AbsoluteEnd ? filter.end->group : groups);
        if (has().ranges && fields_.one_in(2)) filter.end->object = fields_.noted(filter.start.object + fields_.below(5000));
        return filter;
    }

    RandomFields &fields_;
};

}  // namespace comoq::ietf
