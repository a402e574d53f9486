// What a peer of MoQ Transport asks for is what it gets: objects by their numbers, and answers in the order of its requests.
#include <comoq/ietf/session.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <comoq/detail/ietf/datagram.hpp>

#include "ietf/published_scene.hpp"
#include "ietf/range_scene.hpp"
#include "support/catch.hpp"

namespace ranges_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

TEST_CASE("MoQ Transport: a peer that asks for a track from its beginning gets every group that is kept, and without a filter the newest",
          "[ietf][session]") {
    struct Asked {
        std::string protocol;
        std::optional<ietf::Filter> filter;
    };
    const auto start = range_filter({0, 0});
    for (const auto &asked : std::vector<Asked>{{"moqt-18", start}, {"moqt-20", everything()}, {"moqt-22", start}, {"moqt-22", everything()},
                                                {"moqt-18", {}}, {"moqt-20", {}}, {"moqt-22", {}}}) {
        INFO(asked.protocol << (asked.filter ? " with a filter" : " without a filter"));
        PublishedScene scene(asked.protocol);
        for (int number = 0; number < 3; ++number) scene.track.write_frame(payload("x"));
        scene.begin_at_once();
        auto message = scene.subscribe_to("a");
        message.parameters.filter = asked.filter;
        scene.ask(message);
        CHECK(groups_of(scene) == (asked.filter ? Ids{0, 1, 2} : Ids{2}));
        scene.track.write_frame(payload("x"));
        scene.run();
        CHECK(groups_of(scene).back() == 3);
    }
}

TEST_CASE("MoQ Transport: a filter for everything takes the end away that another one had", "[ietf][session]") {
    for (const std::string name : {"moqt-20", "moqt-22"}) {
        INFO(name);
        PublishedScene scene(name);
        scene.begin_at_once();
        auto message = scene.subscribe_to("a");
        message.parameters.filter = range_filter({0, 0}, ietf::RangeEnd{0, {}});
        auto &request = scene.ask(message);
        auto first = scene.track.append_group();
        write(first, 0);
        scene.run();
        ietf::Parameters parameters;
        parameters.filter = everything();
        scene.update(request, parameters);
        first.finish();
        scene.track.write_frame(payload("x"));
        scene.run();
        CHECK(groups_of(scene) == Ids{0, 1});
    }
}

TEST_CASE("MoQ Transport: a fetch of everything brings all groups up to the largest object", "[ietf][session]") {
    for (const std::string name : {"moqt-20", "moqt-22"}) {
        INFO(name);
        PublishedScene scene(name);
        for (int number = 0; number < 3; ++number) scene.track.write_frame(payload("x"));
        scene.begin_at_once();
        ietf::Fetch fetch;
        fetch.request_id = scene.next_id();
        fetch.track = {{"a"}, "video"};
        fetch.parameters.filter = everything();
        scene.ask(fetch);
        REQUIRE(scene.unis.size() == 2);
        CHECK(ids_of(scene, scene.unis.back()) == Ids{0, 0, 0});
        CHECK(scene.unis.back().answer.ended);
    }
}

TEST_CASE("MoQ Transport: the last object of a filter is its number, whatever is left out before it", "[ietf][session]") {
    for (const bool is_live : {false, true}) {
        INFO(is_live);
        PublishedScene scene("moqt-20");
        auto group = scene.track.append_group();
        write(group, 0);
        scene.begin_at_once();
        auto message = scene.subscribe_to("a");
        message.parameters.filter = range_filter({0, 0}, ietf::RangeEnd{0, 4});
        if (is_live) scene.ask(message);
        for (int i = 0; i < 2; ++i) {
            write(group, 1);
            scene.run();
        }
        if (!is_live) {
            write(group, 1);
            write(group, 1);
            scene.ask(message);
        }
        scene.run();
        REQUIRE(scene.unis.size() == 2);
        CHECK(ids_of(scene, scene.unis.back()) == Ids{0, 2, 4});
        // Nothing more is waited for.
        CHECK(scene.unis.back().answer.ended);
    }
}

TEST_CASE("MoQ Transport: a number in a gap is the end of a filter, too", "[ietf][session]") {
    PublishedScene scene("moqt-20");
    auto group = scene.track.append_group();
    for (int i = 0; i < 4; ++i) write(group, i == 0 ? 0 : 1);
    scene.begin_at_once();
    auto message = scene.subscribe_to("a");
    message.parameters.filter = range_filter({0, 0}, ietf::RangeEnd{0, 3});
    scene.ask(message);
    REQUIRE(scene.unis.size() == 2);
    CHECK(ids_of(scene, scene.unis.back()) == Ids{0, 2});
    CHECK(scene.unis.back().answer.ended);
}

