// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "codes.hpp"
#include "control_codec.hpp"
#include "shared_action.hpp"
#include "shared_credit.hpp"
#include "shared_request.hpp"
#include "shared_setup.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace comoq::ietf::detail {

/// Sorts the messages of a stream that all requests share, as draft 16 has it, so that each request seems to have a stream of its
/// own, as later drafts have it. It tells what is to be done for each message of the peer's, and for each act of the session, and
/// does nothing else. Acts of the session's about a request that is over do nothing.
///
/// A request is known by its number: those of the two sides differ. The session's answers have no number yet, and get it here.
/// What is kept is bounded by the numbers that this side lets the peer use, and by what the session asks for.
class SharedRequests {
public:
    /// The peer may have as many requests as `most` at a time.
    SharedRequests(bool is_client, Draft draft, std::uint64_t most)
        : is_client_(is_client), draft_(draft), credit_(is_client, most) {}

    // What the peer does. The code is what ends the session: a false one if nothing is wrong.

    std::error_code take(const FramedMessage &message, SharedActions &to) {
        const auto type = static_cast<MessageType>(message.type);
        if (type == MessageType::ClientSetup || type == MessageType::ServerSetup) return take_setup(message, type, to);
        if (!is_greeted_) return violation();
        switch (type) {
        case MessageType::Goaway: return pass_to_session(message, to);
        case MessageType::MaxRequestId: return take_more_credit(message, to);
        case MessageType::RequestsBlocked:
            credit_.peer_is_blocked();
            return decoded<RequestsBlocked>(message) ? std::error_code() : violation();
        case MessageType::Subscribe:
        case MessageType::Fetch:
        case MessageType::TrackStatus:
        case MessageType::Publish:
        case MessageType::PublishNamespace: return begin(message, type, to);
        case MessageType::RequestUpdate: return take_update(message, to);
        case MessageType::SubscribeOk:
        case MessageType::FetchOk:
        case MessageType::PublishOk:
        case MessageType::RequestOk:
        case MessageType::RequestError: return take_answer(message, type, to);
        case MessageType::PublishDone:
        case MessageType::Unsubscribe:
        case MessageType::FetchCancel:
        case MessageType::PublishNamespaceDone:
        case MessageType::PublishNamespaceCancel: return take_end(message, type, to);
        default: return violation();
        }
    }
    /// A request that has a stream of its own. The order of streams is not that of their numbers.
    std::error_code take_apart(std::uint64_t id) {
        if (const auto code = credit_.take(id, false)) return code;
        apart_.insert(id);
        return {};
    }
    /// An update that comes on such a stream.
    std::error_code take_update_apart(std::uint64_t id) { return credit_.take(id, false); }

    // What the session does.

