// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "../../first_of.hpp"
#include "../../group.hpp"
#include "../../subscription.hpp"
#include "../../task_group.hpp"
#include "../../transport.hpp"
#include "../media/media_bounds.hpp"
#include "../wait/event.hpp"
#include "group_outbox.hpp"
#include "outcome_of.hpp"

#include <asio/awaitable.hpp>
#include <asio/error.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

namespace comoq::detail {

/// The groups of one subscription of a peer's that are being sent, each by a task, and how late they may come. `Core` is the
/// session's state. Used on the session's executor.
template <class Core> class GroupsInFlight : public std::enable_shared_from_this<GroupsInFlight<Core>> {
public:
    using Self = std::shared_ptr<GroupsInFlight>;

    /// `flow` tells subscriptions apart in the order of sending; `old` is the number that tells the peer of a group that is
    /// given up.
    GroupsInFlight(std::shared_ptr<Core> core, std::uint64_t flow, std::uint64_t old)
        : core_(std::move(core)), flow_(flow), old_(old), groups_(core_->transport->executor()) {}
    GroupsInFlight(const GroupsInFlight &) = delete;
    GroupsInFlight &operator=(const GroupsInFlight &) = delete;

    /// A group in flight.
    class Sending {
    public:
        Sending(Self in, const GroupConsumer &group)
            : of(std::move(in)), sequence(group.sequence()), priority(group.info().priority.value_or(group.track_info().priority)),
              item(of->core_->outbox, of->account_, of->order_of(*this)), place_(of->sending_.insert(of->sending_.end(), this)) {
            ++of->core_->sending_groups;
        }
        Sending(const Sending &) = delete;
        Sending &operator=(const Sending &) = delete;
        ~Sending() {
            of->sending_.erase(place_);
            --of->core_->sending_groups;
            of->one_less_.set();
        }
        /// Counts how it ended: with `failure`, or whole. One that ends with its subscription does not count.
        void ended(std::error_code failure) noexcept {
            if (failure)
                of->core_->groups_given_up += failure == asio::error::operation_aborted ? 0 : 1;
            else if (item.is_open())
                ++of->core_->groups_sent;
        }
        const Self of;
        const std::uint64_t sequence;
        const std::uint8_t priority;  // the publisher's, of this group
        GroupOutbox::Item item;

    private:
        friend class GroupsInFlight;
        // Behind the members that may find no memory: a group that is not sent has no place.
        const typename std::list<Sending *>::iterator place_;
        // When the first newer group came.
        std::optional<TimePoint> superseded_;
    };

    void spawn(asio::awaitable<void> task) { groups_.spawn(std::move(task), &its_own_affair); }
    auto idle() { return groups_.idle(); }
    /// Ends all of it. Its tasks keep this object.
    void cancel() {
        groups_.cancel();
        if (timing_) timing_->cancel();
    }
    /// Gives up all groups. Their tasks end by themselves.
    void give_up_all(std::error_code code, std::uint64_t number) {
        for (Sending *sending : sending_) sending->item.give_up(code, number);
    }

    /// What the peer wants has changed.
    void set_wishes(const Subscription &wishes) {
        wishes_ = wishes;
        expire();
        give_up_in_time();
        wishes_changed_.set();
        for (Sending *sending : sending_) sending->item.set_order(order_of(*sending));
    }
    /// A group has come: the time limit of those below it begins now.
    void supersede(std::uint64_t newer) {
        const auto now = core_->now();
        for (Sending *sending : sending_)
            if (sending->sequence < newer && !sending->superseded_) sending->superseded_ = now;
        expire();
        give_up_in_time();
    }
    std::size_t size() const noexcept { return sending_.size(); }
    bool has_room() const noexcept { return size() < most(); }
    /// Runs until one group less is in flight.
    static asio::awaitable<void> one_less(Self self) {
        self->one_less_.clear();
        auto less = self->one_less_.wait();
        co_await std::move(less);
    }

private:
    /// At most this many groups are in flight or waiting for a stream. Further groups stay in the track, which evicts
    /// those that have become stale.
    static constexpr std::size_t most_groups = 128;
    /// In a session with this many groups in flight, a subscription gets one at a time.
    static constexpr std::size_t most_of_session = 1024;
    std::size_t most() const noexcept { return core_->sending_groups.get() < most_of_session ? most_groups : 1; }

    SendOrder order_of(const Sending &sending) const noexcept {
        SendOrder order;
        order.priority = wishes_.priority;
        order.tie_break = sending.priority;
        order.flow = flow_;
        order.rank = wishes_.ordered ? sending.sequence : ~sending.sequence;
        return order;
    }

    /// How late a group may come, if the peer has limited that.
    std::optional<std::chrono::milliseconds> time_limit() const noexcept {
        if (wishes_.max_latency.count() <= 0) return std::nullopt;
        return std::min<std::chrono::milliseconds>(wishes_.max_latency, std::chrono::hours(1));
    }
    /// Gives up the groups that the peer has been too slow for.
    void expire() {
        const auto limit = time_limit();
        if (!limit) return;
        const auto now = core_->now();
        for (Sending *sending : sending_)
            if (sending->superseded_ && now - *sending->superseded_ > *limit && sending->item.is_owed())
                sending->item.give_up(make_error_code(Error::Old), old_);
    }

    /// Sees to it that groups are given up when they are too late, also if no newer group comes.
    void give_up_in_time() {
        if (is_timing_ || !next_deadline()) return;
        if (!timing_) timing_.emplace(core_->transport->executor());
        timing_->spawn(keep_time(this->shared_from_this()), &its_own_affair);
    }
    struct Timing {
        GroupsInFlight &of;
        ~Timing() { of.is_timing_ = false; }
    };
    static asio::awaitable<void> keep_time(Self self) {
        self->is_timing_ = true;
        const Timing timing{*self};
        while (const auto deadline = self->next_deadline()) {
            self->wishes_changed_.clear();
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - self->core_->now());
            // Too late is more than the limit.
            auto passing = self->core_->sleep(left + std::chrono::milliseconds(1));
            auto changing = self->wishes_changed_.wait();
            co_await comoq::first_of(std::move(passing), std::move(changing));
            self->expire();
        }
    }
    /// When the next group will be too late that is not yet.
    std::optional<TimePoint> next_deadline() const {
        std::optional<TimePoint> next;
        const auto limit = time_limit();
        if (!limit) return next;
        const auto now = core_->now();
        for (const Sending *sending : sending_) {
            if (!sending->superseded_ || *sending->superseded_ + *limit < now) continue;
            if (!next || *sending->superseded_ + *limit < *next) next = *sending->superseded_ + *limit;
        }
        return next;
    }

    const std::shared_ptr<Core> core_;
    const std::uint64_t flow_, old_;
    Subscription wishes_;
    GroupOutbox::Account account_;
    comoq::TaskGroup groups_;
    std::list<Sending *> sending_;
    Event one_less_;
    Event wishes_changed_;
    std::optional<comoq::TaskGroup> timing_;  // once groups may be too late
    bool is_timing_ = false;
};

}  // namespace comoq::detail
