#pragma once
#include "frame_state.hpp"
#include "sliding_log.hpp"
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

    FrameSlot slot(Timescale scale) const & noexcept {
        if (FrameState *state = chunked()) return {Timestamp(time_ & ~is_chunked, scale), Bytes(), state->shared_from_this()};
        return {Timestamp(time_, scale), content_, nullptr};
    }
    FrameSlot slot(Timescale scale) && noexcept {
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

/// The frames of a group by index, the oldest dropped from the front.
class FrameLog {
public:
    explicit FrameLog(Timescale scale) noexcept : scale_(scale) {}

    std::size_t first() const noexcept { return stored_.first(); }
    std::size_t end() const noexcept { return stored_.end(); }
    FrameSlot operator[](std::size_t index) const noexcept { return stored_[index].slot(scale_); }

    /// Makes sure that the next push finds memory.
    void reserve() { stored_.reserve(); }
    void push(FrameSlot &&slot) { stored_.push(std::move(slot)); }
    FrameSlot pop_front() noexcept { return stored_.pop_front().slot(scale_); }
    /// Takes all frames out; the indices count on.
    std::vector<StoredFrame> release() noexcept { return stored_.release(); }

private:
    const Timescale scale_;
    SlidingLog<StoredFrame> stored_;
};

}  // namespace comoq::detail