    /// It may make one more request.
    bool may_open() const noexcept { return credit_.may_open(); }
    /// It will make one, or give that up.
    void open() noexcept { credit_.open(); }
    void give_up() noexcept { credit_.give_up(); }
    /// It waits until it may.
    void wait_for_credit(SharedActions &to) {
        if (is_greeted_ && credit_.is_to_tell_of_wait()) send(MessageType::RequestsBlocked, {credit_.allowed()}, {}, to);
    }
    /// What it says of the session.
    void say(const FramedMessage &message, SharedActions &to) {
        const auto type = static_cast<MessageType>(message.type);
        if (type != MessageType::ClientSetup && type != MessageType::ServerSetup) return send(type, {}, message.body, to);
        auto setup = decoded<Setup>(message);
        FieldWriter::need(setup.has_value());
        std::vector<std::byte> octets;
        encode(with_options(*setup, credit_.granted(), !is_client_), draft_, StreamKind::Control, octets);
        to.push_back({SharedAction::Kind::Send, 0, std::move(octets)});
    }
    /// The first message of a request. Returns its number.
    std::uint64_t ask(const FramedMessage &message, SharedActions &to) {
        FieldReader from(message.body, dialect());
        const std::uint64_t id = from.number();
        FieldWriter::need(from.ok());
        const auto type = static_cast<MessageType>(message.type);
        requests_.try_emplace(id, Request{type, true});
        credit_.ask(id);
        send_in_turn(type, {id}, from.rest_bytes(), id, to);
        return id;
    }
    /// The number of a request that gets a stream of its own: the peer allows it below `allowed()`.
    void ask_apart(std::uint64_t id) noexcept { credit_.ask(id); }
    void was_asked_apart(std::uint64_t id) noexcept { credit_.sent(id); }
    std::uint64_t allowed() const noexcept { return credit_.allowed(); }
    /// A later message for a request of either side.
    void write(std::uint64_t id, const FramedMessage &message, SharedActions &to) {
        const auto found = requests_.find(id);
        if (found == requests_.end()) return;
        FieldReader from(message.body, dialect());
        const std::uint64_t number = from.number();
        const auto type = static_cast<MessageType>(message.type);
        if (type == MessageType::RequestUpdate) {
            from.number();
            FieldWriter::need(from.ok());
            updates_.emplace(number, id);
            credit_.update(number);
            send_in_turn(type, {number, id}, from.rest_bytes(), number, to);
            return;
        }
        FieldWriter::need(from.ok());
        if (const auto of = numbered(found->second, id, type)) send(type, {*of}, from.rest_bytes(), to);
    }
    /// Nothing more follows in its half of the stream.
    void finish(std::uint64_t id, SharedActions &to) {
        const auto found = requests_.find(id);
        if (found == requests_.end() || std::exchange(found->second.is_left, true)) return;
        if (found->second.is_own && !found->second.is_over) to.push_back({SharedAction::Kind::End, id, {}});
        end(id, found->second, true, 0, to);
        forget(found);
    }
    /// It ends its half early.
    void reset(std::uint64_t id, std::uint64_t number, SharedActions &to) {
        const auto found = requests_.find(id);
        if (found == requests_.end() || std::exchange(found->second.is_left, true)) return;
        end(id, found->second, false, number, to);
        forget(found);
    }
    /// It reads no more. For a request of the peer's, nothing is left of it here: the peer may make another one.
    void stop(std::uint64_t id, std::uint64_t number, SharedActions &to) {
        const auto found = requests_.find(id);
        if (found == requests_.end()) return;
        found->second.is_released = true;
        if (found->second.is_own && !std::exchange(found->second.is_left, true)) end(id, found->second, false, number, to);
        forget(found);
    }
    /// A request of the peer's that has a stream of its own is over, or an update of it is answered.
    void release_apart(std::uint64_t id) noexcept {
        apart_.erase(id);
        credit_.release();
    }
    bool has(std::uint64_t id) const noexcept { return requests_.contains(id); }
    std::size_t size() const noexcept { return requests_.size() + apart_.size(); }
    /// What waits for the peer's permission.
    std::size_t held() const noexcept { return held_.size(); }

    /// The peer is to be allowed more requests. Ask when everything else is on its way: a peer that takes nothing gets no more.
    bool has_grant() const noexcept { return is_greeted_ && credit_.has_grant(); }
    void grant(SharedActions &to) {
        if (has_grant()) send(MessageType::MaxRequestId, {credit_.grant()}, {}, to);
    }

    const Dialect &dialect() const noexcept { return dialect_of(draft_); }

private:
    using Request = SharedRequest;
    using Requests = std::map<std::uint64_t, Request>;
    struct Held {
        std::uint64_t id;
        std::uint64_t of;
        std::vector<std::byte> octets;
    };

    static std::error_code violation() noexcept { return make_error_code(Error::ProtocolViolation); }
    template <class Message> std::optional<Message> decoded(const FramedMessage &message) const {
        auto found = decode(message, draft_, StreamKind::Control);
        auto *const held = found.message ? std::get_if<Message>(&*found.message) : nullptr;
        return held != nullptr ? std::optional(std::move(*held)) : std::nullopt;
    }
    bool was_used(std::uint64_t id) const noexcept { return credit_.was_used(id); }

    // The peer's messages.

