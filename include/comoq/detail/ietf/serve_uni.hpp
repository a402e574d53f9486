// SPDX-License-Identifier: MIT
#pragma once
#include "../../first_of.hpp"
#include "../media/given_group.hpp"
#include "control_stream.hpp"
#include "receive_objects.hpp"
#include "session_core.hpp"
#include "uni_stream.hpp"

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <utility>
#include <variant>

namespace comoq::ietf::detail {

/// Takes one unidirectional stream that the peer has opened: its control stream, a group, or what was fetched.
class UniServer {
public:
    static asio::awaitable<void> serve(std::shared_ptr<SessionCore> core, std::unique_ptr<ReceiveStream> stream) {
        const comoq::detail::Counted counted(core->streams);
        StreamReader reader(std::move(stream), core->draft());
        auto taking = take(core, reader);
        const auto code = co_await outcome_of(std::move(taking));
        if (!code) co_return;
        core->look_at(reader, "a stream");
        reader.stop(code);
    }

private:
    static asio::awaitable<void> take(std::shared_ptr<SessionCore> core, StreamReader &reader) {
        const auto draft = core->draft();
        const auto read = [draft](std::span<const std::byte> bytes) { return read_uni_stream(bytes, draft); };
        auto coming = reader.item(read);
        const auto kind = co_await std::move(coming);
        if (!kind || std::holds_alternative<PaddingStream>(*kind)) comoq::detail::throw_error(make_error_code(Error::Cancelled));
        if (std::holds_alternative<ControlStream>(*kind)) {
            auto control = follow_control(core, reader);
            co_await std::move(control);
        } else if (const auto *fetch = std::get_if<FetchHeader>(&*kind)) {
            // A fetch that nobody wants any more may still have its stream on the way.
            if (!core->fetches.give(fetch->request_id, reader)) comoq::detail::throw_error(make_error_code(Error::Cancelled));
        } else {
            auto group = take_group(core, reader, std::get<SubgroupHeader>(*kind));
            co_await std::move(group);
        }
    }

    /// The subscription of an alias, which may be said a little later.
    static asio::awaitable<AliasTable::Target> target_of(std::shared_ptr<SessionCore> core, std::uint64_t alias) {
        auto *target = core->aliases.find(alias);
        if (target == nullptr) {
            if (!core->aliases.has_room_for_early()) comoq::detail::throw_error(make_error_code(Error::LimitReached));
            const AliasTable::Early early(core->aliases);
            auto saying = until_known(core, alias);
            auto passing = core->sleep(std::chrono::seconds(2));
            co_await comoq::first_of(std::move(saying), std::move(passing));
            target = core->aliases.find(alias);
        }
        // It belongs to a subscription that was given up, with groups in flight.
        if (target == nullptr) comoq::detail::throw_error(make_error_code(Error::Cancelled));
        co_return *target;
    }
    static asio::awaitable<void> until_known(std::shared_ptr<SessionCore> core, std::uint64_t alias) {
        while (core->aliases.find(alias) == nullptr) {
            auto next = core->aliases.next_added();
            co_await std::move(next);
        }
    }

