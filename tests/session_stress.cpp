// Sessions on several threads, which come and go. The tests check the arrivals and the remains; the sanitizers check
// the rest.
#include <comoq/lite/session.hpp>
#include <comoq/memory_transport.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_future.hpp>

#include "lite/spoken.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/seed.hpp"

namespace session_stress_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

constexpr std::uint64_t groups = 40;

std::string text_of(std::uint64_t group, std::uint64_t frame) {
    return std::string(static_cast<std::size_t>(group * 131 % 900), static_cast<char>('a' + frame)) +
           std::to_string(group);
}

lite::SessionConfig config_of(const Origin &origin) {
    lite::SessionConfig config;
    config.publish = origin.consumer();
    config.subscribe = origin.producer();
    return config;
}

/// Two sessions that are each other's peer, on strands of their own.
struct Connection {
    Connection(asio::thread_pool &pool, const Origin &of_client, const Origin &of_server)
        : link(asio::make_strand(pool), asio::make_strand(pool), spoken_link()), client(std::in_place, link.client(), config_of(of_client)),
          server(std::in_place, link.server(), config_of(of_server)) {}
    MemoryLink link;
    std::optional<lite::Session> client;
    std::optional<lite::Session> server;
};

asio::awaitable<void> serve_from(const lite::Session &upstream, OriginDynamic handler) {
    while (auto request = co_await handler.requested_broadcast()) {
        request->accept(upstream.broadcast(request->path().view()));
    }
}

/// The number of groups that came whole and right, from the first to the end of the track.
asio::awaitable<std::uint64_t> read_all(BroadcastConsumer broadcast) {
    Subscription wishes;
    wishes.start = 0;
    wishes.ordered = true;
    auto subscriber = co_await broadcast.track("video").subscribe(wishes);
    std::uint64_t right = 0;
    // As they arrive: streams overtake each other.
    while (auto group = co_await subscriber.recv_group()) {
        std::uint64_t frames = 0;
        bool all = true;
        while (auto frame = co_await group->read_frame()) {
            all = all && frame->payload.view() == text_of(group->sequence(), frames);
            ++frames;
        }
        right += all && frames == group->sequence() % 4 ? 1 : 0;
    }
    co_return right;
}

}  // namespace

TEST_CASE("sessions on threads: every viewer of a relay on demand reads everything", "[lite][threads]") {
    Origin a;
    std::optional<Origin> b(std::in_place);
    std::vector<std::unique_ptr<Origin>> homes;
    asio::thread_pool pool(3);
    {
        auto published = a.producer().create_broadcast("x");
        TrackInfo info;
        info.max_latency = std::chrono::hours(1);
        auto track = published.producer().create_track("video", info);
        Connection upstream(pool, *b, a);
        asio::co_spawn(asio::make_strand(pool), serve_from(*upstream.client, b->producer().dynamic()), asio::detached);
        std::vector<std::unique_ptr<Connection>> connections;
        std::vector<std::future<std::uint64_t>> viewers;
        for (int i = 0; i < 6; ++i) {
            homes.push_back(std::make_unique<Origin>());
            connections.push_back(std::make_unique<Connection>(pool, *homes.back(), *b));
            auto reading = read_all(connections.back()->client->broadcast("x"));
            viewers.push_back(asio::co_spawn(asio::make_strand(pool), std::move(reading), asio::use_future));
        }
        std::thread writer([track]() mutable {
            for (std::uint64_t number = 0; number < groups; ++number) {
                auto group = track.append_group();
                for (std::uint64_t frame = 0; frame < number % 4; ++frame) {
                    group.write_frame(payload(text_of(number, frame)));
                }
                group.finish();
            }
            track.finish();
        });
        for (auto &viewer : viewers) {
            CHECK(viewer.get() == groups);
        }
        writer.join();
        CHECK(track.stats().subscribers <= 1);
    }
    // The sessions have been closed, and the handler ends with its origin: nothing keeps the threads.
    b.reset();
    pool.join();
}

TEST_CASE("sessions on threads: sessions that are closed, cut or destroyed in the middle leave nothing behind",
          "[lite][threads]") {
    std::mt19937_64 random(seed("sessions on threads"));
    for (int round = 0; round < 30; ++round) {
        Origin there;
        Origin here;
        auto published = there.producer().create_broadcast("a");
        auto track = published.producer().create_track("video");
        asio::thread_pool pool(3);
        {
            Connection connection(pool, here, there);
            auto closed = connection.client->closed().async_wait(asio::use_future);
            std::thread writer([track]() mutable {
                for (std::uint64_t number = 0; number < 50; ++number) {
                    auto group = track.append_group();
                    group.write_frame(payload(text_of(number, 0)));
                    track.append_datagram(payload("over"));
                    group.finish();
                }
            });
            std::vector<std::future<std::uint64_t>> viewers;
            for (const char *path : {"a", "nowhere", "a"}) {
                auto reading = read_all(connection.client->broadcast(path));
                viewers.push_back(asio::co_spawn(asio::make_strand(pool), std::move(reading), asio::use_future));
            }
            auto fetch = connection.client->broadcast("a").track("video").fetch_group(3).async_wait(asio::use_future);
            for (auto turns = random() % 2000; turns != 0; --turns) {
                std::this_thread::yield();
            }
            switch (random() % 4) {
            case 0: connection.link.cut(); break;
            case 1: connection.server->close(app_error(3)); break;
            case 2: connection.server.reset(); break;
            default: connection.client->close(); break;
            }
            closed.get();
            connection.client.reset();
            connection.server.reset();
            writer.join();
            for (auto &viewer : viewers) {
                // The track does not end, so that each of them ends with an error.
                CHECK_THROWS_AS(viewer.get(), std::system_error);
            }
            try {
                fetch.get();
            } catch (const std::system_error &) {
            }
        }
        pool.join();
        CHECK(track.stats().subscribers == 0);
        CHECK(here.stats().announced == 0);
        CHECK(there.stats().announced == 1);
    }
}

}
