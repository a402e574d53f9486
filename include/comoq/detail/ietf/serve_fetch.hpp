// SPDX-License-Identifier: MIT
#pragma once
#include "../../track_consumer.hpp"
#include "../../with_timeout.hpp"
#include "asked_range.hpp"
#include "range_stream.hpp"
#include "request_stream.hpp"
#include "serve_subscribe.hpp"

#include <asio/awaitable.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace comoq::ietf::detail {

/// Sends groups that the peer asks for by their numbers, one after the other on one stream.
class FetchServer {
public:
    using Self = std::shared_ptr<FetchServer>;

    FetchServer(RequestStream::Self request, Fetch message)
        : request_(std::move(request)), core_(request_->core), asked_(std::move(message)),
          stream_(core_, wish_of(asked_)) {}
    FetchServer(const FetchServer &) = delete;
    FetchServer &operator=(const FetchServer &) = delete;

    static asio::awaitable<void> serve(Self self) {
        auto work = send_to_the_end(self);
        auto leaving = RequestStream::until_unwanted(self->request_);
        co_await comoq::first_of(std::move(work), std::move(leaving));
    }

private:
    using Range = RangeStream::Range;

    static RangeStream::Wish wish_of(const Fetch &asked) noexcept {
        const auto &parameters = asked.parameters;
        return {asked.request_id, parameters.subscriber_priority.value_or(usual_priority),
                parameters.group_order.value_or(GroupOrder::Ascending)};
    }

    static asio::awaitable<void> send_to_the_end(Self self) {
        auto sending = send(self);
        const auto code = co_await outcome_of(std::move(sending));
        auto &stream = self->stream_;
        if (code && stream.is_open()) self->core_->reset(stream.stream(), code);
        if (code) comoq::detail::throw_error(code);
        stream.stream().finish();
        self->request_->send->finish();
        auto sent = stream.stream().sent();
        co_await std::move(sent);
    }

    static asio::awaitable<void> send(Self self) {
        auto finding = find(self);
        co_await std::move(finding);
        const Range range = self->range();
        // The first group decides whether the answer is yes. It may be made only now, on demand.
        auto fetching = self->stream_.group_of(self->stream_.first_of(range));
        std::optional<GroupConsumer> group = co_await std::move(fetching);
        FetchOk ok;
        ok.end = range.last;
        // The drafts from 20 on name the last object in any case.
        if (!self->core_->rules().joining_fetch)
            ok.end.object = range.last.object.value_or(highest_number);
        else if (!ok.end.object && self->core_->habits.ends_fetches_in_next_group)
            ++ok.end.group;
        ok.properties = detail::properties_of(group->track_info());
        self->request_->forget_question();
        auto answered = self->request_->answer(ok);
        co_await std::move(answered);
        auto opening = self->stream_.open();
        co_await std::move(opening);
        auto sending = RangeStream::send(RangeStream::Self(self, &self->stream_), range, std::move(group));
        co_await std::move(sending);
    }

    /// Tells the stream its track, and sets what is known of the track's largest object.
    static asio::awaitable<void> find(Self self) {
        auto &core = *self->core_;
        const Fetch &asked = self->asked_;
        if (asked.kind != Fetch::Kind::Standalone) {
            auto found = core.served.find(asked.joining_request);
            if (found != core.served.end() && !found->second->joinable()) {
                // It is being asked for. What it waits for has its own limits.
                auto deciding = until_known(found->second->known());
                auto in_time = with_timeout(std::move(deciding), core.config.patience, core.config.sleep);
                [[maybe_unused]] const auto code = co_await outcome_of(std::move(in_time));
                found = core.served.find(asked.joining_request);
            }
            const auto joinable = found != core.served.end() ? found->second->joinable() : std::nullopt;
            if (!joinable || !joinable->forwards) comoq::detail::throw_error(make_code(RequestFault::InvalidJoiningRequest));
            if (!joinable->largest) comoq::detail::throw_error(make_error_code(Error::BoundsExceeded));
            self->stream_.use(joinable->track);
            self->largest_ = joinable->largest;
            co_return;
        }
        const auto path = asked_path(asked.track.space);
        self->request_->note(path, asked.track.name);
        auto asking = core.request(path);
        const auto source = co_await std::move(asking);
        auto track = source.track(asked.track.name);
        self->largest_ = largest_of(track.largest());
        self->stream_.use(std::move(track));
    }
    static asio::awaitable<void> until_known(Operation<void> known) { co_await std::move(known); }
    /// Throws BoundsExceeded for one that is empty, or that nobody can have.
    Range range() const {
        Range range;
        if (asked_.kind != Fetch::Kind::Standalone) {
            range.last = RangeEnd{largest_->group, largest_->object};
            const auto back = std::min(asked_.joining_start, largest_->group);
            const bool is_relative = asked_.kind == Fetch::Kind::RelativeJoining;
            range.first.group = is_relative ? largest_->group - back : asked_.joining_start;
        } else if (core_->rules().joining_fetch) {
            range.first = asked_.start;
            range.last = asked_.end;
        } else {
            const auto wanted = range_of(asked_.parameters.filter, largest_);
            range.first = wanted.start.value_or(Location{});
            range.last = wanted.end ? *wanted.end : largest_ ? RangeEnd{largest_->group, {}} : RangeEnd{range.first.group, {}};
        }
        // What is beyond the live edge of the track is not there to be fetched, but for a single group: that may be made.
        if (largest_ && range.last.group > largest_->group && range.first.group <= largest_->group)
            range.last = RangeEnd{largest_->group, {}};
        if (range.is_empty() || range.last.group > highest_number) comoq::detail::throw_error(make_error_code(Error::BoundsExceeded));
        return range;
    }

    const RequestStream::Self request_;
    const std::shared_ptr<SessionCore> core_;
    const Fetch asked_;
    RangeStream stream_;
    std::optional<Location> largest_;
};

/// Tells the peer of a track, which nobody subscribes to for that.
inline asio::awaitable<void> serve_status(RequestStream::Self request, TrackStatus asked) {
    auto &core = *request->core;
    const auto path = asked_path(asked.track.space);
    request->note(path, asked.track.name);
    auto asking = core.request(path);
    const auto source = co_await std::move(asking);
    const auto track = source.track(asked.track.name);
    auto resolving = core.resolver.in_time<TrackInfo>(track.info());
    const auto info = co_await std::move(resolving);
    SessionCore::await_subscription(request->core, source);
    RequestOk ok;
    if (!core.habits.wants_no_largest) ok.parameters.largest_object = largest_of(track.largest());
    ok.properties = detail::properties_of(info);
    auto answered = request->answer(ok);
    co_await std::move(answered);
    request->send->finish();
}

}  // namespace comoq::ietf::detail
