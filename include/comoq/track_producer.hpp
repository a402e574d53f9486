// SPDX-License-Identifier: MIT
#pragma once
#include "config.hpp"
#include "bytes.hpp"
#include "datagram.hpp"
#include "detail/wait/share.hpp"
#include "detail/media/track_state.hpp"
#include "detail/media/usage.hpp"
#include "group.hpp"
#include "group_info.hpp"
#include "location.hpp"
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

/// The contents and the users of a track.
struct TrackStats {
    /// Groups held for readers.
    std::size_t groups = 0;
    /// Bytes of their frames.
    std::size_t bytes = 0;
    /// Datagrams held for slow readers.
    std::size_t datagrams = 0;
    /// Live and pending subscribers.
    std::size_t subscribers = 0;
    /// Copies of handlers.
    std::size_t handlers = 0;
    /// Pending requests for groups.
    std::size_t pending = 0;
    /// Of the groups, lanes of groups beside lane 0.
    std::size_t lanes = 0;
    /// The part of the origin's pool that groups, datagrams and the properties of the track take.
    std::size_t cached_bytes = 0;
    /// Groups that expired or were evicted from the origin's pool, since the beginning.
    std::uint64_t evicted_groups = 0;
    /// Readers that got Lagged, since the beginning.
    std::uint64_t lagged_readers = 0;
};

/// The counters as a JSON object in one line, by the names that they have here. It is what fmt and streams print.
std::string to_json(const TrackStats &stats);
/// The same as `to_json`.
inline std::string to_string(const TrackStats &stats) { return to_json(stats); }

/// Writes a track. Copies write the same track; when the last one goes, the track ends: cleanly after `finish()`, with
/// Dropped otherwise. Groups that are being written go on.
///
/// Calls that make groups throw `std::system_error`: the code that ended the track, Closed from the final sequence on,
/// BoundsExceeded above 2^62-1. Threads: distinct copies may be used at the same time.
class [[nodiscard]] TrackProducer {
public:
    /// Empty: its calls throw Closed, and its steps fail with it.
    TrackProducer() noexcept = default;
    /// A share in a track that has been accepted.
    explicit TrackProducer(detail::Passkey, std::shared_ptr<detail::TrackState> track) noexcept : track_(std::move(track)) {}
    // A copy follows the subscription from its own beginning.
    TrackProducer(const TrackProducer &other) noexcept : track_(other.track_) {}
    TrackProducer(TrackProducer &&) noexcept = default;
    TrackProducer &operator=(const TrackProducer &other) noexcept { return *this = TrackProducer(other); }
    TrackProducer &operator=(TrackProducer &&other) noexcept;
    ~TrackProducer() = default;

    /// The track's name. Valid as long as this handle.
    const std::string &name() const & noexcept;
    /// The description that subscribers get. Valid as long as this handle.
    const TrackInfo &info() const & noexcept;
    // Returns a copy: a temporary does not keep the name.
    std::string name() && { return name(); }
    TrackInfo info() && noexcept { return info(); }

    /// A group with the next number.
    GroupProducer append_group();

    /// A group with that number. Duplicate if the track has had a group or a datagram of that number, also if the group
    /// has expired or was evicted since. A track remembers at most 1,024 gaps between its numbers. Beyond that it gives
    /// up the lowest gap, and with it what it knew of the numbers below: a group there that has gone may be made again.
    GroupProducer create_group(std::uint64_t sequence);
    /// The same for a group that begins in the middle, or has a priority of its own, or for a lane of a group: with a subgroup
    /// other than 0, or if other lanes of that number are here, only a lane that is here is Duplicate. Throws
    /// BoundsExceeded, too, for an id above 2^62-1, and LimitReached beyond 1,024 lanes. A lane that is made once the track is
    /// finished, and all numbers are used, may come too late for readers that have come to the end.
    GroupProducer create_group(std::uint64_t sequence, const GroupInfo &info);

    /// A finished group of one frame. Returns its number. Throws as `append_group` and `GroupProducer::write_frame` do,
    /// and takes no number then.
    std::uint64_t write_frame(Bytes payload, Timestamp timestamp = {});

    /// A datagram with the next number, for the present subscribers. Returns its number. Throws FrameTooLarge above
    /// 1,200 bytes, TimestampMismatch if the timestamp does not fit, and otherwise as `append_group` does; takes no
    /// number then.
    std::uint64_t append_datagram(Bytes payload, Timestamp timestamp = {});

