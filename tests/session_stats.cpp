// The counters of a session: each goes up with what it counts, and those of the moment come back.
#include <comoq/session.hpp>
#include <comoq/session_stats.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ietf/scene.hpp"
#include "support/catch.hpp"
#include "support/manual_clock.hpp"

namespace session_stats_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

const std::vector<std::string> protocols{"moq-lite-05", "moq-lite-06", "moqt-18", "moqt-22"};

/// A session whose server publishes, and what the counters of its two sides say.
struct Scene : SceneOf<Session> {
    explicit Scene(const std::string &protocol, const TransportStats &measured = {}) : SceneOf(link_with(protocol, measured)) {}
    static MemoryLinkConfig link_with(const std::string &protocol, const TransportStats &measured) {
        auto config = link_of(protocol);
        config.stats = measured;
        return config;
    }
    SessionStats publisher() const { return server->stats(); }
    SessionStats viewer() const { return client->stats(); }
    /// Long enough for everything that lingers.
    void wait_long() {
        run();
        for (int i = 0; i < 3; ++i) pass(1min);
    }
};

/// All is 0.
void check_nothing(const SessionStats &stats) { CHECK(to_json(stats) == to_json(SessionStats())); }

std::array<std::uint64_t, 6> of_the_moment(const SessionStats &stats) {
    return {stats.streams, stats.subscriptions, stats.tracks, stats.announced, stats.groups_in_flight, stats.unsent_bytes};
}
std::array<std::uint64_t, 4> of_all_time(const SessionStats &stats) {
    return {stats.announcements_told, stats.groups_sent, stats.groups_given_up, stats.media_bytes};
}

}  // namespace

TEST_CASE("session stats: a viewer's subscription, its stream and its track are counted while they last", "[session][stats]") {
    for (const auto &protocol : protocols) {
        INFO(protocol);
        Scene scene(protocol);
        auto track = scene.publish("a");
        auto other = scene.publish("b");
        scene.connect();
        scene.wait_long();
        const auto publisher = scene.publisher(), viewer = scene.viewer();
        CHECK(publisher.subscriptions == 0);
        CHECK(viewer.tracks == 0);
        {
            auto one = scene.subscribe("a"), two = scene.subscribe("a"), third = scene.subscribe("b");
            // The peer is asked once for a track.
            CHECK(scene.publisher().subscriptions == 2);
            CHECK(scene.publisher().streams == publisher.streams + 2);
            CHECK(scene.viewer().tracks == 2);
            CHECK(scene.viewer().subscriptions == 0);
            CHECK(scene.publisher().tracks == 0);
            // It is served for as long as it is not over.
            other.finish();
            scene.run();
            CHECK(scene.publisher().subscriptions == 1);
        }
        scene.wait_long();
        CHECK(of_the_moment(scene.publisher()) == of_the_moment(publisher));
        CHECK(of_the_moment(scene.viewer()) == of_the_moment(viewer));
    }
}

TEST_CASE("session stats: a subscription that waits for its answer is a stream and no subscription yet", "[session][stats]") {
    for (const auto &protocol : protocols) {
        INFO(protocol);
        Scene scene(protocol);
        auto handler = scene.there.producer().dynamic();
        scene.connect();
        const auto before = scene.publisher();
        auto waiting = wait(scene.client->broadcast("on/demand").track("video").subscribe());
        scene.run();
        CHECK(scene.publisher().streams > before.streams);
        CHECK(scene.publisher().subscriptions == 0);
        CHECK(scene.viewer().tracks == 1);
        auto request = now(handler.requested_broadcast());
        REQUIRE(request);
        request->reject(Error::NotFound);
        scene.run();
        CHECK(waiting.code());
        scene.wait_long();
        CHECK(of_the_moment(scene.publisher()) == of_the_moment(before));
        CHECK(scene.viewer().tracks == 0);
    }
}

