// Many threads, one origin: what may be shared, and where a strand is needed.
#include <comoq/comoq.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_future.hpp>

#include <atomic>
#include <cstddef>
#include <exception>
#include <fmt/core.h>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// [count]
asio::awaitable<std::size_t> count(comoq::TrackConsumer track) {
    comoq::Subscription all;
    all.start = 0;
    auto subscriber = co_await track.subscribe(all);
    std::size_t groups = 0;
    while (co_await subscriber.next_group()) ++groups;
    co_return groups;
}
// [count]

static void read_on_a_pool() {
    // [pool]
    comoq::BroadcastProducer broadcast;
    auto track = broadcast.create_track("numbers");
    asio::thread_pool pool(4);
    std::vector<std::future<std::size_t>> counts;
    for (int i = 0; i < 8; ++i) counts.push_back(asio::co_spawn(pool, count(track.consume()), asio::use_future));
    std::thread writer([track]() mutable {
        for (int i = 0; i < 100; ++i) track.write_frame(comoq::Bytes(std::to_string(i)));
        track.finish();
    });
    writer.join();
    for (auto &each : counts) fmt::print("{} ", each.get());
    // [pool]
    fmt::print("groups\n");
}

static void group_on_a_strand() {
    asio::io_context context;
    std::atomic<int> turns = 0;
    // [strand]
    const asio::any_io_executor strand = comoq::FairStrand(context.get_executor());
    const auto body = [&turns](comoq::TaskGroup &tasks) -> asio::awaitable<void> {
        const auto turn = [&turns]() -> asio::awaitable<void> {
            ++turns;
            co_return;
        };
        for (int i = 0; i < 10; ++i) tasks.spawn(turn());
        co_return;
    };
    auto over = asio::co_spawn(strand, comoq::with_task_group(body), asio::use_future);
    std::thread other([&context] { context.run(); });
    context.run();
    other.join();
    // [strand]
    over.get();
    fmt::print("{} turns\n", turns.load());
}

int main() {
    try {
        read_on_a_pool();
        group_on_a_strand();
    } catch (const std::exception &error) {
        fmt::print(stderr, "6_threads: {}\n", error.what());
        return 1;
    }
    return 0;
}
