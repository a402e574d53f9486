// SPDX-License-Identifier: MIT
#pragma once
#include "aftermath.hpp"
#include "piece_queue.hpp"
#include "../../bytes.hpp"

#include <cstddef>
#include <utility>

namespace comoq::detail {

/// Datagrams that wait at a connection. Datagrams may get lost: when there are too many, the oldest is dropped. Guarded
/// by the transport's lock.
class DatagramBuffer {
public:
    static constexpr std::size_t most = 256;

    bool empty() const noexcept { return queue_.empty(); }
    /// Takes the datagram, and leaves the one dropped for it, if any, in its place: the caller destroys it after the
    /// lock.
    void push(Bytes &datagram) {
        queue_.emplace_back(std::move(datagram));
        if (queue_.size() > most) datagram = take();
    }
    const Bytes &front() const noexcept { return queue_.front(); }
    /// The oldest. The buffer must not be empty.
    Bytes take() noexcept {
        Bytes oldest(std::move(queue_.front()));
        queue_.pop_front();
        return oldest;
    }
    void clear(Aftermath &after) noexcept { queue_.clear(after); }

private:
    PieceQueue<Bytes> queue_;
};

}  // namespace comoq::detail
