// SPDX-License-Identifier: MIT
#pragma once
#include "config.hpp"
#include "detail/media/broadcast_state.hpp"
#include "detail/media/fetch_source.hpp"
#include "detail/media/track_info.hpp"
#include "detail/wait/mapped_source.hpp"
#include "group.hpp"
#include "location.hpp"
#include "pending.hpp"
#include "track_subscriber.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace comoq {

/// A track by its name in a broadcast, or one track itself. Making one asks nobody; each operation resolves the name in
/// its call: it shares a live track, joins a pending request, asks a live BroadcastDynamic, or gives NotFound, in this
/// order. In a closed broadcast it gives the code that closed it.
///
/// Copyable. It counts as a user of its broadcast, like a BroadcastConsumer (`BroadcastProducer::used`). Threads:
/// distinct copies may be used at the same time. Operations of an empty handle fail with Closed.
class TrackConsumer {
public:
    /// Empty.
    TrackConsumer() noexcept = default;
    /// A name in a broadcast.
    TrackConsumer(detail::Passkey, std::shared_ptr<detail::BroadcastState> broadcast, std::string_view name);
    /// The track itself.
    explicit TrackConsumer(detail::Passkey, std::shared_ptr<detail::TrackState> track) noexcept : track_(std::move(track)) {}

    /// The track's name; empty for an empty handle. Valid as long as this handle.
    const std::string &name() const noexcept;

    /// The publisher's description of the track, as soon as it is fixed: when the track, or one of its groups, is
    /// accepted. Fails as the name resolves, or as the request for the track is answered.
    Pending<TrackInfo> info() const;

    /// Subscribes. The publisher counts the subscriber from this call on, also while it is pending, and the subscriber
    /// misses no group that is made after the call. Fails as the name resolves, or as the request for the track is
    /// answered. Cancelling it, or destroying it, takes the subscriber back.
    Pending<TrackSubscriber> subscribe(Subscription wishes = {}) const;

    /// A group by its number, from anywhere: one that the track holds is ready at once; others come from the track's
    /// handler (`TrackDynamic`), and all requests for that number share one. NotFound beyond the final sequence, or
    /// without a handler. Does not count as a subscriber.
    Pending<GroupConsumer> fetch_group(std::uint64_t sequence, Fetch fetch = {}) const;

    /// A group that a live track holds now; asks nobody.
    std::optional<GroupConsumer> get_group(std::uint64_t sequence) const;

    /// The lanes that a live track holds now of a group, the lowest first: lane 0 is what `get_group` gives. For a group whose
    /// lanes are wanted that are not here, `fetch_group` first. Asks nobody.
    std::vector<GroupConsumer> get_lanes(std::uint64_t sequence) const;

    /// The largest place at which a live track has had a complete frame or a datagram, or at which its source said that it
    /// has one; nothing if there is none. Asks nobody: of a track that comes through a session or a proxy it is known once that
    /// has subscribed.
    std::optional<Location> largest() const;

    /// As `info`, but only once the track itself is live.
    Pending<TrackInfo> accepted_info(detail::Passkey) const;

    /// The live track behind this handle, or null.
    std::shared_ptr<detail::TrackState> live(detail::Passkey) const;

private:
    using Resolution = detail::BroadcastState::Resolution;

    Resolution resolve(const Subscription *wishes) const;

    std::shared_ptr<const std::string> shared_name() const noexcept;
    template <class T> Pending<T> refused(std::error_code code, std::uint64_t sequence = detail::About::no_sequence) const {
        return Pending<T>(detail::Passkey(), detail::RefusedSource<T>(code, "track", shared_name(), sequence));
    }
    template <class T> static Pending<T> ready(T value) {
        return Pending<T>(detail::Passkey(), detail::ReadySource<T>(detail::Outcome<T>(std::in_place, std::move(value))));
    }
    template <class T, class Map> static Pending<T> pending(detail::BroadcastState::TrackRequester request, Map map) {
        return Pending<T>(detail::Passkey(), detail::mapped<T>(detail::Step(std::move(request)), std::move(map)));
    }

    std::shared_ptr<detail::TrackState> track_;
    detail::BroadcastInterest broadcast_;
    std::shared_ptr<const std::string> name_;
};

COMOQ_DECLARE_OPERATION(TrackInfo);
COMOQ_DECLARE_OPERATION(TrackSubscriber);
COMOQ_DECLARE_OPERATION(GroupConsumer);

}  // namespace comoq

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "impl/track_consumer.ipp"
#endif
