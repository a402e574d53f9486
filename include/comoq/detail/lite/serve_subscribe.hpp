// SPDX-License-Identifier: MIT
#pragma once
#include "asked_start.hpp"
#include "send_frames.hpp"
#include "session_core.hpp"
#include "stream_reader.hpp"
#include "send_datagrams.hpp"
#include "../session/groups_in_flight.hpp"
#include "../session/start_choice.hpp"
#include "../session/told_subscription.hpp"
#include "../wait/take_each.hpp"
#include "../wait/turn.hpp"
#include "../../track_subscriber.hpp"

#include <asio/awaitable.hpp>
#include <asio/error.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

namespace comoq::lite::detail {

/// Sends a track that the peer has subscribed to: each group on a stream of its own, as long as the peer wants it.
class SubscribeServer {
public:
    SubscribeServer(std::shared_ptr<SessionCore> session, Subscribe message, std::unique_ptr<SendStream> stream)
        : core_(std::move(session)), asked_(std::move(message)), id_(core_->subscribe_ids, asked_.id),
          start_(core_->layout().raw_start), wishes_(start_.take(asked_.wishes)), replies_(std::move(stream)),
          groups_(std::make_shared<Groups>(core_, asked_.id, stream_code(make_error_code(Error::Old), StreamUse::Group))) {
        groups_->set_wishes(wishes_);
    }

    static asio::awaitable<void> serve(std::shared_ptr<SubscribeServer> self, StreamReader &reader) {
        // Its coroutines keep this object: they end with the one that serves it, however that ends.
        const GroupsEnd end(*self->groups_);
        try {
            co_await serve_to_the_end(self, reader);
        } catch (...) {
            if (self->told_) self->told_->over();
            throw;
        }
        if (self->told_) self->told_->over();
    }

private:
    using Groups = comoq::detail::GroupsInFlight<SessionCore>;
    using Sending = Groups::Sending;

    class GroupsEnd {
    public:
        explicit GroupsEnd(Groups &groups) noexcept : groups_(groups) {}
        GroupsEnd(const GroupsEnd &) = delete;
        GroupsEnd &operator=(const GroupsEnd &) = delete;
        ~GroupsEnd() { groups_.cancel(); }

    private:
        Groups &groups_;
    };

    static asio::awaitable<void> serve_to_the_end(std::shared_ptr<SubscribeServer> self, StreamReader &reader) {
        auto updates = outcome_of(follow_updates(self, reader));
        const auto first = co_await comoq::first_of(send_to_the_end(self), std::move(updates));
        if (first.index() == 0 || self->is_finished_) co_return;
        // The peer has left before everything came, or its message is malformed.
        const auto code = std::get<1>(first);
        if (self->told_) self->told_->ends(code ? self->core_->lost_code(code) : make_error_code(Error::Cancelled));
        self->core_->reset(*self->replies_, code, StreamUse::Subscription);
    }
    static asio::awaitable<void> send_to_the_end(std::shared_ptr<SubscribeServer> self) {
        const auto code = co_await outcome_of(send(self));
        if (!code) {
            co_await self->groups_->idle();
            self->drop_missing();
            self->replies_->finish();
            self->is_finished_ = true;
            self->told_->ends({});
            self->told_->over();
            // A publisher that leaves when it has no subscriber must not take away groups in flight: the peer has
            // everything when it leaves, too.
            co_await self->core_->sleep(self->core_->config.linger);
            co_return;
        }
        // The code that cancelled it says why.
        if (code == asio::error::operation_aborted) co_return;
        if (!self->subscriber_) self->core_->report(SessionEvent::Kind::Refused, self->asked_.broadcast, self->asked_.track, code);
        if (self->told_) self->told_->ends(code);
        const bool track_failed = self->subscriber_ && self->subscriber_->closed().ready();
        // The groups of a dropped track are still there for its readers, and the end must not overtake them.
        if (track_failed && code == Error::Dropped) co_await self->groups_->idle();
        self->core_->reset(*self->replies_, code, StreamUse::Subscription);
        // The groups of a track that failed end by themselves.
        if (track_failed) co_await self->groups_->idle();
    }
    static asio::awaitable<void> send(std::shared_ptr<SubscribeServer> self) {
        const auto &asked = self->asked_;
        const auto source = co_await self->core_->request(asked.broadcast);
        // The wishes may have changed since the peer subscribed.
        auto subscribing = source.track(asked.track).subscribe(self->wishes_);
        self->subscriber_ = co_await self->core_->resolver.in_time<TrackSubscriber>(std::move(subscribing));
        self->core_->awaited.subscribed(source);
        if (!self->id_.use()) comoq::detail::throw_error(make_error_code(Error::ProtocolViolation));
        self->subscriber_->update(self->wishes_);
        if (self->start_.is_named()) self->first_ = self->start_.floor();
        if (self->may_take_kept()) {
            auto placing = self->subscriber_->edge_known(comoq::detail::Passkey());
            const bool is_known = placing.ready();
            auto waiting = self->core_->resolver.in_time<void>(std::move(placing));
            co_await std::move(waiting);
            if (!is_known) self->leave_out_kept();
        }
        self->choose_start();
        self->told_.emplace(self->core_, asked.broadcast, asked.track);
        self->groups_->spawn(send_datagrams(self));
        co_await send_groups(self);
    }

