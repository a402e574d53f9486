// A viewer that joins in the middle of a group: the fetch of its beginning, the stream of its rest, and the end, in any order.
#include <comoq/ietf/session.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <comoq/detail/ietf/track_facts.hpp>

#include "ietf/published_scene.hpp"
#include "ietf/viewer_scene.hpp"
#include "support/catch.hpp"

namespace joining_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

TEST_CASE("MoQ Transport: a late viewer of a track that has ended gets what the fetch brings after the end", "[ietf][session]") {
    ViewerScene scene;
    scene.accept(5, ietf::Location{0, 0});
    scene.end(0x2, 0);
    scene.answer_join(0, {0});
    CHECK(scene.next_group() == Words{"0"});
    scene.run();
    CHECK(test::now(scene.subscriber->finished()) == 1);
    CHECK(scene.is_alive());
}

TEST_CASE("MoQ Transport: the end of a subscription waits for the rest of its fetch", "[ietf][session]") {
    ViewerScene scene;
    scene.accept(5, ietf::Location{0, 1});
    ietf::FetchOk ok;
    ok.end = ietf::RangeEnd{0, 1};
    scene.reply(scene.asked.back(), ok);
    const auto request = std::get<ietf::Fetch>(scene.messages(*scene.asked.back().answer).at(0)).request_id;
    auto octets = scene.fetched(request, 0, {0, 1});
    const auto last = octets.back();
    octets.pop_back();
    auto &stream = scene.send_uni(octets);
    scene.end(0x2, 0);
    scene.now(stream.write(Bytes(Octets{last})));
    stream.finish();
    CHECK(scene.next_group() == Words{"0", "1"});
}

TEST_CASE("MoQ Transport: an alias is free again when its subscription is over, though a fetch had joined it", "[ietf][session]") {
    ViewerScene scene;
    scene.accept(5, ietf::Location{0, 0});
    scene.answer_join(0, {0});
    scene.end(0x2, 0);
    scene.subscriber.reset();
    scene.run();
    scene.pending.emplace(wait(scene.session->broadcast("a").track("video").subscribe()));
    scene.run();
    scene.accept(5);
    scene.send_uni(scene.group(5, 1, {"again"}), true);
    CHECK(scene.next_group() == Words{"again"});
    CHECK(scene.is_alive());
}

TEST_CASE("MoQ Transport: a fetch that does not come is waited for a while, and then the next group is shown", "[ietf][session]") {
    for (const bool is_answered : {false, true}) {
        INFO(is_answered);
        ViewerScene scene;
        scene.accept(5, ietf::Location{4, 1});
        if (is_answered) {
            ietf::FetchOk ok;
            ok.end = ietf::RangeEnd{4, 1};
            scene.reply(scene.asked.back(), ok);
            const auto request = std::get<ietf::Fetch>(scene.messages(*scene.asked.back().answer).at(0)).request_id;
            // The first object is all that ever comes.
            scene.send_uni(scene.fetched(request, 4, {0}));
        }
        auto &rest = scene.send_uni(scene.group(5, 4, {"2"}, 2));
        auto stopped = scene.begin(rest.stopped());
        const auto patience = SessionConfig().patience;
        scene.pass(patience + 1ms);
        scene.pass(patience + 1ms);
        CHECK(stopped.done());
        scene.send_uni(scene.group(5, 5, {"whole"}), true);
        auto reading = wait(scene.subscriber->next_group());
        scene.run();
        REQUIRE(reading.value());
        CHECK(scene.is_alive());
    }
}

TEST_CASE("MoQ Transport: a gap where the fetch ends and the stream begins is a gap, and no missing beginning", "[ietf][session]") {
    ViewerScene scene;
    scene.accept(5, ietf::Location{4, 4});
    scene.send_uni(scene.group(5, 4, {"6", "7"}, 6), true);
    scene.answer_join(4, {0, 2, 4});
    CHECK(scene.next_group() == Words{"0", "2", "4", "6", "7"});
}

TEST_CASE("MoQ Transport: objects of other lanes leave no hole in the lane that goes on after the fetch", "[ietf][session]") {
    for (const bool is_first : {true, false}) {
        INFO(is_first);
        ViewerScene scene;
        scene.accept(5, ietf::Location{4, 5});
        const auto go_on = [&scene] { scene.send_uni(scene.group(5, 4, {"6"}, 6), true); };
        if (is_first) go_on();
        scene.answer_join(4, {0, 1, 2, 4, 5}, {1, 4, 5});
        if (!is_first) go_on();
        CHECK(scene.next_group() == Words{"0", "2", "6"});
        CHECK(scene.is_alive());
    }
}