TEST_CASE("MoQ Transport: a fetch that joins a group with gaps ends with the largest object", "[ietf][session]") {
    PublishedScene scene;
    auto group = scene.track.append_group();
    write(group, 0);
    write(group, 1);
    scene.begin_at_once();
    auto message = scene.subscribe_to("a");
    message.parameters.filter = ietf::Filter{};
    scene.ask(message);
    ietf::Fetch join;
    join.request_id = scene.next_id();
    join.kind = ietf::Fetch::Kind::RelativeJoining;
    join.joining_request = message.request_id;
    scene.ask(join);
    REQUIRE(scene.unis.size() == 2);
    CHECK(ids_of(scene, scene.unis.back()) == Ids{0, 2});
    CHECK(scene.unis.back().answer.ended);
}

TEST_CASE("MoQ Transport: datagrams outside of a filter are not sent", "[ietf][session]") {
    PublishedScene scene("moqt-20");
    scene.begin_at_once();
    auto message = scene.subscribe_to("a");
    message.parameters.filter = range_filter({5, 1}, ietf::RangeEnd{6, 0});
    scene.ask(message);
    using Place = std::pair<std::uint64_t, std::uint64_t>;
    for (const auto &[group, object] : std::vector<Place>{{4, 9}, {5, 0}, {5, 1}, {5, 7}, {6, 0}, {6, 1}, {7, 0}})
        scene.track.insert_datagram(Datagram(group, Timestamp(), payload("x"), object));
    scene.run();
    std::vector<Place> came;
    while (true) {
        auto next = scene.begin(scene.raw->receive_datagram());
        if (!next.done()) break;
        const auto decoded = ietf::decode_datagram(next.value().span(), scene.draft);
        const auto *object = std::get_if<ietf::ObjectDatagram>(&decoded);
        REQUIRE(object);
        came.emplace_back(object->location.group, object->location.object);
    }
    CHECK(came == std::vector<Place>{{5, 1}, {5, 7}, {6, 0}});
}

TEST_CASE("MoQ Transport: a subscription that pauses in the middle of a group goes on with the next object", "[ietf][session]") {
    PublishedScene scene;
    scene.begin_at_once();
    auto &request = scene.ask(scene.subscribe_to("a"));
    auto group = scene.track.append_group();
    write(group, 0);
    scene.run();
    CHECK(scene.unis.size() == 2);
    scene.set_forward(request, false);
    write(group, 0);
    scene.set_forward(request, true);
    write(group, 0);
    group.finish();
    scene.run();
    REQUIRE(scene.unis.size() == 3);
    CHECK(ids_of(scene, scene.unis.back()) == Ids{2});
    CHECK(scene.unis.back().answer.ended);
}

TEST_CASE("MoQ Transport: the lanes of a group in which a subscription goes on begin as there is room for them",
          "[ietf][session]") {
    constexpr std::size_t count = 300, most = 128;
    PublishedScene scene;
    scene.begin_at_once();
    auto &request = scene.ask(scene.subscribe_to("a"));
    scene.set_forward(request, false);
    std::vector<GroupProducer> lanes{scene.track.append_group()};
    for (std::uint64_t number = 1; number < count; ++number) {
        GroupInfo info;
        info.subgroup = number;
        lanes.push_back(lanes.front().create_lane(info));
    }
    scene.run();
    // The largest object, behind which it goes on.
    write(lanes.front(), 0);
    scene.set_forward(request, true);
    std::uint64_t next = 0;
    for (auto &lane : lanes) write(lane, ++next);
    scene.run();
    CHECK(scene.unis.size() == 1 + most);
    // They wait for nothing while it pauses, and none of them is lost.
    scene.set_forward(request, false);
    scene.set_forward(request, true);
    for (auto &lane : lanes) write(lane, count);
    scene.run();
    CHECK(scene.unis.size() == 1 + 2 * most);
    for (auto &lane : lanes) lane.finish();
    scene.run();
    CHECK(scene.unis.size() == 1 + most + count);
    scene.track.finish();
    scene.run();
    const auto all = scene.messages(*request.answer);
    CHECK(std::get<ietf::PublishDone>(all.back()).streams == most + count);
}

