// What the newest groups of a peer's tracks may hold together.
#include <comoq/detail/session/newest_groups.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <comoq/broadcast.hpp>
#include <comoq/origin.hpp>
#include <comoq/track.hpp>

#include "support/catch.hpp"
#include "support/manual_clock.hpp"
#include "support/media.hpp"
#include "support/plain_task.hpp"

namespace newest_groups_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using comoq::detail::NewestGroups;

namespace {

constexpr std::size_t kibibyte = 1024;

/// An origin, usually one whose pool has no room, and tracks of it.
struct Scene {
    explicit Scene(std::size_t most, std::size_t pool = 1) : origin(time.origin(pool)), groups(most) {}

    struct Track {
        explicit Track(Scene &scene)
            : producer(scene.broadcast.create_track(std::to_string(scene.made++))), place(std::in_place, scene.groups, state()) {}
        std::shared_ptr<comoq::detail::TrackState> state() const { return producer.state(comoq::detail::Passkey()); }
        void write(std::size_t bytes) {
            if (!group) group = producer.append_group();
            group->write_frame(payload(bytes));
            place->changed();
        }
        /// The bytes of its newest group, as far as it is there.
        std::size_t held() const { return producer.stats().bytes; }

        TrackProducer producer;
        std::optional<GroupProducer> group;
        std::optional<NewestGroups::Place> place;
    };
    Track &add() { return tracks.emplace_back(*this); }

    ManualClock time;
    Origin origin;
    BroadcastProducer broadcast = origin.producer().make_broadcast();
    NewestGroups groups;
    int made = 0;
    std::deque<Track> tracks;
};

}  // namespace

TEST_CASE("newest groups: within the limit all of them stay, though the pool is full", "[session][memory]") {
    Scene scene(64 * kibibyte);
    auto &one = scene.add(), &other = scene.add();
    one.write(20 * kibibyte);
    other.write(20 * kibibyte);
    other.write(20 * kibibyte);
    CHECK(one.held() == 20 * kibibyte);
    CHECK(other.held() == 40 * kibibyte);
    CHECK(scene.groups.held() == scene.origin.stats().cached_bytes);
}

TEST_CASE("newest groups: above the limit the largest one goes, in whatever order they come", "[session][memory]") {
    const bool is_first = GENERATE(true, false), grows_last = GENERATE(true, false);
    Scene scene(64 * kibibyte);
    Scene::Track *large = nullptr;
    if (is_first) large = &scene.add();
    auto &small = scene.add(), &another = scene.add();
    if (!is_first) large = &scene.add();
    if (!grows_last) large->write(40 * kibibyte);
    small.write(20 * kibibyte);
    another.write(15 * kibibyte);
    if (grows_last) large->write(40 * kibibyte);
    CHECK(large->held() == 0);
    CHECK(small.held() == 20 * kibibyte);
    CHECK(another.held() == 15 * kibibyte);
    CHECK(scene.groups.held() == scene.origin.stats().cached_bytes);
    CHECK(scene.origin.stats().evicted_groups == 1);
}

TEST_CASE("newest groups: where the pool has room the largest one stays above the limit", "[session][memory]") {
    Scene scene(64 * kibibyte, 1 << 20);
    auto &large = scene.add(), &small = scene.add();
    large.write(60 * kibibyte);
    small.write(20 * kibibyte);
    CHECK(large.held() == 60 * kibibyte);
    CHECK(scene.groups.held() == scene.origin.stats().cached_bytes - large.producer.stats().bytes - comoq::detail::MediaCost::group -
                                     comoq::detail::MediaCost::frame);
    // As long as it is the newest it has no age.
    scene.time.advance(24h);
    small.write(1);
    CHECK(large.producer.consume().get_group(0));
    CHECK(large.held() == 60 * kibibyte);
}

TEST_CASE("newest groups: a newer group of the same track begins anew, and stays", "[session][memory]") {
    Scene scene(64 * kibibyte);
    auto &track = scene.add();
    for (int i = 0; i < 10; ++i) {
        track.group.reset();
        track.write(50 * kibibyte);
        CHECK(track.held() == 50 * kibibyte);
    }
    track.write(50 * kibibyte);
    CHECK(track.held() == 0);
    track.group.reset();
    track.write(50 * kibibyte);
    CHECK(track.held() == 50 * kibibyte);
    CHECK(scene.groups.held() == scene.origin.stats().cached_bytes);
}

TEST_CASE("newest groups: small frames are looked at once in 4 KiB and at the end, and large ones at once", "[session][memory]") {
    Scene scene(1024 * kibibyte);
    auto place = std::make_shared<NewestGroups::Place>(scene.groups, scene.add().state());
    auto &track = scene.tracks.back();
    auto group = track.producer.append_group();
    std::optional<NewestGroups::Growth> growth(std::in_place, place);
    const std::size_t begun = scene.groups.held();
    CHECK(begun == comoq::detail::MediaCost::group);
    const auto write = [&](std::size_t bytes) {
        group.write_frame(payload(bytes));
        (*growth)(bytes);
    };
    const std::size_t frame = 100 + comoq::detail::MediaCost::frame;
    std::size_t looks = 0, before = begun;
    for (std::size_t i = 1; i <= 400; ++i) {
        write(100);
        CHECK(begun + i * frame - scene.groups.held() < NewestGroups::Growth::each);
        looks += scene.groups.held() != before;
        before = scene.groups.held();
    }
    CHECK(looks == 400 / ((NewestGroups::Growth::each + frame - 1) / frame));
    write(NewestGroups::Growth::each);
    CHECK(scene.groups.held() == scene.origin.stats().cached_bytes);
    write(1);
    CHECK(scene.groups.held() < scene.origin.stats().cached_bytes);
    growth.reset();
    CHECK(scene.groups.held() == scene.origin.stats().cached_bytes);
    // The track is over, and its group goes on.
    growth.emplace(place);
    place.reset();
    CHECK(scene.groups.held() == 0);
    write(NewestGroups::Growth::each);
    growth.reset();
    CHECK(scene.groups.held() == 0);
}

TEST_CASE("newest groups: a coroutine that an eviction resumes may end the track", "[session][memory]") {
    Scene scene(64 * kibibyte);
    auto &large = scene.add(), &small = scene.add();
    large.write(60 * kibibyte);
    auto reader = large.producer.consume().get_group(0);
    REQUIRE(reader);
    std::error_code code;
    const auto read = [&](GroupConsumer from) -> PlainTask {
        try {
            while (co_await from.read_frame()) {}
        } catch (const std::system_error &failure) {
            code = failure.code();
        }
        large.place.reset();
        small.place.reset();
    };
    auto reading = read(std::move(*reader));
    REQUIRE_FALSE(reading.done());
    small.write(20 * kibibyte);
    CHECK(reading.done());
    CHECK(code == Error::Evicted);
    CHECK(scene.groups.held() == 0);
}

TEST_CASE("newest groups: what a track held does not count when the track is over", "[session][memory]") {
    Scene scene(64 * kibibyte);
    auto &over = scene.add(), &other = scene.add();
    over.write(40 * kibibyte);
    over.place.reset();
    CHECK(scene.groups.held() == 0);
    other.write(50 * kibibyte);
    CHECK(other.held() == 50 * kibibyte);
}

}
