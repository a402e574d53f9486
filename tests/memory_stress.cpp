// Threads that write, fetch, serve, read and end the objects of others, while age and a small pool evict under all of
// them.
#include <comoq/comoq.hpp>
#include <comoq/detail/media/given_group.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_future.hpp>

#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/seed.hpp"

namespace memory_stress_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t track_count = 3;

/// The present tracks, each with a lock of the test's own.
class Tracks {
public:
    explicit Tracks(BroadcastProducer &broadcast) : broadcast_(broadcast) {
        for (std::size_t i = 0; i < track_count; ++i) {
            replace(i, false);
        }
    }

    TrackProducer producer(std::size_t index) {
        std::lock_guard lock(mutex_);
        return *producers_[index];
    }
    void replace(std::size_t index, bool abort) {
        TrackInfo info;
        info.max_latency = 1ms;
        std::lock_guard lock(mutex_);
        if (producers_[index] && abort) {
            producers_[index]->abort(Error::Timeout);
        }
        producers_[index].reset();
        // Other threads may still hold a copy of the previous one.
        producers_[index] = broadcast_.unique_track("", info);
    }

private:
    BroadcastProducer &broadcast_;
    std::mutex mutex_;
    std::optional<TrackProducer> producers_[track_count];
};

/// Makes a call that may be refused, because another thread has just ended its object.
template <class Call> void attempt(Call &&call) {
    try {
        call();
    } catch (const std::system_error &) {
    }
}

}  // namespace

TEST_CASE("section 2 threads: groups are written, fetched, served, read and evicted at the same time", "[stress]") {
    const auto seed = comoq::test::seed("memory_stress");
    OriginConfig config;
    config.max_cached_bytes = 2000;
    const Origin origin(config);
    auto broadcast = std::make_optional(origin.producer().make_broadcast());
    auto tracks = std::make_optional<Tracks>(*broadcast);
    std::vector<std::thread> threads;
    constexpr int steps = 4000;
    for (unsigned number = 0; number < 4; ++number) {
        threads.emplace_back([&, random = std::mt19937_64(seed + number)]() mutable {
            std::optional<GroupProducer> group;
            std::optional<GroupConsumer> reader;
            std::optional<TrackSubscriber> subscriber;
            std::optional<TrackDynamic> handler;
            std::vector<Pending<GroupConsumer>> fetches;
            for (int step = 0; step < steps; ++step) {
                const auto index = random() % track_count;
                auto track = tracks->producer(index);
                switch (random() % 14) {
                case 0:
                    attempt([&] { group = track.append_group(); });
                    break;
                case 1:
                    attempt([&] { group = comoq::detail::given_group(track, random() % 50); });
                    attempt([&] { group = track.create_group(random() % 500); });
                    break;
                case 2:
                case 3:
                    attempt([&] {
                        if (group) {
                            group->write_frame(payload(random() % 200));
                        }
                    });
                    break;
                case 4:
                    attempt([&] {
                        if (group) {
                            auto frame = group->create_frame(100);
                            frame.write(payload(50));
                            frame.write(payload(50));
                            frame.finish();
                        }
                    });
                    break;
                case 5:
                    attempt([&] {
                        if (group && random() % 2 == 0) {
                            group->finish();
                        } else if (group) {
                            group->abort(Error::Timeout);
                        }
                    });
                    break;
                case 6:
                    attempt([&] { track.write_frame(payload(random() % 200)); });
                    attempt([&] { track.append_datagram(payload(10)); });
                    break;
                case 7:
                    reader = track.consume().get_group(random() % 50);
                    break;
                case 8:
                    if (reader) {
                        static_cast<void>(settle(reader->read_frame()));
                    }
                    break;
                case 9:
                    attempt([&] { subscriber = now(track.consume().subscribe()); });
                    break;
                case 10:
                    if (subscriber) {
                        static_cast<void>(settle(subscriber->next_group()));
                        static_cast<void>(settle(subscriber->recv_group()));
                        static_cast<void>(settle(subscriber->recv_datagram()));
                    }
                    break;
                case 11:
                    fetches.push_back(track.consume().fetch_group(random() % 50));
                    if (fetches.size() > 5) {
                        fetches.erase(fetches.begin());
                    }
                    break;
                case 12:
                    if (!handler || random() % 4 == 0) {
                        handler = track.dynamic();
                    } else if (auto request = settle(handler->requested_group()); request && std::get<1>(*request)) {
                        attempt([&] {
                            auto served = std::get<1>(*request)->accept();
                            served.write_frame(payload(random() % 200));
                            served.finish();
                        });
                    }
                    break;
                default:
                    if (random() % 20 == 0) {
                        tracks->replace(index, random() % 2 == 0);
                    }
                }
            }
        });
    }
    for (auto &thread : threads) {
        thread.join();
    }
    tracks.reset();
    CHECK(broadcast->stats().tracks == 0);
    CHECK(origin.stats().evicted_groups > 0);
    broadcast.reset();
    CHECK(origin.stats().cached_bytes == 0);
    CHECK(origin.stats().cached_groups == 0);
}

