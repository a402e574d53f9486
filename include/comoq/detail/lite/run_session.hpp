#pragma once
#include "follow_announce.hpp"
#include "serve_stream.hpp"
#include "serve_uni.hpp"
#include "session_core.hpp"

#include <asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::lite::detail {

inline asio::awaitable<void> send_setup(std::shared_ptr<SessionCore> core) {
    Setup setup;
    const auto &config = core->config;
    if (core->hop_id() != 0) setup.origin = core->hop_id();
    const auto stats = core->transport->stats();
    if (stats.round_trip || stats.bandwidth) setup.probe = Setup::Probe::Report;
    if (core->transport->is_client()) {
        setup.path = config.path;
        setup.role = config.role;
    }
    auto stream = co_await core->transport->open_uni();
    auto written = stream->write(opening(UniStreamType::Setup, setup));
    co_await std::move(written);
    stream->finish();
}

inline asio::awaitable<void> send_goaway(std::shared_ptr<SessionCore> core, std::string uri) {
    auto message = opening(BidiStreamType::Goaway, Goaway{std::move(uri)});
    auto stream = co_await open_with(core->transport, std::move(message));
    stream.send->finish();
    StreamReader reader(std::move(stream.receive));
    co_await reader.expect_end();
}

/// Asks the peer what it measures, if it can tell, and listens for as long as it does.
inline asio::awaitable<void> follow_probes(std::shared_ptr<SessionCore> core) {
    const auto setup = co_await core->setup.wait();
    if (!setup->probe || *setup->probe == Setup::Probe::None) co_return;
    std::vector<std::byte> question;
    WireWriter(question).varint(static_cast<std::uint64_t>(BidiStreamType::Probe));
    auto stream = co_await open_with(core->transport, Bytes(std::move(question)));
    StreamReader reader(std::move(stream.receive));
    while (auto probe = co_await reader.message<Probe>()) core->probed.set(*probe);
    stream.send->finish();
}

inline asio::awaitable<void> accept_bidi_streams(std::shared_ptr<SessionCore> core) {
    while (true) {
        auto stream = co_await core->transport->accept_bidi();
        core->tasks.spawn(StreamServer::serve(core, std::move(stream)));
    }
}
inline asio::awaitable<void> accept_uni_streams(std::shared_ptr<SessionCore> core) {
    while (true) {
        auto stream = co_await core->transport->accept_uni();
        core->tasks.spawn(UniServer::serve(core, std::move(stream)));
    }
}

/// What the peer does wrong while it announces is the end of the session; that it does not announce is not.
inline asio::awaitable<void> follow_announcements(std::shared_ptr<SessionCore> core, std::string prefix) {
    AnnounceFollower follower(core, std::move(prefix));
    const auto code = co_await outcome_of(follower.follow());
    follower.end_all(code);
    if (code && !follower.lost()) core->close(told(code), "ANNOUNCE");
}

/// A session from its beginning to its end, which is the transport's.
inline asio::awaitable<void> run_session(std::shared_ptr<SessionCore> core) {
    auto &tasks = core->tasks;
    tasks.spawn(send_setup(core));
    tasks.spawn(core->opener.run());
    tasks.spawn(accept_uni_streams(core));
    tasks.spawn(accept_bidi_streams(core));
    if (core->transport->max_datagram_size() != 0) tasks.spawn(take_datagrams(core));
    if (core->config.probe) tasks.spawn(follow_probes(core));
    if (core->config.subscribe)
        for (const Path &prefix : core->config.subscribe->allowed())
            tasks.spawn(follow_announcements(core, std::string(prefix.view())));
    const auto code = co_await core->transport->closed();
    core->ended.set(code);
    // Before their tracks, so that whoever reads one knows that it is not that track alone which is over.
    core->requested.abort_all(core->lost_code({}));
    tasks.cancel();
    // The session is kept until then, so that what belongs to its executor ends there.
    co_await tasks.idle();
}

}  // namespace comoq::lite::detail
