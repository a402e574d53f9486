// SPDX-License-Identifier: MIT
#pragma once
#include "../stream/aftermath.hpp"
#include "../stream/datagram_buffer.hpp"
#include "../wait/sync.hpp"
#include "../wire/varint.hpp"
#include "outgoing_record.hpp"
#include "../../bytes.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace comoq::qmux::detail {

/// Datagrams waiting to be sent, as large as the peer accepts. Guarded by the connection's lock except for the limit.
class DatagramOutbox {
public:
    /// The peer takes DATAGRAM frames of up to this many bytes, type and length included; 0 for none.
    void learn(std::uint64_t largest_frame) noexcept {
        const std::uint64_t largest = std::min<std::uint64_t>(largest_frame, OutgoingRecord::most);
        const std::uint64_t head = head_size(largest);
        max_size_ = static_cast<std::size_t>(largest > head ? largest - head : 0);
    }
    /// Of a payload, in bytes; 0 until the peer's limit is known. Any thread.
    std::size_t max_size() const noexcept { return max_size_; }

    bool empty() const noexcept { return waiting_.empty(); }
    /// The queue may swap an older datagram into `datagram`: that one is lost.
    void push(Bytes &datagram) { waiting_.push(datagram); }
    /// In bytes, of the first frame; 0 without one.
    std::size_t first_size() const noexcept {
        if (waiting_.empty()) return 0;
        const std::size_t size = waiting_.front().size();
        return static_cast<std::size_t>(head_size(size)) + size;
    }
    /// Writes as many as there is room for.
    void write(OutgoingRecord &record) {
        while (!waiting_.empty()) {
            if (record.room() < first_size()) return;
            const std::size_t size = waiting_.front().size();
            record.add_datagram_head(size);
            Bytes datagram = waiting_.take();
            const auto all = datagram.span();
            record.add_payload(all, std::move(datagram));
        }
    }
    void clear(comoq::detail::Aftermath &after) noexcept { waiting_.clear(after); }

private:
    static std::uint64_t head_size(std::uint64_t size) noexcept { return 1 + comoq::detail::varint_size(size); }

    comoq::detail::Atomic<std::size_t> max_size_ = 0;
    comoq::detail::DatagramBuffer waiting_;
};

}  // namespace comoq::qmux::detail
