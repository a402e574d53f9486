// SPDX-License-Identifier: MIT
#pragma once
#include "../../track_consumer.hpp"
#include "../session/merged_lanes.hpp"
#include "../session/send_frames.hpp"
#include "asked_range.hpp"
#include "object_framing.hpp"
#include "send_part.hpp"
#include "session_core.hpp"
#include "uni_stream.hpp"

#include <asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace comoq::ietf::detail {

/// What a fetch that joins a subscription may ask for.
struct Joinable {
    TrackConsumer track;
    std::optional<Location> largest;
    bool forwards;
};

/// One stream on which groups of a track go one after the other, from one object to another: that of a fetch, or one that fills
/// a subscription up. The caller of its coroutines keeps it.
class RangeStream {
public:
    using Self = std::shared_ptr<RangeStream>;

    /// Both ends are included, and the last object may be open.
    struct Range {
        Location first;
        RangeEnd last;

        bool is_empty() const noexcept {
            return first.group > last.group || (first.group == last.group && last.object && first.object > *last.object);
        }
    };
    /// As the peer has asked for it.
    struct Wish {
        std::uint64_t request_id = 0;
        std::uint8_t priority = usual_priority;
        GroupOrder order = GroupOrder::Ascending;
    };

    RangeStream(std::shared_ptr<SessionCore> core, const Wish &wish)
        : core_(std::move(core)), wish_(wish), objects_(wish.order, core_->draft()), item_(core_->outbox, account_, order_of(*core_, wish)) {}
    RangeStream(const RangeStream &) = delete;
    RangeStream &operator=(const RangeStream &) = delete;

    bool is_open() const noexcept { return item_.is_open(); }
    SendStream &stream() const noexcept { return item_.stream(); }
    /// The track of which it sends. Set it before anything else is done with the track.
    void use(TrackConsumer track) { track_ = std::move(track); }

    /// The group that goes first.
    std::uint64_t first_of(const Range &range) const noexcept { return ascends() ? range.first.group : range.last.group; }
    asio::awaitable<GroupConsumer> group_of(std::uint64_t sequence) {
        comoq::Fetch how;
        how.priority = turned(wish_.priority);
        how.asker = core_->via;
        auto fetching = track_.fetch_group(sequence, how);
        auto resolving = core_->resolver.in_time<GroupConsumer>(std::move(fetching));
        co_return co_await std::move(resolving);
    }
    asio::awaitable<void> open() {
        auto opening = item_.open();
        co_await std::move(opening);
        std::vector<std::byte> bytes;
        encode(FetchHeader{wish_.request_id}, core_->draft(), bytes);
        auto written = item_.stream().write(Bytes(std::move(bytes)));
        co_await std::move(written);
    }
    /// Sends all of it, once the stream is open. `group`: that which goes first, if it is there.
    static asio::awaitable<void> send(Self self, Range range, std::optional<GroupConsumer> group) {
        const bool ascends = self->ascends();
        const auto last = ascends ? range.last.group : range.first.group;
        auto sequence = self->first_of(range);
        for (unsigned missing = 0;;) {
            if (group) {
                auto sending = send_group(self, range, std::move(*group));
                co_await std::move(sending);
                missing = 0;
            } else {
                const bool is_enough = ++missing == most_missing;
                auto written = self->write_unknown(is_enough ? last : sequence);
                co_await std::move(written);
                if (is_enough) co_return;
            }
            if (sequence == last) co_return;
            sequence += ascends ? std::uint64_t{1} : ~std::uint64_t{0};
            auto looking = self->look_for(sequence, group);
            co_await std::move(looking);
        }
    }
    /// Sets `group` to that group, or to nothing if nobody has it: whatever the reason is, the peer learns that nobody here can say.
    asio::awaitable<void> look_for(std::uint64_t sequence, std::optional<GroupConsumer> &group) {
        group.reset();
        auto next = group_of(sequence);
        auto code = co_await comoq::detail::outcome_into(std::move(next), group);
        if (code && core_->ended.peek()) comoq::detail::throw_error(code);
    }

private:
    /// A range may name very many groups that nobody has: after this many in a row, the rest is unknown, too.
    static constexpr unsigned most_missing = 16;

    static SendOrder order_of(SessionCore &core, const Wish &wish) noexcept {
        SendOrder order;
        order.priority = turned(wish.priority);
        order.flow = core.next_flow++;
        return order;
    }
    bool ascends() const noexcept { return wish_.order == GroupOrder::Ascending; }

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
    /// Those that are here now. It holds a frame of each. It runs beside the wait for the peer, and keeps what it uses: with the
    /// context, either may end first.
    static asio::awaitable<void> send_lanes(Self self, std::vector<GroupConsumer> lanes, std::uint64_t wanted,
                                            std::optional<std::uint64_t> last) {
        const auto sequence = lanes.front().sequence();
        const auto info = lanes.front().track_info();
        // A range that ends at an object waits for no lane: a lane may have nothing more before that object.
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

    const std::shared_ptr<SessionCore> core_;
    const Wish wish_;
    FetchObjects objects_;
    comoq::detail::GroupOutbox::Account account_;
    comoq::detail::GroupOutbox::Item item_;
    TrackConsumer track_;
};

}  // namespace comoq::ietf::detail
