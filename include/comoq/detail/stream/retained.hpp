// SPDX-License-Identifier: MIT
#pragma once
#include "aftermath.hpp"
#include "../../bytes.hpp"
#include "../../transport.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
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
        if (parts_ == nullptr) parts_ = std::make_unique<Parts>();
        parts_->all.emplace_back(part, std::move(owner));
        size_ += part.size();
    }
    /// In bytes: everything that is kept, and what of it has not been sent yet.
    std::size_t size() const noexcept { return size_; }
    std::size_t unsent() const noexcept { return size_ - sent_; }

    /// Passes the first parts that have not been sent to `sink(span)`, at most `most` of them.
    template <class Sink> void look(std::size_t most, Sink &&sink) const {
        if (parts_ == nullptr) return;
        std::size_t skipped = sent_in_next_;
        for (std::size_t i = next_; i < parts_->all.size() && most != 0; ++i, --most) {
            sink(parts_->all[i].bytes().subspan(skipped));
            skipped = 0;
        }
    }
    /// The first `count` bytes that had not been sent have been sent.
    void sent(std::size_t count) noexcept {
        assert(count <= unsent());
        sent_ += count;
        while (count != 0) {
            const std::size_t here = std::min(count, parts_->all[next_].bytes().size() - sent_in_next_);
            sent_in_next_ += here;
            count -= here;
            if (sent_in_next_ < parts_->all[next_].bytes().size()) return;
            sent_in_next_ = 0;
            ++next_;
        }
    }
    /// The oldest `count` bytes, which have been sent, are needed no more.
    void release(std::size_t count, Aftermath &after) {
        assert(count <= sent_);
        size_ -= count;
        sent_ -= count;
        released_ += count;
        while (next_ != 0 && parts_->all.front().bytes().size() <= released_) {
            Part &oldest = parts_->all.front();
            // Before anything changes: this needs memory.
            after.drop(std::move(oldest.owner));
            released_ -= oldest.size;
            parts_->all.pop_front();
            --next_;
        }
    }
    /// None of it is needed any more.
    void clear(Aftermath &after) noexcept {
        after.drop(std::move(parts_));
        size_ = sent_ = released_ = next_ = sent_in_next_ = 0;
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
    struct Parts final : Aftermath::Item {
        std::deque<Part> all;
    };

    // Null until there is something: most streams of a session are only read.
    std::unique_ptr<Parts> parts_;
    std::size_t size_ = 0;
    std::size_t sent_ = 0;
    std::size_t released_ = 0;      // of the first part
    std::size_t next_ = 0;          // the part that holds the mark
    std::size_t sent_in_next_ = 0;  // bytes of that part before the mark
};

}  // namespace comoq::detail
