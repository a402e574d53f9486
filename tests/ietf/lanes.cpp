// Subgroups of MoQ Transport are lanes of a group here: a relay passes them on as they are, with everything else.
#include <comoq/session.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "ietf/published_scene.hpp"
#include "ietf/relay_chain.hpp"
#include "ietf/scene.hpp"
#include "ietf/viewer_scene.hpp"
#include "support/catch.hpp"
#include "support/seed.hpp"

namespace lanes_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

struct Object {
    std::uint64_t id;
    std::string payload, properties;
    std::uint64_t time;

    friend bool operator==(const Object &, const Object &) = default;
};
/// A lane of a group, by what a reader can see.
struct Lane {
    std::uint64_t group;
    GroupInfo info;
    std::vector<Object> objects;
    std::optional<EndMarker> end;

    friend bool operator==(const Lane &, const Lane &) = default;
    friend bool operator<(const Lane &left, const Lane &right) {
        return std::tie(left.group, left.info.subgroup) < std::tie(right.group, right.info.subgroup);
    }
};

class RandomTrack {
public:
    explicit RandomTrack(std::uint64_t seed) : random_(seed) {}

    /// Writes a group of a few lanes, whose objects come in turn, and calls `between()` now and then.
    template <class Between> void write(TrackProducer &track, std::uint64_t sequence, Between between) {
        std::map<std::uint64_t, std::pair<GroupProducer, Lane>> open;
        std::vector<std::uint64_t> subgroups{0};
        while (subgroups.size() < 4 && one_in(2)) subgroups.push_back(subgroups.back() + 1 + random_() % 1'000);
        std::uint64_t id = 0;
        for (auto left = 1 + random_() % 12; left != 0; --left) {
            if (one_in(4)) id += random_() % 1'000;
            // Lane 0 makes the group.
            const auto subgroup = open.empty() ? 0 : subgroups[random_() % subgroups.size()];
            auto found = open.find(subgroup);
            if (found == open.end()) {
                Lane lane{sequence, {}, {}, {}};
                lane.info.subgroup = subgroup;
                lane.info.ends_group = one_in(2);
                if (one_in(2)) lane.info.priority = static_cast<std::uint8_t>(random_());
                if (subgroup != 0) lane.info.first_object = id;
                auto group = subgroup == 0 ? track.create_group(sequence, lane.info) : open.at(0).first.create_lane(lane.info);
                found = open.emplace(subgroup, std::pair(std::move(group), std::move(lane))).first;
            }
            auto &[group, lane] = found->second;
            Object object{id++, std::string(random_() % 3 == 0 ? 0 : random_() % 2'000, letter()), {}, random_() % 1'000'000};
            // A type of 0x38 with a number, and one of 0x39 with bytes.
            if (one_in(2)) object.properties = one_in(2) ? std::string("\x38\x05", 2) : std::string("\x39\x03xyz", 5);
            const auto next = lane.objects.empty() ? lane.info.first_object : lane.objects.back().id + 1;
            group.write_frame(Bytes::copy(object.payload), Timestamp(object.time, Timescale(1000)),
                              ObjectExtras(Bytes::copy(object.properties), object.id - next));
            lane.objects.push_back(std::move(object));
            if (one_in(3)) between();
        }
        for (auto &[subgroup, both] : open) {
            auto &[group, lane] = both;
            if (one_in(3)) {
                lane.end = EndMarker{ObjectStatus::EndOfGroup, id + random_() % 5};
                group.finish(*lane.end);
            } else {
                group.finish();
            }
            lanes.push_back(std::move(lane));
            if (one_in(3)) between();
        }
    }
    std::vector<Lane> lanes;

private:
    bool one_in(unsigned many) { return random_() % many == 0; }
    char letter() { return static_cast<char>('a' + random_() % 26); }
    std::mt19937_64 random_;
};

/// What came, if it is what was written besides the first object: draft 16 cannot say whether it is the first one of its lane.
GroupInfo without_first(const Lane &came, const Lane &written) {
    GroupInfo info = came.info;
    info.is_partial = written.info.is_partial;
    info.first_object = written.info.first_object;
    CHECK(info == written.info);
    return came.info;
}
Lane read(RelayChain &chain, GroupConsumer group) {
    Lane lane{group.sequence(), group.info(), {}, {}};
    while (auto frame = chain.get(group.read_frame()))
        lane.objects.push_back({*group.object_id(), std::string(frame->payload.view()),
                                std::string(frame->extras.properties().view()), frame->timestamp.value()});
    lane.end = group.end_marker();
    return lane;
}

}  // namespace

TEST_CASE("MoQ Transport: a track with lanes, gaps, properties and ends comes through two relays as it was written",
          "[ietf][session]") {
    std::mt19937_64 random(seed("a track with lanes through a relay"));
    for (const auto &first : every_draft)
        for (const auto &second : every_draft) {
            INFO(first << ", " << second);
            RelayChain chain(first, second);
            auto broadcast = chain.published.producer();
            TrackInfo info;
            info.max_latency = std::chrono::minutes(5);
            auto track = broadcast.create_track("video", info);
            auto subscriber = chain.get(chain.seen().subscribe());
            RandomTrack written(random());
            for (std::uint64_t sequence = 0; sequence < 20; ++sequence)
                written.write(track, sequence, [&chain] { chain.run(); });
            track.finish();
            chain.run();
            std::vector<Lane> came;
            while (auto group = chain.get(subscriber.recv_group())) came.push_back(read(chain, std::move(*group)));
            std::sort(came.begin(), came.end());
            std::sort(written.lanes.begin(), written.lanes.end());
            REQUIRE(came.size() == written.lanes.size());
            for (std::size_t i = 0; i < came.size(); ++i) {
                INFO(came[i].group << "/" << came[i].info.subgroup);
                if (first == "moqt-16" || second == "moqt-16") came[i].info = written.lanes[i].info = without_first(came[i], written.lanes[i]);
                CHECK(came[i] == written.lanes[i]);
            }
        }
}

TEST_CASE("MoQ Transport: a group that is fetched comes with all of its lanes", "[ietf][session]") {
    std::mt19937_64 random(seed("lanes of fetched groups"));
    for (const auto &protocol : every_draft) {
        INFO(protocol);
        RelayChain chain(protocol, protocol);
        auto broadcast = chain.published.producer();
        auto track = broadcast.create_track("video");
        RandomTrack written(random());
        for (std::uint64_t sequence = 0; sequence < 8; ++sequence) written.write(track, sequence, [] {});
        // It is live there, without those groups.
        Subscription later;
        later.start = 100;
        const auto subscriber = chain.get(chain.seen().subscribe(later));
        std::vector<Lane> came;
        for (std::uint64_t sequence = 0; sequence < 8; ++sequence) {
            const auto group = chain.get(chain.seen().fetch_group(sequence));
            for (auto &lane : chain.seen().get_lanes(sequence)) came.push_back(read(chain, std::move(lane)));
        }
        std::sort(written.lanes.begin(), written.lanes.end());
        REQUIRE(came.size() == written.lanes.size());
        for (std::size_t i = 0; i < came.size(); ++i) {
            INFO(came[i].group << "/" << came[i].info.subgroup);
            CHECK(came[i].info.subgroup == written.lanes[i].info.subgroup);
            CHECK(came[i].objects == written.lanes[i].objects);
        }
    }
}

TEST_CASE("MoQ Transport: what a peer does not read of fetched lanes is counted, and others have room beside it",
          "[ietf][session]") {
    constexpr std::size_t size = 64 * 1024, count = 16;
    PublishedScene scene;
    auto group = scene.track.append_group();
    GroupInfo info;
    info.subgroup = 1;
    auto lane = group.create_lane(info);
    for (std::size_t i = 0; i < count; ++i) {
        (i % 2 == 0 ? group : lane).write_frame(test::bytes(size), Timestamp(), ObjectExtras(Bytes(), i < 2 ? i : 1));
    }
    group.finish();
    lane.finish();
    SessionConfig config;
    config.publish = scene.origin.consumer();
    config.max_unsent = config.max_unsent_each = size;
    scene.connect(std::move(config));
    scene.greet();
    scene.reads_unis = false;
    ietf::Fetch fetch;
    fetch.track = {{"a"}, "video"};
    for (int i = 0; i < 2; ++i) {
        fetch.request_id = scene.next_id();
        scene.ask(fetch);
    }
    REQUIRE(scene.unis.size() == 3);
    // Of the limit of the session, and a frame beyond it.
    const auto unsent = scene.origin.stats().unsent_bytes;
    CHECK(unsent > size / 2);
    CHECK(unsent <= 2 * size);
    for (auto uni = std::next(scene.unis.begin()); uni != scene.unis.end(); ++uni) {
        scene.read(*uni);
        scene.run();
        CHECK(uni->answer.ended);
        CHECK(uni->answer.octets.size() > count * size);
    }
    CHECK(scene.origin.stats().unsent_bytes == 0);
}

TEST_CASE("MoQ Transport: a fetch of lanes ends when its peer stops the stream, though no object comes", "[ietf][session]") {
    PublishedScene scene;
    auto group = scene.track.append_group();
    GroupInfo info;
    info.subgroup = 1;
    info.first_object = 1;
    auto lane = group.create_lane(info);
    group.write_frame(payload("0"));
    lane.write_frame(payload("1"));
    scene.begin_at_once();
    ietf::Fetch fetch;
    fetch.track = {{"a"}, "video"};
    fetch.request_id = scene.next_id();
    auto &request = scene.ask(fetch);
    REQUIRE(scene.unis.size() == 2);
    scene.unis.back().stream->stop(1);
    scene.run();
    CHECK((request.answer->ended || request.answer->reset));
}

TEST_CASE("MoQ Transport: each lane has a stream, which counts, and a range waits for those that come late", "[ietf][session]") {
    PublishedScene scene;
    scene.begin_at_once();
    auto message = scene.subscribe_to("a");
    message.parameters.filter = range_filter({}, ietf::RangeEnd{0, {}});
    auto &request = scene.ask(message);
    auto group = scene.track.append_group();
    group.write_frame(payload("0"));
    group.write_frame(payload("2"), Timestamp(), ObjectExtras(Bytes(), 1));
    group.finish();
    scene.run();
    // Object 1 is missing.
    CHECK_FALSE(request.answer->ended);
    GroupInfo info;
    info.subgroup = 7;
    info.first_object = 1;
    auto lane = group.create_lane(info);
    lane.write_frame(payload("1"));
    lane.finish();
    scene.run();
    scene.pass(std::chrono::milliseconds(501));
    const auto all = scene.messages(*request.answer);
    REQUIRE(all.size() == 2);
    CHECK(std::get<ietf::PublishDone>(all.back()).streams == 2u);
    REQUIRE(scene.unis.size() == 3);
    const auto step = ietf::read_uni_stream(scene.unis.back().answer.octets, scene.draft);
    REQUIRE(step.value);
    CHECK(std::get<ietf::SubgroupHeader>(*step.value).subgroup == 7u);
}

TEST_CASE("MoQ Transport: a subgroup named by its first object is a lane of that number", "[ietf][session]") {
    ViewerScene scene;
    scene.accept(5);
    ietf::SubgroupHeader header;
    header.alias = 5;
    header.group = 3;
    header.subgroup.reset();
    header.first_object = true;
    Octets octets;
    ietf::encode(header, scene.draft, octets);
    ietf::SubgroupObjects objects(header, scene.draft);
    ietf::ObjectHeader object;
    object.id = 9;
    object.payload_size = 1;
    objects.write(object, octets);
    octets.push_back(std::byte{'x'});
    scene.send_uni(std::move(octets), true);
    auto lane = now(scene.subscriber->recv_group());
    REQUIRE(lane);
    CHECK(lane->info().subgroup == 9);
    CHECK_FALSE(lane->info().is_partial);
    CHECK(texts(*lane) == Words{"x"});
    CHECK(lane->object_id() == 9u);
}

}  // namespace lanes_tests
