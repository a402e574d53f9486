#pragma once
#include "group_state.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::detail {

/// A place in a group. The index is guarded by the track's lock.
struct GroupReader {
    GroupReader(std::shared_ptr<GroupState> state, std::size_t at) noexcept : group(std::move(state)), index(at) {}

    std::shared_ptr<GroupState> group;
    std::size_t index;
    bool lagged = false;  // it was told so, and counted

    /// One that begins where a new reader does. Under the lock.
    static std::shared_ptr<GroupReader> at_first(const std::shared_ptr<GroupState> &group) {
        return std::make_shared<GroupReader>(group, group->first_index());
    }
};

/// What the steps that read a group have in common.
class GroupRule {
public:
    explicit GroupRule(std::shared_ptr<GroupReader> reader) noexcept : reader_(std::move(reader)) {}

    Mutex &mutex() const noexcept { return reader_->group->mutex(); }
    WaitList &waits() const noexcept { return reader_->group->waits(); }
    /// What was taken last is not taken, unless another step has gone on since.
    void undo(WakeList &wake) noexcept {
        if (reader_->index != to_) return;
        reader_->index = from_;
        wake.take(waits());
    }

protected:
    bool has(std::size_t index) const noexcept {
        const FrameLog &frames = reader_->group->frames();
        return index >= frames.first() && index < frames.end();
    }
    bool has_or_ends(std::size_t index) const noexcept { return has(index) || reader_->group->end_at(index); }

    /// Moves the reader's place on by so many frames, which are being taken.
    void advance(std::size_t count) noexcept {
        from_ = reader_->index;
        reader_->index = to_ = from_ + count;
    }

    /// The end of the stream at `index`, as an outcome: empty where it is clean.
    template <class Value> Outcome<std::optional<Value>> end(std::size_t index) const noexcept {
        const std::error_code code = *reader_->group->end_at(index);
        if (code == Error::Lagged && !std::exchange(reader_->lagged, true)) reader_->group->count_lag();
        return code;
    }

    std::shared_ptr<GroupReader> reader_;

private:
    std::size_t from_ = 0, to_ = 0;
};

/// Takes the next frame.
class NextFrameRule : public GroupRule {
public:
    using value_type = std::optional<FrameSlot>;
    using GroupRule::GroupRule;
    bool available() const noexcept { return has_or_ends(reader_->index); }
    Outcome<value_type> take() {
        if (!has(reader_->index)) return end<FrameSlot>(reader_->index);
        Outcome<value_type> taken(std::in_place, reader_->group->frames()[reader_->index]);
        advance(1);
        return taken;
    }
};

/// Frames in the form that their reader gets, but for the payload of those that were written in chunks: that is put
/// together outside of the lock.
template <class Frame> struct TakenFrames {
    std::vector<Frame> frames;
    std::vector<std::pair<std::size_t, std::shared_ptr<FrameState>>> chunked;  // by their place among the frames
};

/// Takes all frames that are there, up to a number.
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
            FrameSlot slot = log[reader_->index + i];
            if (slot.chunked != nullptr) taken.chunked.emplace_back(i, std::move(slot.chunked));
            taken.frames.push_back(Frame{slot.timestamp, std::move(slot.payload)});
        }
        advance(count);
        return Outcome<value_type>(std::in_place, std::move(taken));
    }

private:
    std::size_t most_;
};

/// Takes the frame with a given index, and leaves the reader where it is.
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

/// Takes the next frame as soon as it is begun, to be read while it is written.
class OpenFrameRule : public GroupRule {
public:
    using value_type = std::optional<std::shared_ptr<FrameReader>>;
    using GroupRule::GroupRule;
    bool available() const noexcept {
        return has_or_ends(reader_->index) || (reader_->group->open_frame() != nullptr && at_end());
    }
    Outcome<value_type> take() {
        const GroupState &group = *reader_->group;
        std::shared_ptr<FrameState> frame;
        if (has(reader_->index)) {
            const FrameSlot slot = group.frames()[reader_->index];
            frame = slot.chunked != nullptr ? slot.chunked : std::make_shared<FrameState>(slot.payload, slot.timestamp);
        } else if (group.open_frame() != nullptr && at_end()) {
            frame = group.open_frame();
        } else {
            return end<std::shared_ptr<FrameReader>>(reader_->index);
        }
        auto reading = std::make_shared<FrameReader>(group.shared(), std::move(frame));
        advance(1);
        return Outcome<value_type>(std::in_place, std::move(reading));
    }

private:
    bool at_end() const noexcept { return reader_->index == reader_->group->frames().end(); }
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
