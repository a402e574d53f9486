// The counters of a session, read by other threads while it works.
#include <comoq/session.hpp>
#include <comoq/session_stats.hpp>
#include <comoq/track_subscriber.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_future.hpp>

#include "ietf/scene.hpp"
#include "support/catch.hpp"

namespace session_stats_threads_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

std::array<std::uint64_t, 4> of_all_time(const SessionStats &stats) {
    return {stats.announcements_told, stats.groups_sent, stats.groups_given_up, stats.media_bytes};
}

/// How many groups have come, and the subscriber that they came to.
using Read = std::pair<std::uint64_t, TrackSubscriber>;

}  // namespace

TEST_CASE("session stats: any thread reads them while the session works, and nothing counts backwards", "[session][stats][threads]") {
    constexpr std::uint64_t groups = 60;
    for (const char *protocol : {"moq-lite-06", "moqt-22"}) {
        INFO(protocol);
        const Origin there, here;
        auto published = there.producer().create_broadcast("a");
        TrackInfo info;
        info.max_latency = 1h;
        auto track = published.producer().create_track("video", info);
        asio::thread_pool pool(2);
        {
            MemoryLink link(asio::make_strand(pool), asio::make_strand(pool), link_of(protocol));
            const auto config_of = [](const Origin &origin) {
                SessionConfig config;
                config.publish = origin.consumer();
                config.subscribe = origin.producer();
                return config;
            };
            const Session server(link.server(), config_of(there)), client(link.client(), config_of(here));
            std::atomic<bool> is_over = false, is_steady = true;
            const auto watch = [&] {
                std::array<std::uint64_t, 4> before{};
                while (!is_over) {
                    const auto after = of_all_time(server.stats());
                    for (std::size_t i = 0; i < after.size(); ++i)
                        if (after[i] < before[i]) is_steady = false;
                    before = after;
                    static_cast<void>(client.stats());
                }
            };
            // They end with the test, also if it fails.
            struct Watchers {
                ~Watchers() { end(); }
                void end() {
                    is_over = true;
                    for (auto &thread : threads)
                        if (thread.joinable()) thread.join();
                }
                std::atomic<bool> &is_over;
                std::vector<std::thread> threads;
            };
            Watchers watchers{is_over, {}};
            for (int i = 0; i < 2; ++i) watchers.threads.emplace_back(watch);
            const auto read_all = [](BroadcastConsumer broadcast) -> asio::awaitable<Read> {
                auto subscriber = co_await broadcast.track("video").subscribe(Wish{.start = 0});
                std::uint64_t count = 0;
                while (co_await subscriber.recv_group()) ++count;
                co_return Read(count, std::move(subscriber));
            };
            auto reading = asio::co_spawn(asio::make_strand(pool), read_all(client.broadcast("a")), asio::use_future);
            for (std::uint64_t i = 0; i != groups; ++i) track.write_frame(payload(1000));
            track.finish();
            // What is under way when its subscription ends does not count: it lasts.
            const Read read = reading.get();
            CHECK(read.first == groups);
            watchers.end();
            CHECK(is_steady);
            // The reader may be faster than the one who counts.
            while (server.stats().groups_in_flight != 0) std::this_thread::yield();
            CHECK(server.stats().groups_sent == groups);
            CHECK(server.stats().groups_given_up == 0);
            CHECK(server.stats().media_bytes == groups * 1000);
        }
        pool.join();
    }
}

}  // namespace session_stats_threads_tests
