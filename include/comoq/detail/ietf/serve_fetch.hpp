// SPDX-License-Identifier: MIT
#pragma once
#include "../../track_consumer.hpp"
#include "../../with_timeout.hpp"
#include "../session/merged_lanes.hpp"
#include "../session/send_frames.hpp"
#include "asked_range.hpp"
#include "object_framing.hpp"
#include "request_stream.hpp"
#include "serve_subscribe.hpp"
#include "uni_stream.hpp"

#include <asio/awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::ietf::detail {

/// Sends groups that the peer asks for by their numbers, one after the other on one stream.
class FetchServer {
public:
    using Self = std::shared_ptr<FetchServer>;

    FetchServer(RequestStream::Self request, Fetch message)
        : request_(std::move(request)), core_(request_->core), asked_(std::move(message)),
          order_(asked_.parameters.group_order.value_or(GroupOrder::Ascending)), objects_(order_, core_->draft()),
          item_(core_->outbox, account_, order_of(*core_, asked_)) {}
    FetchServer(const FetchServer &) = delete;
    FetchServer &operator=(const FetchServer &) = delete;

    static asio::awaitable<void> serve(Self self) {
        auto work = send_to_the_end(self);
        auto leaving = RequestStream::until_unwanted(self->request_);
        co_await comoq::first_of(std::move(work), std::move(leaving));
    }

private:
    /// What it comes to: both ends are included, and the last object may be open.
    struct Range {
        Location first;
        RangeEnd last;
    };
    /// A range may name very many groups that nobody has: after this many in a row, the rest is unknown, too.
    static constexpr unsigned most_missing = 16;

    static SendOrder order_of(SessionCore &core, const Fetch &asked) noexcept {
        SendOrder order;
        order.priority = turned(asked.parameters.subscriber_priority.value_or(usual_priority));
        order.flow = core.next_flow++;
        return order;
    }

    static asio::awaitable<void> send_to_the_end(Self self) {
        auto sending = send(self);
        const auto code = co_await outcome_of(std::move(sending));
        if (code && self->item_.is_open()) self->core_->reset(self->item_.stream(), code);
        if (code) comoq::detail::throw_error(code);
        self->item_.stream().finish();
        self->request_->send->finish();
        auto sent = self->item_.stream().sent();
        co_await std::move(sent);
    }

    static asio::awaitable<void> send(Self self) {
        auto finding = find(self);
        co_await std::move(finding);
        Range range = self->range();
        // The first group decides whether the answer is yes. It may be made only now, on demand.
        const bool ascends = self->order_ == GroupOrder::Ascending;
        auto sequence = ascends ? range.first.group : range.last.group;
        auto fetching = group_of(self, sequence);
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
        auto opening = self->open();
        co_await std::move(opening);
        for (unsigned missing = 0;;) {
            if (group) {
                auto sending = send_group(self, range, std::move(*group));
                co_await std::move(sending);
                missing = 0;
            } else {
                const bool is_enough = ++missing == most_missing;
                const auto end = is_enough ? (ascends ? range.last.group : range.first.group) : sequence;
                auto written = self->write_unknown(end);
                co_await std::move(written);
                if (is_enough) co_return;
            }
            if (sequence == (ascends ? range.last.group : range.first.group)) co_return;
            sequence += ascends ? std::uint64_t{1} : ~std::uint64_t{0};
            group.reset();
            auto next = group_of(self, sequence);
            auto code = co_await comoq::detail::outcome_into(std::move(next), group);
            // Whatever the reason is, the peer learns that nobody here can say.
            if (code && self->core_->ended.peek()) comoq::detail::throw_error(code);
        }
    }

