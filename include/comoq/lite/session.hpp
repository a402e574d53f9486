#pragma once
#include "../detail/lite/remote_broadcast.hpp"
#include "../detail/lite/run_session.hpp"
#include "../detail/lite/session_core.hpp"
#include "../operation.hpp"
#include "../transport.hpp"
#include "session_config.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace comoq::lite {

/// A moq-lite-05 session over a transport, client or server alike: it shows the peer what an origin has and announces in an
/// origin what the peer has. Both may be the same origin: what came from the peer is not sent back to it.
///
/// What the peer asks for is resolved by `request_broadcast` on `config.publish`, so that a handler of that origin serves
/// remote viewers as it serves local ones. What somebody here wants of the peer's broadcasts is asked for once, however
/// many want it, and left when the last one has gone (tracks keep what they hold for a while, `config.linger`). Codes pass
/// both ways. A group that comes from the peer goes on for as long as its subscriber lives, or another one of its track: the
/// peer stops sending when the last one has left. When the session is over the peer's broadcasts end with its code, or with Closed if it was closed in peace.
///
/// It begins at once, without waiting for the peer, on the transport's executor: a strand, or a context that one thread
/// runs. Destroying the handle closes the session. Moves only. Threads: any, one at a time for one handle; the executor must
/// outlive it.
class Session {
public:
    explicit Session(std::shared_ptr<Transport> transport, SessionConfig config = {})
        : core_(std::make_shared<detail::SessionCore>(std::move(transport), std::move(config))) {
        asio::co_spawn(core_->transport->executor(), detail::run_session(core_), asio::detached);
    }
    Session(Session &&) noexcept = default;
    Session &operator=(Session &&other) noexcept {
        Session previous(std::move(*this));
        core_ = std::move(other.core_);
        return *this;
    }
    ~Session() {
        if (core_ != nullptr) core_->close({}, "");
    }

    /// A broadcast of the peer's, announced or not: it is there at once, and what the peer thinks of it is told when its tracks
    /// are asked for. Give it to who asks an OriginDynamic, say. It closes with the session, and with NotFound when nobody
    /// has had a handle of it for a while. Throws InvalidPath, Unauthorized without `config.subscribe`, and LimitReached beyond
    /// `config.max_requested`.
    BroadcastConsumer broadcast(std::string_view path) const { return detail::requested_broadcast(core_, path); }

    /// What the peer says first, once it has.
    Operation<std::shared_ptr<const Setup>> peer() const { return core_->setup.wait(); }

    /// What the peer measures of the way from there to here: the bits a second that it could send, and the milliseconds of a
    /// round trip, 0 where it does not know. Nothing before it has said, and without `config.probe`.
    std::optional<Probe> measured() const { return core_->probed.get(); }

    /// Tells the peer to go elsewhere, to `uri`, or to come again if that is empty. The session goes on.
    void goaway(std::string uri) const {
        auto sending = detail::send_goaway(core_, std::move(uri));
        asio::co_spawn(core_->transport->executor(), std::move(sending), asio::detached);
    }
    /// Where the peer tells this side to go, once it does.
    Operation<std::string> goaway_received() const { return core_->goaway.wait(); }

    /// Closes the session; the peer is told the code, if it is not false.
    void close(std::error_code code = {}, std::string_view reason = {}) { core_->close(code, reason); }
    /// How the session ended, once it has: false if one side closed it in peace.
    Operation<std::error_code> closed() const { return core_->ended.wait(); }

private:
    std::shared_ptr<detail::SessionCore> core_;
};

}  // namespace comoq::lite
