// SPDX-License-Identifier: MIT
#pragma once
#include "../../track_consumer.hpp"
#include "../../track_subscriber.hpp"
#include "../session/groups_in_flight.hpp"
#include "../session/told_subscription.hpp"
#include "asked_range.hpp"
#include "fill.hpp"
#include "range_progress.hpp"
#include "rendezvous.hpp"
#include "request_stream.hpp"
#include "send_datagrams.hpp"
#include "send_part.hpp"
#include "track_claim.hpp"

#include <asio/awaitable.hpp>
#include <asio/error.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace comoq::ietf::detail {

/// Sends a track that the peer has subscribed to: each group on a stream of its own, as long as the peer wants it.
class SubscribeServer {
public:
    using Self = std::shared_ptr<SubscribeServer>;

    SubscribeServer(RequestStream::Self request, Subscribe message)
        : request_(std::move(request)), core_(request_->core), asked_(std::move(message)), path_(asked_path(asked_.track.space)),
          groups_(std::make_shared<Groups>(core_, asked_.request_id, stream_number(make_error_code(Error::Old)))), claim_(*core_) {
        wishes_.priority = turned(usual_priority);
        take_wishes(asked_.parameters, wishes_);
        fills_.ask(take_fill(asked_.parameters, core_->draft()), asked_.request_id);
        forwards_ = asked_.parameters.forward.value_or(true);
    }
    SubscribeServer(const SubscribeServer &) = delete;
    SubscribeServer &operator=(const SubscribeServer &) = delete;

    static asio::awaitable<void> serve(Self self) {
        // Its coroutines keep this object: they end with the one that serves it, however that ends.
        const End end(*self);
        self->request_->note(self->path_, self->asked_.track.name);
        auto leaving = follow_updates(self);
        auto updates = outcome_of(std::move(leaving));
        auto sending = send_to_the_end(self);
        const auto first = co_await comoq::first_of(std::move(sending), std::move(updates));
        if (first.index() == 0 || self->is_finished_) co_return;
        // The peer has left before everything came, or its message is malformed.
        const auto code = std::get<1>(first);
        const auto why = code ? self->core_->lost_code(code) : make_error_code(Error::Cancelled);
        if (self->told_) self->told_->ends(why);
        comoq::detail::throw_error(why);
    }

    /// Nothing before it was accepted.
    std::optional<Joinable> joinable() const {
        if (!subscriber_) return std::nullopt;
        return Joinable{track_, largest_, forwards_};
    }

    /// Completes once that is known, or the subscription is refused.
    Operation<void> known() const { return known_.wait(); }

private:
    using Groups = comoq::detail::GroupsInFlight<SessionCore>;

    /// A group on its way to the peer.
    struct Flight {
        Flight(Self self, const GroupConsumer &group) : landing{std::move(self)}, sending(landing.of->groups_, group) {}
        // After the other member, which counts it.
        struct Landing {
            ~Landing() { of->moved_.set(); }
            const Self of;
        };
        const Landing landing;
        Groups::Sending sending;
    };

    /// One at a time begins groups that were here before they were wanted.
    struct CatchingUp {
        explicit CatchingUp(Self self) noexcept : of(std::move(self)) { of->catches_up_ = true; }
        CatchingUp(const CatchingUp &) = delete;
        CatchingUp &operator=(const CatchingUp &) = delete;
        ~CatchingUp() {
            of->late_.clear();
            of->catches_up_ = false;
            of->moved_.set();
        }
        const Self of;
    };

    /// The subscription among those that are served.
    struct End {
        explicit End(SubscribeServer &of) : server(of) { server.core_->served[server.asked_.request_id] = &server; }
        End(const End &) = delete;
        End &operator=(const End &) = delete;
        ~End() {
            server.core_->served.erase(server.asked_.request_id);
            server.claim_.release();
            server.known_.set();
            server.groups_->cancel();
            if (server.told_) server.told_->over();
        }
        SubscribeServer &server;
    };

