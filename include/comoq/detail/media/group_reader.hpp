// SPDX-License-Identifier: MIT
#pragma once
#include "group_state.hpp"
#include "../../config.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::detail {

/// A reader's place in a group. The index is guarded by the track's lock.
struct GroupReader {
    GroupReader(std::shared_ptr<GroupState> state, std::size_t at) noexcept : GroupReader(std::move(state), at, at) {}
    GroupReader(std::shared_ptr<GroupState> state, std::size_t at, std::size_t began_at) noexcept
        : group(std::move(state)), index(at), first(began_at) {}

    std::shared_ptr<GroupState> group;
    std::size_t index;
    std::size_t first;  // where it began: it was given nothing there
    // Of the last frame that it was given: the group forgets the ids of frames that it drops.
    std::uint64_t object = 0;
    bool lagged = false;  // the reader was told that it fell behind, and counted

    /// A reader that begins where new readers do. Under the lock.
    static std::shared_ptr<GroupReader> at_first(const std::shared_ptr<GroupState> &group) {
        return std::make_shared<GroupReader>(group, group->first_index());
    }
};

/// Under the lock: true if the group has the frame with that index, or ends there.
COMOQ_INLINED inline bool has_or_ends(const GroupState &group, std::size_t index) noexcept {
    const FrameLog &frames = group.frames();
    return (index >= frames.first() && index < frames.end()) || group.end_at(index);
}

/// Common parts of the steps that read a group.
class GroupRule {
public:
    explicit GroupRule(std::shared_ptr<GroupReader> reader) noexcept : reader_(std::move(reader)) {}

    Mutex &mutex() const noexcept { return reader_->group->mutex(); }
    WaitList &waits() const noexcept { return reader_->group->waits(); }
    /// Puts back the last item, unless another step has gone on since.
    void undo(WakeList &wake) noexcept {
        if (reader_->index != to_) return;
        reader_->index = from_;
        reader_->object = object_before_;
        wake.take(waits());
    }

protected:
    bool has(std::size_t index) const noexcept {
        const FrameLog &frames = reader_->group->frames();
        return index >= frames.first() && index < frames.end();
    }
    COMOQ_INLINED bool has_or_ends(std::size_t index) const noexcept { return detail::has_or_ends(*reader_->group, index); }

    /// Moves the reader's place on by this many frames, which are being taken.
    void advance(std::size_t count) noexcept {
        from_ = reader_->index;
        object_before_ = reader_->object;
        reader_->index = to_ = from_ + count;
        reader_->object = reader_->group->object_at(to_ - 1);
    }

    /// The end of the stream at `index`, as an outcome: empty if it is clean.
    template <class Value> Outcome<std::optional<Value>> end(std::size_t index) const noexcept {
        const std::error_code code = *reader_->group->end_at(index);
        if (code == Error::Lagged && !std::exchange(reader_->lagged, true)) reader_->group->count_lag();
        return code;
    }

    std::shared_ptr<GroupReader> reader_;

private:
    std::size_t from_ = 0, to_ = 0;
    std::uint64_t object_before_ = 0;
};

/// Takes the next frame.
class NextFrameRule : public GroupRule {
public:
    using value_type = std::optional<FrameSlot>;
    using GroupRule::GroupRule;
    bool available() const noexcept { return has_or_ends(reader_->index); }
    Outcome<value_type> take() {
        if (!has(reader_->index)) return end<FrameSlot>(reader_->index);
        Outcome<value_type> taken(std::in_place, reader_->group->frames().made(reader_->index));
        advance(1);
        return taken;
    }
};

/// Frames in the form that their reader gets, except for the payload of frames that were written in chunks: that is
/// joined without the lock.
template <class Frame> struct TakenFrames {
    std::vector<Frame> frames;
    std::vector<std::pair<std::size_t, std::shared_ptr<FrameState>>> chunked;  // by their place among the frames
};