    static asio::awaitable<void> send_groups(std::shared_ptr<SubscribeServer> self) {
        bool begun = false;
        while (auto group = co_await self->subscriber_->recv_group()) {
            const auto sequence = group->sequence();
            // The peer knows no lanes.
            if (group->info().subgroup != 0) continue;
            if (!begun) {
                begun = true;
                const auto lowest = self->lowest_of(sequence);
                // Where the peer says what it wants at most, groups below the first one are not missing.
                if (!self->first_ || self->layout().raw_start) self->first_ = lowest;
                co_await self->reply(SubscribeReply::Ok, SubscribeOk{lowest});
                self->groups_->spawn(send_end(self));
            }
            self->first_ = std::min(self->first_.value_or(sequence), sequence);
            self->groups_->supersede(sequence);
            // Beyond the most gaps, the lowest one is over for the subscriber, too: its missing groups do not come any
            // more.
            if (const auto gap = self->accounted_.insert(sequence))
                co_await self->drop(gap->first, gap->last, make_error_code(Error::NotFound));
            auto sending = std::make_unique<Sending>(self->groups_, *group);
            self->groups_->spawn(send_group(self, std::move(sending), std::move(*group)));
            while (!self->groups_->has_room()) co_await Groups::one_less(self->groups_);
        }
        if (!begun) co_await send_end(self);
    }

    /// True if it begins some time behind the newest group, and groups are here that may be too old by now.
    bool may_take_kept() const {
        if (!start_.is_named() || !start_.age()) return false;
        const auto &track = *subscriber_->track(comoq::detail::Passkey());
        const comoq::detail::Lock lock(track.mutex());
        return track.cache().live().from(start_.floor()) != nullptr;
    }
    /// Goes to the oldest group that the peer wants.
    void choose_start() {
        chosen_ = {};
        if (!start_.is_named()) return;
        const auto &track = *subscriber_->track(comoq::detail::Passkey());
        if (const auto age = start_.age()) {
            // Nobody can ask for more than the publisher keeps.
            const auto floor = std::max(start_.floor(), after_kept_);
            chosen_ = comoq::detail::choose_start(track, floor, std::min(*age, track.info().max_latency));
        } else {
            const comoq::detail::Lock lock(track.mutex());
            if (const auto *group = track.cache().live().from(start_.floor())) chosen_.first = group->sequence();
        }
        // Groups that the track does not have, or not any more, may come from its source.
        subscriber_->start_at(chosen_.is_limited ? *chosen_.first : std::max(start_.floor(), after_kept_));
    }
    /// Groups that were kept here while nobody subscribed are too old if the source does not give them.
    void leave_out_kept() {
        const auto &track = *subscriber_->track(comoq::detail::Passkey());
        const comoq::detail::Lock lock(track.mutex());
        const auto &source = track.numbers().source_start();
        if (source && source->asked.covers(start_.floor(), std::min(*start_.age(), track.info().max_latency)))
            after_kept_ = source->first;
    }
    /// The lowest group that may come, where `first` is the first one.
    std::uint64_t lowest_of(std::uint64_t first) const {
        if (!start_.is_named()) return first;
        const auto &track = *subscriber_->track(comoq::detail::Passkey());
        return comoq::detail::lowest_to_come(track, start_.floor(), start_.age(), chosen_, first);
    }

    /// Tells the peer which of the due groups will never come.
    void drop_missing() {
        if (!first_ || !final_) return;
        const auto end = wishes_.end ? std::min(*final_, *wishes_.end + 1) : *final_;
        accounted_.for_each_gap(*first_, end, [this](std::uint64_t first, std::uint64_t last) {
            // The call takes it, and nothing waits for it.
            [[maybe_unused]] const auto written = drop(first, last, make_error_code(Error::NotFound));
        });
    }
    asio::awaitable<void> drop(std::uint64_t first, std::uint64_t last, std::error_code code) {
        return reply(SubscribeReply::Drop, SubscribeDrop{first, last, stream_code(code, StreamUse::Group)});
    }

