#pragma once
#include "broadcast_info.hpp"
#include "detail/broadcast_state.hpp"
#include "detail/requested_track.hpp"
#include "detail/share.hpp"
#include "operation.hpp"
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
    /// Live tracks, copies of handlers, and requests for tracks that are not settled.
    std::size_t tracks = 0, handlers = 0, pending = 0;
    /// Groups and bytes of frames that its live tracks hold.
    std::size_t cached_groups = 0, cached_bytes = 0;
    /// Groups that went for their age or to the origin's pool, and readers that were told Lagged, of all tracks there were,
    /// for as long as they were live in this broadcast.
    std::uint64_t evicted_groups = 0, lagged_readers = 0;
};

/// Reads a broadcast: looks its tracks up. It does not keep the broadcast open, only its memory.
///
/// Copyable; equal if it is the same broadcast. Threads: distinct copies may be used at the same time.
class BroadcastConsumer {
public:
    /// Empty.
    BroadcastConsumer() noexcept = default;
    /// For the library.
    explicit BroadcastConsumer(std::shared_ptr<detail::BroadcastState> state) noexcept : state_(std::move(state)) {}

    /// A track by its name. Never fails and asks nobody: what the name leads to is found by what is done with it.
    TrackConsumer track(std::string_view name) const {
        return state_ != nullptr ? TrackConsumer(state_, name) : TrackConsumer();
    }

    const BroadcastInfo &info() const noexcept {
        static const BroadcastInfo none;
        return state_ != nullptr ? state_->info() : none;
    }

    /// Why the broadcast ended, once it has: a false code after `finish()`, Dropped when its producers and handlers went
    /// without, the code of an abort. Cancelled as an error on an empty handle.
    Operation<std::error_code> closed() const {
        if (state_ == nullptr) return Operation<std::error_code>(detail::AnySource<std::error_code>());
        return Operation<std::error_code>(detail::Step(detail::BroadcastClosedRule(state_)));
    }
    /// True once it has ended, and for an empty handle.
    bool is_closed() const noexcept { return state_ == nullptr || state_->closed(); }

    /// False for an empty handle.
    explicit operator bool() const noexcept { return state_ != nullptr; }

    friend bool operator==(const BroadcastConsumer &, const BroadcastConsumer &) noexcept = default;

    /// For the library.
    const std::shared_ptr<detail::BroadcastState> &state() const noexcept { return state_; }

private:
    std::shared_ptr<detail::BroadcastState> state_;
};

/// A request for a track that is not there, taken by a handler: to be answered once. Dropping it unanswered answers
/// NotFound. Moves only; works after the handler is gone.
class TrackRequest {
public:
    /// For the library.
    explicit TrackRequest(detail::Obligation<detail::BroadcastState> obligation) noexcept
        : obligation_(std::move(obligation)) {}
    TrackRequest(TrackRequest &&) noexcept = default;
    TrackRequest &operator=(TrackRequest &&) noexcept = default;
    ~TrackRequest() = default;

    const std::string &name() const noexcept { return obligation_.entry()->key(); }

    /// What those who wait to subscribe want together; nothing if none of them does.
    std::optional<Subscription> subscription() const {
        const auto &track = *obligation_.entry()->payload();
        detail::Lock lock(track.mutex());
        return track.combined();
    }

    /// Makes the track live and gives it to everyone who waits. Throws Duplicate if the name was given to another track
    /// meanwhile, or the code that the request or the broadcast ended with.
    TrackProducer accept(TrackInfo info = {}) {
        return TrackProducer(obligation_.owner()->accept(*obligation_.entry(), info));
    }

    /// Refuses with `code` (a false one is Cancelled), which every requester gets. False if it was settled before.
    bool reject(std::error_code code) { return obligation_.settle(detail::failure(code)); }

    /// A handler for groups of the track that are asked for by number, also before `accept`: so that a fetch can be served
    /// for a track that nobody subscribes to. When the track goes live without one, those who wait for a group get
    /// NotFound.
    TrackDynamic dynamic() const { return TrackDynamic(obligation_.entry()->payload()); }

    /// Completes once nobody waits for the track any more, or the request is settled.
    Operation<void> abandoned() { return Operation<void>(obligation_.abandoned()); }

private:
    detail::Obligation<detail::BroadcastState> obligation_;
};

/// Serves the tracks of a broadcast that are asked for and not there. Copies are handlers of the same kind: each request
/// goes to one of them. When the last one goes, requests that nobody has taken are NotFound. Keeps the broadcast open.
///
/// Threads: distinct copies may be used at the same time.
class BroadcastDynamic {
public:
    /// For the library.
    explicit BroadcastDynamic(const std::shared_ptr<detail::BroadcastState> &state) noexcept
        : holder_(state), handler_(state) {}
    BroadcastDynamic(const BroadcastDynamic &) noexcept = default;
    BroadcastDynamic(BroadcastDynamic &&) noexcept = default;
    BroadcastDynamic &operator=(BroadcastDynamic other) noexcept {
        std::swap(holder_, other.holder_);
        std::swap(handler_, other.handler_);
        return *this;
    }
    ~BroadcastDynamic() { last_act_.arm(); }

