#include "serve.hpp"

#include "test_track.hpp"

#include <comoq/broadcast.hpp>
#include <comoq/datagram.hpp>
#include <comoq/first_of.hpp>
#include <comoq/group.hpp>
#include <comoq/object_extras.hpp>
#include <comoq/task_group.hpp>
#include <comoq/track.hpp>
#include <comoq/track_properties.hpp>

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

using asio::awaitable;

namespace {

// MoQ Transport's default for a publisher: low numbers come first there.
constexpr std::uint8_t usual_priority = 127;

comoq::TrackInfo info_of(const TestTrack &track) {
    comoq::TrackInfo info;
    info.priority = usual_priority;
    info.ordered = true;
    info.max_latency = std::chrono::seconds(30);
    // The draft knows no times.
    info.has_timestamps = false;
    info.properties = comoq::TrackProperties(track.properties());
    return info;
}

comoq::Bytes payload_of(const TestObject &object) { return comoq::Bytes(std::string(object.size, 't')); }

// Writes a group's objects, each to the lane that is its subgroup.
class GroupWriter {
public:
    using Make = std::function<comoq::GroupProducer(const comoq::GroupInfo &)>;

    // `make` gives the producer of a lane.
    GroupWriter(const TestTrack &track, Make make) : track_(track), make_(std::move(make)) {}

    void write(const TestObject &object) {
        auto &lane = lane_of(object);
        if (object.is_marker) {
            comoq::EndMarker marker;
            marker.object = object.object;
            lane.group.finish(marker);
            lanes_.erase(object.subgroup);
            return;
        }
        comoq::ObjectExtras extras(track_.properties(object), object.object - lane.next);
        lane.group.write_frame(payload_of(object), {}, std::move(extras));
        lane.next = object.object + 1;
        if (track_.form != TestTrack::Form::SubgroupEach) return;
        lane.group.finish();
        lanes_.erase(object.subgroup);
    }
    void finish() {
        for (auto &[subgroup, lane] : lanes_) lane.group.finish();
        lanes_.clear();
    }

private:
    struct Lane {
        comoq::GroupProducer group;
        std::uint64_t next;
    };

    Lane &lane_of(const TestObject &object) {
        const auto found = lanes_.find(object.subgroup);
        if (found != lanes_.end()) return found->second;
        comoq::GroupInfo info;
        info.subgroup = object.subgroup;
        info.first_object = object.object;
        // Without a marker nothing says that the group has no further objects.
        const auto last = track_.object(object.group, track_.objects() - 1);
        info.ends_group = last.is_marker && last.subgroup == object.subgroup;
        return lanes_.emplace(object.subgroup, Lane{make_(info), object.object}).first->second;
    }

