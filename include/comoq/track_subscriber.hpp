#pragma once
#include "datagram.hpp"
#include "detail/subscriber_state.hpp"
#include "group.hpp"
#include "operation.hpp"
#include "subscription.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

namespace comoq {

/// Reads a track by two independent cursors: `recv_group` and `next_group` (which `read_frame` shares).
///
/// It counts as a subscriber of its track until it and its steps are gone. Steps end empty when the track ended well and
/// all was given; they fail with the track's code otherwise, Dropped if its producers went without finishing. A failed
/// group does not fail its track. Steps of an empty handle fail with Cancelled.
///
/// Threads: distinct subscribers may be used at the same time, one handle by one thread at a time.
class TrackSubscriber {
public:
    /// Empty.
    TrackSubscriber() noexcept = default;
    TrackSubscriber(TrackSubscriber &&) noexcept = default;
    TrackSubscriber &operator=(TrackSubscriber &&other) noexcept {
        detail::ResumeScope scope;
        state_ = std::move(other.state_);
        return *this;
    }
    ~TrackSubscriber() { last_act_.arm(); }

    /// For the library.
    explicit TrackSubscriber(std::shared_ptr<detail::SubscriberState> state) noexcept : state_(std::move(state)) {}

    /// The next group in the order of arrival; each is given once.
    Operation<std::optional<GroupConsumer>> recv_group() { return group_step<detail::ReceiveGroupRule>(); }

    /// The group with the lowest sequence above the last one given. What arrives later below it is skipped.
    Operation<std::optional<GroupConsumer>> next_group() { return group_step<detail::NextGroupRule>(); }

    /// The first frame of the next group that has one; groups that are stalled, empty or failed are passed over for a
    /// newer one that has a frame. Moves the cursor of `next_group`.
    Operation<std::optional<Frame>> read_frame() {
        using Next = std::optional<Frame>;
        if (state_ == nullptr) return Operation<Next>(detail::AnySource<Next>());
        state_->track()->expire();
        return Operation<Next>(detail::mapped<Next>(
            detail::Step(detail::FirstFrameRule(state_)), [](std::optional<detail::FrameSlot> &&slot) {
                return slot ? Next(detail::frame_of(std::move(*slot))) : Next();
            }));
    }

    /// The next datagram since this subscriber came, whatever its start and end. Who reads too slowly misses the oldest:
    /// the last 1,024 are kept.
    Operation<std::optional<Datagram>> recv_datagram() {
        using Next = std::optional<Datagram>;
        if (state_ == nullptr) return Operation<Next>(detail::AnySource<Next>());
        return Operation<Next>(detail::mapped<Next>(
            detail::Step(detail::NextDatagramRule(state_)), [](std::optional<detail::DatagramSlot> &&slot) {
                return slot ? Next(Datagram{slot->sequence, slot->timestamp, std::move(slot->payload)}) : Next();
            }));
    }

    /// A group that is there now, whatever the cursors; each call gives a reader at the group's beginning.
    std::optional<GroupConsumer> get_group(std::uint64_t sequence) const {
        if (state_ == nullptr) return std::nullopt;
        auto group = state_->track()->find_group(sequence);
        if (group == nullptr) return std::nullopt;
        return GroupConsumer(std::move(group));
    }

    /// Sets both cursors to `sequence`, for this subscriber alone: nobody is told.
    void start_at(std::uint64_t sequence) {
        if (state_ != nullptr) state_->start_at(sequence);
    }

    /// Groups above `sequence` are held back until the cap is raised or taken off; it is not the end of the stream. For
    /// this subscriber alone: nobody is told.
    void end_at(std::optional<std::uint64_t> sequence) {
        if (state_ != nullptr) state_->end_at(sequence);
    }

    /// Changes what the publisher sees of this subscriber. A start or an end that differs from before moves the cursors
    /// or the cap.
    void update(Subscription wishes) {
        if (state_ != nullptr) state_->update(wishes);
    }

    /// The first sequence that will never come, once the publisher has said so; fails with the code of a track that
    /// ended without.
    Operation<std::uint64_t> finished() { return step<std::uint64_t, detail::TrackFinishedRule>(); }

    /// Why the track ended, once it has: a false code when it ended well.
    Operation<std::error_code> closed() { return step<std::error_code, detail::TrackClosedRule>(); }

private:
    template <class T, class Rule> Operation<T> step() {
        if (state_ == nullptr) return Operation<T>(detail::AnySource<T>());
        return Operation<T>(detail::Step(Rule(state_)));
    }

    template <class Rule> Operation<std::optional<GroupConsumer>> group_step() {
        using Next = std::optional<GroupConsumer>;
        if (state_ == nullptr) return Operation<Next>(detail::AnySource<Next>());
        state_->track()->expire();
        return Operation<Next>(detail::mapped<Next>(
            detail::Step(Rule(state_)), [](std::optional<std::shared_ptr<detail::GroupReader>> &&group) {
                return group ? Next(std::in_place, std::move(*group)) : Next();
            }));
    }

    detail::LastAct last_act_;
    std::shared_ptr<detail::SubscriberState> state_;
};

}  // namespace comoq
