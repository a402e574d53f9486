// SPDX-License-Identifier: MIT
#pragma once
#include "config.hpp"
#include "detail/media/group_reader.hpp"
#include "detail/media/group_state.hpp"
#include "detail/wait/breaker.hpp"
#include "detail/wait/share.hpp"
#include "frame.hpp"
#include "group_info.hpp"
#include "operation.hpp"
#include "try_result.hpp"

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
/// Steps end empty when the group is finished and all frames are read. They fail with Lagged when the group had to drop
/// frames that this reader had not read, with the code of an abort at once, and with Dropped, after the complete
/// frames, when the producers went without finishing. The group's failure does not fail its track.
///
/// A copy starts at the same place and continues independently. Threads: distinct handles may be used at the same time,
/// one handle by one thread at a time; a step belongs to the handle that made it, and outlives it safely. Steps of an
/// empty handle fail with Closed.
class GroupConsumer {
public:
    /// Empty.
    GroupConsumer() noexcept = default;
    GroupConsumer(const GroupConsumer &other) : reader_(copy_of(other.reader_)) {}
    GroupConsumer(GroupConsumer &&) noexcept = default;
    GroupConsumer &operator=(GroupConsumer &&) noexcept = default;
    GroupConsumer &operator=(const GroupConsumer &other);
    ~GroupConsumer() = default;

    /// Reads `group` from the first frame it holds.
    explicit GroupConsumer(detail::Passkey, std::shared_ptr<detail::GroupState> group) : reader_(reader_of(std::move(group))) {}
    explicit GroupConsumer(detail::Passkey, std::shared_ptr<detail::GroupReader> reader) noexcept : reader_(std::move(reader)) {}

    /// The group's number in its track; 0 for an empty handle.
    std::uint64_t sequence() const noexcept { return reader_ != nullptr ? reader_->group->sequence() : 0; }

    /// The publisher's description of the group's track; nothing for an empty handle.
    TrackInfo track_info() const;

    /// What the group has beside its number: its lane, its priority, where it begins. Of a plain group, and of an empty
    /// handle, a `GroupInfo` as it is made.
    GroupInfo info() const noexcept;

    /// The object id of the frame that this reader's steps gave last: its index, in a group without gaps that begins with
    /// object 0. Of several frames at once it is the last one's; those before it follow from `ObjectExtras::skipped`. Nothing
    /// before the first frame.
    std::optional<std::uint64_t> object_id() const noexcept;

    /// The object that ended the group, once it is finished; nothing if it was finished without one.
    std::optional<EndMarker> end_marker() const noexcept;

    /// The next frame; empty at the group's end. Fails with Lagged, Dropped, or the code of an abort.
    Operation<std::optional<Frame>> read_frame();

    /// All available frames, at least one and at most `max`, taken at one moment. `max` of 0 is BoundsExceeded. Ends and
    /// fails as `read_frame` does.
    Operation<std::optional<std::vector<Frame>>> read_frames(std::size_t max);

    // `read_frame`, `read_frames` and `next_frame` without a wait (`TryResult`).
    TryResult<Frame> try_read_frame() noexcept;
    TryResult<std::vector<Frame>> try_read_frames(std::size_t max) noexcept;
    TryResult<FrameConsumer> try_next_frame() noexcept;

    /// A group that a copy of the rest of this one is made in: it begins with the frame that this reader gives next.
    GroupInfo info_of_rest(detail::Passkey) const noexcept;

    /// Goes on with the frame of that index, which may still be to come. False if the group has dropped it: the reader
    /// then stays where it is.
    bool skip_to(detail::Passkey, std::size_t index) noexcept;

    /// The same by an object id: the first frame with that id or a higher one. In a group that has gaps, and no such frame yet,
    /// the next one.
    bool skip_to_object(detail::Passkey, std::uint64_t object) noexcept;

    /// The same as `try_read_frames`, but frames written in chunks keep their chunks. `max` is not 0.
    TryResult<detail::TakenFrames<Frame>> take_frames(detail::Passkey, std::size_t max) noexcept;

