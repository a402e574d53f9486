// SPDX-License-Identifier: MIT
#pragma once
#include "../wait/failure.hpp"
#include "../wait/latch.hpp"
#include "../wait/take_each.hpp"
#include "../../first_of.hpp"
#include "../../track.hpp"
#include "fetch_places.hpp"
#include "newest_groups.hpp"
#include "outcome_of.hpp"

#include <asio/awaitable.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

namespace comoq::detail {

/// A group that the peer has begun to send as an answer.
class FetchedGroup {
public:
    FetchedGroup() = default;
    FetchedGroup(const FetchedGroup &) = delete;
    FetchedGroup &operator=(const FetchedGroup &) = delete;
    virtual ~FetchedGroup() = default;

    /// Writes it, and returns the code that ended it early. The caller ends the group.
    virtual asio::awaitable<std::error_code> receive(GroupProducer &group) = 0;
    /// All of it has come.
    virtual void finish() = 0;
};

/// Asks the peer about one of its tracks: for its info, and for groups by their numbers, as the protocol's messages do. `Core`
/// is the session's state. Used on the session's executor.
template <class Core> class TrackQuestions {
public:
    TrackQuestions(std::shared_ptr<Core> core, std::string path, std::string name)
        : core_(std::move(core)), path_(std::move(path)), name_(std::move(name)) {}
    TrackQuestions(const TrackQuestions &) = delete;
    TrackQuestions &operator=(const TrackQuestions &) = delete;
    virtual ~TrackQuestions() = default;

protected:
    using Self = std::shared_ptr<TrackQuestions>;
    using Ticket = FetchPlaces::Ticket;
    using Newest = NewestGroups::Place;

    /// A group is not asked for any more.
    virtual void fetched() noexcept = 0;

    /// The protocol's question for the info: fills `info_`. The caller keeps this object.
    virtual asio::awaitable<void> ask_info() = 0;
    /// The protocol's question for a group: completes when the peer has begun with it. The caller keeps this object.
    virtual asio::awaitable<std::unique_ptr<FetchedGroup>> ask_group(std::uint64_t sequence, std::uint8_t priority) = 0;

    /// The peer alone does not decide how long groups are kept here.
    void set_info(TrackInfo info) noexcept {
        info_ = std::move(info);
        info_.max_latency = std::min(info_.max_latency, core_->config.max_latency);
    }

    static asio::awaitable<void> answer_fetches(Self self, TrackDynamic handler) {
        return take_each(WantedGroups{std::move(self), std::move(handler)});
    }

    const std::shared_ptr<Core> core_;
    const std::string path_;
    const std::string name_;
    TrackInfo info_;
    std::shared_ptr<Newest> newest_;  // once the track is live
    /// Set when there is an info, or with the code if there will be none.
    Latch<std::error_code> asked_;

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
    static asio::awaitable<void> fetch(Self self, GroupRequest request) {
        auto &core = *self->core_;
        const Fetching fetching(*self, request);
        const auto askers = request.askers(Passkey());
        Ticket ticket(core.fetch_places, self.get(), request.priority(), askers);
        std::unique_ptr<FetchedGroup> fetched;
        while (true) {
            auto answer = outcome_of(ask_in_turn(self, ticket, request, fetched));
            auto abandoned = request.abandoned();
            auto changing = follow_wishes(request, ticket);
            const auto first = co_await comoq::first_of(std::move(answer), std::move(abandoned), std::move(changing));
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
        auto receiving = fetched->receive(group);
        const auto code = co_await std::move(receiving);
        if (code) {
            group.abort(core.lost_code(code));
            co_return;
        }
        group.finish();
        fetched->finish();
    }

    /// Runs until the peer has begun with the group, or refused it. A question that has to give up its place is taken
    /// back, and asked again.
    static asio::awaitable<void> ask_in_turn(Self self, Ticket &ticket, const GroupRequest &request,
                                             std::unique_ptr<FetchedGroup> &to) {
        const auto refusal = co_await self->asked_.wait();
        if (refusal) throw_error(refusal);
        while (true) {
            auto placed = ticket.changed_from(Ticket::State::Waiting);
            co_await std::move(placed);
            if (ticket.state() == Ticket::State::Refused) throw_error(make_error_code(Error::LimitReached));
            auto answer = self->take_group(request.sequence(), request.priority(), to);
            auto displaced = ticket.changed_from(Ticket::State::Placed);
            auto passing = self->core_->sleep(self->core_->config.patience);
            const auto first = co_await comoq::first_of(std::move(answer), std::move(displaced), std::move(passing));
            if (first.index() == 1) {
                to.reset();
                continue;
            }
            if (first.index() == 2) throw_error(make_error_code(Error::Timeout));
            ticket.answered();
            co_return;
        }
    }
    /// Whoever joins a request, or leaves it, may change its place. Ends with the request.
    static asio::awaitable<void> follow_wishes(const GroupRequest &request, Ticket &ticket) {
        for (std::uint64_t known = 0;;) {
            const auto now = co_await request.wishes_changed(Passkey(), known);
            if (now == std::exchange(known, now)) co_return;
            const auto askers = request.askers(Passkey());
            if (!askers.empty()) ticket.set_wishes(request.priority(), askers);
        }
    }
    asio::awaitable<void> take_group(std::uint64_t sequence, std::uint8_t priority, std::unique_ptr<FetchedGroup> &to) {
        auto asking = ask_group(sequence, priority);
        to = co_await std::move(asking);
    }
};

}  // namespace comoq::detail
