// SPDX-License-Identifier: MIT
#pragma once
#include "config.hpp"
#include "broadcast_info.hpp"
#include "detail/media/broadcast_state.hpp"
#include "detail/media/requested_track.hpp"
#include "detail/wait/share.hpp"
#include "operation.hpp"
#include "try_result.hpp"
#include "track.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq {

/// A snapshot of a broadcast's counters.
struct BroadcastStats {
    /// Live tracks.
    std::size_t tracks = 0;
    /// Copies of handlers.
    std::size_t handlers = 0;
    /// Pending requests for tracks.
    std::size_t pending = 0;
    /// Groups of its live tracks.
    std::size_t cached_groups = 0;
    /// The part of the origin's pool that these groups and datagrams take.
    std::size_t cached_bytes = 0;
    /// Groups that expired or were evicted from the origin's pool: of all tracks ever, for as long as they were live in this
    /// broadcast.
    std::uint64_t evicted_groups = 0;
    /// Readers of these tracks that got Lagged.
    std::uint64_t lagged_readers = 0;
};

/// The counters as a JSON object in one line, by the names that they have here. It is what fmt and streams print.
std::string to_json(const BroadcastStats &stats);
/// The same as `to_json`.
inline std::string to_string(const BroadcastStats &stats) { return to_json(stats); }

/// Reads a broadcast: looks up its tracks. It does not keep the broadcast open, only its memory.
///
/// Copyable; equal if it is the same broadcast. Threads: distinct copies may be used at the same time.
class BroadcastConsumer {
public:
    /// Empty.
    BroadcastConsumer() noexcept = default;
    explicit BroadcastConsumer(detail::Passkey key, std::shared_ptr<detail::BroadcastState> state) noexcept
        : BroadcastConsumer(key, detail::BroadcastInterest(std::move(state))) {}
    BroadcastConsumer(const BroadcastConsumer &) noexcept = default;
    BroadcastConsumer(BroadcastConsumer &&) noexcept = default;
    BroadcastConsumer &operator=(const BroadcastConsumer &) noexcept = default;
    BroadcastConsumer &operator=(BroadcastConsumer &&) noexcept = default;
    COMOQ_INLINED ~BroadcastConsumer() {}  // not defaulted, which cannot be inlined on demand
    explicit BroadcastConsumer(detail::Passkey, detail::BroadcastInterest &&interest) noexcept
        : state_(std::move(interest)), info_(state_ ? state_.state()->route().changed_info() : detail::HeldInfo()) {}

    /// A track by its name. Never fails and asks nobody: operations on the track resolve the name.
    TrackConsumer track(std::string_view name) const;

    /// Where it comes from, as it was when this handle, or the one that it is a copy of, was given out. That may change
    /// while the broadcast goes on (`OriginPublish::update`): watchers get a handle with the new one then. Valid as long
    /// as this handle.
    const BroadcastInfo &info() const noexcept;

    /// Why the broadcast ended, once it has: a false code after `finish()`, Dropped when its producers and handlers
    /// went without it, the code of an abort. Closed as an error on an empty handle.
    Operation<std::error_code> closed() const;
    /// True once it has ended, and for an empty handle.
    bool is_closed() const noexcept { return !state_ || state_->closed(); }

    /// False for an empty handle.
    explicit operator bool() const noexcept { return static_cast<bool>(state_); }

    friend bool operator==(const BroadcastConsumer &left, const BroadcastConsumer &right) noexcept {
        return left.state_.state() == right.state_.state();
    }

    const std::shared_ptr<detail::BroadcastState> &state(detail::Passkey) const noexcept { return state_.state(); }

private:
    detail::BroadcastInterest state_;
    detail::HeldInfo info_;  // empty if it had not changed since the broadcast was made
};

/// A handler's request for a missing track. Answer it once. Dropping it unanswered answers NotFound. Moves only; works
/// after the handler is gone.
class [[nodiscard]] TrackRequest {
public:
    /// Empty: it has no name, settles nothing, and `accept` and `dynamic` throw Closed.
    TrackRequest() noexcept = default;
    explicit TrackRequest(detail::Passkey, detail::Obligation<detail::BroadcastState> obligation) noexcept
        : obligation_(std::move(obligation)) {}
    TrackRequest(TrackRequest &&) noexcept = default;
    TrackRequest &operator=(TrackRequest &&) noexcept = default;
    ~TrackRequest() = default;