    static asio::awaitable<void> send_to_the_end(Self self) {
        auto sending = send(self);
        const auto code = co_await outcome_of(std::move(sending));
        // The code that cancelled it says why.
        if (code == asio::error::operation_aborted) co_return;
        if (!self->request_->is_answered()) comoq::detail::throw_error(code ? code : make_error_code(Error::Closed));
        if (code && self->told_) self->told_->ends(code);
        const bool has_failed = code && !self->subscriber_->closed().ready();
        // The groups of a track that failed end by themselves.
        if (has_failed) self->groups_->give_up_all(code, stream_number(code, dialect_of(self->core_->draft())));
        // Only its datagrams would go on.
        if (self->is_through_) self->groups_->cancel();
        co_await self->groups_->idle();
        PublishDone done;
        const bool says_so = self->is_through_ && self->core_->rules().has_range_end;
        done.status = says_so ? range_end_number : done_number(code);
        done.streams = self->streams_;
        self->is_counted_ = true;
        auto written = self->request_->send->write(self->core_->encoded(done));
        co_await std::move(written);
        self->request_->send->finish();
        self->is_finished_ = true;
        if (self->told_) self->told_->ends({});
        // The peer may subscribe again; a fetch may still join this one.
        self->claim_.release();
        self->newest_.clear();
        // A publisher that leaves when it has no subscriber must not take away groups in flight: the peer has everything
        // when it leaves, too.
        co_await self->core_->sleep(self->core_->config.linger);
    }

    static asio::awaitable<void> send(Self self) {
        auto &core = *self->core_;
        const auto &asked = self->asked_;
        self->claim_.take(self->path_, asked.track.name);
        auto finding = meet(self->core_, self->path_, asked.parameters.rendezvous_timeout.value_or(0));
        const auto source = co_await std::move(finding);
        self->track_ = source.track(asked.track.name);
        const auto &filter = asked.parameters.filter;
        // What is relative to the largest object is known once there is one to look at.
        take_range(range_of(filter, {}), self->wishes_);
        auto subscribing = self->track_.subscribe(self->wishes_);
        auto resolving = core.resolver.in_time<TrackSubscriber>(std::move(subscribing));
        auto subscriber = co_await std::move(resolving);
        core.awaited.subscribed(source);
        const auto &state = *subscriber.track(comoq::detail::Passkey());
        if (!self->wishes_.start) {
            // It begins at the largest object, which the source may have to be asked for.
            auto placing = subscriber.edge_known(comoq::detail::Passkey());
            auto waiting = core.resolver.in_time<void>(std::move(placing));
            co_await std::move(waiting);
        }
        self->largest_ = largest_of(subscriber.largest());
        self->range_ = range_of(filter, self->largest_);
        if (self->fills_.is_asked() && core.habits.takes_filled_groups) self->range_.start.reset();
        if (has_passed(self->range_, self->largest_)) comoq::detail::throw_error(make_error_code(Error::BoundsExceeded));
        take_range(self->range_, self->wishes_);
        // The wishes may have changed since the peer subscribed.
        self->tell_wishes(subscriber);
        const TrackInfo info = state.info();
        self->has_timestamps_ = info.has_timestamps;
        if (!asked.parameters.group_order) self->wishes_.ordered = info.ordered;
        self->groups_->set_wishes(self->wishes_);
        self->subscriber_.emplace(std::move(subscriber));
        SubscribeOk ok;
        ok.alias = asked.request_id;
        if (!core.habits.wants_no_largest) ok.parameters.largest_object = self->largest_;
        ok.properties = detail::properties_of(info);
        self->request_->forget_question();
        auto answered = self->request_->answer(ok);
        self->known_.set();
        co_await std::move(answered);
        for (; self->waiting_updates_ != 0; --self->waiting_updates_) {
            auto written = self->request_->answer(RequestOk());
            co_await std::move(written);
        }
        self->told_.emplace(self->core_, self->path_, self->asked_.track.name);
        for (const auto &early : self->fills_.take_asked()) self->fill_up(self, early.fill, early.request_id);
        self->groups_->spawn(send_datagrams(self));
        auto groups = send_groups(self);
        auto through = until_through(self);
        co_await comoq::first_of(std::move(groups), std::move(through));
    }
    static asio::awaitable<void> send_datagrams(Self self) {
        auto &of = *self;
        const auto came = [&of](std::uint64_t group) {
            if (of.progress_.came(group, of.range_)) of.moved_.set();
        };
        SubscribedDatagrams<decltype(came)> datagrams{self,         *of.subscriber_, of.core_, of.asked_.request_id,
                                                      of.forwards_, of.range_,       came};
        return comoq::detail::take_each(std::move(datagrams));
    }

