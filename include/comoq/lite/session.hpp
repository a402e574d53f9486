// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"
#include "../broadcast.hpp"
#include "../detail/lite/messages.hpp"
#include "../operation.hpp"
#include "../session_stats.hpp"
#include "../transport.hpp"
#include "session_config.hpp"

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

namespace comoq::lite {

namespace detail {
class SessionCore;
}

/// A session of moq-lite-06 or -05, whichever its transport has agreed on (`Transport::protocol`), client or server
/// alike: it shows one origin to the peer, and announces the peer's broadcasts in another. Both may be the same origin:
/// broadcasts that came from the peer are not sent back to it. It does not tell the peer of hidden names
/// (`config.announce_hidden`), nor of a broadcast in place of one with the same hops and cost, unless the peer has asked
/// for something at that path.
///
/// If the peer announces a path again and the first hop is the same, its broadcast has another route and goes on. With
/// another one there is another broadcast. The peer also answers for the paths below those that it announces
/// (`OriginConsumer::request_broadcast`).
///
/// The session resolves the peer's requests by `request_broadcast` on `config.publish`, so a handler of that origin
/// serves remote viewers as it serves local ones. It asks the peer once for a track, however many readers here want it,
/// and leaves it when the last reader has gone (tracks keep their groups for a while, `config.linger`). Errors pass
/// both ways, as the numbers of moq-lite: one without a number of its own arrives as a more general one. A group from
/// the peer goes on for as long as its subscriber lives, or another one of its track: the peer stops sending when the
/// last one has left. When the session is over, the peer's broadcasts end with its code, or with Closed if it was closed
/// in peace.
///
/// The session begins at once, without waiting for the peer, on the transport's executor: a strand, or a context that
/// one thread runs. Its coroutines are one group of tasks, which ends when either side closes the transport. Destroying
/// the handle closes it; the objects that the coroutines use are kept until those are over, which `done()` tells. Moves
/// only. Threads: any, one at a time for one handle; the executor must outlive it.
class [[nodiscard]] Session {
public:
    /// Begins a session on `transport`, which is not null and belongs to the session from now on. Any thread. A session that
    /// was moved from is empty: its waits fail with Closed, `broadcast`, `goaway` and `drain` throw it, and the rest gives
    /// nothing.
    explicit Session(std::shared_ptr<Transport> transport, SessionConfig config = {});
    Session(Session &&other) noexcept;
    Session &operator=(Session &&other) noexcept;
    /// Closes the session: in peace, or with Cancelled while an exception unwinds the stack.
    ~Session();

    /// A broadcast of the peer's, announced or not. It is returned immediately; the peer is first contacted when a
    /// track is requested. Typically passed to `BroadcastRequest::accept`. It closes with the session, and with
    /// NotFound once nobody holds it or a track of it. Throws InvalidPath; Unauthorized where the peer may not publish,
    /// which is everywhere without `config.subscribe`, and before `config.authorize` has decided; LimitReached beyond
    /// `config.max_requested`.
    BroadcastConsumer broadcast(std::string_view path) const;
    BroadcastConsumer broadcast(const std::same_as<Path> auto &path) const { return broadcast(path.view()); }

    /// The peer's SETUP, once it has come. Fails with the session's code, or Closed, if the session ends before.
    Operation<std::shared_ptr<const Setup>> peer() const;

    /// Completes when the peer's SETUP has come and `config.authorize`, if set, has admitted the peer. Fails with the
    /// session's code, or Closed, if the session ends before.
    Operation<void> admitted() const;
    /// Completes when the peer's SETUP has come. Fails with the session's code, or Closed, if the session ends before.
    Operation<void> greeted() const;

    /// The protocol that both sides have agreed on, such as "moq-lite-06"; empty until then. It stays as long as the session.
    std::string_view protocol() const noexcept;
    /// The number of the session in this process, which `LogRecord::session` has, too. 0 for a moved-from one.
    std::uint64_t number() const noexcept;

    /// The peer's measurement of the way from there to here: the bits per second that it could send, and the round trip
    /// in milliseconds, 0 for unknown values. Empty before the peer's first report, and without `config.probe`.
    std::optional<Probe> measured() const;

    /// The number of broadcasts that the peer has announced and that are not announced here, because there were too
    /// many (`SessionConfig::max_announced`). The session stays open nevertheless.
    std::size_t announcements_left_out() const noexcept;

    /// The number of announcements that the peer has asked for and is not told of, because there were too many
    /// (`SessionConfig::max_told`): on each of its streams. The session stays open nevertheless.
    std::size_t announcements_not_told() const noexcept;

    /// Tells the peer to go elsewhere, to `uri`, or to come again if that is empty: once, and the second time it does
    /// nothing. The session goes on. Throws BoundsExceeded for a `uri` of more than 8,192 bytes. Any thread.
    void goaway(std::string uri) const;
    /// The same, once, for a session that is to end: it ends with GoawayTimeout after that time, unless the peer closes it
    /// before. With no time at all it ends at once: in peace for the peer, with GoingAway here. A session that was sent
    /// away already gets the time alone. Any thread.
    void drain(std::chrono::milliseconds within, std::string uri = {}) const;
    /// The address to which the peer tells this side to go, once it does. Running subscriptions go on; the peer is
    /// asked nothing new, and new requests for it are refused with Unroutable. An origin does not give out again what
    /// `broadcast` has returned: its handlers are asked anew. Fails with the session's code, or
    /// Closed, if the session ends before.
    Operation<std::string> goaway_received() const;

    /// What the session has now, and what it has done so far; all 0 for an empty handle. It waits for nothing but the transport's
    /// lock. Any thread.
    SessionStats stats() const;

    /// Closes the session, and tells the peer the number of the code.
    void close(std::error_code code = {}, std::string_view reason = {});
    /// The code with which the session ended, once it has: false if one side closed it in peace.
    Operation<std::error_code> closed() const;
    /// Completes when all coroutines of the session are over and only this handle keeps the transport and the origins:
    /// some turns after `closed()`. The operation stays valid when this handle is gone, and does not fail, except with
    /// Closed on an empty handle.
    Operation<void> done() const;

private:
    void send_away(std::string uri, std::optional<std::chrono::milliseconds> within) const;

    int exceptions_;  // unwinding the stack when this object was made
    std::shared_ptr<detail::SessionCore> core_;
};

}  // namespace comoq::lite

namespace comoq {
COMOQ_DECLARE_OPERATION(std::shared_ptr<const lite::Setup>);
COMOQ_DECLARE_OPERATION(std::string);
}  // namespace comoq

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/lite/session.ipp"
#endif
