// A subscription to a part of a track is over by itself when that part has been sent.
#include <comoq/ietf/session.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ietf/published_scene.hpp"
#include "ietf/relayed_scene.hpp"
#include "ietf/viewer_scene.hpp"
#include "support/catch.hpp"

namespace range_ends_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

struct RangeScene : PublishedScene {
    explicit RangeScene(std::string name = "moqt-18") : PublishedScene(std::move(name)) { begin_at_once(); }

    static ietf::Filter groups(std::uint64_t first, std::uint64_t last) {
        return range_filter(ietf::Location{first, 0}, ietf::RangeEnd{last, {}});
    }
    RawRequest &ask_for(std::uint64_t first, std::uint64_t last) {
        auto message = subscribe_to("a");
        message.parameters.filter = groups(first, last);
        return ask(message);
    }
    void write_group(std::uint64_t sequence) {
        auto group = track.create_group(sequence);
        group.write_frame(payload("x"));
        group.finish();
        run();
    }
    /// The end of the subscription, if it is over.
    std::optional<ietf::PublishDone> done(const RawRequest &request) const {
        const auto all = messages(*request.answer);
        CHECK(request.answer->ended == std::holds_alternative<ietf::PublishDone>(all.back()));
        if (!request.answer->ended) return std::nullopt;
        return std::get<ietf::PublishDone>(all.back());
    }
    std::uint64_t range_end() const { return is_older() ? 0x3 : 0x2; }
};

}  // namespace

TEST_CASE("MoQ Transport: a subscription is over when the last group of its range is, and the track goes on", "[ietf][session]") {
    for (const auto &name : every_draft) {
        INFO(name);
        RangeScene scene(name);
        auto &request = scene.ask_for(1, 2);
        for (const std::uint64_t sequence : {0u, 1u}) scene.write_group(sequence);
        auto last = scene.track.create_group(2);
        last.write_frame(payload("x"));
        scene.run();
        CHECK_FALSE(scene.done(request));
        last.write_frame(payload("y"));
        last.finish();
        scene.run();
        const auto end = scene.done(request);
        REQUIRE(end);
        CHECK(end->status == scene.range_end());
        CHECK(end->streams == 2u);
        CHECK(scene.unis.size() == 3);
        scene.write_group(3);
        CHECK(scene.unis.size() == 3);
        // There is room for another one, and this one takes no place.
        auto &again = scene.ask_for(3, 3);
        CHECK(scene.done(again)->streams == 1u);
        scene.pass(10s);
        CHECK(scene.track.unused().ready());
        CHECK(scene.is_alive());
    }
}

TEST_CASE("MoQ Transport: a range that has passed is refused, and one whose last group is there is sent", "[ietf][session]") {
    for (const auto &name : every_draft) {
        INFO(name);
        RangeScene scene(name);
        for (const std::uint64_t sequence : {0u, 1u, 2u}) scene.write_group(sequence);
        CHECK(scene.refusal(scene.ask_for(0, 1)) == 0x11);
        CHECK(scene.done(scene.ask_for(1, 2))->streams == 2u);
    }
}

TEST_CASE("MoQ Transport: a newer group ends a range whose last group never comes, after a while", "[ietf][session]") {
    RangeScene scene;
    auto &request = scene.ask_for(0, 4);
    scene.write_group(0);
    scene.write_group(2);
    scene.write_group(5);
    CHECK_FALSE(scene.done(request));
    // Out of order, and in time. More of what is not wanted changes nothing.
    scene.pass(400ms);
    scene.write_group(3);
    scene.write_group(6);
    scene.pass(400ms);
    scene.write_group(7);
    CHECK_FALSE(scene.done(request));
    scene.pass(101ms);
    const auto end = scene.done(request);
    REQUIRE(end);
    CHECK(end->status == 0x3);
    CHECK(end->streams == 3u);
}

TEST_CASE("MoQ Transport: a range whose end was moved is over at the new end", "[ietf][session]") {
    RangeScene scene;
    SECTION("up, in time") {
        auto &request = scene.ask_for(0, 0);
        ietf::Parameters further;
        further.filter = scene.groups(0, 1);
        scene.update(request, further);
        scene.write_group(0);
        CHECK_FALSE(scene.done(request));
        scene.write_group(1);
        CHECK(scene.done(request)->streams == 2u);
    }
    SECTION("up, while its last group is on the way") {
        auto &request = scene.ask_for(0, 0);
        auto group = scene.track.create_group(0);
        group.write_frame(payload("x"));
        for (const std::uint64_t sequence : {1u, 2u}) scene.write_group(sequence);
        ietf::Parameters further;
        further.filter = scene.groups(0, 1);
        scene.update(request, further);
        CHECK(std::get<ietf::RequestOk>(scene.messages(*request.answer).at(1)).parameters.largest_object == ietf::Location{2, 0});
        CHECK(scene.unis.size() == 3);
        group.finish();
        scene.run();
        scene.pass(501ms);
        CHECK(scene.done(request)->streams == 2u);
    }
    SECTION("down, below what has come") {
        auto &request = scene.ask_for(0, 9);
        for (const std::uint64_t sequence : {0u, 1u}) scene.write_group(sequence);
        ietf::Parameters nearer;
        nearer.filter = scene.groups(0, 0);
        scene.update(request, nearer);
        scene.pass(501ms);
        CHECK(scene.done(request)->streams == 2u);
    }
}

