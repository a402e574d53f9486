// What a viewer gets over a session, and how: the same in every protocol.
#include <comoq/session.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "ietf/scene.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/unusual_track.hpp"

namespace serve_paths_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

TEST_CASE("any session: a broadcast that is announced on one side is announced on the other, and its end, too", "[session]") {
    for (const auto &protocol : every_protocol) {
        INFO(protocol);
        SessionScene scene(protocol);
        std::optional early = scene.there.producer().create_broadcast("room/1");
        scene.connect();
        CHECK(scene.client->protocol() == protocol);
        auto watch = scene.here.consumer().announced();
        auto first = now(watch.next());
        REQUIRE(first);
        CHECK(first->path.view() == "room/1");
        early.reset();
        scene.run();
        const auto last = now(watch.next());
        REQUIRE(last);
        CHECK(last->event == Announcement::Event::Ended);
        auto other_way = scene.here.producer().create_broadcast("back");
        scene.run();
        CHECK(now(scene.there.consumer().announced_broadcast("back")).info().hops.size() == 1);
        // What came from a peer is not told to it.
        CHECK(scene.here.stats().announced == 1);
    }
}

TEST_CASE("any session: a track comes with its info, its groups with their numbers, frames with their bytes", "[session]") {
    for (const auto &protocol : every_protocol) {
        INFO(protocol);
        SessionScene scene(protocol);
        auto track = scene.publish("room/1", "video", unusual_info());
        scene.connect();
        auto subscriber = scene.subscribe("room/1");
        check_unusual(scene.get(scene.announced("room/1").track("video").info()));
        auto group = track.create_group(41);
        group.write_frame(payload("first"), Timestamp(3, Timescale(1)));
        check_passes_frames(scene, group, subscriber);
    }
}

TEST_CASE("any session: a late viewer gets the newest group from its beginning, each frame once", "[session]") {
    for (const auto &protocol : every_protocol) {
        INFO(protocol);
        SessionScene scene(protocol);
        auto track = scene.publish("a");
        track.write_frame(payload("old"));
        auto group = track.append_group();
        group.write_frame(payload("0"));
        group.write_frame(payload("1"));
        scene.connect();
        auto subscriber = scene.subscribe("a");
        auto received = scene.get(subscriber.next_group());
        REQUIRE(received);
        CHECK(received->sequence() == 1);
        group.write_frame(payload("2"));
        scene.run();
        group.write_frame(payload("3"));
        group.finish();
        CHECK(scene.words(std::move(*received)) == Words{"0", "1", "2", "3"});
        track.write_frame(payload("next"));
        received = scene.get(subscriber.next_group());
        REQUIRE(received);
        CHECK(scene.words(std::move(*received)) == Words{"next"});
    }
}

TEST_CASE("any session: a handler of the origin serves a remote viewer of a path that is never announced", "[session]") {
    for (const auto &protocol : every_protocol) {
        INFO(protocol);
        SessionScene scene(protocol);
        auto handler = scene.there.producer().dynamic();
        scene.connect();
        auto pending = wait(scene.client->broadcast("made/up").track("video").subscribe());
        auto other = wait(scene.client->broadcast("made/up").track("audio").info());
        scene.run();
        auto request = now(handler.requested_broadcast());
        REQUIRE(request);
        CHECK(request->path().view() == "made/up");
        // Both have asked for the same.
        CHECK(scene.there.stats().pending == 1);
        BroadcastProducer made = scene.there.producer().make_broadcast();
        auto track = made.create_track("video");
        auto audio = made.create_track("audio");
        CHECK(request->accept(made.consume()));
        scene.run();
        auto subscriber = std::move(pending.value());
        CHECK_FALSE(other.code());
        track.write_frame(payload("frame"));
        auto group = scene.get(subscriber.next_group());
        REQUIRE(group);
        CHECK(scene.words(std::move(*group)) == Words{"frame"});
        CHECK(scene.here.stats().announced == 0);
    }
}

