// SPDX-License-Identifier: MIT
#pragma once
#include "../../group.hpp"
#include "../session/group_outbox.hpp"
#include "../session/send_frames.hpp"
#include "asked_range.hpp"
#include "object_framing.hpp"
#include "request_stream.hpp"

#include <asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace comoq::ietf::detail {

/// What is sent of a group.
struct SentPart {
    std::uint64_t alias = 0;
    AskedRange range;
    bool has_timestamps = false;
    /// It was all of the group, once it is sent: nothing was left out that another lane may have.
    bool is_whole = false;
};

/// Sends the part of a group, or of one lane of it, that is wanted, on a stream of its own, which `streams` counts. Without any
/// such part it opens no stream. Completes when the peer has it. Throws the failure of the group, or of the stream, which the
/// caller resets. All that it is given outlives it.
inline asio::awaitable<void> send_part(SessionCore &core, comoq::detail::GroupOutbox::Item &item, GroupConsumer &group,
                                       SentPart &part, std::uint64_t &streams) {
    const auto info = group.info();
    const auto wanted = part.range.first_in(group.sequence());
    const auto last = part.range.last_in(group.sequence());
    if (last && *last < wanted) co_return;
    // A group whose beginning is gone is as good as lost, and one that has ended before has nothing for the peer but its end.
    auto finding = find_object(group, wanted);
    if (const bool is_there = co_await std::move(finding); !is_there) {
        const bool is_end_awaited = core.habits.awaits_ends_of_groups && wanted != 0 && !last && info.ends_group;
        if (!is_end_awaited || !group.finished().ready()) co_return;
        if (const auto [failure, count] = co_await group.finished().as_tuple(); failure) co_return;
    }
    const auto first = group.info_of_rest(comoq::detail::Passkey()).first_object;
    if (last && *last < first) co_return;
    auto opening = item.open();
    co_await std::move(opening);
    ++streams;
    SubgroupHeader header;
    header.alias = part.alias;
    header.group = group.sequence();
    header.subgroup = info.subgroup;
    if (info.priority) header.priority = turned(*info.priority);
    header.has_properties = true;
    header.end_of_group = info.ends_group && !last;
    header.first_object = wanted == 0 && !info.is_partial;
    std::vector<std::byte> bytes;
    encode(header, core.draft(), bytes);
    auto written = item.stream().write(Bytes(std::move(bytes)));
    co_await std::move(written);
    comoq::detail::GroupSender<SubgroupFraming> sender(
        item, SubgroupFraming(header, core.draft(), first, part.has_timestamps, last));
    auto objects = last ? sender.send(group, *last - first + 1) : sender.send(group);
    co_await std::move(objects);
    if (const auto end = last ? std::nullopt : group.end_marker()) {
        auto marked = item.stream().write(sender.framing().ended_by(*end));
        co_await std::move(marked);
    }
    item.stream().finish();
    // The end of the subscription must not overtake its groups.
    auto sent = item.stream().sent();
    co_await std::move(sent);
    if (!info.ends_group || first != 0 || last) co_return;
    const auto [failure, count] = co_await group.finished().as_tuple();
    part.is_whole = !failure && group.object_id().value_or(0) + 1 == count;
}

}  // namespace comoq::ietf::detail
