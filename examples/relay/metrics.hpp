// What the relay says of itself to Prometheus.
#pragma once

#include <comoq/origin.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

struct Metrics {
    std::chrono::system_clock::time_point started;
    std::size_t connections = 0;
    std::uint64_t connections_so_far = 0, connections_refused = 0;
    std::uint64_t received_bytes = 0, sent_bytes = 0;
    std::size_t announcements_left_out = 0, announcements_not_told = 0;
    // Since the beginning.
    std::uint64_t announcements = 0, subscriptions = 0, subscriptions_over = 0, requests_refused = 0;
    comoq::OriginStats origin;
};

// The text format 0.0.4, and its type for HTTP.
std::string metrics_text(const Metrics &metrics);
inline constexpr const char *metrics_type = "text/plain; version=0.0.4; charset=utf-8";