    /// The track's name. Valid as long as this handle.
    const std::string &name() const & noexcept;
    std::string name() && { return name(); }

    /// The combined wishes of the waiting subscribers; nothing if nobody waits to subscribe.
    std::optional<Subscription> subscription() const;

    /// Makes the track live and gives it to all waiting requesters. Throws Duplicate if another track has taken the
    /// name meanwhile, or the code that ended the request or the broadcast.
    TrackProducer accept(TrackInfo info = {});
    /// The same without exceptions: `ec` gets the code, and the result is empty then.
    TrackProducer accept(TrackInfo info, std::error_code &ec) noexcept {
        return detail::with_code(ec, [&] { return accept(info); });
    }
    TrackProducer accept(std::error_code &ec) noexcept { return accept({}, ec); }

    /// Refuses with `code` (a false one is Cancelled), which every requester gets. False if it was settled before.
    bool reject(std::error_code code) { return obligation_.settle(detail::failure(code)); }

    /// A handler for requests for groups of the track by number, also before `accept`: it can serve a fetch from a
    /// track without subscribers. If the track goes live without a handler, requests for its groups get NotFound.
    TrackDynamic dynamic() const { return TrackDynamic(detail::Passkey(), obligation_.held()->payload()); }

    /// Completes once nobody waits for the track any more, or the request is settled. Fails only with Closed, on an
    /// empty handle.
    Operation<void> abandoned();
    /// Gives the request up, unless a requester waits for it again: false then. A later caller makes a new request.
    bool withdraw() noexcept { return obligation_.withdraw(); }

private:
    detail::Obligation<detail::BroadcastState> obligation_;
};

/// Serves requests for missing tracks of a broadcast. Copies are handlers of the same kind: each request goes to one of
/// them. When the last one goes, requests that nobody has taken are NotFound. Keeps the broadcast open.
///
/// Threads: distinct copies may be used at the same time.
class [[nodiscard]] BroadcastDynamic {
public:
    /// Empty: its steps fail with Closed.
    BroadcastDynamic() noexcept = default;
    explicit BroadcastDynamic(detail::Passkey, const std::shared_ptr<detail::BroadcastState> &state) noexcept
        : holder_(state), handler_(state) {}
    BroadcastDynamic(const BroadcastDynamic &) noexcept = default;
    BroadcastDynamic(BroadcastDynamic &&) noexcept = default;
    BroadcastDynamic &operator=(BroadcastDynamic other) noexcept;
    ~BroadcastDynamic() { last_act_.arm(); }

    /// The oldest request that nobody has taken. Ends empty when the broadcast has ended or its last handler is gone; a
    /// waiting step does not count as a handler.
    Operation<std::optional<TrackRequest>> requested_track();
    /// The same without a wait.
    TryResult<TrackRequest> try_requested_track() noexcept;

private:
    auto source() const {
        using Next = std::optional<TrackRequest>;
        return detail::mapped<Next>(detail::Step(detail::RequestedTrackRule(handler_.state())), [](std::optional<detail::Obligation<detail::BroadcastState>> &&request) {
            return request ? Next(std::in_place, detail::Passkey(), std::move(*request)) : Next();
        });
    }

    detail::LastAct last_act_;
    // In this order: the handler's end refuses queued requests before the holder's end may close the broadcast.
    detail::Share<detail::BroadcastState, &detail::BroadcastState::holders, &detail::BroadcastState::last_holder_gone>
        holder_;
    detail::Share<detail::BroadcastState, &detail::BroadcastState::handlers, &detail::BroadcastState::last_handler_gone>
        handler_;
};

