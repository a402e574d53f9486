#pragma once
#include "bytes.hpp"
#include "detail/frame_state.hpp"
#include "detail/group_state.hpp"
#include "detail/mapped_source.hpp"
#include "operation.hpp"
#include "time.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

namespace comoq {

/// The smallest unit of media: a payload and when it is to be shown.
struct Frame {
    /// In the track's timescale.
    Timestamp timestamp;
    Bytes payload;
};

namespace detail {

/// A frame as a reader gets it, made outside the track's lock.
inline Frame frame_of(FrameSlot &&slot) {
    return Frame{slot.timestamp, slot.chunked != nullptr ? slot.chunked->whole() : std::move(slot.payload)};
}

}  // namespace detail

/// Reads a frame, perhaps while it is still being written. Chunks come as they were written, not copied.
///
/// A frame that is failed fails with its group's code for those who have not read it whole. What was read stays valid.
/// Threads: one handle is for one thread at a time. The handle keeps the frame's memory.
class FrameConsumer {
public:
    /// For the library.
    explicit FrameConsumer(std::shared_ptr<detail::FrameReader> reader) noexcept : reader_(std::move(reader)) {}

    /// In bytes, as declared by the writer.
    std::uint64_t size() const noexcept { return reader_->frame->size(); }
    Timestamp timestamp() const noexcept { return reader_->frame->timestamp(); }

    /// The next chunk, as soon as it is written; empty at the frame's end.
    Operation<std::optional<Bytes>> read_chunk() {
        return Operation<std::optional<Bytes>>(detail::Step(detail::ChunkRule(reader_)));
    }

    /// The whole frame in one piece, from its first byte whatever was read before, once it is complete. A frame that was
    /// written in several chunks is joined once for all who ask.
    Operation<Bytes> read_all() {
        return Operation<Bytes>(detail::mapped<Bytes>(
            detail::Step(detail::WholeFrameRule(reader_)),
            [](std::shared_ptr<detail::FrameState> &&frame) { return frame->whole(); }));
    }

private:
    std::shared_ptr<detail::FrameReader> reader_;
};

/// Writes a frame of a declared size in chunks; its group has no other frame open meanwhile.
///
/// Dropped before `finish()` it fails its group with Dropped. Calls on a group that has ended throw the group's code, or
/// Closed after a clean end. Threads: one handle is for one thread at a time.
class FrameProducer {
public:
    /// For the library.
    FrameProducer(std::shared_ptr<detail::GroupState> group, std::shared_ptr<detail::FrameState> frame) noexcept
        : group_(std::move(group)), frame_(std::move(frame)) {}
    FrameProducer(FrameProducer &&) noexcept = default;
    FrameProducer &operator=(FrameProducer &&other) noexcept {
        FrameProducer previous(std::move(*this));
        group_ = std::move(other.group_);
        frame_ = std::move(other.frame_);
        return *this;
    }
    ~FrameProducer() {
        last_act_.arm();
        if (group_ != nullptr) group_->drop_frame(*frame_);
    }

    /// Appends bytes without copying them. Throws WrongSize, and changes nothing, if they go beyond the declared size.
    void write(Bytes chunk) { group_->write_chunk(*frame_, std::move(chunk)); }
    /// The same with a copy of what `chunk` points to.
    void write(std::span<const std::byte> chunk) { write(Bytes::copy(chunk)); }

    /// Completes the frame. Throws WrongSize if bytes are missing, and fails the group with it.
    void finish() { group_->finish_frame(*frame_); }

    /// Fails the frame and its group with `code` (a false one is Cancelled), and lets go of what the group holds. Nothing if
    /// the frame is finished or failed.
    void abort(std::error_code code) { group_->abort_frame(*frame_, detail::failure(code)); }

private:
    detail::LastAct last_act_;
    std::shared_ptr<detail::GroupState> group_;
    std::shared_ptr<detail::FrameState> frame_;
};

}  // namespace comoq
