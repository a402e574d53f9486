// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "../../ietf/peer_setup.hpp"
#include "../../lite/request_target.hpp"
#include "../../version.hpp"
#include "../wire/varint.hpp"
#include "announcements.hpp"
#include "session_core.hpp"

#include <asio/awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

namespace comoq::ietf::detail {

inline std::string text_of(const Pair &pair) {
    return std::string(reinterpret_cast<const char *>(pair.bytes.data()), pair.bytes.size());
}
inline std::span<const std::byte> bytes_of(const std::string &text) noexcept { return std::as_bytes(std::span(text)); }

/// This side's SETUP, on the stream that stays open for its GOAWAY.
inline asio::awaitable<void> send_setup(std::shared_ptr<SessionCore> core) {
    Setup setup;
    const std::optional<std::string> &path = core->config.path;
    if (core->transport->is_client() && path)
        setup.options.add(static_cast<std::uint64_t>(SetupOption::Path), bytes_of(*path));
    const std::string program = "comoq/" COMOQ_VERSION_STRING;
    setup.options.add(static_cast<std::uint64_t>(SetupOption::Implementation), bytes_of(program));
    setup.options.add(static_cast<std::uint64_t>(SetupOption::HopId), core->hop_id());
    if (const auto &price = core->config.link_cost; price && core->transport->is_client())
        setup.options.add(static_cast<std::uint64_t>(SetupOption::RelayCost), *price);
    auto opening = core->transport->open_uni();
    core->control = co_await std::move(opening);
    auto written = core->control->write(core->encoded(setup, StreamKind::Control));
    co_await std::move(written);
}
inline Goaway goaway_to(std::string uri, std::optional<std::chrono::milliseconds> within) {
    Goaway message;
    message.uri = std::move(uri);
    if (within) message.timeout = static_cast<std::uint64_t>(std::max<std::int64_t>(within->count(), 0));
    return message;
}
/// Tells the peer to go elsewhere, once SETUP is out.
inline asio::awaitable<void> send_goaway(std::shared_ptr<SessionCore> core, Goaway message) {
    if (core->control == nullptr) {
        // It is written behind the peer's own SETUP at the latest.
        auto coming = core->setup.wait();
        [[maybe_unused]] const auto setup = co_await std::move(coming);
    }
    if (core->control == nullptr) co_return;
    auto written = core->control->write(core->encoded(message, StreamKind::Control));
    co_await std::move(written);
}

inline PeerSetup read_setup(const SessionCore &core, const Setup &setup, StreamReader &reader) {
    PeerSetup peer;
    const bool from_client = !core.transport->is_client();
    for (const Pair &pair : setup.options) {
        switch (static_cast<SetupOption>(pair.type)) {
        case SetupOption::Path:
            if (!from_client) reader.refuse(make_code(SessionFault::InvalidPath));
            peer.path = text_of(pair);
            break;
        case SetupOption::Authority:
            if (!from_client) reader.refuse(make_code(SessionFault::InvalidAuthority));
            peer.authority = text_of(pair);
            break;
        case SetupOption::Implementation: peer.implementation = text_of(pair); break;
        case SetupOption::HopId:
            // One that no other protocol can tell is as good as unknown.
            peer.hop_id = pair.number <= comoq::detail::max_varint ? pair.number : 0;
            break;
        case SetupOption::RelayCost: peer.relay_cost = pair.number; break;
        case SetupOption::AuthorizationToken: {
            FieldReader from(pair.bytes, dialect_of(reader.draft()));
            const Token token = read_token(from);
            // No room was offered for it.
            if (token.form == Token::Form::Register) reader.refuse(make_code(SessionFault::TokenCacheOverflow));
            break;
        }
        default: break;
        }
    }
    const auto &in_url = core.url_target;
    if (in_url && !lite::is_as_in_url(peer.path.value_or(""), *in_url)) reader.refuse(make_code(SessionFault::InvalidPath));
    return peer;
}

inline void take_goaway(SessionCore &core, Goaway message, StreamReader &reader) {
    const bool from_client = !core.transport->is_client();
    // Once; and a client has no place to send a server to.
    if (core.goaway.peek() || (from_client && !message.uri.empty())) reader.refuse(CloseCode::ProtocolViolation);
    core.below.reset();
    try {
        core.requested.leave();
        core.goaway.set(std::move(message.uri));
        if (auto peers = core.peers_namespaces.lock(); peers != nullptr && core.tells_hops())
            core.spawn(Announcements::make_dear(std::move(peers)));
    } catch (const std::bad_alloc &) {
        core.close(std::make_error_code(std::errc::not_enough_memory), "GOAWAY");
    }
}

/// The peer's control stream: its SETUP, and then no more than one GOAWAY. Any fault in it ends the session, and so does its
/// end.
inline asio::awaitable<void> follow_control(std::shared_ptr<SessionCore> core, StreamReader &reader) {
    if (std::exchange(core->has_peers_control, true)) reader.refuse(CloseCode::ProtocolViolation);
    std::error_code code;
    try {
        while (true) {
            auto coming = reader.message(StreamKind::Control);
            auto message = co_await std::move(coming);
            if (!message) break;
            if (auto *setup = std::get_if<Setup>(&*message); setup != nullptr && !core->setup.peek()) {
                auto peer = std::make_shared<PeerSetup>(read_setup(*core, *setup, reader));
                core->habits = habits_of(peer->implementation);
                core->setup.set(std::move(peer));
                core->greeted.set();
            } else if (auto *goaway = std::get_if<Goaway>(&*message); goaway != nullptr && core->setup.peek()) {
                take_goaway(*core, std::move(*goaway), reader);
            } else {
                reader.refuse(CloseCode::ProtocolViolation);
            }
        }
        reader.refuse(CloseCode::ProtocolViolation);
    } catch (const std::system_error &error) {
        code = error.code();
    }
    // The connection may be over, and this with it.
    if (!reader.fault() && !core->ended.peek() && code != Error::Closed && !connection_end_number(code))
        core->close(make_error_code(Error::ProtocolViolation), "the control stream is over");
    comoq::detail::throw_error(code);
}

}  // namespace comoq::ietf::detail