/// Writes a broadcast: makes its tracks. The broadcast ends when the last producer and the last handler are gone
/// (Dropped), by `finish()` or by `abort()`; pending requests for tracks then settle with that code (Closed after
/// `finish()`), and tracks that readers already have go on.
///
/// Calls that make tracks throw `std::system_error`: Duplicate for the name of a live track, and the code that closed
/// the broadcast. Threads: distinct copies may be used at the same time.
class [[nodiscard]] BroadcastProducer {
public:
    /// A broadcast that stands alone: no pool, the steady clock, the default bounds. The pool, clock and bounds of the first
    /// origin that it is announced or served at cover it from then on.
    explicit BroadcastProducer(BroadcastInfo info = {});
    /// One that shares `bounds` with others.
    BroadcastProducer(detail::Passkey, BroadcastInfo info, std::shared_ptr<detail::MediaBounds> bounds);
    /// An empty one.
    BroadcastProducer(detail::Passkey, detail::EmptyHandle) noexcept {}
    BroadcastProducer(const BroadcastProducer &) = default;
    BroadcastProducer(BroadcastProducer &&) noexcept = default;
    BroadcastProducer &operator=(const BroadcastProducer &) noexcept = default;
    BroadcastProducer &operator=(BroadcastProducer &&) noexcept = default;
    ~BroadcastProducer() = default;

    /// A new live track, which also answers pending requests for that name.
    TrackProducer create_track(std::string_view name, TrackInfo info = {});

    /// Makes an existing track live here under its own name; it may belong to another broadcast. NotFound if `track` is
    /// not live.
    void insert_track(TrackConsumer track);

    /// Removes a track; readers that have it keep it. Does nothing if the name has no track.
    void remove_track(std::string_view name) { state_->remove_track(name); }

    /// A new live track with a unique name: a number and then `suffix`.
    TrackProducer unique_track(std::string_view suffix, TrackInfo info = {});

    // The same without exceptions: `ec` gets the code, a false one after success, and `std::errc::not_enough_memory` for want of
    // memory. What a failed call returns is empty, or 0.
    TrackProducer create_track(std::string_view name, TrackInfo info, std::error_code &ec) noexcept {
        return detail::with_code(ec, [&] { return create_track(name, info); });
    }
    TrackProducer create_track(std::string_view name, std::error_code &ec) noexcept { return create_track(name, {}, ec); }
    void insert_track(TrackConsumer track, std::error_code &ec) noexcept {
        return detail::with_code(ec, [&] { return insert_track(std::move(track)); });
    }
    TrackProducer unique_track(std::string_view suffix, TrackInfo info, std::error_code &ec) noexcept {
        return detail::with_code(ec, [&] { return unique_track(suffix, info); });
    }
    TrackProducer unique_track(std::string_view suffix, std::error_code &ec) noexcept { return unique_track(suffix, {}, ec); }

    /// A handler for requests for missing tracks.
    BroadcastDynamic dynamic() const { return BroadcastDynamic(detail::Passkey(), state_.held()); }

    BroadcastConsumer consume() const { return BroadcastConsumer(detail::Passkey(), state_.held()); }

    /// Completes while the broadcast has a user other than producers and handlers: a consumer of it, or of one of its
    /// tracks by name. Fails with the code that closed the broadcast.
    Operation<void> used();
    /// Completes while it has no user. Fails as `used` does.
    Operation<void> unused();

    const std::shared_ptr<detail::BroadcastState> &state(detail::Passkey) const noexcept { return state_.state(); }

    /// Ends the broadcast well. Does nothing if it has ended.
    void finish() { state_->close(make_error_code(Error::Closed), true); }
    /// Ends the broadcast with `code` (a false one is Cancelled). Does nothing if it has ended.
    void abort(std::error_code code) { state_->close(detail::failure(code)); }

    /// The counters, taken at one moment.
    BroadcastStats stats() const;

private:
    detail::Share<detail::BroadcastState, &detail::BroadcastState::holders, &detail::BroadcastState::last_holder_gone>
        state_;
};

COMOQ_DECLARE_OPERATION(std::optional<TrackRequest>);

}  // namespace comoq

COMOQ_PRINTED(comoq::BroadcastStats);

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "impl/broadcast.ipp"
#endif
