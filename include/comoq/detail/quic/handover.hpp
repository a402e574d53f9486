// SPDX-License-Identifier: MIT
#pragma once
#include <asio/ip/udp.hpp>

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace comoq::quic::detail {

/// Datagrams that wait for the thread to which they belong. Bounded, because one thread may be slower than the others are in
/// passing on: at most 512 of them and 1 MiB, which with their records is 1.1 MiB, and, as vectors grow, 2.2 MiB for a moment.
/// It holds no memory while nothing waits. No lock: its user has one.
class Handover {
public:
    static constexpr std::size_t most_datagrams = 512, most_bytes = 1024 * 1024;

    struct Datagram {
        std::size_t begin, size;
        asio::ip::udp::endpoint from;
        unsigned ecn;
    };
    /// What has waited, in the order in which it came.
    struct Batch {
        std::vector<Datagram> datagrams;
        std::vector<std::byte> bytes;

        std::span<const std::byte> bytes_of(const Datagram &datagram) const noexcept {
            return std::span(bytes).subspan(datagram.begin, datagram.size);
        }
    };

    bool empty() const noexcept { return waiting_.datagrams.empty(); }
    bool has_room_for(std::size_t bytes) const noexcept {
        return waiting_.datagrams.size() < most_datagrams && bytes <= most_bytes - waiting_.bytes.size();
    }
    /// There must be room. Copies the bytes. If it throws, nothing has changed.
    void put(std::span<const std::byte> datagram, const asio::ip::udp::endpoint &from, unsigned ecn) {
        const std::size_t begin = waiting_.bytes.size();
        waiting_.bytes.insert(waiting_.bytes.end(), datagram.begin(), datagram.end());
        try {
            waiting_.datagrams.push_back({begin, datagram.size(), from, ecn});
        } catch (...) {
            waiting_.bytes.resize(begin);
            throw;
        }
    }
    /// All that waits.
    Batch take() noexcept { return std::exchange(waiting_, {}); }

private:
    Batch waiting_;
};

}  // namespace comoq::quic::detail