TEST_CASE("MoQ Transport: groups that come into a range when its end moves begin as there is room for them", "[ietf][session]") {
    constexpr std::size_t count = 300, most = 128;
    PublishedScene scene;
    scene.begin_at_once();
    auto message = scene.subscribe_to("a");
    message.parameters.filter = range_filter({}, ietf::RangeEnd{0, {}});
    auto &request = scene.ask(message);
    std::vector<GroupProducer> groups;
    for (std::uint64_t sequence = 0; sequence < count; ++sequence) {
        groups.push_back(scene.track.create_group(sequence));
        write(groups.back(), 0);
        scene.run();
    }
    CHECK(scene.unis.size() == 2);
    ietf::Parameters further;
    further.filter = range_filter({}, ietf::RangeEnd{count - 1, {}});
    scene.update(request, further);
    CHECK(scene.unis.size() == 1 + most);
    for (auto &group : groups) group.finish();
    scene.run();
    CHECK(scene.unis.size() == 1 + count);
    scene.pass(501ms);
    const auto all = scene.messages(*request.answer);
    CHECK(std::get<ietf::PublishDone>(all.back()).streams == count);
}

TEST_CASE("MoQ Transport: a fetch that joins waits for the answer to its subscription", "[ietf][session]") {
    RawScene scene;
    scene.connect();
    scene.greet();
    std::vector<const RawRequest *> joins;
    for (const std::string space : {"late", "never"}) {
        auto message = scene.subscribe_to(space);
        message.parameters.filter = ietf::Filter{};
        message.parameters.rendezvous_timeout = 1'000;
        scene.ask(message);
        ietf::Fetch join;
        join.request_id = scene.next_id();
        join.kind = ietf::Fetch::Kind::RelativeJoining;
        join.joining_request = message.request_id;
        joins.push_back(&scene.ask(join));
        CHECK(scene.messages(*joins.back()->answer).empty());
    }
    auto made = scene.origin.producer().make_broadcast();
    auto track = made.create_track("video");
    auto group = track.append_group();
    write(group, 0);
    const auto published = scene.origin.producer().publish_broadcast("late", made.consume());
    scene.run();
    CHECK(scene.answer<ietf::FetchOk>(*joins.front()).end == ietf::RangeEnd{0, 0});
    scene.pass(1'001ms);
    CHECK(scene.refusal(*joins.back()) == 0x32);
}

TEST_CASE("MoQ Transport: draft 18 has room for a new subscription to a track when the last one is done", "[ietf][session]") {
    PublishedScene scene;
    scene.track.write_frame(payload("x"));
    scene.begin_at_once();
    auto &first = scene.ask(scene.subscribe_to("a"));
    scene.track.finish();
    scene.run();
    REQUIRE(first.answer->ended);
    auto &second = scene.ask(scene.subscribe_to("a"));
    const auto all = scene.messages(*second.answer);
    REQUIRE_FALSE(all.empty());
    CHECK(std::holds_alternative<ietf::SubscribeOk>(all.front()));
}

TEST_CASE("MoQ Transport: an update before the first answer is answered after it", "[ietf][session]") {
    RawScene scene;
    auto handler = scene.origin.producer().dynamic();
    scene.connect();
    scene.greet();
    ietf::TrackStatus status;
    status.request_id = scene.next_id();
    status.track = {{"made"}, "video"};
    auto &request = scene.ask(status);
    scene.update(request, ietf::Parameters());
    CHECK(scene.messages(*request.answer).empty());
    auto asked = test::now(handler.requested_broadcast());
    REQUIRE(asked);
    auto made = scene.origin.producer().make_broadcast();
    const auto track = made.create_track("video");
    CHECK(asked->accept(made.consume()));
    scene.run();
    const auto all = scene.messages(*request.answer);
    REQUIRE(all.size() == 2);
    CHECK(std::holds_alternative<ietf::RequestOk>(all.front()));
    CHECK(std::get<ietf::RequestError>(all.back()).code == 0x3);
}

TEST_CASE("MoQ Transport: the end of a peer's half ends its request for namespaces in draft 18 alone", "[ietf][session]") {
    for (const auto &name : every_draft) {
        INFO(name);
        RawScene scene(name);
        scene.connect();
        scene.greet();
        ietf::SubscribeNamespace spaces;
        spaces.request_id = scene.next_id();
        auto &request = scene.ask(spaces);
        request.stream.send->finish();
        scene.run();
        const auto published = scene.origin.producer().create_broadcast("a");
        scene.run();
        const bool goes_on = !scene.is_older();
        CHECK(request.answer->ended != goes_on);
        CHECK(scene.messages(*request.answer).size() == (goes_on ? 2u : 1u));
        request.stream.receive->stop(1);
        scene.run();
        CHECK(scene.is_alive());
    }
}

}  // namespace ranges_tests
