#pragma once
#include "send_frames.hpp"
#include "session_core.hpp"
#include "stream_reader.hpp"
#include "../../lite/datagram.hpp"
#include "../../track_subscriber.hpp"

#include <asio/awaitable.hpp>

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace comoq::lite::detail {

/// Sends a track that the peer has subscribed to: each group on a stream of its own, as long as the peer wants it.
class SubscribeServer {
public:
    SubscribeServer(std::shared_ptr<SessionCore> session, Subscribe message, std::unique_ptr<SendStream> stream)
        : core_(std::move(session)), asked_(std::move(message)), replies_(std::move(stream)),
          groups_(core_->transport->executor()) {}

    static asio::awaitable<void> serve(std::shared_ptr<SubscribeServer> self, StreamReader &reader) {
        // Its coroutines keep this object: they end with the one that serves it, however that does.
        const GroupsEnd end(*self);
        const auto first = co_await comoq::detail::first_of(send_to_the_end(self), follow_updates(self, reader));
        if (first.index == 0 || self->is_finished_) co_return;
        // The peer has left, or what it said cannot be understood.
        if (first.code)
            self->replies_->reset(told(first.code));
        else
            self->replies_->finish();
    }

private:
    /// So many groups may be on their way or wait for a stream; then the track is left to decide which of those that are not
    /// taken yet are still worth having.
    static constexpr std::size_t most_groups = 128;
    /// Of a session that has so many on their way, a subscription gets one at a time.
    static constexpr std::size_t most_of_session = 1024;
    std::size_t room_for_groups() const noexcept { return core_->sending_groups < most_of_session ? most_groups : 1; }

    /// A group on its way.
    struct Sending {
        Sending(std::shared_ptr<SubscribeServer> server, const GroupConsumer &group)
            : of(std::move(server)), sequence(group.sequence()), priority(group.track_info().priority),
              order(of->order_of(*this)), place(of->sending_.insert(of->sending_.end(), this)) {
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
        SendOrder order;
        std::unique_ptr<SendStream> stream;
        const std::list<Sending *>::iterator place;
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
            self->replies_->finish();
            self->is_finished_ = true;
            // Whoever publishes, and leaves when nobody subscribes any more, must not take away what is still on its way:
            // the peer has everything when it leaves, too.
            co_await self->core_->sleep(self->core_->config.linger);
            co_return;
        }
        const bool track_failed = self->subscriber_ && self->subscriber_->closed().ready();
        // What a dropped track has is still there for its readers, and the end must not overtake it.
        if (track_failed && code == Error::Dropped) co_await self->groups_.idle();
        self->replies_->reset(told(code));
        // The groups of a track that failed end by themselves.
        if (track_failed) co_await self->groups_.idle();
    }
    static asio::awaitable<void> send(std::shared_ptr<SubscribeServer> self) {
        auto &asked = self->asked_;
        const auto source = co_await self->core_->request(asked.broadcast);
        // The wishes may have changed since it was asked for.
        auto subscribing = source.track(asked.track).subscribe(asked.wishes);
        self->subscriber_ = co_await std::move(subscribing);
        self->subscriber_->update(asked.wishes);
        if (self->core_->transport->max_datagram_size() != 0) self->groups_.spawn(send_datagrams(self));
        co_await send_groups(self);
    }

    static asio::awaitable<void> send_groups(std::shared_ptr<SubscribeServer> self) {
        bool begun = false;
        while (auto group = co_await self->subscriber_->recv_group()) {
            if (!begun) {
                begun = true;
                co_await self->reply(SubscribeReply::Ok, SubscribeOk{group->sequence()});
                self->groups_.spawn(send_end(self));
            }
            auto sending = std::make_unique<Sending>(self, *group);
            self->groups_.spawn(send_group(std::move(sending), std::move(*group)));
            while (self->sending_.size() >= self->room_for_groups()) co_await self->one_less();
        }
        if (!begun) co_await send_end(self);
    }

    /// Says which number will be the first that never comes, as soon as that is known.
    static asio::awaitable<void> send_end(std::shared_ptr<SubscribeServer> self) {
        auto [code, final] = co_await self->subscriber_->finished().as_tuple();
        if (!code) co_await self->reply(SubscribeReply::End, SubscribeEnd{final});
    }

    static asio::awaitable<void> send_group(std::unique_ptr<Sending> sending, GroupConsumer group) {
        auto &self = *sending->of;
        sending->stream = co_await self.core_->opener.open(sending->order);
        std::error_code code;
        try {
            auto header = sending->stream->write(opening(UniStreamType::Group, Group{self.asked_.id, sending->sequence}));
            co_await std::move(header);
            FrameSender sender(*sending->stream);
            co_await sender.send(group);
            sending->stream->finish();
            // The end of the subscription must not overtake what belongs to it.
            auto sent = sending->stream->sent();
            co_await std::move(sent);
            co_return;
        } catch (const std::system_error &error) {
            code = error.code();
        }
        sending->stream->reset(told(code));
    }

    static asio::awaitable<void> send_datagrams(std::shared_ptr<SubscribeServer> self) {
        auto &transport = *self->core_->transport;
        while (auto datagram = co_await self->subscriber_->recv_datagram()) {
            std::vector<std::byte> bytes;
            const auto &payload = datagram->payload;
            encode(Datagram{self->asked_.id, datagram->sequence, datagram->timestamp.value(), payload.span()}, bytes);
            transport.send_datagram(Bytes(std::move(bytes)));
        }
    }

    /// Until the peer has left.
    static asio::awaitable<void> follow_updates(std::shared_ptr<SubscribeServer> self, StreamReader &reader) {
        while (auto update = co_await reader.message<SubscribeUpdate>()) {
            self->asked_.wishes = update->wishes;
            if (self->subscriber_) self->subscriber_->update(update->wishes);
            for (Sending *sending : self->sending_) {
                sending->order = self->order_of(*sending);
                if (sending->stream != nullptr) sending->stream->set_order(sending->order);
            }
        }
    }

    template <class Message> asio::awaitable<void> reply(SubscribeReply type, const Message &message) {
        return replies_->write(encoded_reply(type, message));
    }

    SendOrder order_of(const Sending &sending) const noexcept {
        const auto &wishes = asked_.wishes;
        return {wishes.priority, sending.priority, asked_.id, wishes.ordered ? sending.sequence : ~sending.sequence};
    }
    asio::awaitable<void> one_less() {
        one_less_.clear();
        return one_less_.wait();
    }

    const std::shared_ptr<SessionCore> core_;
    Subscribe asked_;
    const std::unique_ptr<SendStream> replies_;
    std::optional<TrackSubscriber> subscriber_;
    comoq::detail::TaskGroup groups_;
    std::list<Sending *> sending_;
    comoq::detail::Event one_less_;
    bool is_finished_ = false;
};

}  // namespace comoq::lite::detail
