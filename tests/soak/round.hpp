// SPDX-License-Identifier: MIT
/// \file One round of the soak: its origins, their limits, and what it counts.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include <comoq/comoq.hpp>

namespace soak_tests {

using namespace comoq;

using Random = std::mt19937_64;
using Steady = std::chrono::steady_clock;

inline constexpr std::size_t threads = 4;
inline constexpr auto round_time = std::chrono::milliseconds(1500);
inline constexpr std::size_t most_rounds_for_all = 40;
// So little that the pool evicts groups all the time.
inline constexpr std::size_t pool_size = 64 * 1024;

inline std::string path_of(std::uint64_t number) { return "live/" + std::to_string(number % 6); }
inline std::string made_path_of(std::uint64_t number) { return "made/" + std::to_string(number % 8) + "/deeper"; }

inline OriginConfig config() {
    OriginConfig config;
    config.max_cached_bytes = pool_size;
    config.max_pending_requests = 64;
    return config;
}

struct Counts {
    std::atomic<std::uint64_t> published{0}, requests{0}, broadcasts{0}, refusals{0}, groups{0}, frames{0}, fetched{0},
        changes{0}, wrong{0};

    bool has_all() const {
        for (const auto *count : {&published, &requests, &broadcasts, &refusals, &groups, &frames, &fetched, &changes})
            if (*count == 0) return false;
        return true;
    }
};

/// One round: an origin upstream, an edge that asks it for missing broadcasts, and the users of both.
struct Round {
    explicit Round(Counts &counted) : counts(counted) {}

    Counts &counts;
    std::atomic<bool> over{false};
    std::optional<Origin> upstream{config()};
    std::optional<Origin> edge{config()};
    std::optional<OriginProducer> publishing = upstream->producer();
    OriginConsumer from_upstream = upstream->consumer();
    OriginConsumer from_edge = edge->consumer();

    const OriginConsumer &some_origin(Random &random) const { return random() % 4 == 0 ? from_upstream : from_edge; }
};

}  // namespace soak_tests
