#pragma once
#include "receive_frames.hpp"
#include "session_core.hpp"
#include "stream_reader.hpp"
#include "subscription_table.hpp"
#include "../../broadcast.hpp"
#include "../../track.hpp"

#include <asio/awaitable.hpp>
#include <asio/cancellation_state.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace comoq::lite::detail {

/// One track of a peer's broadcast, as long as somebody here wants it: one SUBSCRIBE however many subscribe, one FETCH for
/// each group that is asked for.
class RemoteTrack {
public:
    RemoteTrack(std::shared_ptr<SessionCore> core, std::string path, BroadcastProducer to, std::string name)
        : core_(std::move(core)), path_(std::move(path)), to_(std::move(to)), name_(std::move(name)) {}

    /// Answers a request for the track, and serves it until it ends or has not been used for a while.
    static asio::awaitable<void> serve(std::shared_ptr<RemoteTrack> self, TrackRequest request) {
        // From now on, so that nobody who waits for a group is refused when the track goes live.
        auto fetching = serve_groups(self, request.dynamic());
        auto following = serve_track(self, std::move(request));
        [[maybe_unused]] const auto first = co_await comoq::detail::first_of(std::move(following), std::move(fetching));
    }

private:
    using Self = std::shared_ptr<RemoteTrack>;

    /// A request that is not answered when the coroutine ends is refused with what the session ended with.
    template <class Request> class Refusal {
    public:
        Refusal(const SessionCore &core, Request &request) noexcept : core_(core), request_(request) {}
        Refusal(const Refusal &) = delete;
        Refusal &operator=(const Refusal &) = delete;
        ~Refusal() { request_.reject(core_.lost_code(make_error_code(Error::Cancelled))); }

    private:
        const SessionCore &core_;
        Request &request_;
    };

    static asio::awaitable<void> serve_track(Self self, TrackRequest request) {
        const Refusal<TrackRequest> refusal(*self->core_, request);
        while (true) {
            const auto first = co_await comoq::detail::first_of(ask_info(self), completion_of(request.abandoned()));
            if (first.index != 0) {
                // Somebody may have come since the last one left.
                if (request.abandoned().ready()) co_return;
                continue;
            }
            const auto code = first.code ? self->core_->lost_code(first.code) : first.code;
            self->asked_.set(code);
            if (!code) break;
            request.reject(code);
            co_return;
        }
        auto out = request.accept(self->info_);
        const auto code = co_await outcome_of(follow(self, out));
        const auto cancellation = co_await asio::this_coro::cancellation_state;
        if (code && cancellation.cancelled() == asio::cancellation_type::none) {
            // If it was the connection that failed, the session is told in the same turn, and ends the broadcast first.
            const auto executor = co_await asio::this_coro::executor;
            co_await asio::post(executor, asio::use_awaitable);
        }
        // Of a track that has ended nothing is left to fail; what a dropped one has stays for its readers.
        if (code && code != Error::Dropped) out.abort(self->core_->lost_code(code));
    }

    static asio::awaitable<void> ask_info(Self self) {
        auto question = opening(BidiStreamType::Track, Track{self->path_, self->name_});
        auto stream = co_await open_with(self->core_->transport, std::move(question));
        StreamReader reader(std::move(stream.receive));
        const auto answer = co_await reader.expect<TrackInfoMessage>();
        // Not before: peers written in Rust take the end of a request that has no answer yet for a cancellation.
        stream.send->finish();
        self->info_ = answer.info;
    }