TEST_CASE("any session: the code of a refusal reaches every viewer, and the next request reaches the handler again", "[session]") {
    for (const auto &protocol : every_protocol) {
        INFO(protocol);
        SessionScene scene(protocol);
        auto handler = scene.there.producer().dynamic();
        scene.connect();
        for (const auto refusal : {make_error_code(Error::NotFound), app_error(1234)}) {
            auto one = wait(scene.client->broadcast("x").track("video").subscribe());
            auto other = wait(scene.client->broadcast("x").track("audio").subscribe());
            scene.run();
            auto request = now(handler.requested_broadcast());
            REQUIRE(request);
            CHECK(request->reject(refusal));
            scene.run();
            CHECK(one.code() == refusal);
            CHECK(other.code() == refusal);
        }
        CHECK_FALSE(scene.client->closed().ready());
    }
}

TEST_CASE("any session: nobody's path is not found, and a path outside of what the peer may see is refused", "[session]") {
    for (const auto &protocol : every_protocol) {
        INFO(protocol);
        SessionScene scene(protocol);
        auto handler = scene.there.producer().dynamic();
        SessionConfig config = scene.config_of(scene.there);
        config.publish = scene.there.consumer().scope({"room"});
        scene.server.emplace(scene.link.server(), std::move(config));
        scene.client.emplace(scene.link.client(), scene.config_of(scene.here));
        scene.run();
        // moq-lite has one number for all refusals of this kind.
        const auto refusal = scene.client->as_lite() != nullptr ? Error::SessionClosed : Error::Unauthorized;
        CHECK(scene.code(scene.client->broadcast("other").track("video").subscribe()) == refusal);
        CHECK_FALSE(handler.requested_broadcast().ready());
    }
    for (const auto &protocol : every_protocol) {
        INFO(protocol);
        SessionScene scene(protocol);
        scene.connect();
        CHECK(scene.code(scene.client->broadcast("room").track("video").subscribe()) == Error::NotFound);
    }
}

TEST_CASE("any session: a request that every viewer has left is abandoned", "[session]") {
    for (const auto &protocol : every_protocol) {
        INFO(protocol);
        SessionScene scene(protocol);
        auto handler = scene.there.producer().dynamic();
        scene.connect();
        auto pending = std::make_optional(wait(scene.client->broadcast("x").track("video").subscribe()));
        scene.run();
        auto request = now(handler.requested_broadcast());
        REQUIRE(request);
        auto abandoned = wait(request->abandoned());
        scene.run();
        CHECK_FALSE(abandoned.done());
        pending.reset();
        scene.run();
        CHECK(abandoned.done());
    }
}

TEST_CASE("any session: a handler that goes refuses what it has not taken", "[session]") {
    for (const auto &protocol : every_protocol) {
        INFO(protocol);
        SessionScene scene(protocol);
        auto handler = std::make_optional(scene.there.producer().dynamic());
        scene.connect();
        auto pending = wait(scene.client->broadcast("x").track("video").subscribe());
        scene.run();
        CHECK_FALSE(pending.done());
        handler.reset();
        scene.run();
        CHECK(pending.code() == Error::NotFound);
    }
}

TEST_CASE("any session: a group is fetched by its number, and one that nobody has is refused", "[session]") {
    for (const auto &protocol : every_protocol) {
        INFO(protocol);
        SessionScene scene(protocol);
        auto track = scene.publish("a");
        auto groups = track.dynamic();
        auto first = track.append_group();
        first.write_frame(payload("0"));
        first.write_frame(payload("1"));
        first.finish();
        scene.connect();
        auto got = scene.get(scene.announced("a").track("video").fetch_group(0));
        CHECK(scene.words(std::move(got)) == Words{"0", "1"});
        auto pending = wait(scene.announced("a").track("video").fetch_group(7));
        auto refused = wait(scene.announced("a").track("video").fetch_group(8));
        scene.run();
        auto request = now(groups.requested_group());
        REQUIRE(request);
        CHECK(request->sequence() == 7);
        auto group = request->accept();
        group.write_frame(payload("on demand"));
        group.finish();
        auto other = now(groups.requested_group());
        REQUIRE(other);
        CHECK(other->reject(make_error_code(Error::NotFound)));
        scene.run();
        CHECK(scene.words(std::move(pending.value())) == Words{"on demand"});
        CHECK(refused.code() == Error::NotFound);
    }
}