namespace {

asio::awaitable<std::size_t> read_all(OriginConsumer origin, std::string path, std::string name) {
    Subscription whole;
    whole.start = 0;
    std::size_t bytes = 0;
    auto broadcast = co_await origin.request_broadcast(path);
    auto subscriber = co_await broadcast.track(name).subscribe(whole);
    while (auto group = co_await subscriber.next_group()) {
        while (auto frame = co_await group->read_frame()) {
            bytes += frame->payload.size();
        }
    }
    co_return bytes;
}

asio::awaitable<void> write_all(TrackProducer track, int groups) {
    co_await track.used();
    for (int i = 0; i < groups; ++i) {
        auto group = track.append_group();
        group.write_frame(payload(100));
        auto frame = group.create_frame(200);
        frame.write(payload(150));
        frame.write(payload(50));
        frame.finish();
        group.finish();
    }
    track.finish();
    co_await track.unused();
}

}  // namespace

TEST_CASE("section 2 threads: readers behind a proxy, on a pool of threads, get everything that is written", "[stress][proxy]") {
    constexpr int groups = 200, readers = 12;
    TrackInfo keeps;
    keeps.max_latency = std::chrono::hours(1);
    Origin upstream, edge;
    auto live = std::make_optional(upstream.producer().make_broadcast());
    auto published = upstream.producer().publish_broadcast("room/alice", live->consume());
    // They exist before any request: nobody would make them.
    std::vector<TrackProducer> tracks;
    for (const char *name : {"video", "audio"}) {
        tracks.push_back(live->create_track(name, keeps));
    }
    asio::cancellation_signal stop;
    {
        asio::thread_pool pool(4);
        auto relay = asio::make_strand(pool);
        asio::co_spawn(relay, proxy(upstream.consumer(), edge.producer(), edge.producer().dynamic()),
                       asio::bind_cancellation_slot(stop.slot(), asio::detached));
        std::vector<std::future<std::size_t>> read;
        for (int i = 0; i < readers; ++i) {
            read.push_back(asio::co_spawn(asio::make_strand(pool),
                                          read_all(edge.consumer(), "room/alice", i % 2 == 0 ? "video" : "audio"),
                                          asio::use_future));
        }
        for (auto &track : tracks) {
            asio::co_spawn(asio::make_strand(pool), write_all(std::move(track), groups), asio::detached);
        }
        tracks.clear();
        for (auto &bytes : read) {
            CHECK(bytes.get() == groups * 300);
        }
        live->finish();
        live.reset();
        asio::post(relay, [&stop] { stop.emit(asio::cancellation_type::terminal); });
        pool.join();
    }
    CHECK(edge.stats().handlers == 0);
    CHECK(edge.stats().served == 0);
    CHECK(edge.stats().pending == 0);
    CHECK(edge.stats().cached_groups == 0);
    CHECK(upstream.stats().cached_groups == 0);
}

}
