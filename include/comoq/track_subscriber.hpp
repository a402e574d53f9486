// SPDX-License-Identifier: MIT
#pragma once
#include "config.hpp"
#include "datagram.hpp"
#include "detail/media/subscriber_state.hpp"
#include "detail/media/usage.hpp"
#include "group.hpp"
#include "location.hpp"
#include "operation.hpp"
#include "subscription.hpp"
#include "try_result.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

namespace comoq {

/// Counters of a subscriber: what its steps have returned, and the gaps between.
struct SubscriberStats {
    /// Groups: from `recv_group`, from `next_group`, and those that the frames from `read_frame` and `read_first_frame`
    /// belong to.
    std::uint64_t groups = 0;
    /// Lanes of groups, beside lane 0, from `recv_group`.
    std::uint64_t lanes = 0;
    /// Frames from `read_frame` and `read_first_frame`, and datagrams. A `GroupConsumer` does not count.
    std::uint64_t frames = 0, datagrams = 0;
    /// The payload of these frames and datagrams.
    std::uint64_t bytes = 0;
    /// Numbers that the cursor of `next_group` passed over after its first group: of groups that were not there, or not there
    /// in time.
    std::uint64_t skipped_groups = 0;
    /// Numbers between the lowest and the highest group from `recv_group` that it has not returned yet.
    std::uint64_t missing_groups = 0;
    /// Datagrams that this subscriber was too slow for.
    std::uint64_t skipped_datagrams = 0;
    /// Gaps between the groups from `recv_group` that it no longer remembers, because there were more than 1,024:
    /// groups that arrive there are not returned.
    std::uint64_t gaps_given_up = 0;
};

/// The counters as a JSON object in one line, by the names that they have here. It is what fmt and streams print.
std::string to_json(const SubscriberStats &stats);
/// The same as `to_json`.
inline std::string to_string(const SubscriberStats &stats) { return to_json(stats); }

/// Reads a track by two independent cursors: `recv_group` and `next_group` (which `read_frame` and `read_first_frame`
/// share).
///
/// It counts as a subscriber of its track until it and its steps are gone. Steps end empty when the track ended well
/// and everything was returned. If the last groups expired or were evicted before that, they fail with Old or Evicted.
/// Otherwise they fail with the track's code, Dropped if its producers went without finishing. A failed group does not
/// fail its track. Steps of an empty handle fail with Closed.
///
/// Threads: distinct subscribers may be used at the same time, one handle by one thread at a time.
class [[nodiscard]] TrackSubscriber {
public:
    /// Empty.
    TrackSubscriber() noexcept = default;
    TrackSubscriber(TrackSubscriber &&) noexcept = default;
    TrackSubscriber &operator=(TrackSubscriber &&other) noexcept;
    ~TrackSubscriber() { last_act_.arm(); }

    explicit TrackSubscriber(detail::Passkey, std::shared_ptr<detail::SubscriberState> state) noexcept
        : state_(std::move(state)) {}

    /// The next group in the order of arrival; each is returned once. Empty at the track's end; fails with Old, Evicted, or
    /// the track's code. A group with lanes, which are subgroups of MoQ Transport, comes as many times as it has lanes, each
    /// with its own `GroupConsumer::info`: a reader that wants the group alone leaves out those with another subgroup than 0, as every
    /// other step does. Of lanes it remembers the 1,024 highest; others come no more.
    Operation<std::optional<GroupConsumer>> recv_group();

    /// The group with the lowest sequence above the last one returned. Groups below it that arrive later are skipped.
    /// Ends and fails as `recv_group` does.
    Operation<std::optional<GroupConsumer>> next_group();

    /// Every frame in order: the next one of the current group or, when that has ended or failed, of the next group.
    /// Moves the cursor of `next_group`.
    Operation<std::optional<Frame>> read_frame();

    /// The first frame of the next group that has one. Skips stalled, empty and failed groups for a newer one with a
    /// frame. Moves the cursor of `next_group`.
    Operation<std::optional<Frame>> read_first_frame();

    /// The next datagram since this subscriber came, in spite of its start and end. A slow reader misses the oldest:
    /// the last 1,024 are kept. Ends and fails with the track.
    Operation<std::optional<Datagram>> recv_datagram();

