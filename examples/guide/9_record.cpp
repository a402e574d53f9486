// A recorder whose disk is slower than the camera, with a short memory and with a long one.
#include <comoq/comoq.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

#include <chrono>
#include <exception>
#include <fmt/core.h>
#include <functional>
#include <string>

using namespace std::chrono_literals;

using WriteToDisk = std::function<asio::awaitable<void>(comoq::Frame)>;

// [record]
asio::awaitable<void> record(comoq::TrackConsumer track, WriteToDisk write) {
    comoq::Subscription wishes;
    wishes.ordered = true;   // groups by number: a file cannot go back
    auto reader = co_await track.subscribe(wishes);
    while (auto group = co_await reader.next_group()) {
        while (auto frame = co_await group->read_frame()) co_await write(*frame);
    }
    const auto stats = reader.stats();
    fmt::print("{} groups recorded, {} missing\n", stats.groups, stats.skipped_groups);
}
// [record]

asio::awaitable<void> record_slowly(std::chrono::milliseconds max_latency) {
    comoq::BroadcastProducer camera;
    // [keep]
    comoq::TrackInfo info;
    info.max_latency = max_latency;   // how long a group is kept for readers that come late
    auto video = camera.create_track("video", info);
    // [keep]
    video.write_frame(comoq::Bytes::copy("picture"));
    int pictures = 1;
    // While the disk writes one picture, the camera makes three.
    const auto write = [&](comoq::Frame) -> asio::awaitable<void> {
        co_await comoq::sleep_for(1ms);
        if (pictures > 9) co_return;
        for (int i = 0; i < 3; ++i, ++pictures) video.write_frame(comoq::Bytes::copy("picture"));
        if (pictures > 9) video.finish();
    };
    co_await record(video.consume(), write);
}

asio::awaitable<void> show() {
    co_await record_slowly(0ms);
    co_await record_slowly(10s);
}

int main() {
    try {
        asio::io_context context;
        auto over = asio::co_spawn(context, show(), asio::use_future);
        context.run();
        over.get();
    } catch (const std::exception &error) {
        fmt::print(stderr, "9_record: {}\n", error.what());
        return 1;
    }
    return 0;
}
