#pragma once
#include "detail/group_reader.hpp"
#include "detail/group_state.hpp"
#include "detail/share.hpp"
#include "frame.hpp"
#include "operation.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq {

/// Reads a group, frame by frame, from the first one still held.
///
/// Steps end empty when the group was finished and all was read. They fail with Lagged when the group had to drop frames
/// that this reader had not read, with the code of an abort at once, and with Dropped, after the complete frames, when
/// the producers went without finishing. The group's failure is not its track's.
///
/// A copy starts at the same place and goes on by itself. Threads: distinct handles may be used at the same time, one
/// handle by one thread at a time; a step belongs to the handle it was made from, and outlives it safely. Steps of an
/// empty handle fail with Cancelled.
class GroupConsumer {
public:
    /// Empty.
    GroupConsumer() noexcept = default;
    GroupConsumer(const GroupConsumer &other) : reader_(copy_of(other.reader_)) {}
    GroupConsumer(GroupConsumer &&) noexcept = default;
    GroupConsumer &operator=(GroupConsumer &&) noexcept = default;
    GroupConsumer &operator=(const GroupConsumer &other) {
        reader_ = copy_of(other.reader_);
        return *this;
    }
    ~GroupConsumer() = default;

    /// For the library: reads `group` from the first frame it holds.
    explicit GroupConsumer(std::shared_ptr<detail::GroupState> group) : reader_(reader_of(std::move(group))) {}
    explicit GroupConsumer(std::shared_ptr<detail::GroupReader> reader) noexcept : reader_(std::move(reader)) {}

    std::uint64_t sequence() const noexcept { return reader_ != nullptr ? reader_->group->sequence() : 0; }

    /// What the publisher says of the group's track. Of an empty handle, nothing.
    TrackInfo track_info() const { return reader_ != nullptr ? reader_->group->shared()->info : TrackInfo(); }

    /// The next frame.
    Operation<std::optional<Frame>> read_frame() {
        if (reader_ == nullptr) return inert<std::optional<Frame>>();
        return frame_operation(detail::NextFrameRule(reader_));
    }

    /// All frames that are there, at least one and at most `max`, taken at one moment. `max` of 0 is BoundsExceeded.
    Operation<std::optional<std::vector<Frame>>> read_frames(std::size_t max) {
        using Frames = std::optional<std::vector<Frame>>;
        if (reader_ == nullptr) return inert<Frames>();
        if (max == 0)
            return Operation<Frames>(
                detail::ReadySource<Frames>(detail::Outcome<Frames>(make_error_code(Error::BoundsExceeded))));
        return Operation<Frames>(detail::mapped<Frames>(
            detail::Step(detail::ManyFramesRule<Frame>(reader_, max)),
            [](std::optional<detail::TakenFrames<Frame>> &&taken) {
                if (!taken) return Frames();
                for (auto &[place, frame] : taken->chunked) taken->frames[place].payload = frame->whole();
                return Frames(std::move(taken->frames));
            }));
    }

    /// For the library: the same, with what was written in chunks left in them. `max` is not 0.
    Operation<std::optional<detail::TakenFrames<Frame>>> take_frames(std::size_t max) {
        using Taken = std::optional<detail::TakenFrames<Frame>>;
        if (reader_ == nullptr) return inert<Taken>();
        return Operation<Taken>(detail::Step(detail::ManyFramesRule<Frame>(reader_, max)));
    }

    /// The next frame as soon as it is begun, to be read while it is written.
    Operation<std::optional<FrameConsumer>> next_frame() {
        using Next = std::optional<FrameConsumer>;
        if (reader_ == nullptr) return inert<Next>();
        return Operation<Next>(detail::mapped<Next>(
            detail::Step(detail::OpenFrameRule(reader_)), [](std::optional<std::shared_ptr<detail::FrameReader>> &&frame) {
                return frame ? Next(std::in_place, std::move(*frame)) : Next();
            }));
    }

