// SPDX-License-Identifier: MIT
#pragma once
#include "../../lite/request_target.hpp"
#include "../session/session_streams.hpp"
#include "../wait/in_any_case.hpp"
#include "announcements.hpp"
#include "control_stream.hpp"
#include "serve_namespace.hpp"
#include "serve_request.hpp"
#include "serve_uni.hpp"
#include "session_core.hpp"

#include <asio/awaitable.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace comoq::ietf::detail {

inline asio::awaitable<void> follow_all_namespaces(std::shared_ptr<SessionCore> core) {
    if (!core->subscribe) co_return;
    for (const Path &prefix : core->subscribe->allowed())
        core->spawn(NamespaceFollower::follow(core, std::string(prefix.view())));
}

inline asio::awaitable<void> decide_views(std::shared_ptr<SessionCore> core, std::optional<std::string> path,
                                          std::optional<SessionViews> &views) {
    const std::function<asio::awaitable<SessionViews>(const lite::Setup &, const Transport &)> &authorize = core->config.authorize;
    lite::Setup asked;
    asked.path = std::move(path);
    auto deciding = authorize(asked, *core->transport);
    views = co_await std::move(deciding);
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
        std::optional<SessionViews> views;
        auto code = make_error_code(Error::Unauthorized);
        if (config.authorize) {
            auto deciding = with_timeout(decide_views(core, path, views), config.answer_within, config.sleep);
            code = co_await outcome_of(std::move(deciding));
        } else {
            views = comoq::detail::views_by_path(SessionViews(config.publish, config.subscribe), path);
        }
        if (!views) {
            core->close(told(code), "refused");
            co_return;
        }
        // It may have taken until after the session's end.
        if (core->ended.peek()) co_return;
        core->publish = std::move(views->publish);
        core->subscribe = std::move(views->subscribe);
        core->requested.admit(core->subscribe);
        auto following = follow_all_namespaces(core);
        co_await std::move(following);
    }
    core->resolver.admit(core->publish, core->via, std::nullopt);
    core->admitted.set();
    const std::optional<std::string> &own = config.path;
    const auto &target = is_client ? own : path;
    core->log.begun(target ? std::string_view(*target) : std::string_view());
    core->url_target.reset();
    if (is_client) core->spawn(NamespacePublisher::publish(core));
}

/// Begins everything that runs beside the coroutine that ends it.
inline void begin_session(const std::shared_ptr<SessionCore> &core) {
    core->below = std::make_shared<PeersPaths>(core);
    core->spawn_vital(core, send_setup(core));
    core->spawn_vital(core, admit(core));
    core->spawn_vital(core, core->outbox.run());
    core->spawn_vital(core, comoq::detail::watch_for_a_stall(core));
    core->spawn_vital(core, comoq::detail::serve_requested<RemoteBroadcast>(core));
    core->spawn_vital(core, comoq::detail::accept_streams<&Transport::accept_uni, UniServer>(core));
    core->spawn_vital(core, comoq::detail::accept_streams<&Transport::accept_bidi, RequestServer>(core));
    core->spawn(take_datagrams(core));
    if (!core->waits_for_peer()) core->spawn(follow_all_namespaces(core));
}

/// Runs a session from its beginning to its end, which is the transport's.
inline asio::awaitable<void> run_session(std::shared_ptr<SessionCore> core) {
    // Made first: everything that has begun ends, however little memory there is then.
    const auto peers = std::make_shared<Announcements>(core);
    core->peers_namespaces = peers;
    auto closed = comoq::detail::in_any_case([&core] { return core->transport->closed(); });
    auto ending = Announcements::end_all(peers, core);
    auto idle = comoq::detail::in_any_case([&core] { return core->tasks.idle(); });
    auto left = comoq::detail::in_any_case([&core] { return core->broadcasts.idle(); });
    std::exception_ptr failure;
    try {
        // The transport knows by now: a session of moq-lite waits for nothing either.
        if (!draft_of(core->transport->protocol())) comoq::detail::throw_error(make_error_code(Error::Version));
        begin_session(core);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure != nullptr) core->close(comoq::detail::code_of(failure), "cannot begin");
    const auto code = co_await std::move(closed);
    core->end(core->end_code(code));
    // Before their tracks, so that a reader of one knows that the whole broadcast is over, and not only its track.
    core->requested.abort_all(core->lost_code({}));
    co_await std::move(ending);
    core->tasks.cancel_in_turns();
    // The session is kept until then, so that everything on its executor ends there. The broadcasts end by themselves.
    co_await std::move(idle);
    core->broadcasts.cancel_in_turns();
    co_await std::move(left);
}

}  // namespace comoq::ietf::detail