    const TestTrack &track_;
    const Make make_;
    std::map<std::uint64_t, Lane> lanes_;
};

comoq::Datagram datagram_of(const TestTrack &track, const TestObject &object) {
    comoq::ObjectExtras::Parts parts;
    parts.properties = object.is_marker ? comoq::Bytes() : track.properties(object);
    parts.status = object.is_marker ? comoq::ObjectStatus::EndOfGroup : comoq::ObjectStatus::Normal;
    return comoq::Datagram(object.group, {}, payload_of(object), object.object, comoq::ObjectExtras(std::move(parts)));
}

awaitable<void> publish(comoq::TrackProducer to, TestTrack track, comoq::Sleep sleep) {
    const std::chrono::milliseconds pause(track.interval);
    const bool has_datagrams = track.form == TestTrack::Form::Datagrams;
    for (std::uint64_t index = 0; index < track.groups(); ++index) {
        const auto number = track.group(index);
        bool is_there = false;
        GroupWriter writer(track, [&](const comoq::GroupInfo &info) {
            is_there = true;
            return to.create_group(number, info);
        });
        for (std::uint64_t at = 0; at < track.objects(); ++at) {
            const auto object = track.object(number, at);
            if (has_datagrams) {
                to.insert_datagram(datagram_of(track, object));
            } else {
                writer.write(object);
            }
            if (pause.count() != 0) co_await comoq::sleep_for(pause, sleep);
        }
        writer.finish();
    }
    to.finish();
    // With its producer the track goes: viewers that come by several relays may still be on their way to it.
    co_await comoq::sleep_for(std::chrono::seconds(1), sleep);
}

// Makes a group that a reader asks for by its number.
void answer(comoq::GroupRequest request, const TestTrack &track) {
    const auto number = request.sequence();
    if (!track.has_group(number) || track.form == TestTrack::Form::Datagrams) {
        request.reject(comoq::Error::NotFound);
        return;
    }
    comoq::GroupInfo info;
    const auto first = track.object(number, 0);
    if (first.subgroup == 0) info.first_object = first.object;
    auto whole = request.accept(info_of(track), info);
    GroupWriter writer(track, [&whole](const comoq::GroupInfo &lane) {
        return lane.subgroup == 0 ? whole : whole.create_lane(lane);
    });
    bool has_lane_0 = false;
    for (std::uint64_t at = 0; at < track.objects(); ++at) {
        const auto object = track.object(number, at);
        has_lane_0 = has_lane_0 || object.subgroup == 0;
        writer.write(object);
    }
    writer.finish();
    // It is there, whether it has objects or not.
    if (!has_lane_0) whole.finish();
}

awaitable<void> answer_fetches(comoq::TrackDynamic handler, const TestTrack &track) {
    while (auto request = co_await handler.requested_group()) {
        std::error_code nobody_waits;
        try {
            answer(std::move(*request), track);
        } catch (const std::system_error &error) {
            nobody_waits = error.code();
        }
    }
}

awaitable<void> until_unused(comoq::TrackProducer track) { co_await track.unused(); }

// Once, from the first subscriber on. False if the last one has left before the end.
awaitable<bool> play(comoq::TrackProducer to, const TestTrack &track, const comoq::Path &path, const TestServing &config) {
    co_await to.used();
    config.said(path, "begins");
    auto playing = publish(to, track, config.sleep);
    auto leaving = until_unused(to);
    const auto first = co_await comoq::first_of(std::move(playing), std::move(leaving));
    config.said(path, first.index() == 0 ? "was published to its end" : "has no subscriber any more");
    co_return first.index() == 0;
}

awaitable<void> serve_track(comoq::TrackRequest request, const TestTrack &track, const comoq::Path &path, const TestServing &config) {
    // It is there before the track: a request for a group finds it.
    auto fetches = answer_fetches(request.dynamic(), track);
    auto to = request.accept(info_of(track));
    auto playing = play(to, track, path, config);
    const auto first = co_await comoq::first_of(std::move(playing), std::move(fetches));
    // Its readers have it to its end, without this producer. The next subscriber gets a track from its beginning.
    const bool is_whole = first.index() == 0 && std::get<0>(first);
    if (!is_whole) to.abort(comoq::Error::Cancelled);
}

awaitable<void> serve_tracks(comoq::BroadcastDynamic handler, const TestTrack &track, const comoq::Path &path, const TestServing &config) {
    const auto body = [&](comoq::TaskGroup &tasks) -> awaitable<void> {
        while (auto request = co_await handler.requested_track()) {
            tasks.spawn(serve_track(std::move(*request), track, path, config), [](const std::exception_ptr &) {});
        }
    };
    co_await comoq::with_task_group(body);
}

// A session that has asked what a track is takes a moment to subscribe to it.
awaitable<void> until_unused(comoq::BroadcastProducer broadcast, comoq::Sleep sleep) {
    while (true) {
        co_await broadcast.unused();
        co_await comoq::sleep_for(std::chrono::seconds(1), sleep);
        auto still = broadcast.unused();
        if (still.ready()) break;
    }
}

awaitable<void> serve_one(comoq::OriginProducer origin, comoq::BroadcastRequest request, const TestServing &config) {
    const auto path = request.absolute_path();
    const auto track = test_track(path.view());
    if (!track) {
        config.said(path, "is refused");
        request.reject(comoq::Error::NotFound);
        co_return;
    }
    auto broadcast = origin.make_broadcast();
    auto handler = broadcast.dynamic();
    if (!request.accept(broadcast.consume())) co_return;
    auto serving = serve_tracks(std::move(handler), *track, path, config);
    auto leaving = until_unused(broadcast, config.sleep);
    co_await comoq::first_of(std::move(serving), std::move(leaving));
}

}  // namespace

awaitable<void> serve_tests(comoq::OriginProducer origin, TestServing config) {
    auto handler = origin.dynamic();
    const auto body = [&](comoq::TaskGroup &tasks) -> awaitable<void> {
        while (auto request = co_await handler.requested_broadcast()) {
            // The failure of one is not the failure of the others.
            tasks.spawn(serve_one(origin, std::move(*request), config), [](const std::exception_ptr &) {});
        }
    };
    co_await comoq::with_task_group(body);
}