    /// Tells the peer the first number that never comes, as soon as that is known.
    static asio::awaitable<void> send_end(std::shared_ptr<SubscribeServer> self) {
        auto [code, final] = co_await self->subscriber_->finished().as_tuple();
        if (code) co_return;
        self->final_ = final;
        co_await self->reply(SubscribeReply::End, SubscribeEnd{final});
    }

    static asio::awaitable<void> send_group(std::shared_ptr<SubscribeServer> of, std::unique_ptr<Sending> sending,
                                            GroupConsumer group) {
        auto &self = *of;
        auto &item = sending->item;
        std::error_code code;
        try {
            const FrameBounds part = self.part_of(sending->sequence);
            // A group whose beginning is gone is as good as lost where its stream would have to say so: only a peer that
            // asks for a part of a group gets one. Of a group that begins in the middle nobody knows how many frames are
            // missing.
            if (group.info().is_partial) comoq::detail::throw_error(make_error_code(Error::Lagged));
            if (self.layout().frame_bounds && !group.skip_to(comoq::detail::Passkey(), static_cast<std::size_t>(part.first)))
                comoq::detail::throw_error(make_error_code(Error::Lagged));
            co_await item.open();
            auto header = item.stream().write(
                opening(self.core_->version(), UniStreamType::Group, Group{self.asked_.id, sending->sequence, part.first}));
            co_await std::move(header);
            FrameSender sender(item);
            co_await sender.send(group, count_of(part));
            item.stream().finish();
            // The end of the subscription must not overtake its groups.
            auto sent = item.stream().sent();
            co_await std::move(sent);
            sending->ended({});
            co_return;
        } catch (const std::system_error &error) {
            code = error.code();
        }
        sending->ended(code);
        if (item.is_open()) {
            self.core_->reset(item.stream(), code, StreamUse::Group);
        } else if (code == Error::Old || code == Error::Lagged) {
            // It keeps its place until that is written: a peer that does not read its replies must not make them pile
            // up.
            auto written = self.drop(sending->sequence, sending->sequence, code);
            co_await outcome_of(std::move(written));
        }
    }

    static asio::awaitable<void> send_datagrams(std::shared_ptr<SubscribeServer> self) {
        auto &of = *self;
        SubscribedDatagrams datagrams{std::move(self), *of.subscriber_, of.core_, of.asked_.id};
        return comoq::detail::take_each(std::move(datagrams));
    }

    /// Runs until the peer has left.
    static asio::awaitable<void> follow_updates(std::shared_ptr<SubscribeServer> self, StreamReader &reader) {
        while (auto update = co_await reader.message<SubscribeUpdate>()) {
            self->asked_.wishes = update->wishes;
            self->asked_.frames = update->frames;
            self->wishes_ = self->start_.take(update->wishes);
            if (self->subscriber_) {
                self->subscriber_->update(self->wishes_);
                if (self->start_.is_moved()) {
                    self->after_kept_ = 0;
                    // It looks at a thousand groups.
                    self->choose_start();
                    auto turn = comoq::detail::next_turn();
                    co_await std::move(turn);
                }
            }
            self->groups_->set_wishes(self->wishes_);
        }
    }

    Layout layout() const noexcept { return core_->layout(); }
    /// The frames of that group that the peer wants.
    FrameBounds part_of(std::uint64_t sequence) const noexcept {
        FrameBounds part;
        if (asked_.wishes.start == sequence) part.first = asked_.frames.first;
        if (asked_.wishes.end == sequence) part.last = asked_.frames.last;
        return part;
    }

    template <class Message> asio::awaitable<void> reply(SubscribeReply type, const Message &message) {
        return replies_->write(encoded_reply(core_->version(), type, message));
    }

    const std::shared_ptr<SessionCore> core_;
    Subscribe asked_;
    SubscribeIds::Claim id_;
    // What the peer asks for, in this library's terms, and the group that it begins with if that is there.
    AskedStart start_;
    Subscription wishes_;
    comoq::detail::StartChoice chosen_;
    std::uint64_t after_kept_ = 0;
    const std::unique_ptr<SendStream> replies_;
    std::optional<TrackSubscriber> subscriber_;
    std::optional<comoq::detail::ToldSubscription<SessionCore>> told_;  // once it is served
    const std::shared_ptr<Groups> groups_;
    // The lowest number that is due; and the numbers that get a stream, or a DROP.
    std::optional<std::uint64_t> first_;
    std::optional<std::uint64_t> final_;
    comoq::detail::SequenceSet accounted_;
    bool is_finished_ = false;
};

}  // namespace comoq::lite::detail
