// SPDX-License-Identifier: MIT
#pragma once
#include "receive_half.hpp"
#include "send_half.hpp"
#include "stream_handles.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

namespace comoq::detail {

/// One direction of a stream, in flight. Guarded by the wire's lock.
class MemoryLane : public SendHalf {
public:
    class Reader : public ReceiveHalf {
    public:
        std::weak_ptr<MemoryLane> lane;
    };

    MemoryLane(std::size_t sender, StreamTransport::Kind what, std::size_t opener)
        : side(sender), kind(what), opened_by(opener) {}

    /// When the next batch arrives; nothing if none is in flight, or none has room.
    std::optional<std::chrono::nanoseconds> next(std::size_t window) const noexcept {
        if (over) return std::nullopt;
        std::optional<std::chrono::nanoseconds> first;
        if (stop_code) first = stop_due;
        if (under_way.empty() || (under_way.front().bytes != 0 && reader->buffered() >= window)) return first;
        return first ? std::min(*first, under_way.front().due) : under_way.front().due;
    }
    /// The data written since the last call, or the end, arrives at `due`, or later with the batch before it.
    void sent(std::chrono::nanoseconds due) {
        const std::size_t bytes = pending() - counted;
        if (bytes != 0 || !finished()) under_way.push_back({due, bytes});
        counted = pending();
        // Before it may come data for whose batch there was no memory.
        if (finished()) under_way.push_back({due, 0});
    }
    std::size_t bytes_due(std::chrono::nanoseconds now) const noexcept {
        std::size_t bytes = 0;
        for (const Batch &each : under_way) {
            if (each.due > now) break;
            bytes += each.bytes;
        }
        return bytes;
    }
    void arrived(std::size_t bytes) noexcept {
        counted -= bytes;
        while (bytes != 0) {
            const std::size_t part = std::min(bytes, under_way.front().bytes);
            under_way.front().bytes -= part;
            bytes -= part;
            if (under_way.front().bytes == 0) under_way.pop_front();
        }
    }
    void drop_under_way() noexcept {
        under_way.clear();
        counted = 0;
    }

    const std::size_t side;  // the writer's
    const StreamTransport::Kind kind;
    const std::size_t opened_by;
    const std::shared_ptr<Reader> reader = std::make_shared<Reader>();
    /// The other direction of a bidirectional stream.
    std::weak_ptr<MemoryLane> back;
    /// The peer knows of it; everything has been delivered.
    bool announced = false, over = false;
    std::optional<std::uint64_t> reset_code, stop_code;
    std::chrono::nanoseconds stop_due{0};
    /// The data of one call; no bytes for the end.
    struct Batch {
        std::chrono::nanoseconds due;
        std::size_t bytes;
    };
    std::deque<Batch> under_way;
    std::size_t counted = 0;  // bytes in it
    /// In the list of lanes that have something to deliver.
    bool active = false;
};

}  // namespace comoq::detail
