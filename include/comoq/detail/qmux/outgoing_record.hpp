// SPDX-License-Identifier: MIT
#pragma once
#include "../../bytes.hpp"
#include "codec.hpp"
#include "record.hpp"
#include "../wire/wire_writer.hpp"

#include <asio/buffer.hpp>

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace comoq::qmux {

/// A record on its way to the wire: small parts are copied into it, large parts are shared. A record that is used again
/// allocates nothing.
class OutgoingRecord {
public:
    OutgoingRecord() { copied_.reserve(most); }
    OutgoingRecord(const OutgoingRecord &) = delete;
    OutgoingRecord &operator=(const OutgoingRecord &) = delete;

    /// In bytes of frames. Every peer accepts this size, and urgent data never waits for a larger record.
    static constexpr std::size_t most = default_max_record_size;
    /// A payload of up to this many bytes is copied: sharing it and letting the system gather it costs more.
    static constexpr std::size_t most_copied = 256;

    /// The frames, in order. They stay where they are until the record is cleared, filled again or destroyed.
    std::span<const asio::const_buffer> buffers() const noexcept { return buffers_; }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    /// In bytes.
    std::size_t room() const noexcept { return limit_ > size_ ? limit_ - size_ : 0; }
    /// Until it is cleared, or another limit is set. It may hold more already.
    void set_limit(std::size_t bytes) noexcept { limit_ = std::min(bytes, most); }

    /// Releases payloads. Do not call it under a lock: it may run deleters of the application.
    void clear() noexcept {
        copied_.clear();
        kept_.clear();
        buffers_.clear();
        size_ = 0;
        limit_ = most;
    }

    // For the connection. Additions must fit into the room.

    template <class Part> void add_frame(const Part &part) {
        const std::size_t before = copied_.size();
        encode(part, copied_);
        copied_since(before);
    }
    void add_copy(std::span<const std::byte> bytes) {
        const std::size_t before = copied_.size();
        copied_.insert(copied_.end(), bytes.begin(), bytes.end());
        copied_since(before);
    }
    /// The header of a datagram of `size` bytes.
    void add_datagram_head(std::size_t size) {
        const std::size_t before = copied_.size();
        comoq::detail::WireWriter writer(copied_);
        writer.varint(static_cast<std::uint64_t>(FrameType::DatagramWithLength));
        writer.varint(size);
        copied_since(before);
    }
    /// `part` belongs to `owner`, which is released when the record is cleared. That also holds when `part` is copied,
    /// because its deleter must not run under the connection's lock.
    void add_payload(std::span<const std::byte> part, Bytes &&owner) {
        kept_.push_back(std::move(owner));
        if (part.size() <= most_copied) return add_copy(part);
        buffers_.emplace_back(part.data(), part.size());
        size_ += part.size();
    }

private:
    /// Joins the new bytes to the last buffer if that one ends there.
    void copied_since(std::size_t before) {
        // The buffers point into it, so it must not have moved.
        assert(copied_.size() <= most && copied_.capacity() >= most);
        const std::byte *const begin = copied_.data() + before;
        const std::size_t count = copied_.size() - before;
        size_ += count;
        if (!buffers_.empty()) {
            const auto &last = buffers_.back();
            if (static_cast<const std::byte *>(last.data()) + last.size() == begin) {
                buffers_.back() = asio::const_buffer(last.data(), last.size() + count);
                return;
            }
        }
        buffers_.emplace_back(begin, count);
    }

    std::vector<std::byte> copied_;
    std::vector<Bytes> kept_;
    std::vector<asio::const_buffer> buffers_;
    std::size_t size_ = 0;
    std::size_t limit_ = most;
};

}  // namespace comoq::qmux
