// Sessions over QUIC and WebTransport on several threads.
#include <comoq/net/connect.hpp>
#include <comoq/net/listener.hpp>
#include <comoq/net/quic_schemes.hpp>
#include <comoq/quic/credentials.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/strand.hpp>
#include <asio/this_coro.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_future.hpp>

#include "quic/identity.hpp"
#include "support/catch.hpp"

namespace quic_threads_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// A listener, on a strand of a pool.
class Server {
public:
    Server(asio::thread_pool &pool, Origin &origin) : strand_(asio::make_strand(pool)), origin_(origin) {
        asio::co_spawn(strand_, begin(), asio::use_future).get();
        running_ = asio::co_spawn(strand_, listener_->run(), asio::use_future);
    }
    std::string url(const std::string &scheme) const { return scheme + "://127.0.0.1:" + port_; }
    void end() {
        asio::co_spawn(strand_, close(), asio::use_future).get();
        running_.get();
        asio::co_spawn(strand_, destroy(), asio::use_future).get();
    }

private:
    asio::awaitable<void> begin() {
        ListenConfig config;
        config.tls.quic = std::make_shared<const quic::ServerCredentials>(test_identity());
        config.tls.certificate_pem = test_chain;
        config.tls.key_pem = test_key;
        config.session.publish = origin_.consumer();
        listener_.emplace(strand_, "https://127.0.0.1:0", std::move(config));
        port_ = std::to_string(*listener_->url().port);
        co_return;
    }
    asio::awaitable<void> close() {
        listener_->close();
        co_return;
    }
    asio::awaitable<void> destroy() {
        listener_.reset();
        co_return;
    }

    asio::strand<asio::thread_pool::executor_type> strand_;
    Origin &origin_;
    std::optional<Listener> listener_;
    std::future<void> running_;
    std::string port_;
};

/// What one viewer has seen. Each group that it gets makes the next one.
struct View {
    std::atomic<unsigned> groups{0};
    std::atomic<bool> is_over{false};
};

asio::awaitable<void> view(std::string url, TrackProducer track, View &seen, unsigned groups) {
    const auto executor = co_await asio::this_coro::executor;
    Origin here;
    ConnectConfig config;
    config.session.subscribe = here.producer();
    config.tls.pinned_certificates = {pin_of(test_identity())};
    config.websocket_after = std::chrono::minutes(1);
    auto connecting = comoq::connect(executor, url, std::move(config));
    const auto session = co_await std::move(connecting);
    auto subscribing = session->broadcast("live").track("video").subscribe();
    auto subscriber = co_await std::move(subscribing);
    while (seen.groups < groups) {
        auto next = subscriber.recv_group();
        auto group = co_await std::move(next);
        if (!group) break;
        auto reading = group->read_frame();
        const auto [failure, frame] = co_await std::move(reading).as_tuple();
        // Where many come at once, or the machine is busy, some are given up.
        const bool is_old = failure == Error::Old || failure == Error::Lagged;
        if (!is_old && (failure || !frame || frame->payload.size() != 3'000)) break;
        if (!is_old) ++seen.groups;
        auto made = track.append_group();
        made.write_frame(Bytes(std::vector<std::byte>(3'000)));
        made.finish();
    }
    session->close();
    auto done = session->done();
    co_await std::move(done);
    seen.is_over = true;
}

}  // namespace

TEST_CASE("viewers over QUIC and WebTransport, their server and the track's writers run on several threads", "[quic][session][sockets][stress]") {
    Origin origin;
    auto broadcast = origin.producer().create_broadcast("live");
    auto track = broadcast.producer().create_track("video");
    auto first = track.append_group();
    first.write_frame(Bytes(std::vector<std::byte>(3'000)));
    first.finish();
    asio::thread_pool of_server(2), of_viewers(3);
    Server server(of_server, origin);
    constexpr std::size_t count = 8;
    constexpr unsigned groups = 40;
    std::vector<View> seen(count);
    std::vector<std::future<void>> running;
    for (std::size_t i = 0; i < count; ++i) {
        auto viewing = view(server.url(i % 2 == 0 ? "https" : "moql"), track, seen[i], groups);
        running.push_back(asio::co_spawn(asio::make_strand(of_viewers), std::move(viewing), asio::use_future));
    }
    for (auto &each : running) each.get();
    for (const auto &each : seen) {
        CHECK(each.groups == groups);
        CHECK(each.is_over);
    }
    server.end();
    of_viewers.join();
    of_server.join();
    CHECK(origin.stats().unsent_bytes == 0);
}

}  // namespace quic_threads_tests
