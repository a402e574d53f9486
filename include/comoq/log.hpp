// SPDX-License-Identifier: MIT
/// \file
/// What the library says of itself.
#pragma once
#include "config.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>

namespace comoq {

/// How much a record matters. `Off` is above all of them.
enum class LogLevel : std::uint8_t {
    Debug,    ///< What peers announce, subscribe to and are refused, and attempts to connect. Peers set the pace of these.
    Info,     ///< Sessions that begin and end.
    Warning,  ///< A connection that is lost, and a limit that is reached.
    Error,    ///< Nothing more is tried.
    Off       ///< Nothing has that level.
};

/// One thing that has happened, for a log. Fields that do not apply are empty, or 0. The texts are valid during the call.
/// `path`, `track` and `reason` may be a peer's words, of any length: `to_string` quotes them and cuts them off. No record
/// contains a secret: no query of a URL, and no payload. From Info on, a session makes only a few records, whatever its peer
/// does; at Debug there is one for each thing that the peer does.
struct LogRecord {
    /// How much it matters.
    LogLevel level = LogLevel::Info;
    /// Lower-case words with underscores. Of sessions: session_begun, session_ended, announced, unannounced, subscribed,
    /// unsubscribed, refused, limit_reached. Of `keep_connected`: connecting, connected, connection_lost, sent_away,
    /// giving_up. Of `connect`: connecting, connect_failed. Of a `Listener`: listening, accepted, and connection_refused,
    /// handshake_failed or client_failed for a client that is not served to its end; and limit_reached and cannot_accept, once until
    /// a minute has passed without.
    std::string_view event = {};
    /// The session that it concerns (`lite::Session::number`).
    std::uint64_t session = 0;
    /// That session's name (`lite::SessionConfig::name`): of `connect` the URL, of a client of a `Listener` its address, if it was
    /// not set. A connection without a session has the same name, and listening has the listener's URL.
    std::string_view name = {};
    /// The protocol that both sides of the session agreed on.
    std::string_view protocol = {};
    /// A broadcast, or of session_begun the root of the session.
    std::string_view path = {};
    /// A track of that broadcast.
    std::string_view track = {};
    /// Why something has ended, or was refused.
    std::error_code code = {};
    /// More about the code, or the name of the limit.
    std::string_view reason = {};
    /// Which attempt to connect this is.
    std::size_t attempt = 0;
    /// How long the wait before the next one takes.
    std::chrono::milliseconds next_try = std::chrono::milliseconds(0);
};

/// Is called with each record. Any thread, several at a time, and on executors that serve connections: it must not block
/// for long. What it throws is dropped. It is never called under a lock of the library, so it may call the library.
using LogHook = std::function<void(const LogRecord &)>;

/// Where the library's records go, from now on: to `hook`, if they are of level `least` or above. A process has one
/// hook, and none at the beginning. Without a hook nothing is logged, and a record costs the load of one number.
///
///     comoq::set_log([](const comoq::LogRecord &record) { std::cerr << to_string(record) << '\n'; });
///
/// Any thread, at any time, also in the hook. A call of the former hook may still go on when this returns; the hook is
/// destroyed after it. Throws std::bad_alloc, and changes nothing then.
void set_log(LogHook hook, LogLevel least = LogLevel::Info);

/// "debug", "info", "warning", "error" or "off".
std::string_view to_string(LogLevel level) noexcept;
/// The record in one line without its end, such as
///     warning connection_lost name='wss://example.com' code='timed out' next_try=412ms
std::string to_string(const LogRecord &record);

namespace detail {

/// The least level for which there is a hook.
COMOQ_VISIBLE inline constinit std::atomic<LogLevel> log_least = LogLevel::Off;
inline bool is_logged(LogLevel level) noexcept { return level >= log_least.load(std::memory_order_relaxed); }

/// Gives the record to the hook, if there still is one.
void write_log(const LogRecord &record) noexcept;

}  // namespace detail

}  // namespace comoq

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "impl/log.ipp"
#endif