    /// The frame with that index (0 is the group's first), once it is there; empty if the group ends before. Does not
    /// move this reader.
    Operation<std::optional<Frame>> get_frame(std::size_t index) {
        if (reader_ == nullptr) return inert<std::optional<Frame>>();
        return frame_operation(detail::FrameAtRule(reader_, index));
    }

    /// The number of frames, once the group is finished; fails with the group's code.
    Operation<std::uint64_t> finished() {
        if (reader_ == nullptr) return inert<std::uint64_t>();
        return Operation<std::uint64_t>(detail::Step(detail::GroupFinishedRule(reader_)));
    }

private:
    template <class T> static Operation<T> inert() { return Operation<T>(detail::AnySource<T>()); }

    template <class Rule> static Operation<std::optional<Frame>> frame_operation(Rule rule) {
        return Operation<std::optional<Frame>>(detail::mapped<std::optional<Frame>>(
            detail::Step(std::move(rule)), [](std::optional<detail::FrameSlot> &&slot) {
                return slot ? std::optional<Frame>(detail::frame_of(std::move(*slot))) : std::nullopt;
            }));
    }

    static std::shared_ptr<detail::GroupReader> reader_of(std::shared_ptr<detail::GroupState> group) {
        detail::Lock lock(group->mutex());
        return detail::GroupReader::at_first(group);
    }
    static std::shared_ptr<detail::GroupReader> copy_of(const std::shared_ptr<detail::GroupReader> &reader) {
        if (reader == nullptr) return nullptr;
        detail::Lock lock(reader->group->mutex());
        const std::size_t index = reader->index;
        lock.unlock();
        return std::make_shared<detail::GroupReader>(reader->group, index);
    }

    std::shared_ptr<detail::GroupReader> reader_;
};

/// Writes a group. Copies write the same group; when the last one goes before `finish()`, the group fails with Dropped,
/// and its readers still get what is complete.
///
/// Writing calls throw `std::system_error`: Closed after `finish()`, the code that ended the group otherwise,
/// ProtocolViolation while a frame from `create_frame` is open. Threads: distinct copies may be used at the same time.
class GroupProducer {
public:
    /// For the library.
    explicit GroupProducer(std::shared_ptr<detail::GroupState> group) noexcept : group_(std::move(group)) {}
    GroupProducer(const GroupProducer &) = default;
    GroupProducer(GroupProducer &&) noexcept = default;
    GroupProducer &operator=(const GroupProducer &) noexcept = default;
    GroupProducer &operator=(GroupProducer &&) noexcept = default;
    ~GroupProducer() = default;

    std::uint64_t sequence() const noexcept { return group_->sequence(); }

    /// Appends a frame. The timestamp is converted to the track's timescale, truncating. Throws FrameTooLarge beyond the
    /// origin's `max_frame_size`, TimestampMismatch if the timestamp does not fit.
    void write_frame(Bytes payload, Timestamp timestamp = {}) {
        group_->write(
            detail::make_slot(*group_->shared()->bounds, group_->timescale(), std::move(payload), timestamp));
    }

    /// Begins a frame of `size` bytes that is written in chunks. Throws as `write_frame` does, before anything is
    /// allocated for it.
    FrameProducer create_frame(std::uint64_t size, Timestamp timestamp = {}) {
        if (size > group_->shared()->bounds->max_frame_size) detail::throw_error(make_error_code(Error::FrameTooLarge));
        detail::ResumeScope scope;
        return FrameProducer(group_.state(), group_->open(size, timestamp.convert(group_->timescale())));
    }

    /// No frame will come any more: readers end cleanly.
    void finish() { group_->finish(); }

    /// Fails the group with `code` (a false one is Cancelled) and lets go of its frames, also of one that has failed and keeps
    /// what was complete. Nothing if its frames are gone already.
    void abort(std::error_code code) { group_->abort(detail::failure(code)); }

    /// A reader from the first frame still held.
    GroupConsumer consume() const { return GroupConsumer(group_.state()); }

private:
    detail::Share<detail::GroupState, &detail::GroupState::producers, &detail::GroupState::last_producer_gone> group_;
};

}  // namespace comoq