    /// The oldest request that nobody has taken. Ends empty when the broadcast has ended or its last handler is gone; a
    /// waiting step does not count as a handler.
    Operation<std::optional<TrackRequest>> requested_track() {
        using Next = std::optional<TrackRequest>;
        if (!handler_) return Operation<Next>(detail::AnySource<Next>());
        return Operation<Next>(detail::mapped<Next>(
            detail::Step(detail::RequestedTrackRule(handler_.state())),
            [](std::optional<detail::Obligation<detail::BroadcastState>> &&request) {
                return request ? Next(std::in_place, std::move(*request)) : Next();
            }));
    }

private:
    detail::LastAct last_act_;
    // In this order: the handler's end refuses what is queued before the holder's end may close the broadcast.
    detail::Share<detail::BroadcastState, &detail::BroadcastState::holders, &detail::BroadcastState::last_holder_gone>
        holder_;
    detail::Share<detail::BroadcastState, &detail::BroadcastState::handlers, &detail::BroadcastState::last_handler_gone>
        handler_;
};

/// Writes a broadcast: makes its tracks. It ends when the last producer and the last handler are gone (Dropped), by
/// `finish()` or by `abort()`; requests for tracks that are pending then settle with that code (Closed after `finish()`),
/// and tracks that were obtained go on.
///
/// Calls that make tracks throw `std::system_error`: Duplicate for the name of a live track, and the code that closed the
/// broadcast. Threads: distinct copies may be used at the same time.
class BroadcastProducer {
public:
    /// A broadcast that stands alone: no pool, the steady clock, the default bounds.
    explicit BroadcastProducer(BroadcastInfo info = {})
        : BroadcastProducer(std::move(info), detail::MediaBounds::without_pool()) {}
    /// For the library: one that shares `bounds` with others.
    BroadcastProducer(BroadcastInfo info, std::shared_ptr<detail::MediaBounds> bounds)
        : state_(std::make_shared<detail::BroadcastState>(std::move(info), std::move(bounds))) {}
    BroadcastProducer(const BroadcastProducer &) = default;
    BroadcastProducer(BroadcastProducer &&) noexcept = default;
    BroadcastProducer &operator=(const BroadcastProducer &) noexcept = default;
    BroadcastProducer &operator=(BroadcastProducer &&) noexcept = default;
    ~BroadcastProducer() = default;

    /// A new live track, which is also what pending requests for that name get.
    TrackProducer create_track(std::string_view name, TrackInfo info = {}) {
        return TrackProducer(state_->create_track(name, info));
    }

    /// Makes a live track, of another broadcast perhaps, a track of this one under its own name. NotFound if `track` is
    /// not live.
    void insert_track(TrackConsumer track) {
        auto live = track.live();
        if (live == nullptr) detail::throw_error(make_error_code(Error::NotFound));
        state_->insert_track(std::move(live));
    }

    /// Takes a track off the list; it goes on for those who have it. Nothing if there is none of that name.
    void remove_track(std::string_view name) { state_->remove_track(name); }

    /// A new live track with a name that no other has: a number and then `suffix`.
    TrackProducer unique_track(std::string_view suffix, TrackInfo info = {}) {
        return TrackProducer(state_->unique_track(suffix, info));
    }

    /// A handler for the tracks that are asked for and not there.
    BroadcastDynamic dynamic() const { return BroadcastDynamic(state_.state()); }

    BroadcastConsumer consume() const { return BroadcastConsumer(state_.state()); }

    /// For the library.
    const std::shared_ptr<detail::BroadcastState> &state() const noexcept { return state_.state(); }

    /// Ends the broadcast well. Nothing if it has ended.
    void finish() { state_->close(make_error_code(Error::Closed), true); }
    /// Ends the broadcast with `code` (a false one is Cancelled). Nothing if it has ended.
    void abort(std::error_code code) { state_->close(detail::failure(code)); }

    BroadcastStats stats() const {
        const auto counts = state_->counts();
        BroadcastStats stats;
        stats.tracks = counts.tracks;
        stats.handlers = state_->handlers.load();
        stats.pending = counts.pending;
        stats.cached_groups = counts.media.groups;
        stats.cached_bytes = counts.media.bytes;
        stats.evicted_groups = counts.media.evicted_groups;
        stats.lagged_readers = counts.media.lagged_readers;
        return stats;
    }

private:
    detail::Share<detail::BroadcastState, &detail::BroadcastState::holders, &detail::BroadcastState::last_holder_gone>
        state_;
};

}  // namespace comoq