    std::error_code take_setup(const FramedMessage &message, MessageType type, SharedActions &to) {
        const bool is_right = type == (is_client_ ? MessageType::ServerSetup : MessageType::ClientSetup);
        if (!is_right || std::exchange(is_greeted_, true)) return violation();
        const auto result = decode(message, draft_, StreamKind::Control);
        if (!result.message) return fault_of(result.code);
        const auto &setup = std::get<Setup>(*result.message);
        const auto most = setup.options.find(static_cast<std::uint64_t>(SetupOption::MaxRequestId));
        credit_.allow(most ? most->number : 0);
        std::vector<std::byte> octets;
        encode(with_options(setup, std::nullopt, is_client_), draft_, StreamKind::Control, octets);
        to.push_back({SharedAction::Kind::Session, 0, std::move(octets)});
        to.push_back({SharedAction::Kind::Allow, 0, {}});
        return {};
    }
    std::error_code take_more_credit(const FramedMessage &message, SharedActions &to) {
        const auto more = decoded<MaxRequestId>(message);
        if (!more || more->value <= credit_.allowed()) return violation();
        credit_.allow(more->value);
        for (; !held_.empty() && held_.front().id < credit_.allowed(); held_.pop_front()) {
            credit_.sent(held_.front().id);
            to.push_back({SharedAction::Kind::Send, 0, std::move(held_.front().octets)});
        }
        to.push_back({SharedAction::Kind::Allow, 0, {}});
        return {};
    }
    std::error_code pass_to_session(const FramedMessage &message, SharedActions &to) const {
        to.push_back({SharedAction::Kind::Session, 0, whole(message)});
        return {};
    }
    std::error_code begin(const FramedMessage &message, MessageType type, SharedActions &to) {
        const auto id = first_number(message);
        if (!id) return violation();
        if (const auto code = credit_.take(*id, true)) return code;
        requests_.try_emplace(*id, Request{type, false});
        to.push_back({SharedAction::Kind::Begin, *id, whole(message)});
        return {};
    }
    std::error_code take_update(const FramedMessage &message, SharedActions &to) {
        FieldReader from(message.body, dialect());
        const std::uint64_t id = from.number(), of = from.number();
        if (!from.ok()) return violation();
        if (const auto code = credit_.take(id, true)) return code;
        const auto found = requests_.find(of);
        if (found == requests_.end() || found->second.is_done || found->second.is_refused || found->second.is_over) {
            // The end of the request may have crossed it.
            if (!was_used(of)) return violation();
            const auto code = make_error_code(apart_.contains(of) ? Error::Unsupported : Error::NotFound);
            refuse(id, code, to);
            credit_.release();
            return {};
        }
        // A subscriber may update what the publisher has begun.
        if (found->second.is_own && found->second.kind != MessageType::Publish) return violation();
        found->second.updates.push_back(id);
        to.push_back({SharedAction::Kind::Give, of, whole(message)});
        return {};
    }
    std::error_code take_answer(const FramedMessage &message, MessageType type, SharedActions &to) {
        const auto id = first_number(message);
        if (!id) return violation();
        if (const auto update = updates_.find(*id); update != updates_.end() && was_used(*id)) {
            if (type != MessageType::RequestOk && type != MessageType::RequestError) return violation();
            const auto of = requests_.find(update->second);
            updates_.erase(update);
            if (of != requests_.end() && !of->second.is_over) to.push_back({SharedAction::Kind::Give, of->first, whole(message)});
            return {};
        }
        const auto found = requests_.find(*id);
        if (found == requests_.end()) return credit_.is_own(*id) && was_used(*id) ? std::error_code() : violation();
        Request &request = found->second;
        if (!request.is_own || !was_used(*id) || !request.may_be_answered_by(type)) return violation();
        // One that the peer has ended before it was answered.
        if (std::exchange(request.is_answered, true)) return violation();
        if (request.is_over) return {};
        to.push_back({SharedAction::Kind::Give, *id, whole(message)});
        if (type == MessageType::RequestError || request.kind == MessageType::TrackStatus) over(*id, request, to);
        return {};
    }
    std::error_code take_end(const FramedMessage &message, MessageType type, SharedActions &to) {
        const auto id = first_number(message);
        const auto result = decode(message, draft_, StreamKind::Request);
        if (!id || !result.message) return id ? fault_of(result.code) : violation();
        const auto found = requests_.find(*id);
        // What this side has ended as well.
        if (found == requests_.end()) return was_used(*id) ? std::error_code() : violation();
        Request &request = found->second;
        if (!was_used(*id) || !request.may_be_ended_by(type)) return violation();
        if (request.is_over) return {};
        if (type == MessageType::PublishDone) to.push_back({SharedAction::Kind::Give, *id, whole(message)});
        if (type == MessageType::Unsubscribe || type == MessageType::FetchCancel) {
            // Both halves are over with it.
            request.is_over = request.is_left = true;
            to.push_back({SharedAction::Kind::Cancel, *id, {}});
            forget(found);
        } else {
            over(*id, request, to);
        }
        return {};
    }
    static void over(std::uint64_t id, Request &request, SharedActions &to) {
        request.is_over = true;
        to.push_back({SharedAction::Kind::End, id, {}});
    }

    // The session's messages.

