#pragma once
#include "frame_state.hpp"
#include "../bytes.hpp"
#include "../time.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace comoq::detail {

/// One frame in a group: its payload in one piece, or the state that it was written through.
struct FrameSlot {
    Timestamp timestamp;
    Bytes payload;
    std::shared_ptr<FrameState> chunked;

    std::size_t bytes() const noexcept {
        return chunked != nullptr ? static_cast<std::size_t>(chunked->size()) : payload.size();
    }
};

/// A slot as a group keeps it: without the timescale, which is the group's, and with one pointer for either form of the
/// payload. Five words, for the frames of a group are many and small.
class StoredFrame {
public:
    explicit StoredFrame(FrameSlot &&slot) noexcept : time_(slot.timestamp.value()), content_(std::move(slot.payload)) {
        if (slot.chunked == nullptr) return;
        const std::span state(reinterpret_cast<const std::byte *>(slot.chunked.get()), sizeof(FrameState));
        content_ = Bytes(std::move(slot.chunked), state);
        time_ |= is_chunked;
    }

    FrameSlot slot(Timescale scale) const & {
        if (FrameState *state = chunked()) return {Timestamp(time_ & ~is_chunked, scale), Bytes(), state->shared_from_this()};
        return {Timestamp(time_, scale), content_, nullptr};
    }
    FrameSlot slot(Timescale scale) && {
        if (chunked() != nullptr) return std::as_const(*this).slot(scale);
        return {Timestamp(time_, scale), std::move(content_), nullptr};
    }

private:
    // Timestamps have 62 bits.
    static constexpr std::uint64_t is_chunked = std::uint64_t{1} << 63;

    /// The state of a chunked frame, which is then what the content is a view of.
    FrameState *chunked() const noexcept {
        if ((time_ & is_chunked) == 0) return nullptr;
        return const_cast<FrameState *>(reinterpret_cast<const FrameState *>(content_.data()));
    }

    std::uint64_t time_;
    Bytes content_;
};

/// Frames by index, with the oldest dropped from the front. They lie in short segments: a frame that was written never
/// moves, and what a group gives back is what the next one is made of. (One array for all was copied whenever it grew,
/// and came fresh from the system for every group.)
class FrameLog {
public:
    using Segment = std::vector<StoredFrame>;

    explicit FrameLog(Timescale scale = Timescale(1000)) noexcept : scale_(scale) {}

    std::size_t first() const noexcept { return first_; }
    std::size_t end() const noexcept { return end_; }
    FrameSlot operator[](std::size_t index) const {
        const std::size_t place = index - base_;
        return segments_[place / segment_size][place % segment_size].slot(scale_);
    }

    void push(FrameSlot &&slot) {
        if ((end_ - base_) % segment_size == 0) add_segment();
        segments_.back().emplace_back(std::move(slot));
        ++end_;
    }

    FrameSlot pop_front() {
        const std::size_t place = first_ - base_;
        FrameSlot slot = std::move(segments_[place / segment_size][place % segment_size]).slot(scale_);
        ++first_;
        if ((first_ - base_) % segment_size == 0) segments_[place / segment_size] = Segment();
        // Each pointer to a segment is moved at most once for every time that the log has doubled its loss.
        if (const std::size_t gone = (first_ - base_) / segment_size; gone > segments_.size() / 2) {
            segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(gone));
            base_ += gone * segment_size;
        }
        return slot;
    }

    /// Takes all frames out; the indices count on.
    std::vector<Segment> release() noexcept {
        first_ = base_ = end_;
        return std::exchange(segments_, {});
    }

private:
    static constexpr std::size_t segment_size = 32;

    void add_segment() {
        Segment segment;
        // A group of one frame, as datagram-like tracks are made of, has room for one.
        segment.reserve(segments_.empty() ? 1 : segment_size);
        segments_.push_back(std::move(segment));
    }

    const Timescale scale_;
    std::vector<Segment> segments_;
    std::size_t base_ = 0;  // the index of the first segment's first frame
    std::size_t first_ = 0;
    std::size_t end_ = 0;
};

}  // namespace comoq::detail
