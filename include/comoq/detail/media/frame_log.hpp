// SPDX-License-Identifier: MIT
#pragma once
#include "frame_state.hpp"
#include "../containers/sliding_log.hpp"
#include "../../bytes.hpp"
#include "../../config.hpp"
#include "../../object_extras.hpp"
#include "../../time.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace comoq::detail {

/// The bytes of the properties.
inline std::size_t bytes_of(const ObjectExtras &extras) noexcept { return extras.empty() ? 0 : extras.properties().size(); }
/// The bytes that extras take beside their properties.
inline std::size_t overhead_of(const ObjectExtras &extras) noexcept { return extras.empty() ? 0 : MediaCost::extras; }

/// One frame in a group: its payload in one piece, or the state that it was written through.
struct FrameSlot {
    Timestamp timestamp;
    Bytes payload;
    std::shared_ptr<FrameState> chunked;
    ObjectExtras extras = {};

    std::size_t payload_bytes() const noexcept {
        return chunked != nullptr ? static_cast<std::size_t>(chunked->size()) : payload.size();
    }
    /// Those of its payload and its properties: what a group's bound holds.
    std::size_t bytes() const noexcept { return payload_bytes() + bytes_of(extras); }
    /// The bytes that a complete frame takes beside these.
    std::size_t overhead() const noexcept {
        return MediaCost::frame + (chunked != nullptr ? chunked->overhead() : 0) + overhead_of(extras);
    }
};

/// A frame in one piece that has extras.
struct FrameWithExtras {
    Bytes payload;
    ObjectExtras extras;
};

/// A slot as a group keeps it: without the timescale, which the group has, and with one pointer for each form of the
/// content. Five words, because the frames of a group are many and small.
class StoredFrame {
public:
    /// The extras of a slot are those of its state; a frame in one piece that has any is stored as `FrameWithExtras`.
    explicit StoredFrame(FrameSlot &&slot) noexcept : time_(slot.timestamp.value()), content_(std::move(slot.payload)) {
        if (slot.chunked != nullptr) keep(std::move(slot.chunked), chunked_bit);
    }
    StoredFrame(Timestamp timestamp, Bytes &&payload) noexcept : time_(timestamp.value()), content_(std::move(payload)) {}
    StoredFrame(Timestamp timestamp, std::shared_ptr<FrameWithExtras> &&frame) noexcept : time_(timestamp.value()) {
        keep(std::move(frame), extras_bit);
    }

    /// True for a frame that is neither chunked nor has extras.
    bool is_plain() const noexcept { return (time_ & (chunked_bit | extras_bit)) == 0; }
    bool is_chunked() const noexcept { return (time_ & chunked_bit) != 0; }
    Timestamp timestamp(Timescale scale) const noexcept { return Timestamp(time_ & ~(chunked_bit | extras_bit), scale); }
    /// Of a plain frame.
    const Bytes &payload() const noexcept { return content_; }

    FrameSlot slot(Timescale scale) const & noexcept {
        if (!is_plain()) return other_slot(scale);
        return {Timestamp(time_, scale), content_, nullptr};
    }
    FrameSlot slot(Timescale scale) && noexcept {
        if (!is_plain()) return other_slot(scale);
        return {Timestamp(time_, scale), std::move(content_), nullptr};
    }

private:
    // Timestamps have 62 bits.
    static constexpr std::uint64_t chunked_bit = std::uint64_t{1} << 63, extras_bit = std::uint64_t{1} << 62;

    /// The content is then a view of the object.
    template <class Object> void keep(std::shared_ptr<Object> &&object, std::uint64_t bit) noexcept {
        const std::span view(reinterpret_cast<const std::byte *>(object.get()), sizeof(Object));
        content_ = Bytes(std::move(object), view);
        time_ |= bit;
    }
    COMOQ_APART FrameSlot other_slot(Timescale scale) const noexcept {
        if (is_chunked()) {
            auto *const state = const_cast<FrameState *>(reinterpret_cast<const FrameState *>(content_.data()));
            return {timestamp(scale), Bytes(), state->shared_from_this(), state->extras()};
        }
        const auto &frame = *reinterpret_cast<const FrameWithExtras *>(content_.data());
        return {timestamp(scale), frame.payload, nullptr, frame.extras};
    }

    std::uint64_t time_;
    Bytes content_;
};
static_assert(sizeof(StoredFrame) == 5 * sizeof(void *) || sizeof(void *) != 8);

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
    void push(Timestamp timestamp, std::shared_ptr<FrameWithExtras> &&frame) { stored_.push(timestamp, std::move(frame)); }
    FrameSlot pop_front() noexcept { return stored_.pop_front().slot(scale_); }
    /// Takes all frames out; the indices count on.
    std::vector<StoredFrame> release() noexcept { return stored_.release(); }

private:
    const Timescale scale_;
    SlidingLog<StoredFrame> stored_;
};

}  // namespace comoq::detail