    /// The request, or the update, that a message of the session's answers or ends; nothing if there is none.
    std::optional<std::uint64_t> numbered(Request &request, std::uint64_t id, MessageType type) {
        if (type == MessageType::PublishDone) {
            request.is_done = true;
            return id;
        }
        if (!std::exchange(request.is_answered, true)) {
            request.is_refused = type == MessageType::RequestError;
            return id;
        }
        if (request.updates.empty()) return std::nullopt;
        const std::uint64_t update = request.updates.front();
        request.updates.pop_front();
        credit_.release();
        return update;
    }
    /// Says that a request is over, if the peer does not know it.
    void end(std::uint64_t id, const Request &request, bool is_whole, std::uint64_t number, SharedActions &to) {
        if (request.is_over || request.is_done || request.is_refused) return;
        const auto code = stream_error(number);
        if (!request.is_own && !request.is_answered) return refuse(id, code, to);
        if (request.is_subscription() && !request.publishes()) return send_last(MessageType::Unsubscribe, id, {}, to);
        if (request.is_subscription()) {
            PublishDone done;
            done.request_id = id;
            done.status = done_number(code);
            return send_last(MessageType::PublishDone, id, after_number(done, dialect()), to);
        }
        // The end of a whole fetch comes with its objects.
        if (request.kind == MessageType::Fetch && request.is_own && !is_whole)
            return send_last(MessageType::FetchCancel, id, {}, to);
        if (request.kind != MessageType::PublishNamespace) return;
        if (request.is_own) return send_last(MessageType::PublishNamespaceDone, id, {}, to);
        PublishNamespaceCancel cancel;
        cancel.code = request_number(code);
        send_last(MessageType::PublishNamespaceCancel, id, after_number(cancel, dialect()), to);
    }
    void refuse(std::uint64_t id, std::error_code code, SharedActions &to) {
        RequestError no;
        no.code = request_number(code);
        send(MessageType::RequestError, {id}, after_number(no, dialect()), to);
    }
    void forget(Requests::iterator found) {
        Request &request = found->second;
        if (!request.is_left || (!request.is_own && !request.is_released)) return;
        // Of this side's updates none is answered any more.
        std::erase_if(updates_, [id = found->first](const auto &update) { return update.second == id; });
        for (auto left = request.updates.size() + (request.is_own ? 0 : 1); left != 0; --left) credit_.release();
        requests_.erase(found);
    }

    // What goes out.

    std::vector<std::byte> octets_of(MessageType type, Numbers numbers, std::span<const std::byte> rest) const {
        std::vector<std::byte> octets;
        append_message(type, numbers, rest, dialect(), octets);
        return octets;
    }
    std::vector<std::byte> whole(const FramedMessage &message) const {
        return octets_of(static_cast<MessageType>(message.type), {}, message.body);
    }
    std::optional<std::uint64_t> first_number(const FramedMessage &message) const noexcept {
        FieldReader from(message.body, dialect());
        const std::uint64_t number = from.number();
        return from.ok() ? std::optional(number) : std::nullopt;
    }
    void send(MessageType type, Numbers numbers, std::span<const std::byte> rest, SharedActions &to) const {
        to.push_back({SharedAction::Kind::Send, 0, octets_of(type, numbers, rest)});
    }
    /// A message with a new number waits until the peer allows it, and those behind it wait, too.
    void send_in_turn(MessageType type, Numbers numbers, std::span<const std::byte> rest, std::uint64_t id, SharedActions &to) {
        auto octets = octets_of(type, numbers, rest);
        if (!held_.empty() || id >= credit_.allowed()) return held_.push_back({id, *(numbers.end() - 1), std::move(octets)});
        credit_.sent(id);
        to.push_back({SharedAction::Kind::Send, 0, std::move(octets)});
    }
    /// The last message about a request does not overtake those that wait.
    void send_last(MessageType type, std::uint64_t id, std::span<const std::byte> rest, SharedActions &to) {
        const auto is_its = [id](const Held &held) { return held.of == id; };
        if (std::any_of(held_.begin(), held_.end(), is_its))
            held_.push_back({held_.back().id, id, octets_of(type, {id}, rest)});
        else
            send(type, {id}, rest, to);
    }

    const bool is_client_;
    const Draft draft_;
    SharedCredit credit_;
    bool is_greeted_ = false;
    Requests requests_;
    /// Of the peer's: those that have streams of their own.
    std::set<std::uint64_t> apart_;
    /// This side's updates that are not answered, and the requests that they are about.
    std::map<std::uint64_t, std::uint64_t> updates_;
    std::deque<Held> held_;
};

}  // namespace comoq::ietf::detail
