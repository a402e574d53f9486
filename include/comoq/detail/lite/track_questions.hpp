// SPDX-License-Identifier: MIT
#pragma once
#include "receive_frames.hpp"
#include "session_core.hpp"
#include "stream_reader.hpp"
#include "../session/fetch_places.hpp"
#include "../wait/take_each.hpp"
#include "../../track.hpp"

#include <asio/awaitable.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

namespace comoq::lite::detail {

/// Asks the peer about one of its tracks: for its info, with TRACK, and for groups by their numbers, with FETCH. Used
/// on the session's executor.
class TrackQuestions {
public:
    TrackQuestions(std::shared_ptr<SessionCore> core, std::string path, std::string name)
        : core_(std::move(core)), path_(std::move(path)), name_(std::move(name)) {}
    TrackQuestions(const TrackQuestions &) = delete;
    TrackQuestions &operator=(const TrackQuestions &) = delete;
    virtual ~TrackQuestions() = default;

protected:
    using Self = std::shared_ptr<TrackQuestions>;
    using Ticket = comoq::detail::FetchPlaces::Ticket;
    using Newest = comoq::detail::NewestGroups::Place;

    /// A group is not asked for any more.
    virtual void fetched() noexcept = 0;

    /// Fills `info_`.
    static asio::awaitable<void> ask_info(Self self) {
        auto asked = ask_with(self->core_, BidiStreamType::Track, Track{self->path_, self->name_});
        auto stream = co_await std::move(asked);
        StreamReader reader(std::move(stream.receive), self->core_->version(), StreamUse::Request);
        const auto answer = co_await reader.expect<TrackInfoMessage>();
        // Not earlier: peers written in Rust take the end of a request that has no answer yet for a cancellation.
        stream.send->finish();
        self->info_ = answer.info;
        // The peer alone does not decide how long groups are kept here.
        self->info_.max_latency = std::min(self->info_.max_latency, self->core_->config.max_latency);
    }

    static asio::awaitable<void> answer_fetches(Self self, TrackDynamic handler) {
        return comoq::detail::take_each(WantedGroups{std::move(self), std::move(handler)});
    }

    const std::shared_ptr<SessionCore> core_;
    const std::string path_;
    const std::string name_;
    TrackInfo info_;
    std::shared_ptr<Newest> newest_;  // once the track is live
    /// Set when there is an info, or with the code if there will be none.
    comoq::detail::Latch<std::error_code> asked_;

private:
    /// A request for which there is no memory is refused.
    struct WantedGroups {
        Self track;
        TrackDynamic handler;
        auto next() { return handler.requested_group(); }
        void take(GroupRequest &&request) { track->core_->spawn(fetch(track, std::move(request))); }
    };

    /// A requested group: without an answer it is refused with the code that ended the session.
    class Fetching {
    public:
        Fetching(TrackQuestions &track, GroupRequest &request) noexcept : track_(track), request_(request) {}
        Fetching(const Fetching &) = delete;
        Fetching &operator=(const Fetching &) = delete;
        ~Fetching() {
            request_.reject(track_.core_->lost_code(make_error_code(Error::Cancelled)));
            track_.fetched();
        }

    private:
        TrackQuestions &track_;
        GroupRequest &request_;
    };
    struct FetchStream {
        std::unique_ptr<SendStream> question;
        std::optional<StreamReader> reader;
    };

    static asio::awaitable<void> fetch(Self self, GroupRequest request) {
        auto &core = *self->core_;
        const Fetching fetching(*self, request);
        Ticket ticket(core.fetch_places, self.get(), request.priority());
        FetchStream stream;
        while (true) {
            auto answer = outcome_of(ask_in_turn(self, ticket, request.sequence(), request.priority(), stream));
            auto abandoned = request.abandoned();
            const auto first = co_await comoq::first_of(std::move(answer), std::move(abandoned));
            if (first.index() != 0) {
                // A requester may have come since the last one left.
                if (request.withdraw()) co_return;
                continue;
            }
            const auto code = std::get<0>(first);
            if (!code) break;
            request.reject(core.lost_code(code));
            co_return;
        }
        auto group = request.accept(self->info_);
        FrameReceiver receiver(*stream.reader, self->info_.timescale);
        const auto code = co_await receiver.receive(group, [] {});
        if (code) {
            group.abort(core.lost_code(code));
            co_return;
        }
        group.finish();
        // As in `ask_info`.
        stream.question->finish();
    }

    /// Runs until the peer has begun with the group, or refused it. A question that has to give up its place is taken
    /// back, and asked again.
    static asio::awaitable<void> ask_in_turn(Self self, Ticket &ticket, std::uint64_t sequence, std::uint8_t priority,
                                             FetchStream &stream) {
        const auto refusal = co_await self->asked_.wait();
        if (refusal) comoq::detail::throw_error(refusal);
        while (true) {
            auto placed = ticket.changed_from(Ticket::State::Waiting);
            co_await std::move(placed);
            if (ticket.state() == Ticket::State::Refused) comoq::detail::throw_error(make_error_code(Error::LimitReached));
            auto answer = ask_group(self, sequence, priority, stream);
            auto displaced = ticket.changed_from(Ticket::State::Placed);
            auto passing = self->core_->sleep(self->core_->config.patience);
            const auto first = co_await comoq::first_of(std::move(answer), std::move(displaced), std::move(passing));
            if (first.index() == 1) {
                stream = FetchStream();
                continue;
            }
            if (first.index() == 2) comoq::detail::throw_error(make_error_code(Error::Timeout));
            ticket.answered();
            co_return;
        }
    }
    static asio::awaitable<void> ask_group(Self self, std::uint64_t sequence, std::uint8_t priority, FetchStream &to) {
        auto asked = ask_with(self->core_, BidiStreamType::Fetch, Fetch{self->path_, self->name_, priority, sequence});
        auto stream = co_await std::move(asked);
        to.question = std::move(stream.send);
        to.reader.emplace(std::move(stream.receive), self->core_->version(), StreamUse::Request);
        [[maybe_unused]] const bool any = co_await to.reader->any();
    }
};

}  // namespace comoq::lite::detail