    /// Sets `track_`, and what is known of its largest object.
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
            self->track_ = joinable->track;
            self->largest_ = joinable->largest;
            co_return;
        }
        const auto path = asked_path(asked.track.space);
        self->request_->note(path, asked.track.name);
        auto asking = core.request(path);
        const auto source = co_await std::move(asking);
        self->track_ = source.track(asked.track.name);
        self->largest_ = largest_of(self->track_.largest());
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
        const bool is_backwards = range.first.group > range.last.group ||
                                  (range.first.group == range.last.group && range.last.object && range.first.object > *range.last.object);
        if (is_backwards || range.last.group > highest_number) comoq::detail::throw_error(make_error_code(Error::BoundsExceeded));
        return range;
    }

    static asio::awaitable<GroupConsumer> group_of(Self self, std::uint64_t sequence) {
        comoq::Fetch how;
        how.priority = turned(self->asked_.parameters.subscriber_priority.value_or(usual_priority));
        how.asker = self->core_->via;
        auto fetching = self->track_.fetch_group(sequence, how);
        auto resolving = self->core_->resolver.in_time<GroupConsumer>(std::move(fetching));
        co_return co_await std::move(resolving);
    }

    asio::awaitable<void> open() {
        auto opening = item_.open();
        co_await std::move(opening);
        std::vector<std::byte> bytes;
        encode(FetchHeader{asked_.request_id}, core_->draft(), bytes);
        auto written = item_.stream().write(Bytes(std::move(bytes)));
        co_await std::move(written);
    }
    static asio::awaitable<void> send_group(Self self, Range range, GroupConsumer group) {
        const auto sequence = group.sequence();
        const auto wanted = sequence == range.first.group ? range.first.object : 0;
        const auto last = sequence == range.last.group ? range.last.object : std::nullopt;
        if (auto lanes = self->track_.get_lanes(sequence); lanes.size() > 1) {
            auto sending = send_lanes(self, std::move(lanes), wanted, last);
            auto unless = comoq::detail::unless_stopped(self->item_.stream(), std::move(sending));
            co_await std::move(unless);
            co_return;
        }
        auto finding = find_object(group, wanted);
        const bool is_there = co_await std::move(finding);
        if (!is_there && wanted == 0) comoq::detail::throw_error(make_error_code(Error::Lagged));
        if (!is_there) co_return;
        const auto first = group.info_of_rest(comoq::detail::Passkey()).first_object;
        if (last && *last < first) co_return;
        const auto info = group.track_info();
        comoq::detail::GroupSender<FetchFraming> sender(
            self->item_, FetchFraming(self->objects_, sequence, first, group.info().priority.value_or(info.priority), info, last));
        auto objects = last ? sender.send(group, *last - first + 1) : sender.send(group);
        co_await std::move(objects);
    }
    /// Those that are here now. It holds a frame of each.
    static asio::awaitable<void> send_lanes(Self self, std::vector<GroupConsumer> lanes, std::uint64_t wanted,
                                            std::optional<std::uint64_t> last) {
        const auto sequence = lanes.front().sequence();
        const auto info = lanes.front().track_info();
        // A fetch that ends at an object waits for no lane: a lane may have nothing more before that object.
        comoq::detail::MergedLanes merged(std::move(lanes), !last);
        auto &item = self->item_;
        while (true) {
            if (item.held() != 0 && !merged.is_ready()) co_await item.drained();
            auto coming = merged.next();
            auto object = co_await std::move(coming);
            if (!object || (last && object->id > *last)) break;
            if (object->id < wanted) continue;
            if (!item.has_room()) co_await item.make_room();
            item.took(object->frame.payload.size());
            FetchedObject header;
            header.location = Location{sequence, object->id};
            header.subgroup = object->lane.subgroup;
            header.priority = turned(object->lane.priority.value_or(info.priority));
            header.properties = properties_of(object->frame.extras, object->frame.timestamp, info.has_timestamps);
            header.payload_size = object->frame.payload.size();
            std::vector<std::byte> bytes;
            self->objects_.write(header, bytes);
            item.wrote(bytes.size() + object->frame.payload.size());
            auto begun = item.stream().write(Bytes(std::move(bytes)));
            co_await std::move(begun);
            auto written = item.stream().write(std::move(object->frame.payload));
            co_await std::move(written);
            item.settle(0);
        }
        item.settle(0);
    }
    /// Nobody here knows what is up to the end of that group.
    asio::awaitable<void> write_unknown(std::uint64_t group) {
        FetchedObject range;
        range.kind = FetchedObject::Kind::Unknown;
        range.location = Location{group, highest_number};
        std::vector<std::byte> bytes;
        objects_.write(range, bytes);
        return item_.stream().write(Bytes(std::move(bytes)));
    }

    const RequestStream::Self request_;
    const std::shared_ptr<SessionCore> core_;
    const Fetch asked_;
    const GroupOrder order_;
    FetchObjects objects_;
    comoq::detail::GroupOutbox::Account account_;
    comoq::detail::GroupOutbox::Item item_;
    TrackConsumer track_;
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
