// SPDX-License-Identifier: MIT
#pragma once
#include "../track_consumer.hpp"

namespace comoq {

COMOQ_DECL TrackConsumer::TrackConsumer(detail::Passkey, std::shared_ptr<detail::BroadcastState> broadcast, std::string_view name)
    : broadcast_(std::move(broadcast)), name_(std::make_shared<const std::string>(name)) {}

COMOQ_DECL const std::string &TrackConsumer::name() const noexcept {
    static const std::string nameless;
    return track_ != nullptr ? track_->name() : name_ != nullptr ? *name_ : nameless;
}

COMOQ_DECL std::shared_ptr<const std::string> TrackConsumer::shared_name() const noexcept {
    return track_ != nullptr ? std::shared_ptr<const std::string>(track_, &track_->name()) : name_;
}

COMOQ_DECL Pending<TrackInfo> TrackConsumer::info() const {
    auto found = resolve(nullptr);
    if (found.refusal) return refused<TrackInfo>(found.refusal);
    if (!found.request) return ready<TrackInfo>(found.track->info());
    return Pending<TrackInfo>(detail::Passkey(), detail::Step(detail::TrackInfoRule(std::move(*found.request))));
}

COMOQ_DECL Pending<TrackInfo> TrackConsumer::accepted_info(detail::Passkey) const {
    auto found = resolve(nullptr);
    if (found.refusal) return refused<TrackInfo>(found.refusal);
    if (!found.request) return ready<TrackInfo>(found.track->info());
    return pending<TrackInfo>(std::move(*found.request),
                              [](std::shared_ptr<detail::TrackState> &&track) { return track->info(); });
}

COMOQ_DECL Pending<TrackSubscriber> TrackConsumer::subscribe(Subscription wishes) const {
    auto found = resolve(&wishes);
    if (found.refusal) return refused<TrackSubscriber>(found.refusal);
    if (!found.request) return ready<TrackSubscriber>(TrackSubscriber(detail::Passkey(), std::move(found.subscriber)));
    return pending<TrackSubscriber>(std::move(*found.request),
                                    [subscriber = std::move(found.subscriber)](std::shared_ptr<detail::TrackState> &&) {
                                        return TrackSubscriber(detail::Passkey(), subscriber);
                                    });
}

COMOQ_DECL Pending<GroupConsumer> TrackConsumer::fetch_group(std::uint64_t sequence, Fetch fetch) const {
    auto found = resolve(nullptr);
    if (found.refusal) return refused<GroupConsumer>(found.refusal, sequence);
    auto fetched = found.any_track()->fetch(sequence, {fetch.priority, fetch.asker});
    if (fetched.refusal) return refused<GroupConsumer>(fetched.refusal, sequence);
    if (fetched.group != nullptr) return ready<GroupConsumer>(GroupConsumer(detail::Passkey(), std::move(fetched.group)));
    // A request for a group of a track that is only requested also requests that track.
    std::shared_ptr<const void> track_request;
    if (found.request)
        track_request = std::make_shared<detail::BroadcastState::TrackRequester>(std::move(*found.request));
    return Pending<GroupConsumer>(
        detail::Passkey(),
        detail::mapped<GroupConsumer>(
            detail::FetchSource(std::move(*fetched.request), std::move(track_request)),
            [](std::shared_ptr<detail::GroupState> &&group) { return GroupConsumer(detail::Passkey(), std::move(group)); }));
}

COMOQ_DECL std::optional<GroupConsumer> TrackConsumer::get_group(std::uint64_t sequence) const {
    const auto track = live(detail::Passkey());
    if (track == nullptr) return std::nullopt;
    auto group = track->find_group(sequence);
    if (group == nullptr) return std::nullopt;
    return GroupConsumer(detail::Passkey(), std::move(group));
}

COMOQ_DECL std::vector<GroupConsumer> TrackConsumer::get_lanes(std::uint64_t sequence) const {
    std::vector<GroupConsumer> lanes;
    const auto track = live(detail::Passkey());
    if (track == nullptr) return lanes;
    auto found = track->lanes_of(sequence);
    lanes.reserve(found.size());
    for (auto &lane : found) lanes.emplace_back(detail::Passkey(), std::move(lane));
    return lanes;
}

COMOQ_DECL std::optional<Location> TrackConsumer::largest() const {
    const auto track = live(detail::Passkey());
    return track != nullptr ? track->largest() : std::nullopt;
}

COMOQ_DECL std::shared_ptr<detail::TrackState> TrackConsumer::live(detail::Passkey) const {
    return track_ != nullptr ? track_ : broadcast_ ? broadcast_.state()->find_track(*name_) : nullptr;
}

COMOQ_DECL auto TrackConsumer::resolve(const Subscription *wishes) const -> Resolution {
    if (track_ == nullptr && broadcast_) return broadcast_.state()->resolve(*name_, wishes);
    Resolution result;
    result.track = track_;
    if (track_ == nullptr) {
        result.refusal = make_error_code(Error::Closed);
    } else if (wishes != nullptr) {
        detail::WakeList wake;
        result.subscriber = std::make_shared<detail::SubscriberState>(track_, *wishes, wake);
    }
    return result;
}

COMOQ_DEFINE_OPERATION(TrackInfo);
COMOQ_DEFINE_OPERATION(TrackSubscriber);
COMOQ_DEFINE_OPERATION(GroupConsumer);

}  // namespace comoq