    static asio::awaitable<void> send_groups(Self self) {
        while (true) {
            auto coming = self->subscriber_->recv_group();
            auto group = co_await std::move(coming);
            if (!group) break;
            self->take(self, std::move(*group));
            while (!self->groups_->has_room()) co_await Groups::one_less(self->groups_);
        }
    }
    void take(const Self &self, GroupConsumer group) {
        const auto sequence = group.sequence();
        if (progress_.came(sequence, range_)) moved_.set();
        if (range_.end && sequence > range_.end->group) {
            progress_.leave_out(sequence);
            return;
        }
        groups_->supersede(sequence);
        begin(self, std::move(group));
    }
    /// Begins what was here before the peer wanted it, each when there is room for it.
    static asio::awaitable<void> catch_up(std::unique_ptr<CatchingUp> catching) {
        const Self self = catching->of;
        while (auto lane = self->next_late()) {
            self->begin(self, std::move(*lane));
            while (!self->groups_->has_room()) co_await Groups::one_less(self->groups_);
        }
    }
    void catch_up(const Self &self) {
        if (!catches_up_) groups_->spawn(catch_up(std::make_unique<CatchingUp>(self)));
    }
    std::optional<GroupConsumer> next_late() {
        for (std::optional<std::uint64_t> wanted; late_.empty() && (wanted = progress_.take_wanted(range_));)
            for (GroupConsumer &lane : track_.get_lanes(*wanted)) late_.push_back(std::move(lane));
        std::optional<GroupConsumer> lane;
        if (!late_.empty()) {
            lane = std::move(late_.front());
            late_.pop_front();
        }
        return lane;
    }
    void begin(const Self &self, GroupConsumer group) {
        // What comes of it once the peer wants objects again is sent then.
        if (!newest_.empty() && newest_.front().sequence() < group.sequence()) newest_.clear();
        if (newest_.empty() || newest_.front().sequence() == group.sequence()) newest_.push_back(group);
        if (!forwards_) return;
        auto flight = std::make_unique<Flight>(self, group);
        groups_->spawn(send_group(self, std::move(flight), std::move(group)));
    }

    /// Runs until everything in the range has been sent, if it has an end: then all streams are over. Groups that come out of
    /// order have some time. After that, an update comes too late.
    static asio::awaitable<void> until_through(Self self) {
        auto &of = *self;
        while (true) {
            of.moved_.clear();
            auto moved = of.moved_.wait();
            // A peer that pauses may want the rest of the last group.
            const bool is_reached = of.forwards_ ? of.progress_.has_reached(of.range_) : of.progress_.has_passed(of.range_);
            if (!is_reached || of.groups_->size() != 0 || of.catches_up_ || of.fills_.size() != 0) {
                co_await std::move(moved);
                continue;
            }
            if (!of.progress_.is_whole(of.range_) || of.subscriber_->stats().missing_groups != 0) {
                auto passing = of.core_->sleep(std::chrono::milliseconds(500));
                const auto first = co_await comoq::first_of(std::move(moved), std::move(passing));
                if (first.index() == 0 || of.moved_.is_set()) continue;
            }
            of.is_through_ = true;
            co_return;
        }
    }

    static asio::awaitable<void> send_group(Self self, std::unique_ptr<Flight> flight, GroupConsumer group) {
        auto &item = flight->sending.item;
        SentPart part;
        part.alias = self->asked_.request_id;
        part.range = self->range_;
        part.has_timestamps = self->has_timestamps_;
        auto sending = send_part(*self->core_, item, group, part, self->streams_);
        const auto code = co_await outcome_of(std::move(sending));
        flight->sending.ended(code);
        if (code && item.is_open()) self->core_->reset(item.stream(), code);
        if (!code && part.is_whole) self->progress_.completed(group.sequence());
    }

