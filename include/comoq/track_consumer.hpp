#pragma once
#include "detail/broadcast_state.hpp"
#include "detail/fetch_source.hpp"
#include "detail/mapped_source.hpp"
#include "group.hpp"
#include "pending.hpp"
#include "track_subscriber.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace comoq {

/// A track by its name in a broadcast, or one track itself. Making one asks nobody; each operation resolves in its call:
/// a live track is shared, a pending request is joined, else a live BroadcastDynamic is asked, else it is NotFound. In a
/// broadcast that has closed it is the code that closed it.
///
/// Copyable. Threads: distinct copies may be used at the same time. Operations of an empty handle fail with Cancelled.
class TrackConsumer {
public:
    /// Empty.
    TrackConsumer() noexcept = default;
    /// For the library: a name in a broadcast.
    TrackConsumer(std::shared_ptr<detail::BroadcastState> broadcast, std::string_view name)
        : broadcast_(std::move(broadcast)), name_(std::make_shared<const std::string>(name)) {}
    /// For the library: the track itself.
    explicit TrackConsumer(std::shared_ptr<detail::TrackState> track) noexcept : track_(std::move(track)) {}

    const std::string &name() const noexcept {
        static const std::string nameless;
        return track_ != nullptr ? track_->name() : name_ != nullptr ? *name_ : nameless;
    }

    /// What the publisher says of the track, once it is live.
    Pending<TrackInfo> info() const {
        auto found = resolve(nullptr);
        if (found.refusal) return refused<TrackInfo>(found.refusal);
        if (!found.request) return ready<TrackInfo>(found.track->info());
        return pending<TrackInfo>(std::move(*found.request),
                                  [](std::shared_ptr<detail::TrackState> &&track) { return track->info(); });
    }

    /// Subscribes. The publisher counts the subscriber from this call on, also while it is pending, and the subscriber
    /// misses no group that is made after the call.
    Pending<TrackSubscriber> subscribe(Subscription wishes = {}) const {
        auto found = resolve(&wishes);
        if (found.refusal) return refused<TrackSubscriber>(found.refusal);
        if (!found.request) return ready<TrackSubscriber>(TrackSubscriber(std::move(found.subscriber)));
        return pending<TrackSubscriber>(
            std::move(*found.request),
            [subscriber = std::move(found.subscriber)](std::shared_ptr<detail::TrackState> &&) {
                return TrackSubscriber(subscriber);
            });
    }

    /// A group by its number, wherever it stands: one that the track holds at once, else from the track's handler
    /// (`TrackDynamic`), where everyone who asks for that number shares one request. NotFound beyond the final sequence, or
    /// where there is no handler. Does not count as a subscriber.
    Pending<GroupConsumer> fetch_group(std::uint64_t sequence, Fetch fetch = {}) const {
        auto found = resolve(nullptr);
        if (found.refusal) return refused<GroupConsumer>(found.refusal);
        auto fetched = found.any_track()->fetch(sequence, fetch.priority);
        if (fetched.refusal) return refused<GroupConsumer>(fetched.refusal);
        if (fetched.group != nullptr) return ready<GroupConsumer>(GroupConsumer(std::move(fetched.group)));
        // Who asks for a group of a track that is only asked for asks for that track, too.
        std::shared_ptr<const void> track_request;
        if (found.request)
            track_request = std::make_shared<detail::BroadcastState::TrackRequester>(std::move(*found.request));
        return Pending<GroupConsumer>(detail::mapped<GroupConsumer>(
            detail::FetchSource(std::move(*fetched.request), std::move(track_request)),
            [](std::shared_ptr<detail::GroupState> &&group) { return GroupConsumer(std::move(group)); }));
    }

    /// A group that a live track holds now; asks nobody.
    std::optional<GroupConsumer> get_group(std::uint64_t sequence) const {
        const auto track = live();
        if (track == nullptr) return std::nullopt;
        auto group = track->find_group(sequence);
        if (group == nullptr) return std::nullopt;
        return GroupConsumer(std::move(group));
    }

    /// For the library: the live track behind this handle, or null.
    std::shared_ptr<detail::TrackState> live() const {
        return track_ != nullptr ? track_ : broadcast_ != nullptr ? broadcast_->find_track(*name_) : nullptr;
    }

private:
    using Resolution = detail::BroadcastState::Resolution;

    Resolution resolve(const Subscription *wishes) const {
        if (track_ == nullptr && broadcast_ != nullptr) return broadcast_->resolve(*name_, wishes);
        Resolution result;
        result.track = track_;
        if (track_ == nullptr) {
            result.refusal = make_error_code(Error::Cancelled);
        } else if (wishes != nullptr) {
            detail::WakeList wake;
            result.subscriber = std::make_shared<detail::SubscriberState>(track_, *wishes, wake);
        }
        return result;
    }

    template <class T> static Pending<T> refused(std::error_code code) {
        return Pending<T>(detail::ReadySource<T>(detail::Outcome<T>(code)));
    }
    template <class T> static Pending<T> ready(T value) {
        return Pending<T>(detail::ReadySource<T>(detail::Outcome<T>(std::in_place, std::move(value))));
    }
    template <class T, class Map> static Pending<T> pending(detail::BroadcastState::TrackRequester request, Map map) {
        return Pending<T>(detail::mapped<T>(detail::Step(std::move(request)), std::move(map)));
    }

    std::shared_ptr<detail::TrackState> track_;
    std::shared_ptr<detail::BroadcastState> broadcast_;
    std::shared_ptr<const std::string> name_;
};

}  // namespace comoq
