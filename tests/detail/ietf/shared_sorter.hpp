/// \file The messages of requests that share a stream, and what the sorter makes of them.
#pragma once

#include <comoq/detail/ietf/shared_requests.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace comoq::ietf::shared_sorter {

using comoq::ietf::detail::SharedAction;
using comoq::ietf::detail::SharedActions;
using comoq::ietf::detail::SharedRequests;
using Do = SharedAction::Kind;

inline constexpr Draft draft = Draft::Draft16;
inline constexpr std::uint64_t most = 8;

template <class Message> std::vector<std::byte> octets(const Message &message) {
    std::vector<std::byte> bytes;
    encode(message, draft, StreamKind::Control, bytes);
    return bytes;
}
inline ControlMessage read(std::span<const std::byte> bytes) {
    const auto framed = next_message(bytes, draft);
    REQUIRE(framed);
    CHECK(framed->size == bytes.size());
    auto decoded = decode(*framed, draft, StreamKind::Control);
    REQUIRE(decoded.message);
    return std::move(*decoded.message);
}

/// The sorter, and what it has said last.
struct Sorter {
    explicit Sorter(bool is_client = false, std::optional<std::uint64_t> allowed = 100)
        : requests(is_client, draft, most), peers(is_client ? 1 : 0), own(is_client ? 0 : 1) {
        Setup setup;
        setup.of_server = is_client;
        if (allowed) setup.options.add(2, *allowed);
        CHECK_FALSE(take(setup));
    }
    template <class Message> std::error_code take(const Message &message) {
        actions.clear();
        const auto bytes = octets(message);
        return requests.take(*next_message(bytes, draft), actions);
    }
    /// The peer makes a request; its number.
    template <class Message> std::uint64_t begin(Message message) {
        message.request_id = std::exchange(peers, peers + 2);
        CHECK_FALSE(take(message));
        REQUIRE(actions.size() == 1);
        CHECK(actions.front().kind == Do::Begin);
        CHECK(actions.front().request == message.request_id);
        CHECK(read(actions.front().bytes) == ControlMessage(message));
        return message.request_id;
    }
    template <class Message> std::uint64_t ask(Message message) {
        message.request_id = std::exchange(own, own + 2);
        actions.clear();
        const auto bytes = octets(message);
        requests.open();
        return requests.ask(*next_message(bytes, draft), actions);
    }
    template <class Message> void write(std::uint64_t id, const Message &message) {
        actions.clear();
        const auto bytes = octets(message);
        requests.write(id, *next_message(bytes, draft), actions);
    }
    void finish(std::uint64_t id) {
        actions.clear();
        requests.finish(id, actions);
    }
    void reset(std::uint64_t id, std::uint64_t number = 1) {
        actions.clear();
        requests.reset(id, number, actions);
    }
    void stop(std::uint64_t id) {
        actions.clear();
        requests.stop(id, 1, actions);
    }
    std::vector<Do> kinds() const {
        std::vector<Do> all;
        for (const auto &action : actions) all.push_back(action.kind);
        return all;
    }
    /// What goes to the peer, alone.
    ControlMessage sent() const {
        REQUIRE(kinds() == std::vector{Do::Send});
        return read(actions.front().bytes);
    }
    bool is_given(std::uint64_t id, bool ends) const {
        const auto expected = ends ? std::vector{Do::Give, Do::End} : std::vector{Do::Give};
        return kinds() == expected && actions.front().request == id;
    }
    std::error_code take_update(std::uint64_t id, std::uint64_t of) {
        RequestUpdate update;
        update.request_id = id;
        update.existing = of;
        return take(update);
    }

    SharedRequests requests;
    std::uint64_t peers, own;
    SharedActions actions;
};

inline Subscribe subscribe() {
    Subscribe message;
    message.track = {{"a"}, "v"};
    return message;
}
inline Fetch fetch() {
    Fetch message;
    message.track = {{"a"}, "v"};
    return message;
}
inline Publish publish() {
    Publish message;
    message.track = {{"a"}, "v"};
    message.alias = 7;
    return message;
}
inline PublishNamespace publish_namespace() {
    PublishNamespace message;
    message.space = {"a"};
    return message;
}
inline TrackStatus track_status() {
    TrackStatus message;
    message.track = {{"a"}, "v"};
    return message;
}
template <class Message> Message with_id(Message message, std::uint64_t id) {
    message.request_id = id;
    return message;
}
inline RequestOk publish_ok(std::uint64_t id = 0) {
    RequestOk ok;
    ok.of_publish = true;
    ok.request_id = id;
    return ok;
}
inline RequestError refusal(std::uint64_t id, std::uint64_t code) {
    RequestError no;
    no.request_id = id;
    no.code = code;
    return no;
}

inline const auto violation = make_error_code(Error::ProtocolViolation);
inline const auto invalid_id = make_code(SessionFault::InvalidRequestId);
inline const auto too_many = make_code(SessionFault::TooManyRequests);

}  // namespace comoq::ietf::shared_sorter
