// SPDX-License-Identifier: MIT
#pragma once
#include "../../../detail/media/group_state.hpp"

namespace comoq::detail {

COMOQ_DECL void GroupState::write(Bytes &&payload, Timestamp timestamp, ObjectExtras &&extras) {
    if (extras.empty()) return write(std::move(payload), timestamp);
    throw_if_too_large(*shared_->bounds, payload);
    const Timestamp at = timestamp.convert(timescale_);
    auto frame = std::make_shared<FrameWithExtras>(FrameWithExtras{std::move(payload), std::move(extras)});
    MediaChange change(*shared_->bounds);
    std::vector<FrameSlot> dropped;
    Lock lock(mutex());
    throw_unless_writable(change);
    if (open_ != nullptr) throw_error(make_error_code(Error::ProtocolViolation));
    prepare_object(frame->extras);
    const std::size_t size = frame->payload.size() + bytes_of(frame->extras);
    const std::uint64_t skipped = frame->extras.skipped();
    push(
        [&] {
            if (skipped != 0) objects_->skip(frames_.end(), skipped);
            frames_.push(at, std::move(frame));
        },
        size, MediaCost::frame + MediaCost::extras, dropped, change.wake);
    written(change);
}

COMOQ_DECL std::shared_ptr<FrameState> GroupState::open(std::uint64_t size, Timestamp timestamp, ObjectExtras extras) {
    auto frame = std::make_shared<FrameState>(shared_, size, timestamp, std::move(extras));
    MediaChange change(*shared_->bounds);
    std::vector<FrameSlot> dropped;
    Lock lock(mutex());
    throw_unless_writable(change);
    if (open_ != nullptr) throw_error(make_error_code(Error::ProtocolViolation));
    const auto &beside = frame->extras();
    prepare_object(beside);
    if (!beside.empty()) {
        make_room(0, bytes_of(beside), dropped);
        sort();
        if (beside.skipped() != 0) objects_->skip(frames_.end(), beside.skipped());
    }
    open_ = frame;
    account(bytes_ + bytes_of(frame->extras()), overhead_ + frame->overhead() + overhead_of(frame->extras()));
    change.wake.take(waits_);
    written(change);
    return frame;
}

COMOQ_DECL std::shared_ptr<GroupState> GroupState::create_lane(const GroupInfo &info) const {
    MediaChange change(*shared_->bounds);
    Lock lock(mutex());
    if (shared_->holder == nullptr) throw_error(make_error_code(Error::Dropped));
    return shared_->holder->add_lane(*this, info, change);
}

COMOQ_DECL void GroupState::finish(const EndMarker &marker) {
    MediaChange change(*shared_->bounds);
    Lock lock(mutex());
    throw_unless_writable(change);
    if (open_ != nullptr || marker.object < object_at(frames_.end()) || marker.object > GroupObjects::highest + 1)
        throw_error(make_error_code(Error::ProtocolViolation));
    objects().end = marker;
    end_well(change);
}

COMOQ_DECL void GroupState::prepare_object(const ObjectExtras &extras) {
    if (bytes_of(extras) > MediaBounds::max_properties) throw_error(make_error_code(Error::BoundsExceeded));
    if (objects_ != nullptr || extras.skipped() != 0) objects().prepare(frames_.end(), extras.skipped());
}

COMOQ_DECL GroupObjects &GroupState::objects() {
    if (objects_ == nullptr) {
        objects_ = std::make_unique<GroupObjects>(GroupInfo());
        account(bytes_, overhead_ + MediaCost::group_objects);
    }
    return *objects_;
}

COMOQ_DECL void GroupState::finish_frame(FrameState &frame) {
    MediaChange change(*shared_->bounds);
    std::vector<FrameSlot> dropped;
    std::shared_ptr<FrameState> done;
    std::shared_ptr<FrameWithExtras> compact;
    if (!frame.extras().empty()) compact = std::make_shared<FrameWithExtras>(FrameWithExtras{Bytes(), frame.extras()});
    Lock lock(mutex());
    throw_unless_open(frame, change);
    if (frame.missing() != 0) {
        // Made before anything fails: its text takes memory.
        const std::system_error wrong_size(make_error_code(Error::WrongSize));
        release(wrong_size.code(), change.garbage, change.wake);
        lock.unlock();
        throw wrong_size;
    }
    // A frame that has come in one piece, or has been joined, needs its state only as long as its readers do. Its
    // bytes and its state were counted as they came.
    const bool is_in_one_piece = frame.chunks() <= 1;
    FrameSlot slot{frame.timestamp(), Bytes(), is_in_one_piece ? nullptr : open_};
    if (is_in_one_piece) slot.payload = frame.from(0);
    push(
        [&] {
            if (!is_in_one_piece || compact == nullptr) return frames_.push(std::move(slot));
            compact->payload = std::move(slot.payload);
            frames_.push(frame.timestamp(), std::move(compact));
        },
        0, MediaCost::frame, dropped, change.wake);
    if (is_in_one_piece) account(bytes_, overhead_ - frame.overhead());
    done = std::move(open_);
    frame.set_complete(change.wake);
    written(change);
}

COMOQ_DECL void GroupState::last_producer_gone() noexcept {
    std::vector<FrameState::Chunk> chunks;
    WakeList wake;
    Lock lock(mutex());
    chunks = fail(make_error_code(Error::Dropped), wake);
}

COMOQ_DECL std::optional<std::uint64_t> GroupState::evict(std::uint64_t stamp) noexcept {
    ResumeScope scope;
    Garbage garbage;
    WakeList wake;
    Lock lock(mutex());
    if (released_ && !held_) return std::nullopt;
    if (stamp_ != stamp) return stamp_;
    const auto code = make_error_code(Error::Evicted);
    if (shared_->holder != nullptr && !shared_->holder->let_go(*this, code, wake)) return std::nullopt;
    if (!released_) count_eviction();
    release(code, garbage, wake);
    return std::nullopt;
}

COMOQ_DECL std::vector<FrameState::Chunk> GroupState::fail(std::error_code code, WakeList &wake) noexcept {
    std::vector<FrameState::Chunk> chunks;
    if (over()) return chunks;
    failure_ = code;
    if (auto frame = std::exchange(open_, nullptr)) {
        account(bytes_ - frame->received() - bytes_of(frame->extras()),
                overhead_ - frame->overhead() - overhead_of(frame->extras()));
        chunks = frame->fail(code, wake);
    }
    sort();
    wake_readers(wake);
    shared_->first_frame_waits.wake_all(wake);
    return chunks;
}

COMOQ_DECL void GroupState::drop_oldest(std::size_t present, std::size_t frames, std::size_t size, std::vector<FrameSlot> &dropped) {
    std::size_t count = 0, bytes = bytes_, overhead = overhead_;
    while (count < present && (present - count + frames > MediaBounds::max_group_frames ||
                            bytes + size > MediaBounds::max_group_bytes)) {
        const FrameSlot oldest = frames_[frames_.first() + count++];
        bytes -= oldest.bytes();
        overhead -= oldest.overhead();
    }
    if (count == 0) return;
    dropped.reserve(count);
    // Until the next frame is complete, the group has none.
    if (live_ && count == present) shared_->note_largest(largest());
    while (dropped.size() < count) dropped.push_back(frames_.pop_front());
    if (objects_ != nullptr) objects_->forget_before(frames_.first());
    account(bytes, overhead);
}

}  // namespace comoq::detail
