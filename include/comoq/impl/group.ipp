// SPDX-License-Identifier: MIT
#pragma once
#include "../group.hpp"

namespace comoq {

COMOQ_DECL GroupConsumer &GroupConsumer::operator=(const GroupConsumer &other) {
    reader_ = copy_of(other.reader_);
    return *this;
}

COMOQ_DECL TrackInfo GroupConsumer::track_info() const {
    return reader_ != nullptr ? reader_->group->shared()->info : TrackInfo();
}

COMOQ_DECL GroupInfo GroupConsumer::info() const noexcept {
    if (reader_ == nullptr) return {};
    const detail::Lock lock(reader_->group->mutex());
    return reader_->group->info();
}

COMOQ_DECL GroupInfo GroupConsumer::info_of_rest(detail::Passkey) const noexcept {
    if (reader_ == nullptr) return {};
    const detail::Lock lock(reader_->group->mutex());
    const auto &group = *reader_->group;
    GroupInfo rest = group.info();
    if (reader_->index == 0) return rest;
    rest.is_partial = true;
    // The gap before a frame comes with the frame.
    if (reader_->index != reader_->first)
        rest.first_object = reader_->object + 1;
    else if (!group.released())
        rest.first_object = group.object_at(reader_->index - 1) + 1;
    return rest;
}

COMOQ_DECL bool GroupConsumer::skip_to_object(detail::Passkey key, std::uint64_t object) noexcept {
    if (reader_ == nullptr) return false;
    std::size_t index = 0;
    {
        const detail::Lock lock(reader_->group->mutex());
        const auto &group = *reader_->group;
        std::size_t end = group.frames().end();
        // Ids ascend with the index.
        while (index != end) {
            const std::size_t middle = index + (end - index) / 2;
            if (group.object_at(middle) < object)
                index = middle + 1;
            else
                end = middle;
        }
        const bool is_plain = group.info() == GroupInfo() && group.object_at(index) == index;
        if (index == group.frames().end() && is_plain) index = std::max(index, static_cast<std::size_t>(object));
    }
    return skip_to(key, index);
}

COMOQ_DECL std::optional<std::uint64_t> GroupConsumer::object_id() const noexcept {
    if (reader_ == nullptr) return std::nullopt;
    const detail::Lock lock(reader_->group->mutex());
    if (reader_->index == reader_->first) return std::nullopt;
    return reader_->object;
}

COMOQ_DECL std::optional<EndMarker> GroupConsumer::end_marker() const noexcept {
    if (reader_ == nullptr) return std::nullopt;
    const detail::Lock lock(reader_->group->mutex());
    return reader_->group->end_marker();
}

COMOQ_DECL Operation<std::optional<Frame>> GroupConsumer::read_frame() {
    if (reader_ == nullptr) return inert<std::optional<Frame>>();
    return Operation<std::optional<Frame>>(detail::Passkey(), detail::MadeInPlace(),
                                           [this] { return frame_source(detail::NextFrameRule(reader_)); });
}

COMOQ_DECL Operation<std::optional<std::vector<Frame>>> GroupConsumer::read_frames(std::size_t max) {
    using Frames = std::optional<std::vector<Frame>>;
    if (reader_ == nullptr) return inert<Frames>();
    if (max == 0)
        return Operation<Frames>(
            detail::Passkey(),
            detail::ReadySource<Frames>(detail::Outcome<Frames>(make_error_code(Error::BoundsExceeded))));
    return Operation<Frames>(detail::Passkey(), frames_source(reader_, max));
}

COMOQ_DECL TryResult<Frame> GroupConsumer::try_read_frame() noexcept {
    if (reader_ == nullptr) return detail::try_closed<Frame>();
    return detail::try_take<Frame>(frame_source(detail::NextFrameRule(reader_)));
}

COMOQ_DECL TryResult<std::vector<Frame>> GroupConsumer::try_read_frames(std::size_t max) noexcept {
    using Frames = std::vector<Frame>;
    if (reader_ == nullptr) return detail::try_closed<Frames>();
    if (max == 0) return TryResult<Frames>(detail::Passkey(), make_error_code(Error::BoundsExceeded));
    return detail::try_take<Frames>(frames_source(reader_, max));
}

COMOQ_DECL TryResult<FrameConsumer> GroupConsumer::try_next_frame() noexcept {
    if (reader_ == nullptr) return detail::try_closed<FrameConsumer>();
    return detail::try_take<FrameConsumer>(open_frame_source(reader_));
}

COMOQ_DECL bool GroupConsumer::skip_to(detail::Passkey, std::size_t index) noexcept {
    if (reader_ == nullptr) return false;
    const detail::Lock lock(reader_->group->mutex());
    if (index < reader_->group->first_index()) return false;
    reader_->index = reader_->first = index;
    return true;
}

COMOQ_DECL TryResult<detail::TakenFrames<Frame>> GroupConsumer::take_frames(detail::Passkey, std::size_t max) noexcept {
    using Taken = detail::TakenFrames<Frame>;
    if (reader_ == nullptr) return detail::try_closed<Taken>();
    return detail::try_take<Taken>(detail::Step(detail::ManyFramesRule<Frame>(reader_, max)));
}

COMOQ_DECL Operation<std::optional<FrameConsumer>> GroupConsumer::next_frame() {
    using Next = std::optional<FrameConsumer>;
    if (reader_ == nullptr) return inert<Next>();
    return Operation<Next>(detail::Passkey(), open_frame_source(reader_));
}

COMOQ_DECL bool GroupConsumer::has_next(detail::Passkey) const noexcept {
    if (reader_ == nullptr) return true;
    const detail::Lock lock(reader_->group->mutex());
    return detail::has_or_ends(*reader_->group, reader_->index);
}

COMOQ_DECL Operation<void> GroupConsumer::frame_there(detail::Passkey) {
    if (reader_ == nullptr) return inert<void>();
    return Operation<void>(detail::Passkey(), detail::Step(detail::FrameThereRule(reader_)));
}

COMOQ_DECL Operation<void> GroupConsumer::frame_there(detail::Passkey key, detail::Breaker &breaker) {
    if (reader_ == nullptr) return inert<void>();
    return Operation<void>(key, detail::Breakable(detail::Step(detail::FrameThereRule(reader_)), breaker));
}

COMOQ_DECL FrameConsumer GroupConsumer::frame_again(detail::Passkey, std::uint64_t offset) {
    if (reader_ == nullptr) return FrameConsumer();
    const detail::Lock lock(reader_->group->mutex());
    auto frame = detail::frame_reader_at(*reader_->group, reader_->index - 1);
    if (frame != nullptr) frame->offset = offset;
    return FrameConsumer(detail::Passkey(), std::move(frame));
}

COMOQ_DECL Operation<std::optional<Frame>> GroupConsumer::get_frame(std::size_t index) {
    if (reader_ == nullptr) return inert<std::optional<Frame>>();
    return Operation<std::optional<Frame>>(detail::Passkey(), frame_source(detail::FrameAtRule(reader_, index)));
}

COMOQ_DECL Operation<std::uint64_t> GroupConsumer::finished() {
    if (reader_ == nullptr) return inert<std::uint64_t>();
    return Operation<std::uint64_t>(detail::Passkey(), detail::Step(detail::GroupFinishedRule(reader_)));
}

COMOQ_DECL std::shared_ptr<detail::GroupReader> GroupConsumer::reader_of(std::shared_ptr<detail::GroupState> group) {
    detail::Lock lock(group->mutex());
    return detail::GroupReader::at_first(group);
}

COMOQ_DECL std::shared_ptr<detail::GroupReader>
GroupConsumer::copy_of(const std::shared_ptr<detail::GroupReader> &reader) {
    if (reader == nullptr) return nullptr;
    detail::Lock lock(reader->group->mutex());
    const std::size_t index = reader->index, first = reader->first;
    const std::uint64_t object = reader->object;
    lock.unlock();
    auto copy = std::make_shared<detail::GroupReader>(reader->group, index, first);
    copy->object = object;
    return copy;
}

COMOQ_DECL void GroupProducer::write_frame(Bytes payload, Timestamp timestamp) {
    detail::naming({"", {}, sequence()}, [&] { group_->write(std::move(payload), timestamp); });
}

COMOQ_DECL void GroupProducer::write_frame(Bytes payload, Timestamp timestamp, ObjectExtras extras) {
    detail::naming({"", {}, sequence()}, [&] { group_->write(std::move(payload), timestamp, std::move(extras)); });
}

COMOQ_DECL FrameProducer GroupProducer::create_frame(std::uint64_t size, Timestamp timestamp) {
    return create_frame(size, timestamp, ObjectExtras());
}

COMOQ_DECL FrameProducer GroupProducer::create_frame(std::uint64_t size, Timestamp timestamp, ObjectExtras extras) {
    detail::ResumeScope scope;
    return detail::naming({"", {}, sequence()}, [&] {
        if (size > group_->shared()->bounds->in_force().max_frame_size) detail::throw_error(make_error_code(Error::FrameTooLarge));
        return FrameProducer(detail::Passkey(), group_.state(), group_->open(size, timestamp.convert(group_->timescale()), std::move(extras)));
    });
}

COMOQ_DECL void GroupProducer::finish() {
    detail::naming({"", {}, sequence()}, [&] { group_->finish(); });
}

COMOQ_DECL GroupProducer GroupProducer::create_lane(const GroupInfo &info) {
    return detail::naming({"", {}, sequence()}, [&] {
        if (info.subgroup == 0) detail::throw_error(make_error_code(Error::BoundsExceeded));
        detail::throw_unless_possible(info);
        return GroupProducer(detail::Passkey(), group_->create_lane(info));
    });
}

COMOQ_DECL void GroupProducer::finish(EndMarker marker) {
    detail::naming({"", {}, sequence()}, [&] { group_->finish(marker); });
}

COMOQ_DEFINE_OPERATION(std::optional<Frame>);
COMOQ_DEFINE_OPERATION(std::optional<std::vector<Frame>>);
COMOQ_DEFINE_OPERATION(std::optional<FrameConsumer>);

}  // namespace comoq