TEST_CASE("MoQ Transport: a last group that fails ends its range, too", "[ietf][session]") {
    RangeScene scene;
    auto &request = scene.ask_for(0, 0);
    auto group = scene.track.create_group(0);
    group.write_frame(payload("x"));
    scene.run();
    group.abort(make_error_code(Error::Internal));
    scene.run();
    scene.pass(501ms);
    const auto end = scene.done(request);
    REQUIRE(end);
    CHECK(end->status == 0x3);
    CHECK(end->streams == 1u);
    CHECK(scene.unis.back().answer.reset);
}

TEST_CASE("MoQ Transport: a track that ends before its range does ends the subscription", "[ietf][session]") {
    RangeScene scene;
    auto &request = scene.ask_for(0, 9);
    scene.write_group(0);
    scene.track.finish();
    scene.run();
    const auto end = scene.done(request);
    REQUIRE(end);
    CHECK(end->status == 0x2);
    CHECK(end->streams == 1u);
}

TEST_CASE("MoQ Transport: a subscription that pauses in the last group of its range waits for a newer one", "[ietf][session]") {
    RangeScene scene;
    auto &request = scene.ask_for(0, 0);
    ietf::Parameters forward;
    forward.forward = false;
    scene.update(request, forward);
    auto group = scene.track.create_group(0);
    group.write_frame(payload("x"));
    scene.run();
    scene.pass(10s);
    CHECK_FALSE(scene.done(request));
    scene.write_group(1);
    scene.pass(501ms);
    CHECK(scene.done(request)->streams == 0u);
}

TEST_CASE("MoQ Transport: datagrams behind a range end it, too", "[ietf][session]") {
    RangeScene scene;
    auto &request = scene.ask_for(0, 1);
    for (const std::uint64_t group : {0u, 1u}) scene.track.insert_datagram(Datagram(group, Timestamp(), payload("x"), 0));
    scene.run();
    scene.pass(10s);
    // More datagrams of the last group may come as long as no newer one has.
    scene.track.insert_datagram(Datagram(2, Timestamp(), payload("x"), 0));
    scene.run();
    scene.pass(501ms);
    CHECK(scene.done(request)->streams == 0u);
}

TEST_CASE("MoQ Transport: a range that is over here does not end the track, and more is asked for when it is wanted",
          "[ietf][session]") {
    for (const auto &name : every_draft) {
        INFO(name);
        RawScene scene(name);
        scene.connect();
        scene.greet();
        Subscription part;
        part.start = 0;
        part.end = 1;
        auto pending = wait(scene.session->broadcast("a").track("video").subscribe(part));
        scene.run();
        const auto of_kind_subscribe = [&scene] {
            std::vector<RawRequest *> found;
            for (auto &one : scene.asked) {
                const auto all = scene.messages(*one.answer);
                if (!all.empty() && std::holds_alternative<ietf::Subscribe>(all.front())) found.push_back(&one);
            }
            return found;
        };
        REQUIRE(of_kind_subscribe().size() == 1);
        ietf::SubscribeOk ok;
        ok.alias = 7;
        scene.reply(*of_kind_subscribe().front(), ok);
        auto subscriber = std::move(pending.value());
        for (const std::uint64_t sequence : {0u, 1u}) scene.send_uni(scene.group(7, sequence, {"x"}), true);
        ietf::PublishDone done;
        done.status = scene.is_older() ? 0x3 : 0x2;
        done.streams = 2;
        scene.reply(*of_kind_subscribe().front(), done);
        of_kind_subscribe().front()->stream.send->finish();
        scene.run();
        for (int i = 0; i < 2; ++i) CHECK(scene.now(subscriber.recv_group()));
        CHECK_FALSE(subscriber.closed().ready());
        CHECK(of_kind_subscribe().size() == 1);
        part.end = 2;
        subscriber.update(part);
        scene.run();
        REQUIRE(of_kind_subscribe().size() == 2);
        const auto more = std::get<ietf::Subscribe>(scene.messages(*of_kind_subscribe().back()->answer).front());
        CHECK(more.parameters.filter->start == ietf::Location{2, 0});
        CHECK(more.parameters.filter->end == ietf::RangeEnd{2, {}});
        ok.alias = 8;
        scene.reply(*of_kind_subscribe().back(), ok);
        scene.send_uni(scene.group(8, 2, {"z"}), true);
        auto third = scene.now(subscriber.recv_group());
        REQUIRE(third);
        CHECK(third->sequence() == 2);
        CHECK(scene.is_alive());
    }
}

TEST_CASE("MoQ Transport: a relay passes on that a range is over, also if its last group never comes", "[ietf][session]") {
    RelayedScene relay;
    RawScene &publisher = relay.publisher, &viewer = relay.viewer;
    publisher.announce({"a"});
    auto message = viewer.subscribe_to("a");
    message.parameters.filter = range_filter({}, ietf::RangeEnd{2, {}});
    auto &request = viewer.ask(message);
    relay.run();
    auto &upstream = publisher.asked.back();
    const auto say = [&](const auto &answer) {
        publisher.reply(upstream, answer);
        relay.run();
    };
    ietf::SubscribeOk ok;
    ok.alias = 9;
    say(ok);
    publisher.send_uni(publisher.group(9, 0, {"x"}), true);
    relay.run();
    ietf::PublishDone done;
    done.status = 0x3;
    done.streams = 1;
    say(done);
    viewer.pass(501ms);
    const auto all = viewer.messages(*request.answer);
    REQUIRE(all.size() == 2);
    CHECK(std::get<ietf::PublishDone>(all.back()).status == 0x3);
    // That of the group which never comes says so.
    CHECK(std::get<ietf::PublishDone>(all.back()).streams == 2u);
    REQUIRE(viewer.unis.size() == 3);
    CHECK(viewer.unis.back().answer.reset);
}

}  // namespace range_ends_tests