TEST_CASE("any session: the end of a track is its end for the viewer, after all of its groups", "[session]") {
    for (const auto &protocol : every_protocol) {
        INFO(protocol);
        SessionScene scene(protocol);
        auto track = std::make_optional(scene.publish("a"));
        scene.connect();
        auto subscriber = scene.subscribe("a");
        track->write_frame(payload("0"));
        track->write_frame(payload("1"));
        track->finish();
        track.reset();
        std::vector<std::uint64_t> numbers;
        while (auto group = scene.get(subscriber.recv_group())) numbers.push_back(group->sequence());
        CHECK(numbers.size() == 2);
        CHECK(scene.get(subscriber.finished()) == 2);
    }
}

TEST_CASE("any session: a viewer that leaves takes its subscription back, and one that comes gets the track again", "[session]") {
    for (const auto &protocol : every_protocol) {
        INFO(protocol);
        SessionScene scene(protocol);
        auto track = scene.publish("a");
        scene.connect();
        auto subscriber = std::make_optional(scene.subscribe("a"));
        auto used = track.used();
        CHECK(used.ready());
        subscriber.reset();
        scene.run();
        CHECK(track.unused().ready());
        subscriber.emplace(scene.subscribe("a"));
        track.write_frame(payload("again"));
        auto group = scene.get(subscriber->next_group());
        REQUIRE(group);
        CHECK(scene.words(std::move(*group)) == Words{"again"});
    }
}

TEST_CASE("any session: when the session ends, the peer's broadcasts end with its code", "[session]") {
    for (const auto &protocol : every_protocol) {
        INFO(protocol);
        SessionScene scene(protocol);
        auto track = scene.publish("a");
        scene.connect();
        auto subscriber = scene.subscribe("a");
        auto broadcast = scene.announced("a");
        scene.server->close(make_error_code(Error::Unauthorized), "no more");
        scene.run();
        CHECK(now(scene.client->closed()) == Error::Unauthorized);
        CHECK(now(broadcast.closed()) == Error::Unauthorized);
        CHECK(scene.here.stats().announced == 0);
        CHECK(scene.client->done().ready());
        CHECK(scene.server->done().ready());
    }
}

TEST_CASE("any session: a protocol of MoQ Transport that is not spoken ends with Version on both sides", "[session]") {
    SessionScene scene("moqt-14");
    scene.connect();
    CHECK(now(scene.client->closed()) == Error::Version);
    CHECK(now(scene.server->closed()) == Error::Version);
}

TEST_CASE("any session: a peer that is told to go elsewhere is told where, and asks nothing new", "[session]") {
    for (const auto &protocol : every_protocol) {
        INFO(protocol);
        SessionScene scene(protocol);
        auto track = scene.publish("a");
        scene.connect();
        auto subscriber = scene.subscribe("a");
        scene.server->goaway("https://elsewhere");
        scene.run();
        CHECK(now(scene.client->goaway_received()) == "https://elsewhere");
        CHECK(scene.code(scene.client->broadcast("b").track("video").subscribe()) == Error::Unroutable);
        track.write_frame(payload("still"));
        auto group = scene.get(subscriber.next_group());
        REQUIRE(group);
        CHECK(scene.words(std::move(*group)) == Words{"still"});
    }
}

}  // namespace serve_paths_tests
