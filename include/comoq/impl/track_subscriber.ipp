#pragma once
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
    return Operation<Next>(
        detail::Passkey(),
        detail::mapped<Next>(detail::Step(detail::NextDatagramRule(state_)), [](std::optional<detail::DatagramSlot> &&slot) {
            return slot ? Next(Datagram{slot->sequence, slot->timestamp, std::move(slot->payload)}) : Next();
        }));
}

COMOQ_DECL std::optional<GroupConsumer> TrackSubscriber::get_group(std::uint64_t sequence) const {
    if (state_ == nullptr) return std::nullopt;
    auto group = state_->track()->find_group(sequence);
    if (group == nullptr) return std::nullopt;
    return GroupConsumer(detail::Passkey(), std::move(group));
}

COMOQ_DECL Operation<std::uint64_t> TrackSubscriber::finished() {
    return step<std::uint64_t, detail::TrackFinishedRule>();
}

COMOQ_DECL SubscriberStats TrackSubscriber::stats() const {
    SubscriberStats stats;
    if (state_ != nullptr) stats.gaps_given_up = state_->gaps_given_up();
    return stats;
}

COMOQ_DECL Operation<std::error_code> TrackSubscriber::closed() {
    return step<std::error_code, detail::TrackClosedRule>();
}

COMOQ_DEFINE_OPERATION(std::optional<GroupConsumer>);
COMOQ_DEFINE_OPERATION(std::optional<Datagram>);

}  // namespace comoq