    /// The next frame as soon as it is begun, to be read while it is written. Ends and fails as `read_frame` does.
    Operation<std::optional<FrameConsumer>> next_frame();
    /// True if `take_frames` has something to give, be it the end or a failure.
    bool has_next(detail::Passkey) const noexcept;

    /// Completes when `next_frame` has something to give, be it the end. Nothing is taken.
    Operation<void> frame_there(detail::Passkey);
    /// The same, or when `breaker` ends.
    Operation<void> frame_there(detail::Passkey, detail::Breaker &breaker);
    /// The frame that `next_frame` gave last, from that byte on. Empty if the group does not have it any more.
    FrameConsumer frame_again(detail::Passkey, std::uint64_t offset);

    /// The frame with that index (0 is the group's first), once it is there; empty if the group ends before. Fails as
    /// `read_frame` does, with Lagged if the group has dropped that frame. Does not move this reader.
    Operation<std::optional<Frame>> get_frame(std::size_t index);

    /// The number of frames, once the group is finished; fails with the group's code.
    Operation<std::uint64_t> finished();

private:
    template <class T> static Operation<T> inert() { return detail::closed_operation<T>(); }

    template <class Rule> static auto frame_source(Rule rule) {
        using Next = std::optional<Frame>;
        return detail::mapped<Next>(detail::Step(std::move(rule)), [](std::optional<detail::FrameSlot> &&slot) {
            return slot ? Next(detail::frame_of(std::move(*slot))) : Next();
        });
    }
    static auto frames_source(std::shared_ptr<detail::GroupReader> reader, std::size_t max) {
        using Frames = std::optional<std::vector<Frame>>;
        return detail::mapped<Frames>(detail::Step(detail::ManyFramesRule<Frame>(std::move(reader), max)),
                                      [](std::optional<detail::TakenFrames<Frame>> &&taken) {
                                          if (!taken) return Frames();
                                          for (auto &[place, frame] : taken->chunked)
                                              taken->frames[place].payload = frame->whole();
                                          return Frames(std::move(taken->frames));
                                      });
    }
    static auto open_frame_source(std::shared_ptr<detail::GroupReader> reader) {
        using Next = std::optional<FrameConsumer>;
        return detail::mapped<Next>(
            detail::Step(detail::OpenFrameRule(std::move(reader))), [](std::optional<std::shared_ptr<detail::FrameReader>> &&frame) {
                return frame ? Next(std::in_place, detail::Passkey(), std::move(*frame)) : Next();
            });
    }

    static std::shared_ptr<detail::GroupReader> reader_of(std::shared_ptr<detail::GroupState> group);
    static std::shared_ptr<detail::GroupReader> copy_of(const std::shared_ptr<detail::GroupReader> &reader);

    std::shared_ptr<detail::GroupReader> reader_;
};

/// Writes a group. Copies write the same group; when the last one goes before `finish()`, the group fails with Dropped,
/// and its readers still get the complete frames.
///
/// Writing calls throw `std::system_error`: Closed after `finish()`, the code that ended the group otherwise,
/// ProtocolViolation while a frame from `create_frame` is open. Threads: distinct copies may be used at the same time.
class [[nodiscard]] GroupProducer {
public:
    /// Empty: its calls throw Closed.
    GroupProducer() noexcept = default;
    explicit GroupProducer(detail::Passkey, std::shared_ptr<detail::GroupState> group) noexcept : group_(std::move(group)) {}
    GroupProducer(const GroupProducer &) = default;
    GroupProducer(GroupProducer &&) noexcept = default;
    GroupProducer &operator=(const GroupProducer &) noexcept = default;
    GroupProducer &operator=(GroupProducer &&) noexcept = default;
    ~GroupProducer() = default;

    /// The group's number in its track; 0 for an empty handle.
    std::uint64_t sequence() const noexcept { return group_ ? group_->sequence() : 0; }

