// SPDX-License-Identifier: MIT
#pragma once
#include "../detail/text/json.hpp"
#include "../track_producer.hpp"

namespace comoq {

COMOQ_DECL TrackProducer &TrackProducer::operator=(TrackProducer &&other) noexcept {
    TrackProducer previous(std::move(*this));
    track_ = std::move(other.track_);
    view_ = std::move(other.view_);
    return *this;
}

COMOQ_DECL const std::string &TrackProducer::name() const & noexcept {
    static const std::string nameless;
    return track_ ? track_->name() : nameless;
}

COMOQ_DECL const TrackInfo &TrackProducer::info() const & noexcept {
    static const TrackInfo none;
    return track_ ? track_->info() : none;
}

COMOQ_DECL GroupProducer TrackProducer::append_group() {
    return detail::naming({"track", name()},
                          [&] { return GroupProducer(detail::Passkey(), track_->create_group(std::nullopt)); });
}

COMOQ_DECL GroupProducer TrackProducer::create_group(std::uint64_t sequence) {
    return detail::naming({"track", name(), sequence},
                          [&] { return GroupProducer(detail::Passkey(), track_->create_group(sequence)); });
}

COMOQ_DECL GroupProducer TrackProducer::create_group(std::uint64_t sequence, const GroupInfo &info) {
    return detail::naming({"track", name(), sequence}, [&] {
        detail::throw_unless_possible(info);
        return GroupProducer(detail::Passkey(), track_->create_group(sequence, info));
    });
}

COMOQ_DECL void TrackProducer::finish() {
    detail::naming({"track", name()}, [&] { track_->finish(std::nullopt); });
}

COMOQ_DECL void TrackProducer::finish_at(std::uint64_t sequence) {
    detail::naming({"track", name()}, [&] { track_->finish(sequence); });
}

COMOQ_DECL std::uint64_t TrackProducer::write_frame(Bytes payload, Timestamp timestamp) {
    return detail::naming({"track", name()}, [&] {
        return track_->write_group(
            detail::make_slot(*track_->shared()->bounds, track_->info().timescale, std::move(payload), timestamp));
    });
}

COMOQ_DECL std::uint64_t TrackProducer::append_datagram(Bytes payload, Timestamp timestamp) {
    return add_datagram(false, Datagram(0, timestamp, std::move(payload)));
}

COMOQ_DECL void TrackProducer::insert_datagram(Datagram datagram) {
    add_datagram(true, std::move(datagram));
}

COMOQ_DECL std::optional<std::uint64_t> TrackProducer::latest() const {
    detail::Lock lock(track_->mutex());
    return track_->numbers().latest();
}

COMOQ_DECL std::optional<Location> TrackProducer::largest() const { return track_->largest(); }

COMOQ_DECL void TrackProducer::note_largest(Location place) { track_->note_largest(place); }

COMOQ_DECL std::optional<Subscription> TrackProducer::subscription() const {
    detail::Lock lock(track_->mutex());
    return track_->combined();
}

COMOQ_DECL Operation<std::optional<Subscription>> TrackProducer::subscription_changed() {
    if (!track_) return detail::closed_operation<std::optional<Subscription>>();
    if (view_ == nullptr) view_ = std::make_shared<detail::SubscriptionView>();
    return Operation<std::optional<Subscription>>(detail::Passkey(),
                                                  detail::Step(detail::SubscriptionChangedRule(track_.state(), view_)));
}

COMOQ_DECL Operation<void> TrackProducer::used() {
    if (!track_) return detail::closed_operation<void>();
    return Operation<void>(detail::Passkey(), detail::Step(detail::UsedRule<true>(track_.state())));
}

COMOQ_DECL Operation<void> TrackProducer::unused() {
    if (!track_) return detail::closed_operation<void>();
    return Operation<void>(detail::Passkey(), detail::Step(detail::UsedRule<false>(track_.state())));
}

COMOQ_DECL TrackStats TrackProducer::stats() const {
    const auto counts = track_->counts();
    TrackStats stats;
    stats.groups = counts.groups;
    stats.lanes = counts.lanes;
    stats.bytes = counts.bytes;
    stats.datagrams = counts.datagrams;
    stats.cached_bytes = counts.cost;
    stats.subscribers = counts.subscribers;
    stats.handlers = track_->handlers.load();
    stats.pending = counts.pending;
    stats.evicted_groups = counts.evicted_groups;
    stats.lagged_readers = counts.lagged_readers;
    return stats;
}

COMOQ_DECL std::string to_json(const TrackStats &stats) {
    return detail::json_object({
        {"groups", stats.groups},
        {"lanes", stats.lanes},
        {"bytes", stats.bytes},
        {"datagrams", stats.datagrams},
        {"cached_bytes", stats.cached_bytes},
        {"subscribers", stats.subscribers},
        {"handlers", stats.handlers},
        {"pending", stats.pending},
        {"evicted_groups", stats.evicted_groups},
        {"lagged_readers", stats.lagged_readers},
    });
}

COMOQ_DECL std::uint64_t TrackProducer::add_datagram(bool numbered, Datagram &&datagram) {
    return detail::naming({"track", name()}, [&] {
        if (datagram.payload.size() + detail::bytes_of(datagram.extras) > detail::MediaBounds::max_datagram_size)
            detail::throw_error(make_error_code(Error::FrameTooLarge));
        if (datagram.object > detail::GroupObjects::highest) detail::throw_error(make_error_code(Error::BoundsExceeded));
        const Timestamp at = datagram.timestamp.convert(track_->info().timescale);
        return track_->add_datagram(numbered, detail::DatagramSlot{datagram.sequence, at, std::move(datagram.payload), {},
                                                                   datagram.object, std::move(datagram.extras)});
    });
}

COMOQ_DEFINE_OPERATION(std::optional<Subscription>);

}  // namespace comoq