/// Takes all available frames, up to a number.
template <class Frame> class ManyFramesRule : public GroupRule {
public:
    using value_type = std::optional<TakenFrames<Frame>>;
    ManyFramesRule(std::shared_ptr<GroupReader> reader, std::size_t most) noexcept
        : GroupRule(std::move(reader)), most_(most) {}
    bool available() const noexcept { return has_or_ends(reader_->index); }
    Outcome<value_type> take() {
        if (!has(reader_->index)) return end<TakenFrames<Frame>>(reader_->index);
        const FrameLog &log = reader_->group->frames();
        const std::size_t count = std::min(most_, log.end() - reader_->index);
        TakenFrames<Frame> taken;
        taken.frames.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            const StoredFrame &stored = log.stored(reader_->index + i);
            if (stored.is_plain()) {
                taken.frames.emplace_back(stored.timestamp(log.scale()), stored.payload());
                continue;
            }
            FrameSlot slot = stored.slot(log.scale());
            if (slot.chunked != nullptr) taken.chunked.emplace_back(i, std::move(slot.chunked));
            taken.frames.emplace_back(slot.timestamp, std::move(slot.payload), std::move(slot.extras));
        }
        advance(count);
        return Outcome<value_type>(std::in_place, std::move(taken));
    }

private:
    std::size_t most_;
};

/// Takes the frame with a given index, and does not move the reader.
class FrameAtRule : public GroupRule {
public:
    using value_type = std::optional<FrameSlot>;
    FrameAtRule(std::shared_ptr<GroupReader> reader, std::size_t index) noexcept
        : GroupRule(std::move(reader)), index_(index) {}
    bool available() const noexcept { return has_or_ends(index_); }
    Outcome<value_type> take() {
        if (!has(index_)) return end<FrameSlot>(index_);
        return Outcome<value_type>(std::in_place, reader_->group->frames()[index_]);
    }

private:
    std::size_t index_;
};

/// Reads the frame with that index, which may be under way; null if the group does not have it. Under the lock.
inline std::shared_ptr<FrameReader> frame_reader_at(const GroupState &group, std::size_t index) {
    const FrameLog &frames = group.frames();
    if (index >= frames.first() && index < frames.end()) {
        FrameSlot slot = frames[index];
        if (slot.chunked != nullptr) return std::make_shared<FrameReader>(std::move(slot.chunked));
        return std::make_shared<FrameReader>(group.shared(), std::move(slot.payload), slot.timestamp, std::move(slot.extras));
    }
    if (group.open_frame() != nullptr && index == frames.end()) return std::make_shared<FrameReader>(group.open_frame());
    return nullptr;
}

/// Takes the next frame as soon as it has begun, to be read while it is written.
class OpenFrameRule : public GroupRule {
public:
    using value_type = std::optional<std::shared_ptr<FrameReader>>;
    using GroupRule::GroupRule;
    bool available() const noexcept {
        return has_or_ends(reader_->index) || (reader_->group->open_frame() != nullptr && at_end());
    }
    Outcome<value_type> take() {
        auto reading = frame_reader_at(*reader_->group, reader_->index);
        if (reading == nullptr) return end<std::shared_ptr<FrameReader>>(reader_->index);
        advance(1);
        return Outcome<value_type>(std::in_place, std::move(reading));
    }

private:
    bool at_end() const noexcept { return reader_->index == reader_->group->frames().end(); }
};

/// Completes when there is a frame, whole or begun, or the end, and takes nothing.
class FrameThereRule : public OpenFrameRule {
public:
    using value_type = void;
    using OpenFrameRule::OpenFrameRule;
    Outcome<void> take() { return {}; }
};

/// The number of frames, once the group is finished.
class GroupFinishedRule : public GroupRule {
public:
    using value_type = std::uint64_t;
    using GroupRule::GroupRule;
    bool available() const noexcept { return reader_->group->over(); }
    Outcome<value_type> take() {
        if (!reader_->group->finished()) return reader_->group->failure();
        return Outcome<value_type>(std::in_place, reader_->group->frames().end());
    }
};

}  // namespace comoq::detail
