// SPDX-License-Identifier: MIT
#pragma once
#include "ietf/session.hpp"
#include "lite/session.hpp"
#include "protocols.hpp"
#include "session_stats.hpp"

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

namespace comoq {

/// What a session serves to its peer and asks of it, in any protocol.
using SessionConfig = lite::SessionConfig;
/// The part of the origins that one peer may see, and the part in which it may publish.
using SessionViews = lite::SessionViews;
/// Something that the peer of a session has done.
using SessionEvent = lite::SessionEvent;

/// A session of the protocol that its transport has agreed on: moq-lite (`lite::Session`) or MoQ Transport (`ietf::Session`). A
/// program that uses this class need not know which: its members do what those of the same name do there. What only one of the
/// protocols has is behind `as_lite()` and `as_ietf()`.
///
/// The choice is made once, by `Transport::protocol()`. A transport that has not agreed yet, as a TCP connection of qmux without
/// a WebSocket before its first bytes have come, gets a session of moq-lite. Moves only. Threads: any, one at a time for one
/// handle.
class [[nodiscard]] Session {
    using Held = std::variant<lite::Session, ietf::Session>;
    template <class Visitor> decltype(auto) visit(Visitor visitor) const { return std::visit(std::move(visitor), held_); }

public:
    /// Begins a session on `transport`, which is not null and belongs to the session from now on. Any thread.
    explicit Session(std::shared_ptr<Transport> transport, SessionConfig config = {})
        : held_(speaks_ietf(transport->protocol())
                    ? Held(std::in_place_type<ietf::Session>, transport, std::move(config))
                    : Held(std::in_place_type<lite::Session>, transport, std::move(config))) {}

    /// See `lite::Session::broadcast`.
    BroadcastConsumer broadcast(std::string_view path) const {
        return visit([path](const auto &session) { return session.broadcast(path); });
    }
    BroadcastConsumer broadcast(const std::same_as<Path> auto &path) const { return broadcast(path.view()); }
    /// Completes when the peer's SETUP has come. Fails with the session's code, or Closed, if the session ends before.
    Operation<void> greeted() const {
        return visit([](const auto &session) { return session.greeted(); });
    }
    /// See `lite::Session::admitted`.
    Operation<void> admitted() const {
        return visit([](const auto &session) { return session.admitted(); });
    }
    /// The protocol that both sides have agreed on.
    std::string_view protocol() const noexcept {
        return visit([](const auto &session) { return session.protocol(); });
    }
    /// The number of the session in this process.
    std::uint64_t number() const noexcept {
        return visit([](const auto &session) { return session.number(); });
    }
    /// See `lite::Session::announcements_left_out`.
    std::size_t announcements_left_out() const noexcept {
        return visit([](const auto &session) { return session.announcements_left_out(); });
    }
    /// See `lite::Session::announcements_not_told`; 0 for MoQ Transport.
    std::size_t announcements_not_told() const noexcept {
        const auto *const lite = std::get_if<lite::Session>(&held_);
        return lite != nullptr ? lite->announcements_not_told() : 0;
    }
    /// See `lite::Session::stats`.
    SessionStats stats() const {
        return visit([](const auto &session) { return session.stats(); });
    }
    /// See `lite::Session::goaway`.
    void goaway(std::string uri) const {
        visit([&uri](const auto &session) { session.goaway(std::move(uri)); });
    }
    /// See `lite::Session::drain`.
    void drain(std::chrono::milliseconds within, std::string uri = {}) const {
        visit([&uri, within](const auto &session) { session.drain(within, std::move(uri)); });
    }
    /// See `lite::Session::goaway_received`.
    Operation<std::string> goaway_received() const {
        return visit([](const auto &session) { return session.goaway_received(); });
    }
    /// Closes the session, and tells the peer the number of the code.
    void close(std::error_code code = {}, std::string_view reason = {}) {
        std::visit([&](auto &session) { session.close(code, reason); }, held_);
    }
    /// The code with which the session ended, once it has: false if one side closed it in peace.
    Operation<std::error_code> closed() const {
        return visit([](const auto &session) { return session.closed(); });
    }
    /// Completes when all coroutines of the session are over.
    Operation<void> done() const {
        return visit([](const auto &session) { return session.done(); });
    }

    /// The session, if it is one of moq-lite; else null. Valid as long as this handle.
    lite::Session *as_lite() noexcept { return std::get_if<lite::Session>(&held_); }
    /// The session, if it is one of MoQ Transport; else null. Valid as long as this handle.
    ietf::Session *as_ietf() noexcept { return std::get_if<ietf::Session>(&held_); }

private:
    Held held_;
};

}  // namespace comoq
