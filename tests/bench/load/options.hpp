// What a run is asked for, and what its parts agree on.
#pragma once

#include <comoq/net/connect.hpp>
#include <comoq/origin.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace relay_load {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct Options {
    std::optional<std::string> publish, subscribe, protocol;
    std::string path = "load";
    std::size_t pid = 0, viewers = 1, rate = 2, frames = 30, size = 5000, seconds = 10, warmup = 2, window = 4, threads = 1;
    std::size_t keep = 10;
    bool json = false;
};

inline constexpr const char *track_name = "video";
inline constexpr auto max_latency = 10s;
// Time limits of the parts that are not measured: until all viewers are there, until a group comes, until the last frames come.
inline constexpr auto longest_start = 30s;
inline constexpr auto longest_stall = 15s;
inline constexpr auto longest_rest = max_latency + 2s;

inline std::int64_t now() { return Clock::now().time_since_epoch().count(); }
inline constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
inline double in_seconds(std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) * 1e-9; }

// A frame begins with these; the rest is the same in all.
struct Header {
    std::uint64_t number;
    std::int64_t sent;
};

// No viewer comes late to this program's own origins: they hold little more than the groups in flight.
inline comoq::OriginConfig origin_config(const Options &options) {
    comoq::OriginConfig config;
    config.max_cached_bytes = std::max(std::size_t{2} << 20, 2 * options.window * options.frames * options.size);
    return config;
}

inline comoq::ConnectConfig connect_config(const Options &options) {
    comoq::ConnectConfig config;
    if (options.protocol) config.protocols = {*options.protocol};
    config.tls.accept_any_certificate = true;
    // Nothing in place of what is measured.
    config.websocket_after = 1h;
    return config;
}

}  // namespace relay_load
