// SPDX-License-Identifier: MIT
#pragma once
#include "aftermath.hpp"
#include "piece_queue.hpp"
#include "../../bytes.hpp"
#include "../../transport.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace comoq::detail {

/// The data of a stream that a transport has taken for sending, until the peer has acknowledged it: for a transport that
/// sends again what was lost. It is a sequence of bytes with a mark; what is before the mark has been sent once. The
/// bytes do not move. Guarded by the transport's lock.
///
/// A part costs 64 bytes beside its payload.
class Retained {
public:
    /// Appends a part. Without an owner its bytes, at most `SendStream::max_head`, are copied.
    void keep(std::span<const std::byte> part, Bytes &&owner) {
        if (part.empty()) return;
        parts_.emplace_back(part, std::move(owner));
        size_ += part.size();
    }
    /// In bytes: everything that is kept, and what of it has not been sent yet.
    std::size_t size() const noexcept { return size_; }
    std::size_t unsent() const noexcept { return size_ - sent_; }

    /// Passes the first parts that have not been sent to `sink(span)`, at most `most` of them.
    template <class Sink> void look(std::size_t most, Sink &&sink) const {
        std::size_t skipped = sent_in_next_;
        auto place = mark_;
        for (Part *part = nullptr; most != 0 && (part = parts_.after(place)) != nullptr; parts_.pass(place), --most) {
            sink(part->bytes().subspan(skipped));
            skipped = 0;
        }
    }
    /// The first `count` bytes that had not been sent have been sent.
    void sent(std::size_t count) noexcept {
        assert(count <= unsent());
        sent_ += count;
        while (count != 0) {
            const std::size_t size = parts_.after(mark_)->size, here = std::min(count, size - sent_in_next_);
            sent_in_next_ += here;
            count -= here;
            if (sent_in_next_ < size) return;
            sent_in_next_ = 0;
            parts_.pass(mark_);
            ++before_mark_;
        }
    }
    /// The oldest `count` bytes, which have been sent, are needed no more.
    void release(std::size_t count, Aftermath &after) {
        assert(count <= sent_);
        size_ -= count;
        sent_ -= count;
        released_ += count;
        while (before_mark_ != 0 && parts_.front().size <= released_) {
            Part &oldest = parts_.front();
            // Before anything changes: this needs memory.
            after.drop(std::move(oldest.owner));
            released_ -= oldest.size;
            parts_.pop_front(&mark_);
            --before_mark_;
        }
    }
    /// None of it is needed any more.
    void clear(Aftermath &after) noexcept {
        parts_.clear(after);
        mark_ = {};
        size_ = sent_ = released_ = before_mark_ = sent_in_next_ = 0;
    }

private:
    struct Part {
        Part(std::span<const std::byte> part, Bytes &&from)
            : owner(std::move(from)), begin(part.data()), size(static_cast<std::uint32_t>(part.size())) {
            if (!owner.empty()) return;
            assert(part.size() <= head.size());
            std::copy(part.begin(), part.end(), head.begin());
            begin = nullptr;
        }
        std::span<const std::byte> bytes() const noexcept { return {begin != nullptr ? begin : head.data(), size}; }

        Bytes owner;
        /// Null for what is copied.
        const std::byte *begin;
        std::uint32_t size;
        std::array<std::byte, SendStream::max_head> head;
    };
    PieceQueue<Part> parts_;
    PieceQueue<Part>::Mark mark_;
    std::size_t size_ = 0;
    std::size_t sent_ = 0;
    std::size_t released_ = 0;      // of the first part
    std::size_t before_mark_ = 0;   // parts
    std::size_t sent_in_next_ = 0;  // bytes of the part after the mark
};

}  // namespace comoq::detail