    /// Subscribes while somebody here does, until the track ends. Throws what fails it.
    static asio::awaitable<void> follow(Self self, TrackProducer out) {
        const auto broadcast = self->to_.consume();
        // Kept when the subscription is over: its end may overtake its groups.
        std::optional<SubscriptionTable::Entry> entry;
        for (bool listed = true;;) {
            if (out.subscription()) {
                entry.emplace(self->core_->subscriptions, out);
                const bool over = co_await subscribe(self, out, *entry);
                if (over) break;
                // A group that was cut off cannot be had again under its number: who comes next gets another track.
                if (entry->groups_under_way() && listed) {
                    self->to_.remove_track(self->name_);
                    listed = false;
                }
                entry.reset();
                continue;
            }
            // In a broadcast that is over nobody can ask for the track, nor for one that is not in it any more.
            if (!listed || broadcast.is_closed()) co_return;
            auto waiting = self->core_->sleep(self->core_->config.linger);
            [[maybe_unused]] const auto first = co_await comoq::detail::first_of(
                completion_of(out.used()), completion_of(broadcast.closed()), std::move(waiting));
            if (out.subscription()) continue;
            self->to_.remove_track(self->name_);
            listed = false;
        }
        // It has ended well, but its last groups may still be on their way, or never come.
        auto patience = self->core_->sleep(self->core_->config.linger);
        auto groups = until_complete(*entry, out, self->first_group_);
        [[maybe_unused]] const auto first = co_await comoq::detail::first_of(std::move(groups), std::move(patience));
    }
    static asio::awaitable<void> until_complete(SubscriptionTable::Entry &entry, TrackProducer &out, std::uint64_t first) {
        while (!SubscriptionTable::Entry::is_complete(out, first)) {
            auto next = entry.next_group();
            co_await std::move(next);
        }
    }

    /// Subscribes, and tells the peer what is wanted here, until that is nothing. True if the track has come to its end.
    static asio::awaitable<bool> subscribe(Self self, TrackProducer &out, SubscriptionTable::Entry &entry) {
        const auto wishes = out.state()->combined_for_source();
        if (!wishes) co_return false;
        BidiStream stream;
        auto asking = ask(self, Subscribe{entry.id(), self->path_, self->name_, *wishes}, stream);
        // The peer may not allow a stream for a long time.
        const auto asked = co_await comoq::detail::first_of(std::move(asking), completion_of(out.unused()));
        if (asked.index != 0) co_return false;
        if (asked.code) comoq::detail::throw_error(asked.code);
        StreamReader reader(std::move(stream.receive));
        auto following = follow_replies(self, reader, out);
        auto updating = pass_wishes(out, *stream.send, *wishes);
        const auto first = co_await comoq::detail::first_of(std::move(following), std::move(updating));
        if (first.index != 0) entry.leave();
        stream.send->finish();
        if (first.index != 0) co_return false;
        if (first.code) comoq::detail::throw_error(first.code);
        co_return true;
    }

    static asio::awaitable<void> ask(Self self, Subscribe message, BidiStream &stream) {
        stream = co_await open_with(self->core_->transport, opening(BidiStreamType::Subscribe, message));
    }

    static asio::awaitable<void> follow_replies(Self self, StreamReader &reader, TrackProducer &out) {
        bool final_is_known = false;
        while (auto type = co_await reader.varint()) {
            switch (static_cast<SubscribeReply>(*type)) {
            case SubscribeReply::Ok: {
                const auto ok = co_await reader.expect<SubscribeOk>();
                self->first_group_ = ok.group;
                break;
            }
            case SubscribeReply::End: {
                const auto end = co_await reader.expect<SubscribeEnd>();
                declare_final(out, end.group);
                final_is_known = true;
                break;
            }
            case SubscribeReply::Drop: {
                // Nobody waits here for a group that has not come.
                [[maybe_unused]] const auto drop = co_await reader.expect<SubscribeDrop>();
                break;
            }
            default: comoq::detail::throw_error(make_error_code(Error::UnexpectedMessage));
            }
        }
        if (!final_is_known) declare_final(out, 0);
    }
    static void declare_final(TrackProducer &out, std::uint64_t first_never) {
        try {
            if (first_never == 0)
                out.finish();
            else
                out.finish_at(first_never);
        } catch (const std::system_error &error) {
            // One was declared before.
            if (error.code() != Error::Closed) throw;
        }
    }

