// SPDX-License-Identifier: MIT
#pragma once
#include "../../bytes.hpp"

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace comoq::detail {

/// What has come on a stream and is not parsed yet. Whoever parses takes each item as soon as it is whole, so that what is joined
/// here is a part of one.
class UnreadBytes {
public:
    std::span<const std::byte> span() const noexcept { return chunk_.span().subspan(begin_); }
    std::size_t size() const noexcept { return chunk_.size() - begin_; }
    bool empty() const noexcept { return size() == 0; }

    /// `count` is at most `size()`.
    void consume(std::size_t count) noexcept {
        begin_ += count;
        if (!empty()) return;
        // A stream that waits does not keep a piece of which everything has been read.
        chunk_ = Bytes();
        begin_ = 0;
    }
    /// The same, for bytes that are kept. Nothing is copied.
    Bytes take(std::size_t count) {
        Bytes taken = chunk_.slice(begin_, count);
        consume(count);
        return taken;
    }
    /// The same, for bytes between others that are dropped, and are very many perhaps: what is taken keeps no more alive than twice
    /// its own size. Throws std::bad_alloc.
    Bytes take_compact(std::size_t count) {
        if (2 * count >= chunk_.size()) return take(count);
        Bytes taken = Bytes::copy(span().first(count));
        consume(count);
        return taken;
    }
    /// Adds one more piece at the end.
    void add(Bytes more) {
        if (empty()) {
            chunk_ = std::move(more);
        } else {
            const auto left = span();
            std::vector<std::byte> joined;
            joined.reserve(left.size() + more.size());
            joined.insert(joined.end(), left.begin(), left.end());
            joined.insert(joined.end(), more.span().begin(), more.span().end());
            chunk_ = Bytes(std::move(joined));
        }
        begin_ = 0;
    }

private:
    Bytes chunk_;
    std::size_t begin_ = 0;
};

}  // namespace comoq::detail
