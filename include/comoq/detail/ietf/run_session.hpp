// SPDX-License-Identifier: MIT
#pragma once
#include "../session/session_run.hpp"
#include "../session/session_streams.hpp"
#include "announcements.hpp"
#include "control_stream.hpp"
#include "receive_datagrams.hpp"
#include "serve_namespace.hpp"
#include "serve_request.hpp"
#include "serve_uni.hpp"
#include "session_core.hpp"
#include "shared_run.hpp"

#include <asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace comoq::ietf::detail {

inline asio::awaitable<void> follow_all_namespaces(std::shared_ptr<SessionCore> core) {
    if (!core->subscribe) co_return;
    for (const Path &prefix : core->subscribe->allowed())
        core->spawn(NamespaceFollower::follow(core, std::string(prefix.view())));
}

/// When the peer's SETUP has come, this decides what the peer may see, and then the session serves it.
inline asio::awaitable<void> admit(std::shared_ptr<SessionCore> core) {
    auto coming = core->setup.wait();
    const auto setup = co_await std::move(coming);
    const auto &config = core->config;
    core->publish = config.publish;
    const bool is_client = core->transport->is_client();
    const std::optional<std::string> path = core->url_target ? core->url_target : setup->path;
    if (core->waits_for_peer()) {
        const auto asked = std::make_shared<lite::Setup>();
        asked->path = path;
        auto deciding = comoq::detail::decide_views(core, std::shared_ptr<const lite::Setup>(asked));
        const bool is_admitted = co_await std::move(deciding);
        if (!is_admitted) co_return;
        auto following = follow_all_namespaces(core);
        co_await std::move(following);
    }
    core->resolver.admit(core->publish, core->via, core->peer_hop());
    core->admitted.set();
    const std::optional<std::string> &own = config.path;
    const auto &target = is_client ? own : path;
    core->log.begun(target ? std::string_view(*target) : std::string_view());
    core->url_target.reset();
    if (is_client) core->spawn(NamespacePublisher::publish(core));
}

/// Begins everything that runs beside the coroutine that ends it.
inline void begin_session(const std::shared_ptr<SessionCore> &core) {
    // The transport knows by now: a session of moq-lite waits for nothing either.
    if (!core->knows_draft()) comoq::detail::throw_error(make_error_code(Error::Version));
    core->below = std::make_shared<PeersPaths>(core);
    if (core->shared != nullptr) core->spawn_vital(core, SharedRun::run(core->shared));
    core->spawn_vital(core, send_setup(core));
    core->spawn_vital(core, admit(core));
    core->spawn_vital(core, core->outbox.run());
    core->spawn_vital(core, core->outbox.watch());
    core->spawn_vital(core, comoq::detail::watch_for_a_stall(core));
    core->spawn_vital(core, comoq::detail::serve_requested<RemoteBroadcast>(core));
    core->spawn_vital(core, comoq::detail::accept_streams<&Transport::accept_uni, UniServer>(core));
    core->spawn_vital(core, comoq::detail::accept_streams<&Transport::accept_bidi, RequestServer>(core));
    core->spawn(take_datagrams(core));
    if (!core->waits_for_peer()) core->spawn(follow_all_namespaces(core));
}

/// Runs a session from its beginning to its end.
inline asio::awaitable<void> run_session(std::shared_ptr<SessionCore> core) {
    const auto peers = std::make_shared<Announcements>(core);
    core->peers_namespaces = peers;
    auto running = comoq::detail::run_to_the_end(core, &begin_session, Announcements::end_all(peers, core));
    co_await std::move(running);
}

}  // namespace comoq::ietf::detail
