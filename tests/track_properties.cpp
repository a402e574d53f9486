// SPDX-License-Identifier: MIT
#include <comoq/track_properties.hpp>

#include <cstddef>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <comoq/broadcast.hpp>
#include <comoq/origin.hpp>
#include <comoq/track.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/heap.hpp"
#include "support/media.hpp"

namespace track_properties_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

using comoq::detail::MediaBounds;
using comoq::detail::MediaCost;

TrackInfo with(Bytes properties) {
    TrackInfo info;
    info.properties = TrackProperties(std::move(properties));
    info.has_timestamps = false;
    return info;
}

}  // namespace

TEST_CASE("track properties: they compare by content, copies share them, and none take no memory", "[track_properties]") {
    const auto live = live_allocations();
    const TrackProperties none, empty{Bytes()};
    CHECK(live_allocations() == live);
    CHECK(none == empty);
    CHECK(none.empty());
    CHECK(none.size() == 0);
    CHECK(none.bytes().empty());
    const TrackProperties some(payload("some")), copy = some;
    CHECK(copy.bytes().data() == some.bytes().data());
    CHECK(copy == some);
    CHECK(some == TrackProperties(payload("some")));
    CHECK_FALSE(some == none);
    CHECK(some.size() == 4);
    CHECK_FALSE(some.empty());
    CHECK(sizeof(TrackProperties) == sizeof(void *));
}

TEST_CASE("track properties: whoever gets a track's info gets them, and they are charged to the pool", "[track_properties]") {
    const Origin origin;
    auto broadcast = origin.producer().make_broadcast();
    {
        auto track = broadcast.create_track("video", with(payload("block")));
        CHECK(origin.stats().cached_bytes == MediaCost::track_properties + 5);
        CHECK(track.stats().cached_bytes == MediaCost::track_properties + 5);
        CHECK(track.info().properties.bytes().view() == "block");
        const auto info = now(track.consume().info());
        CHECK(info.properties.bytes().view() == "block");
        CHECK_FALSE(info.has_timestamps);
        CHECK(TrackInfo().has_timestamps);
        const auto group = track.append_group();
        CHECK(group.consume().track_info().properties.size() == 5);
    }
    broadcast.remove_track("video");
    CHECK(origin.stats().cached_bytes == 0);
    // By request, of the track and of a group.
    auto handler = broadcast.dynamic();
    auto waiting = wait(broadcast.consume().track("audio").info());
    auto request = take_track(handler).value();
    const auto accepted = request.accept(with(payload("audio")));
    CHECK(waiting.value().properties.bytes().view() == "audio");
    auto fetching = wait(broadcast.consume().track("old").fetch_group(3));
    auto old = take_track(handler).value();
    auto groups = old.dynamic();
    auto wanted = now(groups.requested_group()).value();
    wanted.accept(with(payload("of a group"))).finish();
    CHECK(fetching.value().track_info().properties.bytes().view() == "of a group");
}

TEST_CASE("track properties: more than 4,096 bytes are refused, and nothing is made", "[track_properties]") {
    BroadcastProducer broadcast;
    const TrackInfo most = with(payload(MediaBounds::max_track_properties)), more = with(payload(MediaBounds::max_track_properties + 1));
    CHECK(error_of([&] { return broadcast.create_track("video", more); }) == Error::BoundsExceeded);
    CHECK(error_of([&] { return broadcast.unique_track("video", more); }) == Error::BoundsExceeded);
    CHECK(broadcast.stats().tracks == 0);
    auto handler = broadcast.dynamic();
    auto waiting = wait(broadcast.consume().track("audio").info());
    auto request = take_track(handler).value();
    CHECK(error_of([&] { return request.accept(more); }) == Error::BoundsExceeded);
    // The request is still to be answered.
    CHECK_FALSE(waiting.done());
    const auto track = request.accept(most);
    CHECK(waiting.value().properties.size() == MediaBounds::max_track_properties);
    auto group_handler = track.dynamic();
    auto fetching = wait(track.consume().fetch_group(3));
    auto wanted = now(group_handler.requested_group()).value();
    CHECK(error_of([&] { return wanted.accept(more); }) == Error::BoundsExceeded);
    CHECK_FALSE(fetching.done());
    wanted.accept().finish();
    CHECK(fetching.done());
    CHECK(broadcast.create_track("video", most).info().properties.size() == MediaBounds::max_track_properties);
}

TEST_CASE("track properties: they are charged at what they take, and what they displace goes at once", "[track_properties][memory]") {
    OriginConfig config;
    config.max_cached_bytes = 20'000;
    const Origin origin(config);
    auto broadcast = origin.producer().make_broadcast();
    auto video = broadcast.create_track("video");
    for (int i = 0; i < 10; ++i) video.write_frame(payload(1'000));
    CHECK(video.stats().groups == 10);
    auto handler = broadcast.dynamic();
    std::vector<TrackProducer> tracks;
    const auto most = [] { return with(payload(MediaBounds::max_track_properties)); };
    tracks.push_back(broadcast.create_track("a", most()));
    CHECK(origin.stats().cached_bytes <= 20'000);
    CHECK(video.stats().groups < 10);
    const auto groups = video.stats().groups;
    tracks.push_back(broadcast.unique_track("b", most()));
    CHECK(origin.stats().cached_bytes <= 20'000);
    CHECK(video.stats().groups < groups);
    auto waiting = wait(broadcast.consume().track("c").info());
    tracks.push_back(take_track(handler)->accept(most()));
    CHECK(origin.stats().cached_bytes <= 20'000);
    // The newest group stays.
    CHECK(video.stats().groups >= 1);
    tracks.clear();
    handler = {};
}

TEST_CASE("track properties: the charge is what they take on the heap", "[track_properties][costs]") {
    if (heap_in_use() == 0) return;
    const Origin origin;
    auto broadcast = origin.producer().make_broadcast();
    std::vector<TrackProducer> tracks;
    constexpr std::size_t many = 2'000;
    tracks.reserve(2 * many);
    const auto measure = [&](const char *prefix, std::size_t size) {
        const auto held = origin.stats().cached_bytes;
        const auto heap = heap_in_use();
        for (std::size_t i = 0; i < many; ++i) {
            TrackInfo info;
            if (size != 0) info.properties = payload(size);
            tracks.push_back(broadcast.create_track(prefix + std::to_string(10'000 + i), info));
        }
        return std::pair((heap_in_use() - heap) / many, (origin.stats().cached_bytes - held) / many);
    };
    const auto plain = measure("p", 0), some = measure("s", 8);
    INFO("taken " << some.first << " over " << plain.first << ", charged " << some.second);
    CHECK(plain.second == 0);
    // Neither table of tracks grows by exactly the same.
    CHECK(some.first <= plain.first + some.second + 32);
}

}
