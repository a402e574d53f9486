// SPDX-License-Identifier: MIT
#pragma once
#include "frame_state.hpp"
#include "../containers/sliding_log.hpp"
#include "../../bytes.hpp"
#include "../../time.hpp"

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
    /// The bytes that a complete frame takes beside its payload.
    std::size_t overhead() const noexcept {
        return MediaCost::frame + (chunked != nullptr ? chunked->overhead() : 0);
    }
};

/// A slot as a group keeps it: without the timescale, which the group has, and with one pointer for either form of the
/// payload. Five words, because the frames of a group are many and small.
class StoredFrame {
public:
    explicit StoredFrame(FrameSlot &&slot) noexcept : time_(slot.timestamp.value()), content_(std::move(slot.payload)) {
        if (slot.chunked == nullptr) return;
        const std::span state(reinterpret_cast<const std::byte *>(slot.chunked.get()), sizeof(FrameState));
        content_ = Bytes(std::move(slot.chunked), state);
        time_ |= chunked_bit;
    }

    StoredFrame(Timestamp timestamp, Bytes &&payload) noexcept : time_(timestamp.value()), content_(std::move(payload)) {}

    bool is_chunked() const noexcept { return (time_ & chunked_bit) != 0; }
    Timestamp timestamp(Timescale scale) const noexcept { return Timestamp(time_ & ~chunked_bit, scale); }
    /// Of a frame that is not chunked.
    const Bytes &payload() const noexcept { return content_; }

    FrameSlot slot(Timescale scale) const & noexcept {
        if (FrameState *state = chunked()) return {timestamp(scale), Bytes(), state->shared_from_this()};
        return {Timestamp(time_, scale), content_, nullptr};
    }
    FrameSlot slot(Timescale scale) && noexcept {
        if (chunked() != nullptr) return std::as_const(*this).slot(scale);
        return {Timestamp(time_, scale), std::move(content_), nullptr};
    }

private:
    // Timestamps have 62 bits.
    static constexpr std::uint64_t chunked_bit = std::uint64_t{1} << 63;

    /// The state of a chunked frame; the content is then a view of it.
    FrameState *chunked() const noexcept {
        if (!is_chunked()) return nullptr;
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
    /// The same, made where it is put: moving a slot takes as long as making one.
    class Made {
    public:
        Made(const StoredFrame &stored, Timescale scale) noexcept : stored_(stored), scale_(scale) {}
        operator FrameSlot() const noexcept { return stored_.slot(scale_); }

    private:
        const StoredFrame &stored_;
        const Timescale scale_;
    };
    Made made(std::size_t index) const noexcept { return Made(stored_[index], scale_); }

    const StoredFrame &stored(std::size_t index) const noexcept { return stored_[index]; }
    Timescale scale() const noexcept { return scale_; }

    /// Makes sure that the next push finds memory.
    void reserve() { stored_.reserve(); }
    void push(FrameSlot &&slot) { stored_.push(std::move(slot)); }
    void push(Timestamp timestamp, Bytes &&payload) { stored_.push(timestamp, std::move(payload)); }
    FrameSlot pop_front() noexcept { return stored_.pop_front().slot(scale_); }
    /// Takes all frames out; the indices count on.
    std::vector<StoredFrame> release() noexcept { return stored_.release(); }

private:
    const Timescale scale_;
    SlidingLog<StoredFrame> stored_;
};

}  // namespace comoq::detail
