// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"
#include "../detail/containers/config_member.hpp"
#include "../transport.hpp"
#include "connection_event.hpp"
#include "session.hpp"
#include "session_config.hpp"

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <system_error>

namespace comoq::lite {

/// Makes a connection to the peer, or throws the failure. Null is a failure, too.
using Connect = std::function<asio::awaitable<std::shared_ptr<Transport>>()>;

/// What `keep_connected` asks of each session, and how it comes back after a loss.
struct ReconnectConfig {
    /// Of every session with the peer, one after the other.
    SessionConfig session = {};
    /// The wait before the next attempt: at first, then twice as long each time up to `longest_delay`. A random half of
    /// it is left out, so that clients that lost the same peer do not all come back at once.
    std::chrono::milliseconds first_delay = std::chrono::milliseconds(500);
    /// The longest wait before an attempt.
    std::chrono::milliseconds longest_delay = std::chrono::seconds(30);
    /// A session that the peer began, and that lasted this long, makes the next wait a first one. Shorter sessions
    /// count as failed attempts, so that a peer that drops each connection is not asked without pause.
    std::chrono::milliseconds steady_after = std::chrono::seconds(2);
    /// Where a peer that tells this side to go elsewhere sends it: makes that connection, or throws to refuse the address. If
    /// it is empty, the address does not matter, and the next connection is made as the first one was. So is the one after an
    /// address without a connection, at once.
    comoq::detail::ConfigMember<std::function<asio::awaitable<std::shared_ptr<Transport>>(std::string uri)>> connect_to = {};
    /// How long a session whose peer has told this side to go elsewhere is kept beside the next one, if the peer does not
    /// close it: for tracks that change over.
    std::chrono::milliseconds handover = std::chrono::seconds(10);
    /// Whether the session asks the peer for broadcasts that are requested of `session.subscribe` and not announced
    /// there.
    bool on_demand = true;
    /// How long such a request waits for a connection before it is refused with Unroutable.
    std::chrono::milliseconds patience = std::chrono::seconds(10);
    /// Called on the executor before each wait: with the code that ended the attempt or the session, and the length of
    /// the wait. The code is false if the session was closed in peace. Must not throw.
    comoq::detail::ConfigMember<std::function<void(std::error_code, std::chrono::milliseconds)>> on_retry = {};
    /// Is told each step, on the executor. Must not throw. The program's log (`comoq::set_log`) has the same steps, with
    /// `session.name`.
    comoq::detail::ConfigMember<std::function<void(const ConnectionEvent &)>> on_change = {};
    /// The most attempts in a row, without a session that lasted, also if the peer sends each away. After that it gives up.
    /// An attempt that makes no connection to the address of such a peer (`connect_to`) does not count. 0 means any number.
    std::size_t tries = 0;
    /// Whether it gives up when an attempt, or a session, has ended with that code. If it is empty, no code is final.
    /// `cannot_get_better` is such a function. It is not asked about the address to which a peer has sent this side
    /// (`connect_to`), because the next attempt is made elsewhere.
    comoq::detail::ConfigMember<std::function<bool(std::error_code)>> gives_up_on = {};
};

/// Keeps a session with a peer: connects, and connects again whenever the connection is lost, until it is cancelled.
/// Meanwhile a request to `config.session.subscribe` for a broadcast that is not announced waits for a while; so a
/// `proxy` from an origin that this function fills goes on with its tracks as soon as the peer is back.
///
/// A peer that tells this side to go (GOAWAY) is left for a new connection at once, if the session has lasted
/// `steady_after`, or after the usual wait. What is announced on both has the new one's route, because the old one's are
/// the dearest; requests are for the new one.
///
/// It never returns. When it gives up (`tries`, `gives_up_on`), it throws the code that ended the last attempt, or Closed
/// for a session that was closed in peace or told to go; `what()` begins with `session.name` and the reason, in quotes if
/// it is the peer's. Waiting requests are refused with the same code. When cancelled, it throws `operation_aborted`, and waiting
/// requests are refused with Cancelled. Either way all its coroutines are over then: the session is closed, and so is a
/// connection that was just made. It runs on the executor of the awaiting coroutine, which
/// must be that of the transports that `connect` returns. While it runs it keeps `config.session.subscribe`.
asio::awaitable<void> keep_connected(Connect connect, ReconnectConfig config);

}  // namespace comoq::lite

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/lite/keep_connected.ipp"
#endif