    /// Until nobody wants anything. The copy of the producer follows from its own beginning.
    static asio::awaitable<void> pass_wishes(TrackProducer out, SendStream &stream, Subscription told_last) {
        while (true) {
            auto [code, present] = co_await out.subscription_changed().as_tuple();
            const auto wishes = out.state()->combined_for_source();
            if (code || !wishes) co_return;
            if (*wishes == told_last) continue;
            told_last = *wishes;
            auto written = stream.write(encoded(SubscribeUpdate{*wishes}));
            co_await std::move(written);
        }
    }

    static asio::awaitable<void> serve_groups(Self self, TrackDynamic handler) {
        auto &core = *self->core_;
        while (auto request = co_await handler.requested_group()) {
            while (core.fetching >= most_fetching) {
                core.one_fetch_less.clear();
                co_await core.one_fetch_less.wait();
            }
            auto place = std::make_unique<FetchPlace>(self->core_);
            core.tasks.spawn(fetch(self, std::move(*request), std::move(place)));
        }
    }

    // Each has a stream, and the peer does not allow many: there must be some for other questions.
    static constexpr std::size_t most_fetching = 64;
    class FetchPlace {
    public:
        explicit FetchPlace(std::shared_ptr<SessionCore> core) noexcept : core_(std::move(core)) { ++core_->fetching; }
        FetchPlace(const FetchPlace &) = delete;
        FetchPlace &operator=(const FetchPlace &) = delete;
        ~FetchPlace() {
            --core_->fetching;
            core_->one_fetch_less.set();
        }

    private:
        const std::shared_ptr<SessionCore> core_;
    };

    static asio::awaitable<void> fetch(Self self, GroupRequest request, [[maybe_unused]] std::unique_ptr<FetchPlace> place) {
        const Refusal<GroupRequest> refusal(*self->core_, request);
        std::unique_ptr<SendStream> question;
        std::optional<StreamReader> reader;
        while (true) {
            auto asking = ask_group(self, request.sequence(), request.priority(), question, reader);
            auto waiting = self->core_->sleep(self->core_->config.patience);
            const auto first = co_await comoq::detail::first_of(std::move(asking), completion_of(request.abandoned()),
                                                                std::move(waiting));
            if (first.index == 2) {
                request.reject(make_error_code(Error::Timeout));
                co_return;
            }
            if (first.index != 0) {
                if (request.abandoned().ready()) co_return;
                continue;
            }
            if (!first.code) break;
            request.reject(self->core_->lost_code(first.code));
            co_return;
        }
        auto group = request.accept(self->info_);
        FrameReceiver receiver(*reader, self->info_.timescale);
        const auto code = co_await receiver.receive(group);
        if (code)
            group.abort(self->core_->lost_code(code));
        else
            group.finish();
        // As in `ask_info`.
        if (!code) question->finish();
    }
    /// Until there is an answer, or a refusal.
    static asio::awaitable<void> ask_group(Self self, std::uint64_t sequence, std::uint8_t priority,
                                           std::unique_ptr<SendStream> &question, std::optional<StreamReader> &reader) {
        const auto refusal = co_await self->asked_.wait();
        if (refusal) comoq::detail::throw_error(refusal);
        auto opened = opening(BidiStreamType::Fetch, Fetch{self->path_, self->name_, priority, sequence});
        auto stream = co_await open_with(self->core_->transport, std::move(opened));
        question = std::move(stream.send);
        reader.emplace(std::move(stream.receive));
        [[maybe_unused]] const bool any = co_await reader->any();
    }

    const std::shared_ptr<SessionCore> core_;
    const std::string path_;
    BroadcastProducer to_;
    const std::string name_;
    // What the peer said when it was asked what the track is like.
    comoq::detail::Latch<std::error_code> asked_;
    TrackInfo info_;
    // Of the last subscription.
    std::uint64_t first_group_ = 0;
};

}  // namespace comoq::lite::detail
