// SPDX-License-Identifier: MIT
#pragma once
#include "bytes.hpp"
#include "detail/media/held.hpp"

#include <cstddef>
#include <utility>

namespace comoq {

/// Properties of a track in MoQ Transport, as a block of key-value pairs in the form of draft 18: comoq passes them on and
/// does not look into them. One word; copies share the block. Threads: distinct handles may be used at the same time.
class TrackProperties {
public:
    /// None.
    TrackProperties() noexcept = default;
    /// At most 4,096 bytes: a track with more is refused, because they stay as long as the track. Throws std::bad_alloc.
    TrackProperties(Bytes block) {
        if (!block.empty()) held_ = detail::Held<Bytes>(std::in_place, std::move(block));
    }

    /// True if there are none.
    bool empty() const noexcept { return !held_; }
    /// Of the block.
    std::size_t size() const noexcept { return held_ ? held_->size() : 0; }
    /// The block.
    Bytes bytes() const noexcept { return held_ ? *held_ : Bytes(); }

    /// By content.
    friend bool operator==(const TrackProperties &left, const TrackProperties &right) noexcept {
        return left.held_ == right.held_ || left.bytes() == right.bytes();
    }

private:
    detail::Held<Bytes> held_;
};

}  // namespace comoq
