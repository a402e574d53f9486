// SPDX-License-Identifier: MIT
#pragma once
#include "aftermath.hpp"
#include "../../bytes.hpp"

#include <cstddef>
#include <deque>
#include <memory>
#include <utility>

namespace comoq::detail {

/// Datagrams that wait at a connection. Datagrams may get lost: when there are too many, the oldest is dropped. Guarded
/// by the transport's lock.
class DatagramBuffer {
public:
    static constexpr std::size_t most = 256;

    bool empty() const noexcept { return queue_ == nullptr || queue_->datagrams.empty(); }
    /// Takes the datagram, and leaves the one dropped for it, if any, in its place: the caller destroys it after the
    /// lock.
    void push(Bytes &datagram) {
        if (queue_ == nullptr) queue_ = std::make_unique<Queue>();
        auto &datagrams = queue_->datagrams;
        datagrams.push_back(std::move(datagram));
        if (datagrams.size() > most) datagram = take();
    }
    const Bytes &front() const noexcept { return queue_->datagrams.front(); }
    /// The oldest. The buffer must not be empty.
    Bytes take() noexcept {
        Bytes oldest(std::move(queue_->datagrams.front()));
        queue_->datagrams.pop_front();
        return oldest;
    }
    void clear(Aftermath &after) noexcept { after.drop(std::move(queue_)); }

private:
    struct Queue final : Aftermath::Item {
        std::deque<Bytes> datagrams;
    };
    std::unique_ptr<Queue> queue_;
};

}  // namespace comoq::detail