TEST_CASE("MoQ Transport: a lane whose objects all come after those of a fetch is shown", "[ietf][session]") {
    ViewerScene scene;
    scene.accept(5, ietf::Location{4, 1});
    scene.send_uni(scene.group(5, 4, {"2"}, 2), true);
    scene.answer_join(4, {0, 1}, {0, 1});
    CHECK(scene.next_group() == Words{"2"});
}

TEST_CASE("MoQ Transport: the group that a viewer has joined is over a little after a newer one has begun", "[ietf][session]") {
    ViewerScene scene;
    scene.accept(5, ietf::Location{4, 0});
    scene.answer_join(4, {0});
    const auto next = [&scene]() -> std::string {
        auto reading = wait(scene.subscriber->read_frame());
        scene.run();
        if (!reading.done()) return "nothing";
        REQUIRE(reading.value());
        return std::string(reading.value()->payload.view());
    };
    CHECK(next() == "0");
    // It goes on.
    scene.send_uni(scene.group(5, 5, {"newer"}));
    scene.pass(501ms);
    CHECK(next() == "newer");
}

TEST_CASE("MoQ Transport: an object that ends the track ends it, also as the first of its group", "[ietf][session]") {
    ViewerScene scene;
    scene.accept(5);
    scene.send_uni(scene.group(5, 0, {"x"}), true);
    CHECK(scene.next_group() == Words{"x"});
    ietf::SubgroupHeader header;
    header.alias = 5;
    header.group = 1;
    header.first_object = true;
    Octets octets;
    ietf::encode(header, scene.draft, octets);
    ietf::SubgroupObjects objects(header, scene.draft);
    ietf::ObjectHeader object;
    object.status = ietf::ObjectStatus::EndOfTrack;
    objects.write(object, octets);
    scene.send_uni(octets, true);
    auto waiting = wait(scene.subscriber->recv_group());
    scene.run();
    auto group = std::move(waiting.value());
    REQUIRE(group);
    CHECK(texts(*group).empty());
    const auto marker = group->end_marker();
    REQUIRE(marker);
    CHECK(marker->status == ObjectStatus::EndOfTrack);
    CHECK(test::now(scene.subscriber->finished()) == 2);
}

TEST_CASE("MoQ Transport: each of several early streams hears of its alias, whichever waits first", "[ietf][session]") {
    ViewerScene scene;
    scene.send_uni(scene.group(99, 3, {"stranger"}), true);
    scene.send_uni(scene.group(5, 3, {"early"}), true);
    scene.send_uni(scene.group(98, 3, {"stranger"}), true);
    scene.accept(5);
    CHECK(scene.next_group() == Words{"early"});
}

