#pragma once
#include "send_frames.hpp"
#include "session_core.hpp"
#include "stream_reader.hpp"
#include "datagram.hpp"
#include "../wait/take_each.hpp"
#include "../../track_subscriber.hpp"

#include <asio/awaitable.hpp>
#include <asio/error.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <list>
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
          replies_(std::move(stream)), groups_(core_->transport->executor()) {}

    static asio::awaitable<void> serve(std::shared_ptr<SubscribeServer> self, StreamReader &reader) {
        // Its coroutines keep this object: they end with the one that serves it, however that ends.
        const GroupsEnd end(*self);
        auto updates = outcome_of(follow_updates(self, reader));
        const auto first = co_await comoq::first_of(send_to_the_end(self), std::move(updates));
        if (first.index() == 0 || self->is_finished_) co_return;
        // The peer has left before everything came, or its message is malformed.
        const auto code = std::get<1>(first);
        self->core_->reset(*self->replies_, code, StreamUse::Subscription);
    }

private:
    /// At most this many groups are in flight or waiting for a stream. Further groups stay in the track, which evicts
    /// those that have become stale.
    static constexpr std::size_t most_groups = 128;
    /// In a session with this many groups in flight, a subscription gets one at a time.
    static constexpr std::size_t most_of_session = 1024;
    std::size_t room_for_groups() const noexcept { return core_->sending_groups < most_of_session ? most_groups : 1; }

    /// A group in flight.
    struct Sending {
        Sending(std::shared_ptr<SubscribeServer> server, const GroupConsumer &group)
            : of(std::move(server)), sequence(group.sequence()), priority(group.track_info().priority),
              item(of->core_->outbox, of->account_, of->order_of(*this)),
              place(of->sending_.insert(of->sending_.end(), this)) {
            ++of->core_->sending_groups;
        }
        Sending(const Sending &) = delete;
        Sending &operator=(const Sending &) = delete;
        ~Sending() {
            of->sending_.erase(place);
            --of->core_->sending_groups;
            of->one_less_.set();
        }
        const std::shared_ptr<SubscribeServer> of;
        const std::uint64_t sequence;
        const std::uint8_t priority;  // the publisher's
        comoq::detail::GroupOutbox::Item item;
        // Behind the members that may find no memory: a group that is not sent has no place.
        const std::list<Sending *>::iterator place;
        // When the first newer group came.
        std::optional<comoq::detail::TimePoint> superseded;
    };

    class GroupsEnd {
    public:
        explicit GroupsEnd(SubscribeServer &of) noexcept : server_(of) {}
        GroupsEnd(const GroupsEnd &) = delete;
        GroupsEnd &operator=(const GroupsEnd &) = delete;
        ~GroupsEnd() { server_.groups_.cancel(); }

    private:
        SubscribeServer &server_;
    };

    static asio::awaitable<void> send_to_the_end(std::shared_ptr<SubscribeServer> self) {
        const auto code = co_await outcome_of(send(self));
        if (!code) {
            co_await self->groups_.idle();
            self->drop_missing();
            self->replies_->finish();
            self->is_finished_ = true;
            // A publisher that leaves when it has no subscriber must not take away groups in flight: the peer has
            // everything when it leaves, too.
            co_await self->core_->sleep(self->core_->config.linger);
            co_return;
        }
        // The code that cancelled it says why.
        if (code == asio::error::operation_aborted) co_return;
        if (!self->subscriber_) self->core_->report(SessionEvent::Kind::Refused, self->asked_.broadcast, self->asked_.track, code);
        const bool track_failed = self->subscriber_ && self->subscriber_->closed().ready();
        // The groups of a dropped track are still there for its readers, and the end must not overtake them.
        if (track_failed && code == Error::Dropped) co_await self->groups_.idle();
        self->core_->reset(*self->replies_, code, StreamUse::Subscription);
        // The groups of a track that failed end by themselves.
        if (track_failed) co_await self->groups_.idle();
    }
    static asio::awaitable<void> send(std::shared_ptr<SubscribeServer> self) {
        auto &asked = self->asked_;
        const auto source = co_await self->core_->request(asked.broadcast);
        // The wishes may have changed since the peer subscribed.
        auto subscribing = source.track(asked.track).subscribe(asked.wishes);
        self->subscriber_ = co_await self->core_->resolver.in_time<TrackSubscriber>(std::move(subscribing));
        if (!self->id_.use()) comoq::detail::throw_error(make_error_code(Error::ProtocolViolation));
        self->subscriber_->update(asked.wishes);
        self->first_ = asked.wishes.start;
        self->core_->report(SessionEvent::Kind::Subscribed, asked.broadcast, asked.track);
        self->spawn(send_datagrams(self));
        co_await send_groups(self);
    }

    static asio::awaitable<void> send_groups(std::shared_ptr<SubscribeServer> self) {
        bool begun = false;
        while (auto group = co_await self->subscriber_->recv_group()) {
            const auto sequence = group->sequence();
            self->first_ = std::min(self->first_.value_or(sequence), sequence);
            if (!begun) {
                begun = true;
                co_await self->reply(SubscribeReply::Ok, SubscribeOk{sequence});
                self->spawn(send_end(self));
            }
            self->supersede(sequence);
            // Beyond the most gaps, the lowest one is over for the subscriber, too: its missing groups do not come any
            // more.
            if (const auto gap = self->accounted_.insert(sequence))
                co_await self->drop(gap->first, gap->last, make_error_code(Error::NotFound));
            auto sending = std::make_unique<Sending>(self, *group);
            self->spawn(send_group(std::move(sending), std::move(*group)));
            while (self->sending_.size() >= self->room_for_groups()) co_await one_less(self);
        }
        if (!begun) co_await send_end(self);
    }

    /// The time limit of the groups below it begins now.
    void supersede(std::uint64_t newer) {
        const auto now = core_->now();
        for (Sending *sending : sending_)
            if (sending->sequence < newer && !sending->superseded) sending->superseded = now;
        expire();
    }
    /// Gives up the groups that the peer has been too slow for, if it has limited how late a group may come.
    void expire() {
        const auto latency = asked_.wishes.max_latency;
        if (latency.count() <= 0) return;
        const auto now = core_->now();
        const auto old = make_error_code(Error::Old);
        for (Sending *sending : sending_)
            if (sending->superseded && now - *sending->superseded > latency && sending->item.is_behind())
                sending->item.give_up(old, stream_code(old, StreamUse::Group));
    }

    /// Tells the peer which of the due groups will never come.
    void drop_missing() {
        if (!first_ || !final_) return;
        const auto end = asked_.wishes.end ? std::min(*final_, *asked_.wishes.end + 1) : *final_;
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

    static asio::awaitable<void> send_group(std::unique_ptr<Sending> sending, GroupConsumer group) {
        auto &self = *sending->of;
        auto &item = sending->item;
        std::error_code code;
        try {
            co_await item.open();
            auto header = item.stream().write(opening(self.core_->version(), UniStreamType::Group, Group{self.asked_.id, sending->sequence}));
            co_await std::move(header);
            FrameSender sender(item);
            co_await sender.send(group);
            item.stream().finish();
            // The end of the subscription must not overtake its groups.
            auto sent = item.stream().sent();
            co_await std::move(sent);
            co_return;
        } catch (const std::system_error &error) {
            code = error.code();
        }
        if (item.is_open()) {
            self.core_->reset(item.stream(), code, StreamUse::Group);
        } else if (code == Error::Old) {
            // It keeps its place until that is written: a peer that does not read its replies must not make them pile
            // up.
            auto written = self.drop(sending->sequence, sending->sequence, code);
            co_await outcome_of(std::move(written));
        }
    }

    /// A datagram may get lost.
    struct Datagrams {
        std::shared_ptr<SubscribeServer> of;
        auto next() { return of->subscriber_->recv_datagram(); }
        void take(const comoq::Datagram &datagram) {
            std::vector<std::byte> bytes;
            const auto payload = datagram.payload.span();
            encode(Datagram{of->asked_.id, datagram.sequence, datagram.timestamp.value(), payload}, bytes);
            if (bytes.size() > longest_datagram) return;
            of->core_->transport->send_datagram(Bytes(std::move(bytes)));
        }
    };
    static asio::awaitable<void> send_datagrams(std::shared_ptr<SubscribeServer> self) {
        return comoq::detail::take_each(Datagrams{std::move(self)});
    }

    /// Runs until the peer has left.
    static asio::awaitable<void> follow_updates(std::shared_ptr<SubscribeServer> self, StreamReader &reader) {
        while (auto update = co_await reader.message<SubscribeUpdate>()) {
            self->asked_.wishes = update->wishes;
            if (self->subscriber_) self->subscriber_->update(update->wishes);
            for (Sending *sending : self->sending_) {
                sending->item.set_order(self->order_of(*sending));
            }
        }
    }

    void spawn(asio::awaitable<void> task) { groups_.spawn(std::move(task), &its_own_affair); }

    template <class Message> asio::awaitable<void> reply(SubscribeReply type, const Message &message) {
        return replies_->write(encoded_reply(core_->version(), type, message));
    }

    SendOrder order_of(const Sending &sending) const noexcept {
        const auto &wishes = asked_.wishes;
        return {wishes.priority, sending.priority, asked_.id, wishes.ordered ? sending.sequence : ~sending.sequence};
    }
    /// Runs until one group less is in flight. Meanwhile some may become too late.
    static asio::awaitable<void> one_less(std::shared_ptr<SubscribeServer> self) {
        self->one_less_.clear();
        auto less = self->one_less_.wait();
        const auto latency = std::min<std::chrono::milliseconds>(self->asked_.wishes.max_latency, std::chrono::hours(1));
        if (latency.count() <= 0) {
            co_await std::move(less);
            co_return;
        }
        auto waiting = self->core_->sleep(latency);
        co_await comoq::first_of(std::move(less), std::move(waiting));
        self->expire();
    }

    const std::shared_ptr<SessionCore> core_;
    Subscribe asked_;
    SubscribeIds::Claim id_;
    const std::unique_ptr<SendStream> replies_;
    std::optional<TrackSubscriber> subscriber_;
    comoq::detail::GroupOutbox::Account account_;
    comoq::TaskGroup groups_;
    std::list<Sending *> sending_;
    // The lowest number that is requested, or has come; and the numbers that get a stream, or a DROP.
    std::optional<std::uint64_t> first_;
    std::optional<std::uint64_t> final_;
    comoq::detail::SequenceSet accounted_;
    comoq::detail::Event one_less_;
    bool is_finished_ = false;
};

}  // namespace comoq::lite::detail
