// SPDX-License-Identifier: MIT
#pragma once
#include "../detail/text/json.hpp"
#include "../track_subscriber.hpp"

namespace comoq {

COMOQ_DECL TrackSubscriber &TrackSubscriber::operator=(TrackSubscriber &&other) noexcept {
    detail::ResumeScope scope;
    state_ = std::move(other.state_);
    return *this;
}

COMOQ_DECL Operation<std::optional<GroupConsumer>> TrackSubscriber::recv_group() {
    return group_step<detail::ReceiveGroupRule>();
}

COMOQ_DECL Operation<std::optional<GroupConsumer>> TrackSubscriber::next_group() {
    return group_step<detail::NextGroupRule>();
}

COMOQ_DECL Operation<std::optional<Frame>> TrackSubscriber::read_frame() {
    return frame_step<detail::EveryFrameRule>();
}

COMOQ_DECL Operation<std::optional<Frame>> TrackSubscriber::read_first_frame() {
    return frame_step<detail::FirstFrameRule>();
}

COMOQ_DECL Operation<std::optional<Datagram>> TrackSubscriber::recv_datagram() {
    using Next = std::optional<Datagram>;
    if (state_ == nullptr) return detail::closed_operation<Next>();
    state_->track()->expire();
    return Operation<Next>(detail::Passkey(), datagram_source());
}

COMOQ_DECL TryResult<GroupConsumer> TrackSubscriber::try_recv_group() noexcept {
    if (state_ == nullptr) return detail::try_closed<GroupConsumer>();
    return detail::try_take<GroupConsumer>(group_source<detail::ReceiveGroupRule>());
}

COMOQ_DECL TryResult<GroupConsumer> TrackSubscriber::try_next_group() noexcept {
    if (state_ == nullptr) return detail::try_closed<GroupConsumer>();
    return detail::try_take<GroupConsumer>(group_source<detail::NextGroupRule>());
}

COMOQ_DECL TryResult<Frame> TrackSubscriber::try_read_frame() noexcept {
    if (state_ == nullptr) return detail::try_closed<Frame>();
    return detail::try_take<Frame>(frame_source<detail::EveryFrameRule>());
}

COMOQ_DECL TryResult<Frame> TrackSubscriber::try_read_first_frame() noexcept {
    if (state_ == nullptr) return detail::try_closed<Frame>();
    return detail::try_take<Frame>(frame_source<detail::FirstFrameRule>());
}

COMOQ_DECL TryResult<Datagram> TrackSubscriber::try_recv_datagram() noexcept {
    if (state_ == nullptr) return detail::try_closed<Datagram>();
    return detail::try_take<Datagram>(datagram_source());
}

COMOQ_DECL std::optional<GroupConsumer> TrackSubscriber::get_group(std::uint64_t sequence) const {
    if (state_ == nullptr) return std::nullopt;
    auto group = state_->track()->find_group(sequence);
    if (group == nullptr) return std::nullopt;
    return GroupConsumer(detail::Passkey(), std::move(group));
}

COMOQ_DECL std::optional<Location> TrackSubscriber::largest() const {
    return state_ != nullptr ? state_->track()->largest() : std::nullopt;
}

COMOQ_DECL Operation<std::uint64_t> TrackSubscriber::finished() {
    return step<std::uint64_t, detail::TrackFinishedRule>();
}

COMOQ_DECL SubscriberStats TrackSubscriber::stats() const {
    SubscriberStats stats;
    if (state_ == nullptr) return stats;
    state_->look_at([&](const detail::SubscriberPlace &place) {
        stats.groups = place.counts.given_groups + place.counts.received_groups;
        stats.lanes = place.counts.received_lanes;
        stats.frames = place.counts.frames;
        stats.datagrams = place.counts.datagrams;
        stats.bytes = place.counts.bytes;
        stats.skipped_groups = place.counts.skipped_groups;
        stats.missing_groups = place.missing_groups();
        stats.skipped_datagrams = place.counts.skipped_datagrams;
        stats.gaps_given_up = place.received.given_up();
    });
    return stats;
}

COMOQ_DECL std::string to_json(const SubscriberStats &stats) {
    return detail::json_object({
        {"groups", stats.groups},
        {"lanes", stats.lanes},
        {"frames", stats.frames},
        {"datagrams", stats.datagrams},
        {"bytes", stats.bytes},
        {"skipped_groups", stats.skipped_groups},
        {"missing_groups", stats.missing_groups},
        {"skipped_datagrams", stats.skipped_datagrams},
        {"gaps_given_up", stats.gaps_given_up},
    });
}

COMOQ_DECL Operation<std::error_code> TrackSubscriber::closed() {
    return step<std::error_code, detail::TrackClosedRule>();
}

COMOQ_DEFINE_OPERATION(std::optional<GroupConsumer>);
COMOQ_DEFINE_OPERATION(std::optional<Datagram>);

}  // namespace comoq
