// SPDX-License-Identifier: MIT
#pragma once
#include "config.hpp"
#include "transport.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace comoq {

/// The behaviour of a connection inside one process (`MemoryLink`).
struct MemoryLinkConfig {
    /// The default values: moq-lite-05, no delay, and nothing is lost.
    MemoryLinkConfig() {}

    /// The application protocol that both ends have agreed on.
    std::string protocol = "moq-lite-05";
    /// Decides which stream goes first, how late everything is, and what is lost.
    std::uint64_t seed = 1;
    /// Data takes `delay`, and up to `jitter` more; streams do not wait for one another.
    std::chrono::nanoseconds delay{0};
    /// See `delay`.
    std::chrono::nanoseconds jitter{0};
    /// The streams are sent by their priority, not at random.
    bool by_priority = false;
    /// The most bytes that arrive at once.
    std::size_t largest_piece = 4096;
    /// Bytes of a stream that are delivered and not read, before its writer waits.
    std::size_t window = 64 * 1024;
    /// The most streams of a kind that one side may have open.
    std::size_t max_streams = 1024;
    /// 0 for a connection without datagrams.
    std::size_t max_datagram_size = 1250;
    /// Percentage of lost datagrams.
    unsigned datagram_loss = 0;
    /// What both ends say that they have measured.
    TransportStats stats = {};
};

}  // namespace comoq