    // The five steps without a wait (`TryResult`).
    TryResult<GroupConsumer> try_recv_group() noexcept;
    TryResult<GroupConsumer> try_next_group() noexcept;
    TryResult<Frame> try_read_frame() noexcept;
    TryResult<Frame> try_read_first_frame() noexcept;
    TryResult<Datagram> try_recv_datagram() noexcept;

    /// A group that is there now, independent of the cursors; each call returns a reader at the group's beginning.
    std::optional<GroupConsumer> get_group(std::uint64_t sequence) const;

    /// The largest place of the track; see `TrackConsumer::largest`.
    std::optional<Location> largest() const;

    /// Sets both cursors to `sequence`, for this subscriber alone: the publisher does not see it.
    void start_at(std::uint64_t sequence) {
        if (state_ != nullptr) state_->start_at(sequence);
    }

    /// Holds groups above `sequence` back until the cap is raised or removed; this does not end the stream. For this
    /// subscriber alone: the publisher does not see it.
    void end_at(std::optional<std::uint64_t> sequence) {
        if (state_ != nullptr) state_->end_at(sequence);
    }

    /// Changes the wishes that the publisher sees. A start that differs from before moves the cursors: there, or if it
    /// is removed, to the live edge. An end that differs moves the cap.
    void update(Subscription wishes) {
        if (state_ != nullptr) state_->update(wishes);
    }

    /// The first sequence that will never come, once the publisher has declared it; fails with the code of a track that
    /// ended without one.
    Operation<std::uint64_t> finished();

    /// This subscriber's counters.
    SubscriberStats stats() const;

    /// The track that it reads.
    const std::shared_ptr<detail::TrackState> &track(detail::Passkey) const noexcept { return state_->track(); }
    /// Completes once it is known which of the groups is the newest one, and with the track's end. See `LiveEdge`.
    Operation<void> edge_known(detail::Passkey) const {
        return Operation<void>(detail::Passkey(), detail::Step(detail::EdgeKnownRule(state_->track())));
    }

    /// Why the track ended, once it has, or once no group of it can come any more: a false code when it ended well.
    Operation<std::error_code> closed();

private:
    template <class T, class Rule> Operation<T> step() {
        if (state_ == nullptr) return detail::closed_operation<T>();
        return Operation<T>(detail::Passkey(), detail::Step(Rule(state_)));
    }

    // The sources of steps. The handle is not empty.
    template <class Rule> auto frame_source() const {
        using Next = std::optional<Frame>;
        return detail::mapped<Next>(detail::Step(Rule(state_)), [](std::optional<detail::FrameSlot> &&slot) {
            return slot ? Next(detail::frame_of(std::move(*slot))) : Next();
        });
    }
    template <class Rule> auto group_source() const {
        using Next = std::optional<GroupConsumer>;
        return detail::mapped<Next>(detail::Step(Rule(state_)), [](std::optional<std::shared_ptr<detail::GroupReader>> &&group) {
            return group ? Next(std::in_place, detail::Passkey(), std::move(*group)) : Next();
        });
    }
    auto datagram_source() const { return detail::Step(detail::NextDatagramRule(state_)); }

    // `ready()` of an operation asks no clock: what is too old by now goes before.
    template <class Rule> Operation<std::optional<Frame>> frame_step() {
        using Next = std::optional<Frame>;
        if (state_ == nullptr) return detail::closed_operation<Next>();
        state_->track()->expire();
        return Operation<Next>(detail::Passkey(), frame_source<Rule>());
    }
    template <class Rule> Operation<std::optional<GroupConsumer>> group_step() {
        using Next = std::optional<GroupConsumer>;
        if (state_ == nullptr) return detail::closed_operation<Next>();
        state_->track()->expire();
        return Operation<Next>(detail::Passkey(), group_source<Rule>());
    }

    detail::LastAct last_act_;
    std::shared_ptr<detail::SubscriberState> state_;
};

COMOQ_DECLARE_OPERATION(std::optional<GroupConsumer>);
COMOQ_DECLARE_OPERATION(std::optional<Datagram>);

}  // namespace comoq

COMOQ_PRINTED(comoq::SubscriberStats);

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "impl/track_subscriber.ipp"
#endif