    /// The same with its number from elsewhere: for a program that passes a track on. Duplicate if a group has that
    /// number, or a datagram had it. With an object id above 0 it is Duplicate only if a datagram had the same number and id;
    /// of such places a track remembers the 1,024 highest while it has datagrams. Its properties count for the 1,200 bytes.
    /// BoundsExceeded, too, for an object id above 2^62-1.
    void insert_datagram(Datagram datagram);

    /// Declares that no number after the latest will come. Lower groups may still be made. Closed if an end was
    /// declared before.
    void finish();

    /// Declares that `sequence` is the first number that will never come. ProtocolViolation if it is not above
    /// `latest()`, Closed if an end was declared before.
    void finish_at(std::uint64_t sequence);

    // The same without exceptions: `ec` gets the code, a false one after success, and `std::errc::not_enough_memory` for want of
    // memory. What a failed call returns is empty, or 0.
    GroupProducer append_group(std::error_code &ec) noexcept {
        return detail::with_code(ec, [&] { return append_group(); });
    }
    GroupProducer create_group(std::uint64_t sequence, std::error_code &ec) noexcept {
        return detail::with_code(ec, [&] { return create_group(sequence); });
    }
    GroupProducer create_group(std::uint64_t sequence, const GroupInfo &info, std::error_code &ec) noexcept {
        return detail::with_code(ec, [&] { return create_group(sequence, info); });
    }
    std::uint64_t write_frame(Bytes payload, Timestamp timestamp, std::error_code &ec) noexcept {
        return detail::with_code(ec, [&] { return write_frame(std::move(payload), timestamp); });
    }
    std::uint64_t write_frame(Bytes payload, std::error_code &ec) noexcept { return write_frame(std::move(payload), {}, ec); }
    std::uint64_t append_datagram(Bytes payload, Timestamp timestamp, std::error_code &ec) noexcept {
        return detail::with_code(ec, [&] { return append_datagram(std::move(payload), timestamp); });
    }
    std::uint64_t append_datagram(Bytes payload, std::error_code &ec) noexcept {
        return append_datagram(std::move(payload), {}, ec);
    }
    void insert_datagram(Datagram datagram, std::error_code &ec) noexcept {
        return detail::with_code(ec, [&] { return insert_datagram(std::move(datagram)); });
    }
    void finish(std::error_code &ec) noexcept {
        return detail::with_code(ec, [&] { return finish(); });
    }
    void finish_at(std::uint64_t sequence, std::error_code &ec) noexcept {
        return detail::with_code(ec, [&] { return finish_at(sequence); });
    }

    /// Ends the track with `code` (a false one is Cancelled) and releases its contents. Does nothing if it has ended.
    void abort(std::error_code code) { track_->end(code); }

    /// A handler for requests for missing groups by number.
    TrackDynamic dynamic() const { return TrackDynamic(detail::Passkey(), track_.held()); }

    /// The highest number in use.
    std::optional<std::uint64_t> latest() const;

    /// The largest place at which the track has had a complete frame or a datagram, or at which its source has one
    /// (`note_largest`); nothing if there is none. Groups that were fetched do not count.
    std::optional<Location> largest() const;
    /// The source of the track has something at that place: for a program that passes a track on.
    void note_largest(Location place);

    /// The combined wishes of all subscribers: the highest priority; ordered if all want that; the longest max_latency,
    /// clamped to the track's; the lowest start; the highest end, none if one has none. Nothing without subscribers.
    std::optional<Subscription> subscription() const;

    /// The combined subscription: its present value first, then each change, several at once as one. Empty means that
    /// nobody subscribes. Fails with the code that ended the track, Closed if it ended well. Each copy of the producer
    /// follows independently.
    Operation<std::optional<Subscription>> subscription_changed();

    /// Completes while there is a subscriber, live or pending. Fails as `subscription_changed` does.
    Operation<void> used();
    /// Completes while nobody subscribes. Fails as `subscription_changed` does.
    Operation<void> unused();

    /// The track itself, in any broadcast.
    TrackConsumer consume() const { return TrackConsumer(detail::Passkey(), track_.held()); }

    /// The track itself.
    const std::shared_ptr<detail::TrackState> &state(detail::Passkey) const noexcept { return track_.state(); }

    /// The counters, taken at one moment.
    TrackStats stats() const;

private:
    std::uint64_t add_datagram(bool numbered, Datagram &&datagram);

    // First, to be destroyed last: its end may be the track's.
    detail::Share<detail::TrackState, &detail::TrackState::producers, &detail::TrackState::last_producer_gone> track_;
    std::shared_ptr<detail::SubscriptionView> view_;
};

COMOQ_DECLARE_OPERATION(std::optional<Subscription>);

}  // namespace comoq

COMOQ_PRINTED(comoq::TrackStats);

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "impl/track_producer.ipp"
#endif
