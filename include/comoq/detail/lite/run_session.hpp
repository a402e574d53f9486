// SPDX-License-Identifier: MIT
#pragma once
#include "follow_announce.hpp"
#include "serve_stream.hpp"
#include "serve_uni.hpp"
#include "session_core.hpp"
#include "../session/session_run.hpp"
#include "../session/session_streams.hpp"

#include <asio/awaitable.hpp>
#include <asio/cancellation_state.hpp>
#include <asio/this_coro.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
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
    // A cancellation would not let it begin: all that was announced would then end in one piece, in a destructor.
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await std::move(ending);
}

inline asio::awaitable<void> follow_all_announcements(std::shared_ptr<SessionCore> core) {
    if (!core->subscribe) co_return;
    for (const Path &prefix : core->subscribe->allowed())
        core->spawn(follow_announcements(core, std::string(prefix.view())));
}

/// What the peer asks for. Where the URL says a path, that is the path.
inline std::shared_ptr<const Setup> asked_by(const SessionCore &core, const std::shared_ptr<const Setup> &setup) {
    if (!core.url_target) return setup;
    auto asked = std::make_shared<Setup>(*setup);
    asked->path = core.url_target;
    return asked;
}
/// When the peer's SETUP has come, this decides what the peer may see, and then the session serves it.
inline asio::awaitable<void> admit(std::shared_ptr<SessionCore> core) {
    const auto setup = co_await core->setup.wait();
    const auto &config = core->config;
    core->publish = config.publish;
    if (core->waits_for_peer()) {
        auto deciding = comoq::detail::decide_views(core, asked_by(*core, setup));
        const bool is_admitted = co_await std::move(deciding);
        if (!is_admitted) co_return;
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
    core->spawn_vital(core, core->outbox.watch());
    core->spawn_vital(core, comoq::detail::watch_for_a_stall(core));
    core->spawn_vital(core, serve_requested(core));
    core->spawn_vital(core, comoq::detail::accept_streams<&Transport::accept_uni, UniServer>(core));
    core->spawn_vital(core, comoq::detail::accept_streams<&Transport::accept_bidi, StreamServer>(core));
    // Whether there are any is known from the peer's SETUP, and none is lost until then.
    core->spawn(take_datagrams(core));
    if (core->config.probe) core->spawn(follow_probes(core));
    if (!core->waits_for_peer()) core->spawn(follow_all_announcements(core));
}

/// Runs a session from its beginning to its end.
inline asio::awaitable<void> run_session(std::shared_ptr<SessionCore> core) {
    return comoq::detail::run_to_the_end(std::move(core), &begin_session, std::nullopt);
}

}  // namespace comoq::lite::detail
