// SPDX-License-Identifier: MIT
#pragma once
#include "../detail/text/json.hpp"
#include "../broadcast.hpp"

namespace comoq::detail {

/// Of a track that has gone live just now, with properties perhaps.
inline TrackProducer producer_of(std::shared_ptr<TrackState> track) {
    if (!track->info().properties.empty()) track->bounds().trim();
    return TrackProducer(Passkey(), std::move(track));
}

}  // namespace comoq::detail

namespace comoq {

COMOQ_DECL TrackConsumer BroadcastConsumer::track(std::string_view name) const {
    return state_ ? TrackConsumer(detail::Passkey(), state_.state(), name) : TrackConsumer();
}

COMOQ_DECL const BroadcastInfo &BroadcastConsumer::info() const noexcept {
    static const BroadcastInfo none;
    if (info_) return *info_;
    return state_ ? state_->first_info() : none;
}

COMOQ_DECL Operation<std::error_code> BroadcastConsumer::closed() const {
    if (!state_) return detail::closed_operation<std::error_code>();
    return Operation<std::error_code>(detail::Passkey(), detail::Step(detail::BroadcastClosedRule(state_.state())));
}

COMOQ_DECL const std::string &TrackRequest::name() const & noexcept {
    static const std::string nameless;
    return obligation_ ? obligation_.entry()->key() : nameless;
}

COMOQ_DECL std::optional<Subscription> TrackRequest::subscription() const {
    const auto &track = *obligation_.held()->payload();
    detail::Lock lock(track.mutex());
    return track.combined();
}

COMOQ_DECL TrackProducer TrackRequest::accept(TrackInfo info) {
    return detail::naming({"track", name()}, [&] {
        auto &entry = *obligation_.held();
        detail::throw_unless_possible(info);
        return detail::producer_of(obligation_.owner()->accept(entry, info));
    });
}

COMOQ_DECL Operation<void> TrackRequest::abandoned() { return Operation<void>(detail::Passkey(), obligation_.abandoned()); }

COMOQ_DECL BroadcastDynamic &BroadcastDynamic::operator=(BroadcastDynamic other) noexcept {
    std::swap(holder_, other.holder_);
    std::swap(handler_, other.handler_);
    return *this;
}

COMOQ_DECL Operation<std::optional<TrackRequest>> BroadcastDynamic::requested_track() {
    using Next = std::optional<TrackRequest>;
    if (!handler_) return detail::closed_operation<Next>();
    return Operation<Next>(detail::Passkey(), source());
}

COMOQ_DECL TryResult<TrackRequest> BroadcastDynamic::try_requested_track() noexcept {
    if (!handler_) return detail::try_closed<TrackRequest>();
    return detail::try_take<TrackRequest>(source());
}

COMOQ_DECL BroadcastProducer::BroadcastProducer(BroadcastInfo info)
    : BroadcastProducer(detail::Passkey(), std::move(info), detail::MediaBounds::without_pool()) {}

COMOQ_DECL BroadcastProducer::BroadcastProducer(detail::Passkey, BroadcastInfo info, std::shared_ptr<detail::MediaBounds> bounds)
    : state_(std::make_shared<detail::BroadcastState>(std::move(info), std::move(bounds))) {}

COMOQ_DECL TrackProducer BroadcastProducer::create_track(std::string_view name, TrackInfo info) {
    return detail::naming({"track", name}, [&] {
        detail::throw_unless_possible(info);
        return detail::producer_of(state_->create_track(name, info));
    });
}

COMOQ_DECL void BroadcastProducer::insert_track(TrackConsumer track) {
    detail::naming({"track", track.name()}, [&] {
        auto &broadcast = *state_;
        auto live = track.live(detail::Passkey());
        if (live == nullptr) detail::throw_error(make_error_code(Error::NotFound));
        broadcast.insert_track(std::move(live));
    });
}

COMOQ_DECL TrackProducer BroadcastProducer::unique_track(std::string_view suffix, TrackInfo info) {
    return detail::naming({"track", suffix}, [&] {
        detail::throw_unless_possible(info);
        return detail::producer_of(state_->unique_track(suffix, info));
    });
}

COMOQ_DECL Operation<void> BroadcastProducer::used() {
    if (!state_) return detail::closed_operation<void>();
    return Operation<void>(detail::Passkey(), detail::Step(detail::BroadcastUsedRule<true>(state_.state())));
}

COMOQ_DECL Operation<void> BroadcastProducer::unused() {
    if (!state_) return detail::closed_operation<void>();
    return Operation<void>(detail::Passkey(), detail::Step(detail::BroadcastUsedRule<false>(state_.state())));
}

COMOQ_DECL BroadcastStats BroadcastProducer::stats() const {
    const auto counts = state_->counts();
    BroadcastStats stats;
    stats.tracks = counts.tracks;
    stats.handlers = state_->handlers.load();
    stats.pending = counts.pending;
    stats.cached_groups = counts.media.groups;
    stats.cached_bytes = counts.media.cost;
    stats.evicted_groups = counts.media.evicted_groups;
    stats.lagged_readers = counts.media.lagged_readers;
    return stats;
}

COMOQ_DECL std::string to_json(const BroadcastStats &stats) {
    return detail::json_object({
        {"tracks", stats.tracks},
        {"handlers", stats.handlers},
        {"pending", stats.pending},
        {"cached_groups", stats.cached_groups},
        {"cached_bytes", stats.cached_bytes},
        {"evicted_groups", stats.evicted_groups},
        {"lagged_readers", stats.lagged_readers},
    });
}

COMOQ_DEFINE_OPERATION(std::optional<TrackRequest>);

}  // namespace comoq