    static asio::awaitable<void> take_group(std::shared_ptr<SessionCore> core, StreamReader &reader, SubgroupHeader header) {
        auto finding = target_of(core, header.alias);
        AliasTable::Target target = co_await std::move(finding);
        const StreamUnderWay under_way(target.ties);
        if (target.ties->under_way > core->config.max_open_groups) {
            core->log.at_limit(SessionLog::Limit::OpenGroups);
            comoq::detail::throw_error(make_error_code(Error::LimitReached));
        }
        SubgroupObjects objects(header, core->draft());
        auto first = next_object(reader, objects);
        auto object = co_await std::move(first);
        if (!object) {
            auto ending = end_joined(target, header);
            co_await std::move(ending);
            co_return;
        }
        const auto lane = header.subgroup.value_or(object->id);
        // A fetch brings the beginning of the first one alone: another one that goes on from the middle begins there.
        const bool is_joined = lane == 0 && target.joined != nullptr && target.joined->sequence == header.group;
        const auto joined = is_joined ? target.joined : nullptr;
        std::uint64_t next = 0;
        std::optional<GroupProducer> group;
        if (joined != nullptr && (object->id != 0 || joined->group)) {
            // What was before it comes by the fetch.
            joined->is_awaited = true;
            auto fetched = joined->fetched.wait();
            co_await std::move(fetched);
            group = std::exchange(joined->group, std::nullopt);
            next = joined->objects;
            // Numbers of other lanes, and those behind the largest object, are a gap.
            if (object->id > next && joined->fetched_to <= joined->largest_object) {
                // A group whose beginning cannot be had is not shown without it.
                if (group) group->abort(make_error_code(Error::Lagged));
                comoq::detail::throw_error(make_error_code(Error::Lagged));
            }
        }
        if (!group) group = comoq::detail::given_group(target.track, header.group, info_of(header, lane, object->id, joined == nullptr));
        if (lane != 0 || (joined == nullptr && object->id != 0 && !header.first_object)) next = object->id;
        if (joined != nullptr) joined->is_continued = true;
        target.ties->begun.set();
        comoq::detail::NewestGroups::Growth grown(target.newest);
        std::optional<EndMarker> end;
        auto receiving = receive(reader, objects, std::move(*object), next, *group, target.track, end, grown);
        const auto code = co_await outcome_of(std::move(receiving));
        if (code)
            group->abort(core->lost_code(code));
        else if (under_way.left())
            group->abort(make_error_code(Error::Cancelled));
        else if (end)
            group->finish(*end);
        else
            group->finish();
        if (code) comoq::detail::throw_error(code);
    }

    /// A stream without objects says that nothing follows in its group, of which a fetch has brought all.
    static asio::awaitable<void> end_joined(AliasTable::Target target, SubgroupHeader header) {
        const auto joined = target.joined;
        const bool is_joined = header.subgroup == 0u && joined != nullptr && joined->sequence == header.group;
        if (!is_joined || joined->is_continued || joined->is_awaited) co_return;
        joined->is_awaited = true;
        auto fetched = joined->fetched.wait();
        co_await std::move(fetched);
        joined->is_continued = true;
        target.ties->begun.set();
        if (auto group = std::exchange(joined->group, std::nullopt)) group->finish();
    }

    /// A group that begins with another object than its first one begins in the middle, unless the rest of it comes by a fetch. Its
    /// other lanes begin with any object.
    static GroupInfo info_of(const SubgroupHeader &header, std::uint64_t lane, std::uint64_t first, bool may_be_partial) noexcept {
        GroupInfo info;
        info.subgroup = lane;
        if (header.priority) info.priority = turned(*header.priority);
        info.ends_group = header.end_of_group;
        info.is_partial = may_be_partial && first != 0 && !header.first_object;
        if (info.is_partial || lane != 0) info.first_object = first;
        return info;
    }

    /// `next` is the number of the object that comes next if none is left out. `end` is the object that ends the group.
    template <class Grown>
    static asio::awaitable<void> receive(StreamReader &reader, SubgroupObjects &objects, ObjectHeader object, std::uint64_t next,
                                         GroupProducer &group, TrackProducer &track, std::optional<EndMarker> &end, Grown &grown) {
        const TrackInfo &info = track.info();
        ObjectTimes times(info);
        while (true) {
            if (end) comoq::detail::throw_error(make_error_code(Error::MalformedTrack));
            if (object.status != ObjectStatus::Normal) {
                const bool is_tracks = object.status == ObjectStatus::EndOfTrack;
                end = EndMarker{is_tracks ? comoq::ObjectStatus::EndOfTrack : comoq::ObjectStatus::EndOfGroup, object.id};
                if (is_tracks) end_track(track, group.sequence() + 1);
            } else if (object.id < next) {
                auto passing = pass_over(reader, object.payload_size);
                co_await std::move(passing);
            } else {
                auto extras = extras_of(object.properties, object.id - next, info);
                auto rest = comoq::detail::receive_frame(reader, group, object.payload_size, times.of(object.properties), grown,
                                                         std::move(extras));
                if (rest) co_await std::move(*rest);
                next = object.id + 1;
            }
            // What may be 64 KiB is not kept while the stream waits.
            object.properties = {};
            auto coming = next_object(reader, objects);
            auto following = co_await std::move(coming);
            if (!following) co_return;
            object = std::move(*following);
        }
    }
    static void end_track(TrackProducer &track, std::uint64_t first_never) {
        try {
            track.finish_at(first_never);
        } catch (const std::system_error &error) {
            // An end was declared before.
            if (error.code() != Error::Closed) throw;
        }
    }
};

}  // namespace comoq::ietf::detail
