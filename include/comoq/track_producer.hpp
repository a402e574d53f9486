#pragma once
#include "bytes.hpp"
#include "datagram.hpp"
#include "detail/share.hpp"
#include "detail/track_state.hpp"
#include "detail/usage.hpp"
#include "group.hpp"
#include "operation.hpp"
#include "subscription.hpp"
#include "track_consumer.hpp"
#include "track_dynamic.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace comoq {

/// What a track holds and who uses it.
struct TrackStats {
    /// Groups and bytes of frames held for readers, and datagrams held for slow ones.
    std::size_t groups = 0, bytes = 0, datagrams = 0;
    /// Live and pending subscribers, copies of handlers, and requests for groups that are not settled.
    std::size_t subscribers = 0, handlers = 0, pending = 0;
    /// Groups that went for their age or to the origin's pool, and readers that were told Lagged, since the beginning.
    std::uint64_t evicted_groups = 0, lagged_readers = 0;
};

/// Writes a track. Copies write the same track; when the last one goes, the track ends: cleanly after `finish()`, with
/// Dropped otherwise. Groups that are being written go on.
///
/// Calls that make groups throw `std::system_error`: the code that ended the track, Closed from the final sequence on,
/// BoundsExceeded above 2^62-1. Threads: distinct copies may be used at the same time.
class TrackProducer {
public:
    /// For the library: a share in a track that has been accepted.
    explicit TrackProducer(std::shared_ptr<detail::TrackState> track) noexcept : track_(std::move(track)) {}
    // A copy follows the subscription from its own beginning.
    TrackProducer(const TrackProducer &other) noexcept : track_(other.track_) {}
    TrackProducer(TrackProducer &&) noexcept = default;
    TrackProducer &operator=(const TrackProducer &other) noexcept { return *this = TrackProducer(other); }
    TrackProducer &operator=(TrackProducer &&other) noexcept {
        TrackProducer previous(std::move(*this));
        track_ = std::move(other.track_);
        view_ = std::move(other.view_);
        return *this;
    }
    ~TrackProducer() = default;

    const std::string &name() const noexcept { return track_->name(); }
    const TrackInfo &info() const noexcept { return track_->info(); }

    /// A group with the next number.
    GroupProducer append_group() { return GroupProducer(track_->create_group(std::nullopt)); }

    /// A group with that number; Duplicate if it was used before.
    GroupProducer create_group(std::uint64_t sequence) { return GroupProducer(track_->create_group(sequence)); }

    /// A finished group of one frame. Gives its number. Throws what `append_group` and `GroupProducer::write_frame` do, and
    /// takes no number then.
    std::uint64_t write_frame(Bytes payload, Timestamp timestamp = {}) {
        return track_->write_group(
            detail::make_slot(*track_->shared()->bounds, track_->info().timescale, std::move(payload), timestamp));
    }

    /// A datagram with the next number, for those who subscribe now. Gives its number. Throws FrameTooLarge above 1,200
    /// bytes, TimestampMismatch if the timestamp does not fit, and takes no number then; else what `append_group` does.
    std::uint64_t append_datagram(Bytes payload, Timestamp timestamp = {}) {
        return add_datagram(std::nullopt, std::move(payload), timestamp);
    }

    /// The same under the number that it has elsewhere: for whoever passes a track on. Duplicate if that is in use.
    void insert_datagram(Datagram datagram) {
        add_datagram(datagram.sequence, std::move(datagram.payload), datagram.timestamp);
    }

    /// Declares that no number after the latest will come. Groups below may still be made. Closed if one was declared.
    void finish() { track_->finish(std::nullopt); }

    /// Declares that `sequence` is the first that will never come. ProtocolViolation if it is not above `latest()`,
    /// Closed if one was declared already.
    void finish_at(std::uint64_t sequence) { track_->finish(sequence); }

    /// Ends the track with `code` (a false one is Cancelled) and lets go of what it holds. Nothing if it has ended.
    void abort(std::error_code code) { track_->end(code); }

    /// A handler for groups that are asked for by number and not there.
    TrackDynamic dynamic() const { return TrackDynamic(track_.state()); }

    /// The highest number in use.
    std::optional<std::uint64_t> latest() const {
        detail::Lock lock(track_->mutex());
        return track_->numbers().latest();
    }

    /// What all subscribers want together: the highest priority; ordered if all want that; the longest max_latency,
    /// clamped to the track's; the lowest start; the highest end, none if one has none. Nothing if there are none.
    std::optional<Subscription> subscription() const {
        detail::Lock lock(track_->mutex());
        return track_->combined();
    }

    /// The combined subscription: what it is at first, then each change, several at once as one. Empty means that nobody
    /// subscribes. Fails with the code that ended the track, Closed if it ended well. Each copy of the producer follows
    /// by itself.
    Operation<std::optional<Subscription>> subscription_changed() {
        if (view_ == nullptr) view_ = std::make_shared<detail::SubscriptionView>();
        return Operation<std::optional<Subscription>>(
            detail::Step(detail::SubscriptionChangedRule(track_.state(), view_)));
    }

    /// Completes while there is a subscriber, live or pending. Fails as `subscription_changed` does.
    Operation<void> used() { return Operation<void>(detail::Step(detail::UsedRule<true>(track_.state()))); }
    /// Completes while there is none.
    Operation<void> unused() { return Operation<void>(detail::Step(detail::UsedRule<false>(track_.state()))); }

    /// The track itself, whatever broadcast it is in.
    TrackConsumer consume() const { return TrackConsumer(track_.state()); }

    /// For the library: the track itself.
    const std::shared_ptr<detail::TrackState> &state() const noexcept { return track_.state(); }

    TrackStats stats() const {
        const auto counts = track_->counts();
        TrackStats stats;
        stats.groups = counts.groups;
        stats.bytes = counts.bytes;
        stats.datagrams = counts.datagrams;
        stats.subscribers = counts.subscribers;
        stats.handlers = track_->handlers.load();
        stats.pending = counts.pending;
        stats.evicted_groups = counts.evicted_groups;
        stats.lagged_readers = counts.lagged_readers;
        return stats;
    }

private:
    std::uint64_t add_datagram(std::optional<std::uint64_t> sequence, Bytes &&payload, Timestamp timestamp) {
        if (payload.size() > detail::MediaBounds::max_datagram_size)
            detail::throw_error(make_error_code(Error::FrameTooLarge));
        return track_->add_datagram(sequence, timestamp.convert(track_->info().timescale), std::move(payload));
    }

    // First, to be destroyed last: its end may be the track's.
    detail::Share<detail::TrackState, &detail::TrackState::producers, &detail::TrackState::last_producer_gone> track_;
    std::shared_ptr<detail::SubscriptionView> view_;
};

}  // namespace comoq