    /// Appends a frame. The timestamp is converted to the track's timescale, truncating. Throws FrameTooLarge beyond
    /// the origin's `max_frame_size`, TimestampMismatch if the timestamp does not fit.
    void write_frame(Bytes payload, Timestamp timestamp = {});
    /// The same for a frame with extras. Throws BoundsExceeded, too, if its properties are longer than 65,535 bytes or its
    /// object id would be above 2^62-1. Properties count as payload does for the bounds of a group.
    void write_frame(Bytes payload, Timestamp timestamp, ObjectExtras extras);

    /// Begins a frame of `size` bytes that is written in chunks. Throws as `write_frame` does, before it allocates
    /// anything for the frame.
    FrameProducer create_frame(std::uint64_t size, Timestamp timestamp = {});
    /// The same for a frame with extras; see `write_frame`.
    FrameProducer create_frame(std::uint64_t size, Timestamp timestamp, ObjectExtras extras);

    /// No more frames will come: readers end cleanly.
    void finish();
    /// The same, by an object that says so. ProtocolViolation if it says that a frame that was written does not exist.
    void finish(EndMarker marker);

    // The same without exceptions: `ec` gets the code, a false one after success, and `std::errc::not_enough_memory` for want of
    // memory. What a failed call returns is empty, or 0.
    void write_frame(Bytes payload, Timestamp timestamp, std::error_code &ec) noexcept {
        return detail::with_code(ec, [&] { return write_frame(std::move(payload), timestamp); });
    }
    void write_frame(Bytes payload, std::error_code &ec) noexcept { write_frame(std::move(payload), Timestamp(), ec); }
    void write_frame(Bytes payload, Timestamp timestamp, ObjectExtras extras, std::error_code &ec) noexcept {
        return detail::with_code(ec, [&] { return write_frame(std::move(payload), timestamp, std::move(extras)); });
    }
    FrameProducer create_frame(std::uint64_t size, Timestamp timestamp, std::error_code &ec) noexcept {
        return detail::with_code(ec, [&] { return create_frame(size, timestamp); });
    }
    FrameProducer create_frame(std::uint64_t size, std::error_code &ec) noexcept { return create_frame(size, Timestamp(), ec); }
    FrameProducer create_frame(std::uint64_t size, Timestamp timestamp, ObjectExtras extras, std::error_code &ec) noexcept {
        return detail::with_code(ec, [&] { return create_frame(size, timestamp, std::move(extras)); });
    }
    void finish(std::error_code &ec) noexcept {
        return detail::with_code(ec, [&] { return finish(); });
    }
    void finish(EndMarker marker, std::error_code &ec) noexcept {
        return detail::with_code(ec, [&] { return finish(marker); });
    }

    /// Fails the group with `code` (a false one is Cancelled) and releases its frames, also those that a failed group
    /// still keeps. Does nothing if its frames are gone already.
    void abort(std::error_code code) { group_->abort(detail::failure(code)); }

    /// Another lane of the same group: a subgroup of MoQ Transport. A group that was fetched has fetched ones. It is written, and
    /// ends, independently. Throws Duplicate if the group has that lane, LimitReached beyond 1,024 lanes, BoundsExceeded for
    /// lane 0 or an id above 2^62-1, Dropped once the track has ended and let go of its groups.
    GroupProducer create_lane(const GroupInfo &info);
    /// The same without exceptions.
    GroupProducer create_lane(const GroupInfo &info, std::error_code &ec) noexcept {
        return detail::with_code(ec, [&] { return create_lane(info); });
    }

    /// A reader from the first frame still held.
    GroupConsumer consume() const { return GroupConsumer(detail::Passkey(), group_.held()); }

private:
    detail::Share<detail::GroupState, &detail::GroupState::producers, &detail::GroupState::last_producer_gone> group_;
};

COMOQ_DECLARE_OPERATION(std::optional<Frame>);
COMOQ_DECLARE_OPERATION(std::optional<std::vector<Frame>>);
COMOQ_DECLARE_OPERATION(std::optional<FrameConsumer>);

}  // namespace comoq

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "impl/group.ipp"
#endif
