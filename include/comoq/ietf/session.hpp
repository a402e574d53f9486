// SPDX-License-Identifier: MIT
#pragma once
#include "../broadcast.hpp"
#include "../config.hpp"
#include "../operation.hpp"
#include "../session_stats.hpp"
#include "../transport.hpp"
#include "peer_setup.hpp"
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

namespace comoq::ietf {

namespace detail {
class SessionCore;
}

/// A session of MoQ Transport of the IETF, by draft 18, 20, 21 or 22, whichever its transport has agreed on
/// (`Transport::protocol`, such as "moqt-18"), client or server alike: it shows one origin to the peer, and announces the peer's
/// namespaces in another. Both may be the same origin. A namespace is a path: its fields stand between slashes.
///
/// It is what `lite::Session` is for moq-lite, and has the same members, which do the same. The session resolves the peer's
/// SUBSCRIBE, FETCH and TRACK_STATUS by `request_broadcast` on `config.publish`, so that a handler of that origin serves remote
/// viewers as it serves local ones. It asks the peer once for a track, however many readers here want it. A namespace that the
/// peer announces is announced here, and the peer also answers for the paths below it (`OriginConsumer::request_broadcast`).
/// Errors pass both ways, as numbers of MoQ Transport.
///
/// A track that the peer pushes with PUBLISH is here, too, where the peer may publish: its namespace is announced while it
/// lasts, and the peer is asked for objects only while somebody subscribes.
///
/// What it does not serve is refused with NOT_SUPPORTED: SUBSCRIBE_TRACKS, and updates of all but subscriptions and routes.
/// It pushes no tracks itself. Peers that have the extension for hops (HOP_ID in SETUP) tell each other how a broadcast has come.
/// Without it, relays that are connected in a circle may show one another broadcasts that have ended.
///
/// The session begins at once, on the transport's executor: a strand, or a context that one thread runs. With a transport that
/// has agreed on another protocol it ends with Version. Destroying the handle closes it; the objects that the coroutines use are
/// kept until those are over, which `done()` tells. Moves only. Threads: any, one at a time for one handle; the executor must
/// outlive it.
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

    /// A broadcast of the peer's, announced or not. It is returned immediately; the peer is first contacted when a track is
    /// requested. It closes with the session, and with NotFound once nobody holds it or a track of it. Throws InvalidPath;
    /// Unauthorized where the peer may not publish, which is everywhere without `config.subscribe`, and before
    /// `config.authorize` has decided; LimitReached beyond `config.max_requested`.
    BroadcastConsumer broadcast(std::string_view path) const;
    BroadcastConsumer broadcast(const std::same_as<Path> auto &path) const { return broadcast(path.view()); }

    /// The peer's SETUP, once it has come. Fails with the session's code, or Closed, if the session ends before.
    Operation<std::shared_ptr<const PeerSetup>> peer() const;
    /// Completes when the peer's SETUP has come and `config.authorize`, if set, has admitted the peer. Fails with the
    /// session's code, or Closed, if the session ends before.
    Operation<void> admitted() const;
    /// Completes when the peer's SETUP has come. Fails with the session's code, or Closed, if the session ends before.
    Operation<void> greeted() const;

    /// The protocol that both sides have agreed on; empty until then. It stays as long as the session.
    std::string_view protocol() const noexcept;
    /// The number of the session in this process, which `LogRecord::session` has, too. 0 for a moved-from one.
    std::uint64_t number() const noexcept;
    /// How many namespaces of the peer's were left out, because there were too many (`SessionConfig::max_announced`).
    std::size_t announcements_left_out() const noexcept;

    /// Tells the peer to go elsewhere, to `uri`, or to come again if that is empty: once, and the second time it does
    /// nothing. The session goes on. A client's `uri` is empty. Throws BoundsExceeded for a `uri` of more than 8,192 bytes, or a
    /// client's that is not empty. Any thread.
    void goaway(std::string uri) const;
    /// The same, once, for a session that is to end: it ends with GoawayTimeout after that time, unless the peer closes it
    /// before. With no time at all it ends at once: in peace for the peer, with GoingAway here. Any thread.
    void drain(std::chrono::milliseconds within, std::string uri = {}) const;
    /// The address to which the peer tells this side to go, once it does. Running subscriptions go on; the peer is asked nothing
    /// new, and new requests for it are refused with Unroutable. Fails with the session's code, or Closed, if the session ends
    /// before.
    Operation<std::string> goaway_received() const;

    /// What the session has now, and what it has done so far; all 0 for an empty handle. It waits for nothing but the transport's
    /// lock. Any thread.
    SessionStats stats() const;

    /// Closes the session, and tells the peer the number of the code.
    void close(std::error_code code = {}, std::string_view reason = {});
    /// The code with which the session ended, once it has: false if one side closed it in peace.
    Operation<std::error_code> closed() const;
    /// Completes when all coroutines of the session are over. The operation stays valid when this handle is gone, and does not
    /// fail, except with Closed on an empty handle.
    Operation<void> done() const;

private:
    void send_away(std::string uri, std::optional<std::chrono::milliseconds> within) const;

    int exceptions_;  // unwinding the stack when this object was made
    std::shared_ptr<detail::SessionCore> core_;
};

}  // namespace comoq::ietf

namespace comoq {
COMOQ_DECLARE_OPERATION(std::shared_ptr<const ietf::PeerSetup>);
}  // namespace comoq

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/ietf/session.ipp"
#endif