TEST_CASE("MoQ Transport: a fetched object has the time that it says, in the terms of its track", "[ietf][session]") {
    ViewerScene scene;
    TrackInfo info;
    info.timescale = Timescale(90'000);
    ietf::SubscribeOk yes;
    yes.alias = 5;
    yes.parameters.largest_object = ietf::Location{4, 0};
    yes.properties = ietf::detail::properties_of(info);
    scene.reply(scene.request(), yes);
    scene.subscriber.emplace(std::move(scene.pending->value()));
    ietf::FetchOk ok;
    ok.end = ietf::RangeEnd{4, 0};
    scene.reply(scene.asked.back(), ok);
    Octets octets;
    const auto request = std::get<ietf::Fetch>(scene.messages(*scene.asked.back().answer).at(0)).request_id;
    ietf::encode(ietf::FetchHeader{request}, scene.draft, octets);
    ietf::FetchObjects objects(ietf::GroupOrder::Ascending, scene.draft);
    ietf::FetchedObject object;
    object.location = ietf::Location{4, 0};
    object.properties.add(ietf::detail::object_timestamp, 270'000);
    objects.write(object, octets);
    scene.send_uni(octets, true);
    auto reading = wait(scene.subscriber->read_frame());
    scene.run();
    REQUIRE(reading.value());
    CHECK(reading.value()->timestamp == Timestamp(270'000, Timescale(90'000)));
}

TEST_CASE("MoQ Transport: a largest object that no track here can have is refused, and the session lives", "[ietf][session]") {
    for (const bool is_group : {false, true}) {
        INFO(is_group);
        ViewerScene scene;
        ietf::SubscribeOk ok;
        ok.alias = 5;
        const auto number = std::uint64_t{1} << 62;
        ok.parameters.largest_object = is_group ? ietf::Location{number, 0} : ietf::Location{0, number};
        scene.reply(scene.request(), ok);
        CHECK(scene.pending->code() == Error::BoundsExceeded);
        CHECK(scene.is_alive());
    }
}

TEST_CASE("MoQ Transport: objects answer a fetch whose peer resets its stream when it has sent them", "[ietf][session]") {
    for (const bool is_known_for_it : {true, false}) {
        ViewerScene scene("moqt-18", is_known_for_it ? "moq-lite-rs/1.0" : "another");
        scene.accept(5, ietf::Location{3, 1});
        auto &join = scene.asked.back();
        const auto asked = std::get<ietf::Fetch>(scene.messages(*join.answer).at(0));
        // The answer was lost with the stream.
        join.stream.send->reset(1);
        scene.send_uni(scene.fetched(asked.request_id, 3, {0, 1}), true);
        scene.send_uni(scene.group(5, 3, {"2"}, 2), true);
        scene.send_uni(scene.group(5, 4, {"next"}), true);
        CHECK(scene.next_group() == (is_known_for_it ? Words{"0", "1", "2"} : Words{"next"}));
        CHECK(scene.is_alive());
    }
}

TEST_CASE("MoQ Transport: a fetch whose answer, or whose objects, do not come fails in time", "[ietf][session]") {
    for (const bool is_answered : {false, true}) {
        RawScene scene;
        scene.connect();
        scene.greet();
        auto pending = wait(scene.session->broadcast("a").track("video").fetch_group(5));
        scene.run();
        const auto say = [&scene](const auto &message) { scene.reply(scene.asked.back(), message); };
        // The question for the track's properties.
        say(ietf::RequestOk());
        REQUIRE(std::holds_alternative<ietf::Fetch>(scene.messages(*scene.asked.back().answer).at(0)));
        if (is_answered) say(ietf::FetchOk());
        std::optional<GroupConsumer> group;
        if (is_answered) group.emplace(std::move(pending.value()));
        scene.pass(SessionConfig().patience + 1ms);
        if (group) {
            auto reading = wait(group->read_frame());
            scene.run();
            CHECK(reading.code() == Error::Timeout);
        } else {
            CHECK(pending.code() == Error::Timeout);
        }
        CHECK(scene.is_alive());
    }
}

TEST_CASE("MoQ Transport: a stream without objects ends the group that a fetch brings, before it or after it", "[ietf][session]") {
    for (const bool is_first : {true, false}) {
        ViewerScene scene;
        scene.accept(5, ietf::Location{3, 1});
        const auto end = [&scene] { scene.send_uni(scene.group(5, 3, {}, 2), true); };
        if (is_first) end();
        scene.answer_join(3, {0, 1});
        if (!is_first) end();
        // No newer group has come.
        CHECK(scene.next_group() == Words{"0", "1"});
        CHECK(scene.is_alive());
    }
}

TEST_CASE("MoQ Transport: moq-net is told of the end of a group that was over when it subscribed", "[ietf][session]") {
    for (const bool is_moq_net : {true, false}) {
        PublishedScene scene;
        scene.track.write_frame(payload("x"));
        scene.connect();
        scene.greet(is_moq_net ? "moq-lite-rs" : "raw");
        auto message = scene.subscribe_to("a");
        message.parameters.filter = ietf::Filter{};
        scene.ask(message);
        REQUIRE(scene.unis.size() == (is_moq_net ? 2u : 1u));
        if (!is_moq_net) continue;
        const auto &came = scene.unis.back().answer;
        CHECK(came.ended);
        const auto step = ietf::read_uni_stream(came.octets, scene.draft);
        REQUIRE(step.value);
        CHECK(std::get<ietf::SubgroupHeader>(*step.value).end_of_group);
        CHECK(step.size == came.octets.size());
    }
}

TEST_CASE("MoQ Transport: moq-net is told that a fetched group ends where the next one begins", "[ietf][session]") {
    for (const bool is_moq_net : {true, false}) {
        PublishedScene scene;
        scene.track.write_frame(payload("x"));
        scene.connect();
        scene.greet(is_moq_net ? "moq-lite-rs" : "raw");
        ietf::Fetch fetch;
        fetch.request_id = scene.next_id();
        fetch.track = {{"a"}, "video"};
        CHECK(scene.answer<ietf::FetchOk>(scene.ask(fetch)).end == ietf::RangeEnd{is_moq_net ? 1u : 0u, {}});
    }
}

}  // namespace joining_tests