TEST_CASE("session stats: a group is a stream of the viewer's, and in flight, until all of it is there", "[session][stats]") {
    for (const auto &protocol : protocols) {
        INFO(protocol);
        Scene scene(protocol);
        auto track = scene.publish("a");
        scene.connect();
        auto reader = scene.subscribe("a");
        const auto publisher = scene.publisher(), viewer = scene.viewer();
        auto group = track.append_group();
        group.write_frame(payload(1000));
        scene.run();
        CHECK(scene.publisher().groups_in_flight == 1);
        CHECK(scene.publisher().groups_sent == 0);
        CHECK(scene.publisher().media_bytes == 1000);
        CHECK(scene.viewer().streams == viewer.streams + 1);
        group.write_frame(payload(500));
        group.finish();
        for (int i = 0; i < 3; ++i) track.write_frame(payload(10));
        scene.run();
        CHECK(scene.publisher().groups_sent == 4);
        CHECK(scene.publisher().groups_given_up == 0);
        CHECK(scene.publisher().media_bytes == 1530);
        CHECK(of_the_moment(scene.publisher()) == of_the_moment(publisher));
        CHECK(of_the_moment(scene.viewer()) == of_the_moment(viewer));
        CHECK(of_all_time(scene.viewer()) == of_all_time(viewer));
    }
}

TEST_CASE("session stats: each lane of a group counts in MoQ Transport", "[session][stats]") {
    for (const auto &protocol : {"moqt-18", "moqt-22"}) {
        INFO(protocol);
        Scene scene(protocol);
        auto track = scene.publish("a");
        scene.connect();
        auto reader = scene.subscribe("a");
        GroupInfo info;
        info.subgroup = 1;
        auto base = track.create_group(0);
        auto lane = track.create_group(0, info);
        base.write_frame(payload(1));
        lane.write_frame(payload(1));
        scene.run();
        CHECK(scene.publisher().groups_in_flight == 2);
        base.finish();
        lane.finish();
        scene.run();
        CHECK(scene.publisher().groups_in_flight == 0);
        CHECK(scene.publisher().groups_sent == 2);
    }
}

