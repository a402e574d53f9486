// SPDX-License-Identifier: MIT
#pragma once
#include "follow_announce.hpp"
#include "serve_stream.hpp"
#include "serve_uni.hpp"
#include "session_core.hpp"
#include "../../lite/request_target.hpp"
#include "../session/session_streams.hpp"
#include "../wait/in_any_case.hpp"

#include <asio/awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::lite::detail {

inline asio::awaitable<void> send_setup(std::shared_ptr<SessionCore> core) {
    Setup setup;
    const auto &config = core->config;
    if (core->hop_id() != 0) setup.origin = core->hop_id();
    if (core->measures) setup.probe = Setup::Probe::Report;
    if (core->transport->is_client()) {
        setup.path = config.path;
        setup.role = config.role;
        setup.cost = config.link_cost;
    }
    auto stream = co_await core->transport->open_uni();
    auto written = stream->write(opening(core->version(), UniStreamType::Setup, setup));
    co_await std::move(written);
    stream->finish();
}

inline asio::awaitable<void> send_goaway(std::shared_ptr<SessionCore> core, Goaway message) {
    auto stream = co_await core->transport->open_bidi();
    auto written = stream.send->write(opening(core->version(), BidiStreamType::Goaway, message));
    co_await std::move(written);
    stream.send->finish();
    StreamReader reader(std::move(stream.receive), core->version(), StreamUse::Request);
    co_await reader.expect_end();
}

/// Asks the peer for its measurements, if it can measure, and listens for as long as it sends them.
inline asio::awaitable<void> follow_probes(std::shared_ptr<SessionCore> core) {
    const auto setup = co_await core->setup.wait();
    if (!setup->probe || *setup->probe == Setup::Probe::None) co_return;
    if (core->goaway.peek()) co_return;
    std::vector<std::byte> question;
    WireWriter(question).varint(static_cast<std::uint64_t>(BidiStreamType::Probe));
    auto stream = co_await core->transport->open_bidi();
    auto written = stream.send->write(Bytes(std::move(question)));
    co_await std::move(written);
    StreamReader reader(std::move(stream.receive), core->version(), StreamUse::Request);
    while (auto probe = co_await reader.message<Probe>()) core->probed.set(*probe);
    stream.send->finish();
}

/// A fault of the peer in its announcements ends the session; a peer that does not announce does not end it.
inline asio::awaitable<void> follow_announcements(std::shared_ptr<SessionCore> core, std::string prefix) {
    const auto follower = std::make_shared<AnnounceFollower>(core, std::move(prefix));
    // Made first: everything that was announced ends, however little memory there is then.
    auto ending = follower->end_all();
    const auto code = co_await outcome_of(follower->follow());
    follower->set_end(code);
    if (code && (!follower->lost() || code == std::errc::not_enough_memory)) core->close(told(code), "ANNOUNCE");
    co_await std::move(ending);
}

inline asio::awaitable<void> follow_all_announcements(std::shared_ptr<SessionCore> core) {
    if (!core->subscribe) co_return;
    for (const Path &prefix : core->subscribe->allowed())
        core->spawn(follow_announcements(core, std::string(prefix.view())));
}

inline asio::awaitable<void> decide_views(std::shared_ptr<SessionCore> core, std::shared_ptr<const Setup> setup,
                                          std::optional<SessionViews> &views) {
    const std::function<asio::awaitable<SessionViews>(const Setup &, const Transport &)> &authorize = core->config.authorize;
    const auto &in_url = core->url_target;
    Setup asked = *setup;
    if (in_url) asked.path = in_url;
    views = co_await authorize(asked, *core->transport);
}
/// When the peer's SETUP has come, this decides what the peer may see, and then the session serves it.
inline asio::awaitable<void> admit(std::shared_ptr<SessionCore> core) {
    const auto setup = co_await core->setup.wait();
    const auto &config = core->config;
    core->publish = config.publish;
    if (core->waits_for_peer()) {
        std::optional<SessionViews> views;
        auto code = make_error_code(Error::Unauthorized);
        if (config.authorize) {
            auto deciding = with_timeout(decide_views(core, setup, views), config.answer_within, config.sleep);
            code = co_await outcome_of(std::move(deciding));
        } else {
            views = comoq::detail::views_by_path(SessionViews(config.publish, config.subscribe), core->url_target ? core->url_target : setup->path);
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
        co_await follow_all_announcements(core);
    }
    core->resolver.admit(core->publish, core->via, setup->origin);
    core->admitted.set();
    const bool is_client = core->transport->is_client();
    const std::optional<std::string> &path = config.path;
    const auto &target = is_client ? path : core->url_target ? core->url_target : setup->path;
    core->log.begun(target ? std::string_view(*target) : std::string_view());
    core->url_target.reset();
}

/// Begins everything that runs beside the coroutine that ends it.
inline void begin_session(const std::shared_ptr<SessionCore> &core) {
    const auto stats = core->transport->stats();
    core->measures = stats.round_trip || stats.bandwidth;
    core->below = std::make_shared<PeersPaths>(core);
    core->spawn_vital(core, send_setup(core));
    core->spawn_vital(core, admit(core));
    core->spawn_vital(core, core->outbox.run());
    core->spawn_vital(core, comoq::detail::watch_for_a_stall(core));
    core->spawn_vital(core, serve_requested(core));
    core->spawn_vital(core, comoq::detail::accept_streams<&Transport::accept_uni, UniServer>(core));
    core->spawn_vital(core, comoq::detail::accept_streams<&Transport::accept_bidi, StreamServer>(core));
    // Whether there are any is known from the peer's SETUP, and none is lost until then.
    core->spawn(take_datagrams(core));
    if (core->config.probe) core->spawn(follow_probes(core));
    if (!core->waits_for_peer()) core->spawn(follow_all_announcements(core));
}

/// Runs a session from its beginning to its end, which is the transport's.
inline asio::awaitable<void> run_session(std::shared_ptr<SessionCore> core) {
    // Made first: everything that has begun ends, however little memory there is then.
    auto closed = comoq::detail::in_any_case([&core] { return core->transport->closed(); });
    auto idle = comoq::detail::in_any_case([&core] { return core->tasks.idle(); });
    auto left = comoq::detail::in_any_case([&core] { return core->broadcasts.idle(); });
    std::exception_ptr failure;
    try {
        begin_session(core);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure != nullptr) core->close(comoq::detail::code_of(failure), "cannot begin");
    const auto code = co_await std::move(closed);
    core->end(core->end_code(code));
    // Before their tracks, so that a reader of one knows that the whole broadcast is over, and not only its track.
    core->requested.abort_all(core->lost_code({}));
    core->tasks.cancel_in_turns();
    // The session is kept until then, so that everything on its executor ends there. The broadcasts end by themselves.
    co_await std::move(idle);
    core->broadcasts.cancel_in_turns();
    co_await std::move(left);
}

}  // namespace comoq::lite::detail