    /// Runs until the peer has left.
    static asio::awaitable<void> follow_updates(Self self) {
        auto updates = take_updates(self);
        auto stopped = RequestStream::until_stopped(self->request_);
        co_await comoq::first_of(std::move(updates), std::move(stopped));
    }
    static asio::awaitable<void> take_updates(Self self) {
        while (true) {
            auto coming = self->request_->next_update();
            auto update = co_await std::move(coming);
            if (!update) break;
            const auto answer = self->take(self, update->parameters);
            auto fill = take_fill(update->parameters, self->core_->draft());
            // The answer to the request is the first one.
            if (!self->told_) ++self->waiting_updates_;
            if (!self->told_) self->fills_.ask(std::move(fill), update->request_id);
            if (!self->told_ || self->is_finished_) continue;
            if (fill) self->fill_up(self, *fill, update->request_id);
            auto written = self->request_->send->write(self->core_->encoded(answer));
            co_await std::move(written);
        }
        // The end of its half means that it leaves, or nothing.
        if (!self->core_->rules().single_subscriptions) co_await RequestStream::until_stopped(self->request_);
    }
    RequestOk take(const Self &self, const Parameters &parameters) {
        RequestOk ok;
        take_wishes(parameters, wishes_);
        if (parameters.filter) {
            if (subscriber_) largest_ = largest_of(subscriber_->largest());
            range_ = range_of(parameters.filter, largest_);
            asked_.parameters.filter = parameters.filter;
            take_range(range_, wishes_);
            moved_.set();
        }
        if (subscriber_) tell_wishes(*subscriber_);
        groups_->set_wishes(wishes_);
        if (parameters.forward && *parameters.forward != forwards_) {
            forwards_ = *parameters.forward;
            if (!forwards_)
                pause(self);
            else if (subscriber_ && !is_through_)
                go_on(self, ok);
            moved_.set();
        }
        if (parameters.filter && subscriber_ && !is_through_ && !is_finished_) {
            if (!core_->habits.wants_no_largest) ok.parameters.largest_object = largest_;
            catch_up(self);
        }
        return ok;
    }
    /// A subscription that is paused is not filled up, nor is one of a peer that takes the groups themselves from their beginning.
    void fill_up(const Self &self, const AskedFill &fill, std::uint64_t request_id) {
        const auto range = range_of(fill, asked_.parameters.filter, largest_);
        if (!range || !forwards_ || is_through_ || is_counted_ || core_->habits.takes_filled_groups) return;
        auto place = fills_.enter(self, moved_, streams_);
        groups_->spawn(Fills::send(std::move(place), core_, track_, wish_of(fill, request_id, wishes_.priority), *range));
    }
    /// Groups behind the end tell that it has been passed: only the publisher's side stops there.
    void tell_wishes(TrackSubscriber &subscriber) {
        subscriber.update(wishes_);
        subscriber.end_at(std::nullopt);
    }
    void pause(const Self &self) {
        groups_->give_up_all(make_error_code(Error::Cancelled), stream_number({}));
        // They begin when it goes on.
        for (auto &lane : std::exchange(late_, {})) begin(self, std::move(lane));
    }
    /// Begins with the next object.
    void go_on(const Self &self, RequestOk &ok) {
        largest_ = largest_of(subscriber_->largest());
        if (!core_->habits.wants_no_largest) ok.parameters.largest_object = largest_;
        if (!largest_) return;
        range_.start = Location{largest_->group, largest_->object + 1};
        if (newest_.empty() || newest_.front().sequence() < largest_->group) return;
        for (auto &lane : std::exchange(newest_, {})) late_.push_back(std::move(lane));
        catch_up(self);
    }

    const RequestStream::Self request_;
    const std::shared_ptr<SessionCore> core_;
    Subscribe asked_;
    const std::string path_;
    const std::shared_ptr<Groups> groups_;
    Subscription wishes_;
    AskedRange range_;
    TrackConsumer track_;
    std::optional<TrackSubscriber> subscriber_;
    // The largest object when the peer was told of it.
    std::optional<Location> largest_;
    // The newest group, by its lanes, of which a track has few: one comes once.
    std::vector<GroupConsumer> newest_;
    TrackClaim claim_;
    // Lanes of one or two groups, which are to begin.
    std::deque<GroupConsumer> late_;
    comoq::detail::Event known_;
    RangeProgress progress_;
    Fills fills_;
    // A group has come or gone, or what the peer wants has changed.
    comoq::detail::Event moved_;
    std::uint64_t streams_ = 0;
    std::uint64_t waiting_updates_ = 0;
    std::optional<comoq::detail::ToldSubscription<SessionCore>> told_;  // once it is served
    bool forwards_ = true, has_timestamps_ = false, catches_up_ = false, is_through_ = false;
    bool is_counted_ = false, is_finished_ = false;
};

}  // namespace comoq::ietf::detail