TEST_CASE("session stats: what the peer does not take is unsent, until it does", "[session][stats]") {
    for (const auto &protocol : protocols) {
        INFO(protocol);
        Scene scene(protocol);
        auto track = scene.publish("a");
        scene.connect();
        auto reader = scene.subscribe("a");
        scene.link.pause();
        auto group = track.append_group();
        group.write_frame(payload(500'000));
        scene.run();
        CHECK(scene.publisher().unsent_bytes >= 400'000);
        CHECK(scene.publisher().unsent_bytes <= 600'000);
        CHECK(scene.publisher().unsent_bytes == scene.there.stats().unsent_bytes);
        CHECK(scene.publisher().media_bytes == 500'000);
        scene.link.resume();
        scene.run();
        CHECK(scene.publisher().unsent_bytes == 0);
        CHECK(scene.publisher().media_bytes == 500'000);
        CHECK(scene.publisher().groups_in_flight == 1);
    }
}

TEST_CASE("session stats: groups that fail or are late are given up, and what its subscription leaves behind is not",
          "[session][stats]") {
    for (const auto &protocol : protocols) {
        INFO(protocol);
        Scene scene(protocol);
        ManualClock clock;
        scene.there = clock.origin();
        auto track = scene.publish("a");
        scene.connect();
        auto reader = std::make_optional(scene.subscribe("a", "video", Wish{.max_latency = 100ms}));
        auto failing = track.append_group();
        failing.write_frame(payload("x"));
        scene.run();
        failing.abort(Error::Dropped);
        scene.run();
        CHECK(scene.publisher().groups_given_up == 1);
        scene.link.pause();
        track.write_frame(payload(200'000));
        scene.run();
        track.write_frame(payload("x"));
        scene.run();
        CHECK(scene.publisher().groups_in_flight == 2);
        clock.advance(150ms);
        scene.pass(150ms);
        // MoQ Transport has nothing by which a viewer could say how late is too late.
        const std::uint64_t late = protocol.starts_with("moq-lite") ? 1 : 0;
        CHECK(scene.publisher().groups_given_up == 1 + late);
        CHECK(scene.publisher().groups_in_flight == 2 - late);
        scene.link.resume();
        scene.run();
        auto open = track.append_group();
        open.write_frame(payload("x"));
        scene.run();
        const auto before = scene.publisher();
        CHECK(before.groups_in_flight == 1);
        CHECK(before.groups_sent == 2 - late);
        reader.reset();
        scene.wait_long();
        CHECK(scene.publisher().groups_in_flight == 0);
        CHECK(of_all_time(scene.publisher()) == of_all_time(before));
    }
}

TEST_CASE("session stats: a fetched group counts by its bytes alone", "[session][stats]") {
    for (const auto &protocol : protocols) {
        INFO(protocol);
        Scene scene(protocol);
        TrackInfo info;
        info.max_latency = 1h;
        auto track = scene.publish("a", "video", info);
        for (int i = 0; i < 3; ++i) track.write_frame(payload(100));
        scene.connect();
        auto group = scene.get(scene.announced("a").track("video").fetch_group(1));
        CHECK(scene.words(group).size() == 1);
        CHECK(scene.publisher().media_bytes == 100);
        CHECK(scene.publisher().groups_sent == 0);
        CHECK(scene.publisher().groups_in_flight == 0);
    }
}

TEST_CASE("session stats: what is announced, what is told of it, and what found no room", "[session][stats]") {
    for (const auto &protocol : protocols) {
        INFO(protocol);
        Scene scene(protocol);
        auto kept = scene.publish("a");
        auto gone = scene.publish("b");
        auto config = scene.config_of(scene.here);
        config.max_announced = 3;
        scene.server.emplace(scene.link.server(), scene.config_of(scene.there));
        scene.client.emplace(scene.link.client(), config);
        scene.run();
        CHECK(scene.publisher().announcements_told == 2);
        CHECK(scene.publisher().announced == 0);
        CHECK(scene.viewer().announced == 2);
        CHECK(scene.viewer().announcements_told == 0);
        scene.broadcasts.pop_back();
        scene.run();
        CHECK(scene.publisher().announcements_told == 3);
        CHECK(scene.viewer().announced == 1);
        for (const char *path : {"c", "d", "e", "f"}) scene.broadcasts.push_back(scene.there.producer().create_broadcast(path));
        scene.run();
        CHECK(scene.publisher().announcements_told == 7);
        CHECK(scene.viewer().announced == 3);
        CHECK(scene.viewer().announcements_left_out == 2);
        CHECK(scene.viewer().announcements_left_out == scene.client->announcements_left_out());
        scene.broadcasts.clear();
        scene.run();
        CHECK(scene.publisher().announcements_told == 12);
        CHECK(scene.viewer().announced == 0);
    }
}

TEST_CASE("session stats: a broadcast that takes the place of another is told of by two messages", "[session][stats]") {
    for (const auto &protocol : protocols) {
        INFO(protocol);
        Scene scene(protocol);
        auto track = scene.publish("a");
        scene.connect();
        auto reader = scene.subscribe("a");
        CHECK(scene.publisher().announcements_told == 1);
        const auto other = scene.there.producer().create_broadcast("a");
        scene.run();
        CHECK(scene.publisher().announcements_told == 3);
        CHECK(scene.viewer().announced == 1);
    }
}

TEST_CASE("session stats: what a client tells of its broadcasts counts, whether it was asked or not", "[session][stats]") {
    for (const auto &protocol : protocols) {
        INFO(protocol);
        Scene scene(protocol);
        auto announced = std::make_optional(scene.here.producer().create_broadcast("a"));
        scene.connect();
        // In MoQ Transport a server is told without asking, too.
        const std::uint64_t times = protocol.starts_with("moq-lite") ? 1 : 2;
        CHECK(scene.viewer().announcements_told == times);
        CHECK(scene.publisher().announced == 1);
        BroadcastInfo dearer;
        dearer.cost.warm = 7;
        announced->update(dearer);
        scene.run();
        // moq-lite-05 has no costs.
        const std::uint64_t changes = protocol == "moq-lite-05" ? 0 : times;
        CHECK(scene.viewer().announcements_told == times + changes);
        announced.reset();
        scene.run();
        CHECK(scene.viewer().announcements_told == 2 * times + changes);
        CHECK(scene.publisher().announced == 0);
        CHECK(scene.publisher().announcements_told == 0);
    }
}

TEST_CASE("session stats: an announcement that finds no room on the way out is not told", "[session][stats]") {
    for (const auto &protocol : protocols) {
        INFO(protocol);
        Scene scene(protocol);
        for (const char *path : {"a", "b", "c"}) scene.broadcasts.push_back(scene.there.producer().create_broadcast(path));
        auto config = scene.config_of(scene.there);
        config.max_told = 2;
        scene.server.emplace(scene.link.server(), config);
        scene.client.emplace(scene.link.client(), scene.config_of(scene.here));
        scene.run();
        // moq-lite-05 needs no place for it.
        const bool is_unbounded = protocol == "moq-lite-05";
        CHECK(scene.publisher().announcements_told == (is_unbounded ? 3 : 2));
        CHECK(scene.publisher().announcements_not_told == scene.server->announcements_not_told());
        CHECK(scene.publisher().announcements_not_told == (protocol == "moq-lite-06" ? 1 : 0));
    }
}

TEST_CASE("session stats: the transport's measurements are the session's, and what it does not know is nothing", "[session][stats]") {
    for (const auto &protocol : protocols) {
        INFO(protocol);
        {
            Scene knows_nothing(protocol);
            knows_nothing.connect();
            const auto stats = knows_nothing.viewer();
            CHECK_FALSE((stats.round_trip || stats.bandwidth));
            CHECK_FALSE((stats.received_bytes || stats.sent_bytes || stats.received_packets || stats.sent_packets));
        }
        TransportStats measured;
        measured.round_trip = 20ms;
        measured.bandwidth = 1'000'000;
        measured.received_bytes = 1;
        measured.sent_bytes = 2;
        measured.received_packets = 3;
        measured.sent_packets = 4;
        Scene scene(protocol, measured);
        scene.connect();
        const auto stats = scene.viewer();
        CHECK(stats.round_trip == 20ms);
        CHECK(stats.bandwidth == 1'000'000);
        CHECK(stats.received_bytes == 1);
        CHECK(stats.sent_bytes == 2);
        CHECK(stats.received_packets == 3);
        CHECK(stats.sent_packets == 4);
    }
}

TEST_CASE("session stats: an ended session has nothing left and keeps what it did, and an empty handle has nothing",
          "[session][stats]") {
    for (const auto &protocol : protocols) {
        INFO(protocol);
        Scene scene(protocol);
        auto track = scene.publish("a");
        scene.connect();
        auto reader = scene.subscribe("a");
        track.write_frame(payload("x"));
        auto group = track.append_group();
        group.write_frame(payload("y"));
        scene.run();
        const auto publisher = scene.publisher();
        CHECK(publisher.groups_sent == 1);
        scene.client->close();
        scene.run();
        CHECK(scene.server->done().ready());
        CHECK(scene.client->done().ready());
        CHECK(of_the_moment(scene.publisher()) == of_the_moment({}));
        CHECK(of_the_moment(scene.viewer()) == of_the_moment({}));
        CHECK(scene.publisher().groups_sent == 1);
        CHECK(scene.publisher().media_bytes == 2);
        CHECK(scene.publisher().announcements_told == publisher.announcements_told);
        const Session other(std::move(*scene.server));
        CHECK(other.stats().groups_sent == 1);
        check_nothing(scene.publisher());
    }
}

}  // namespace session_stats_tests
