// SPDX-License-Identifier: MIT
#pragma once
#include "../../quic/packet.hpp"

#include <asio/ip/udp.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

namespace comoq::quic::detail {

/// Packets of one size, except for the last one, which may be smaller, to one address: what the system takes as one large
/// datagram and cuts itself.
struct PacketTrain {
    asio::ip::udp::endpoint to;
    unsigned ecn = 0;
    /// Where it begins in the buffer, its bytes, and the bytes of each packet.
    std::size_t begin = 0, size = 0, each = 0;

    std::size_t packets() const noexcept { return (size + each - 1) / each; }
};

/// Packets that wait for the socket, in the order in which they were made. It allocates when it is made, and never again. Pages
/// of the buffer that no packet has reached cost no memory.
class PacketTrains {
public:
    /// As Linux has it: packets in a train, and what remains of the largest datagram.
    static constexpr std::size_t most_packets = 64, most_bytes = 65'000;
    static constexpr std::size_t most_trains = 128;

    explicit PacketTrains(std::size_t bytes)
        : capacity_(std::max(bytes, Packet::most)), buffer_(std::make_unique_for_overwrite<std::byte[]>(capacity_)) {
        trains_.reserve(most_trains);
    }

    bool empty() const noexcept { return first_ == trains_.size(); }
    /// For one more packet of any size.
    bool has_room() const noexcept { return capacity_ - used_ >= Packet::most && trains_.size() < most_trains; }
    /// There must be room.
    void add(const Packet &packet) noexcept {
        if (packet.size == 0) return;
        std::memcpy(buffer_.get() + used_, packet.buffer.data(), packet.size);
        if (continues(packet))
            trains_.back().size += packet.size;
        else
            trains_.push_back({packet.path.remote, packet.ecn, used_, packet.size, packet.size});
        used_ += packet.size;
    }

    /// Those that have not gone yet.
    std::span<const PacketTrain> waiting() const noexcept { return std::span(trains_).subspan(first_); }
    std::span<const std::byte> bytes(const PacketTrain &train) const noexcept { return {buffer_.get() + train.begin, train.size}; }
    /// The first trains have gone.
    void went(std::size_t count) noexcept {
        first_ += count;
        start_again();
    }
    /// The first packet of the first train has gone.
    void first_packet_went() noexcept {
        PacketTrain &train = trains_[first_];
        const std::size_t size = std::min(train.size, train.each);
        train.begin += size;
        train.size -= size;
        if (train.size == 0) went(1);
    }
    void clear() noexcept { went(trains_.size() - first_); }

private:
    bool continues(const Packet &packet) const noexcept {
        if (empty()) return false;
        const PacketTrain &last = trains_.back();
        return last.size % last.each == 0 && packet.size <= last.each && last.size / last.each < most_packets &&
               last.size + packet.size <= most_bytes && last.ecn == packet.ecn && last.to == packet.path.remote;
    }
    void start_again() noexcept {
        if (!empty()) return;
        trains_.clear();
        first_ = used_ = 0;
    }

    const std::size_t capacity_;
    std::unique_ptr<std::byte[]> buffer_;
    std::size_t used_ = 0;
    std::vector<PacketTrain> trains_;
    std::size_t first_ = 0;  // those before have gone
};

/// Calls `take` with each datagram of what the system has joined: all of `size` bytes, except for the last one, which may have
/// fewer. 0 if nothing was joined.
template <class Take> void each_datagram(std::span<const std::byte> bytes, std::size_t size, Take &&take) {
    while (size != 0 && bytes.size() > size) {
        take(bytes.first(size));
        bytes = bytes.subspan(size);
    }
    take(bytes);
}

}  // namespace comoq::quic::detail
