// A long life leaves behind nothing that grows.
#include <comoq/comoq.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/endurance.hpp"
#include "support/media.hpp"

namespace endurance_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

/// The memory that the system has given to this process, in bytes.
std::size_t resident() {
    std::ifstream statm("/proc/self/statm");
    std::size_t total = 0, pages = 0;
    statm >> total >> pages;
    return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

Origin origin_of(std::size_t max_cached_bytes) {
    OriginConfig config;
    config.max_cached_bytes = max_cached_bytes;
    return Origin(std::move(config));
}

}  // namespace

TEST_CASE("section 6 memory: any number of frames through one track and a small pool leave memory flat", "[endurance]") {
    constexpr std::size_t pool = std::size_t{8} << 20;
    const std::size_t frames = 100'000 * times_as_long();
    const auto origin = origin_of(pool);
    auto broadcast = origin.producer().make_broadcast();
    TrackInfo for_ever;
    for_ever.max_latency = std::chrono::milliseconds::max();
    auto track = broadcast.create_track("video", for_ever);
    auto fast = now(track.consume().subscribe());
    // Reads its first group and then nothing more.
    auto stopped = now(track.consume().subscribe());
    std::optional<GroupConsumer> stalled;
    std::size_t read = 0, most_held = 0, warm = 0, warm_resident = 0;
    for (std::size_t i = 0; i < frames;) {
        auto group = track.append_group();
        auto reader = now(fast.next_group()).value();
        if (!stalled) {
            stalled = now(stopped.next_group());
        }
        for (int in_group = 0; in_group < 50; ++in_group, ++i) {
            group.write_frame(payload(1000));
            read += now(reader.read_frame())->payload.size();
        }
        group.finish();
        most_held = std::max(most_held, origin.stats().cached_bytes);
        if (i == frames / 5 / 50 * 50) {
            warm = live_allocations();
            warm_resident = resident();
        }
    }
    CHECK(read == frames * 1000);
    CHECK(most_held <= pool + 50'000);
    CHECK(origin.stats().cached_groups <= pool / 50'000 + 2);
    CHECK(live_allocations() <= warm + 1000);
    // Sanitizers keep freed memory for a while.
    if (times_as_long() > 1) {
        UNSCOPED_INFO("resident at a fifth: " << warm_resident << ", at the end: " << resident());
        CHECK(resident() <= warm_resident + (std::size_t{4} << 20));
        WARN("resident at a fifth: " << warm_resident << " bytes, at the end: " << resident());
    }
    CHECK(code_now(stalled->read_frame()) == Error::Evicted);
    CHECK(now(stopped.next_group()).has_value());
}

TEST_CASE("section 5 rule 7: any number of broadcasts served, read and dropped leave stats and heap as they were",
          "[endurance]") {
    const std::size_t broadcasts = 5'000 * times_as_long();
    const Origin origin;
    const auto consumer = origin.consumer();
    auto handler = origin.producer().dynamic();
    std::size_t warm = 0, read = 0;
    for (std::size_t i = 0; i < broadcasts; ++i) {
        if (i == broadcasts / 5) {
            warm = live_allocations();
        }
        const auto path = "room/" + std::to_string(i) + "/a path that does not fit into a string object";
        auto asked = wait(consumer.request_broadcast(path));
        auto request = now(handler.requested_broadcast()).value();
        auto broadcast = origin.producer().make_broadcast();
        auto tracks = broadcast.dynamic();
        request.accept(broadcast.consume());
        auto subscribing = wait(asked.value().track("video").subscribe());
        auto track = take_track(tracks)->accept();
        track.write_frame(payload("x"));
        read += now(subscribing.value().read_frame())->payload.size();
    }
    CHECK(read == broadcasts);
    CHECK(live_allocations() <= warm + 100);
    const auto stats = origin.stats();
    CHECK(stats.announced + stats.nodes + stats.watchers + stats.pending + stats.served == 0);
    CHECK(stats.cached_bytes + stats.cached_groups == 0);
    CHECK(stats.handlers == 1);
}

TEST_CASE("section 6 memory: a reader that stops costs the writer and the others nothing, and holds no more than one group",
          "[endurance]") {
    const auto origin = origin_of(100'000);
    auto broadcast = origin.producer().make_broadcast();
    auto track = broadcast.create_track("video");
    std::vector<TrackSubscriber> stopped;
    std::vector<GroupConsumer> stalled;
    for (int i = 0; i < 20; ++i) {
        stopped.push_back(now(track.consume().subscribe()));
    }
    track.append_group().finish();
    for (auto &subscriber : stopped) {
        stalled.push_back(now(subscriber.recv_group()).value());
    }
    auto fast = now(track.consume().subscribe());
    std::size_t read = 0;
    for (int i = 0; i < 1000; ++i) {
        track.write_frame(payload(1000));
        auto group = now(fast.next_group());
        read += group->sequence() == 0 ? 0 : now(group->read_frame())->payload.size();
    }
    CHECK(read >= 999'000);
    CHECK(origin.stats().cached_bytes <= 102'000);
    CHECK(origin.stats().cached_groups <= 102);
    // Each goes on at the next group that is left.
    for (auto &subscriber : stopped) {
        CHECK(now(subscriber.recv_group())->sequence() >= 890);
    }
}

}
