// What a peer of MoQ Transport wants of the past with its subscription, from draft 20 on: FILL_PARAMETERS.
#include <comoq/ietf/session.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <comoq/detail/ietf/fill.hpp>
#include <comoq/track.hpp>

#include "ietf/published_scene.hpp"
#include "ietf/range_scene.hpp"
#include "ietf/wire_peer.hpp"
#include "support/catch.hpp"
#include "support/cost_table.hpp"
#include "support/media.hpp"

namespace fills_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

std::string with_drafts() { return GENERATE("moqt-20", "moqt-22"); }

ietf::Filter relative(std::uint64_t groups) {
    ietf::Filter filter;
    filter.kind = ietf::Filter::Kind::Relative;
    filter.groups = groups;
    return filter;
}
/// The value of the parameter.
std::string fill_with(const ietf::Parameters &parameters, ietf::Draft draft, bool is_counted = true) {
    Octets octets;
    ietf::FieldWriter to(octets, ietf::dialect_of(draft));
    ietf::write_parameters(to, parameters, ietf::detail::in_fetch);
    // The count takes one octet.
    const auto value = std::span(octets).subspan(is_counted ? 0 : 1);
    return {reinterpret_cast<const char *>(value.data()), value.size()};
}
std::string fill_with(const std::optional<ietf::Filter> &filter, ietf::Draft draft, bool is_counted = true) {
    ietf::Parameters parameters;
    parameters.filter = filter;
    return fill_with(parameters, draft, is_counted);
}

using Fills = std::vector<std::string>;

/// The streams that fill, by the number of the request: "0: 1.0 1.1" for a group and its objects, "?" for what nobody knows.
Fills fills_of(const RawScene &scene, ietf::GroupOrder order = ietf::GroupOrder::Ascending) {
    Fills all;
    for (const RawUni &uni : scene.unis) {
        std::span<const std::byte> rest(uni.answer.octets);
        const auto kind = ietf::read_uni_stream(rest, scene.draft);
        REQUIRE(kind.value);
        const auto *header = std::get_if<ietf::FetchHeader>(&*kind.value);
        if (header == nullptr) continue;
        std::string text = std::to_string(header->request_id) + ":";
        ietf::FetchObjects objects(order, scene.draft);
        for (rest = rest.subspan(kind.size); !rest.empty();) {
            const auto object = objects.read(rest);
            REQUIRE(object.value);
            const auto &[group, number] = object.value->location;
            const bool is_known = object.value->kind == ietf::FetchedObject::Kind::Object;
            text += " " + std::to_string(group) + (is_known ? "." + std::to_string(number) : "?");
            rest = rest.subspan(object.size + static_cast<std::size_t>(object.value->payload_size));
        }
        all.push_back(text + (uni.answer.ended ? "" : uni.answer.reset ? " reset" : " open"));
    }
    return all;
}

/// Three groups of three objects: the last one goes on.
struct Scene : PublishedScene {
    explicit Scene(std::string protocol) : PublishedScene(std::move(protocol)) {
        for (int number = 0; number < 3; ++number) {
            group.emplace(track.append_group());
            for (int i = 0; i < 3; ++i) test::write(*group, 0);
            if (number != 2) group->finish();
        }
        begin_at_once();
    }
    RawRequest &subscribe(const std::string &fill, std::optional<ietf::Filter> filter = ietf::Filter{}) {
        auto message = subscribe_to("a");
        message.parameters.filter = filter;
        message.parameters.fill = fill;
        subscribed = message.request_id;
        return ask(message);
    }
    std::optional<GroupProducer> group;
    std::uint64_t subscribed = 0;
};

}  // namespace

TEST_CASE("MoQ Transport fills: the past comes on a stream with the number of the subscription, and the rest on the group's",
          "[ietf][session]") {
    const auto protocol = with_drafts();
    const bool is_counted = GENERATE(true, false);
    CAPTURE(protocol, is_counted);
    Scene scene(protocol);
    scene.subscribe(fill_with(relative(2), scene.draft, is_counted));
    CHECK(fills_of(scene) == Fills{std::to_string(scene.subscribed) + ": 1.0 1.1 1.2 2.0 2.1 2.2"});
    write(*scene.group, 0);
    scene.run();
    CHECK(ids_of(scene, scene.unis.back()) == Ids{3});
}

TEST_CASE("MoQ Transport fills: without a filter of its own, a fill has that of the subscription, and ends with the largest object",
          "[ietf][session]") {
    Scene scene(with_drafts());
    const auto number = [&] { return std::to_string(scene.subscribed) + ":"; };
    SECTION("a range that goes on") {
        scene.subscribe(fill_with(std::nullopt, scene.draft), range_filter({1, 1}));
        CHECK(fills_of(scene) == Fills{number() + " 1.1 1.2 2.0 2.1 2.2"});
    }
    SECTION("a range that ends before that") {
        scene.subscribe(fill_with(range_filter({0, 2}, ietf::RangeEnd{1, 1}), scene.draft));
        CHECK(fills_of(scene) == Fills{number() + " 0.2 1.0 1.1"});
    }
    SECTION("a range that ends with a group") {
        scene.subscribe(fill_with(range_filter({1, 0}, ietf::RangeEnd{1, {}}), scene.draft));
        CHECK(fills_of(scene) == Fills{number() + " 1.0 1.1 1.2"});
    }
    SECTION("a range that ends in the newest group") {
        scene.subscribe(fill_with(range_filter({2, 0}, ietf::RangeEnd{2, 1}), scene.draft));
        CHECK(fills_of(scene) == Fills{number() + " 2.0 2.1"});
    }
    SECTION("a range that ends later") {
        scene.subscribe(fill_with(range_filter({2, 1}, ietf::RangeEnd{9, 9}), scene.draft));
        CHECK(fills_of(scene) == Fills{number() + " 2.1 2.2"});
    }
    SECTION("no filter at all") {
        scene.subscribe(fill_with(std::nullopt, scene.draft), std::nullopt);
        CHECK(fills_of(scene) == Fills{number() + " 0.0 0.1 0.2 1.0 1.1 1.2 2.0 2.1 2.2"});
    }
    SECTION("what cannot be read says nothing") {
        scene.subscribe("\xff", range_filter({2, 2}));
        CHECK(fills_of(scene) == Fills{number() + " 2.2"});
    }
}

TEST_CASE("MoQ Transport fills: the newest group goes first where the fill says so", "[ietf][session]") {
    Scene scene(with_drafts());
    ietf::Parameters parameters;
    parameters.filter = relative(2);
    parameters.group_order = ietf::GroupOrder::Descending;
    scene.subscribe(fill_with(parameters, scene.draft));
    CHECK(fills_of(scene, ietf::GroupOrder::Descending) == Fills{std::to_string(scene.subscribed) + ": 2.0 2.1 2.2 1.0 1.1 1.2"});
}

TEST_CASE("MoQ Transport fills: where there is nothing to fill with, no stream is opened", "[ietf][session]") {
    const auto protocol = with_drafts();
    SECTION("nothing is published") {
        PublishedScene scene(protocol);
        scene.begin_at_once();
        auto message = scene.subscribe_to("a");
        message.parameters.filter = ietf::Filter{};
        message.parameters.fill = fill_with(relative(1), scene.draft);
        scene.ask(message);
        CHECK(scene.unis.size() == 1);
    }
    SECTION("the range begins behind the largest object") {
        Scene scene(protocol);
        scene.subscribe(fill_with(range_filter({2, 3}), scene.draft));
        scene.subscribe(fill_with(range_filter({3, 0}), scene.draft));
        CHECK(fills_of(scene).empty());
    }
    SECTION("the range is that of a subscription to the next object") {
        Scene scene(protocol);
        scene.subscribe(fill_with(std::nullopt, scene.draft));
        CHECK(fills_of(scene).empty());
    }
    SECTION("the subscription is paused") {
        Scene scene(protocol);
        auto message = scene.subscribe_to("a");
        message.parameters.filter = ietf::Filter{};
        message.parameters.forward = false;
        message.parameters.fill = fill_with(relative(1), scene.draft);
        scene.ask(message);
        CHECK(fills_of(scene).empty());
    }
}

TEST_CASE("MoQ Transport fills: an update fills, too, on a stream with its own number", "[ietf][session]") {
    Scene scene(with_drafts());
    auto message = scene.subscribe_to("a");
    message.parameters.filter = ietf::Filter{};
    auto &request = scene.ask(message);
    CHECK(fills_of(scene).empty());
    ietf::Parameters parameters;
    parameters.fill = fill_with(relative(1), scene.draft);
    const auto number = scene.id;
    scene.update(request, parameters);
    CHECK(fills_of(scene) == Fills{std::to_string(number) + ": 2.0 2.1 2.2"});
    CHECK(std::get_if<ietf::RequestOk>(&scene.messages(*request.answer).back()) != nullptr);
}

TEST_CASE("MoQ Transport fills: an update that comes before the answer fills, too, once there is one", "[ietf][session]") {
    PublishedScene scene(with_drafts());
    // It is the handler that decides.
    auto handler = scene.origin.producer().dynamic();
    scene.begin_at_once();
    auto message = scene.subscribe_to("b");
    message.parameters.filter = ietf::Filter{};
    auto &request = scene.ask(message);
    ietf::Parameters parameters;
    parameters.fill = fill_with(relative(1), scene.draft);
    const auto number = scene.id;
    scene.update(request, parameters);
    CHECK(scene.unis.size() == 1);
    BroadcastProducer made;
    auto track = made.create_track("video");
    auto group = track.append_group();
    for (int i = 0; i < 2; ++i) test::write(group, 0);
    scene.run();
    test::now(handler.requested_broadcast())->accept(made.consume());
    scene.run();
    REQUIRE(scene.unis.size() == 2);
    CHECK(fills_of(scene) == Fills{std::to_string(number) + ": 0.0 0.1"});
}

TEST_CASE("MoQ Transport fills: the end of a subscription waits for its fill, and counts the stream", "[ietf][session]") {
    Scene scene(with_drafts());
    scene.group->finish();
    auto &request = scene.subscribe(fill_with(range_filter({0, 0}), scene.draft), range_filter({1, 0}, ietf::RangeEnd{2, {}}));
    scene.time.advance(std::chrono::seconds(1));
    scene.run();
    CHECK(fills_of(scene) == Fills{std::to_string(scene.subscribed) + ": 0.0 0.1 0.2 1.0 1.1 1.2 2.0 2.1 2.2"});
    const auto messages = scene.messages(*request.answer);
    REQUIRE(!messages.empty());
    const auto *done = std::get_if<ietf::PublishDone>(&messages.back());
    REQUIRE(done != nullptr);
    CHECK(done->streams == scene.unis.size() - 1);
}

TEST_CASE("MoQ Transport fills: a group that nobody has is unknown, and a fifth fill at a time ends the subscription", "[ietf][session]") {
    PublishedScene scene(with_drafts());
    auto newest = scene.track.create_group(5);
    write(newest, 0);
    // It keeps those that ask for a group waiting.
    std::optional<TrackDynamic> groups(scene.track.dynamic());
    scene.begin_at_once();
    auto message = scene.subscribe_to("a");
    message.parameters.filter = ietf::Filter{};
    auto &request = scene.ask(message);
    ietf::Parameters parameters;
    parameters.fill = fill_with(range_filter({4, 0}), scene.draft);
    for (std::size_t i = 0; i < ietf::detail::Fills::most; ++i) scene.update(request, parameters);
    CHECK(scene.unis.size() == 1 + ietf::detail::Fills::most);
    CHECK_FALSE(request.answer->reset);
    SECTION("it is unknown") {
        groups.reset();
        scene.run();
        std::size_t over = 0;
        for (const RawUni &uni : scene.unis) over += uni.answer.ended ? 1 : 0;
        CHECK(over == ietf::detail::Fills::most);
        // There is room again.
        scene.update(request, parameters);
        CHECK_FALSE((request.answer->reset || request.answer->ended));
    }
    SECTION("one more") {
        scene.update(request, parameters);
        CHECK((request.answer->reset || request.answer->ended));
        CHECK_FALSE(scene.session->closed().ready());
    }
}

TEST_CASE("peer costs of MoQ Transport: a fill of a subscription", "[ietf][peer_costs]") {
    check_cost("fill of a subscription", ietf::detail::Fills::most, 2, [](std::size_t count) {
        MoqtWirePeer peer(origin_with_id(1), "moqt-20");
        auto broadcast = peer.origin.producer().create_broadcast("a");
        auto track = broadcast.producer().create_track("video");
        auto newest = track.create_group(5);
        newest.write_frame(payload("x"));
        // Somebody may have the group that is asked for, and does not say.
        const auto groups = track.dynamic();
        peer.begin();
        ietf::Subscribe message;
        message.track = {{"a"}, "video"};
        message.parameters.filter = ietf::Filter{};
        const auto stream = peer.ask(message);
        std::uint64_t at = peer.size_of_request;
        ietf::RequestUpdate update;
        update.parameters.fill = fill_with(range_filter({4, 0}), peer.draft);
        return taken_by(peer, [&] {
            for (std::size_t i = 0; i < count; ++i) {
                update.request_id += 2;
                const auto octets = peer.encoded(update);
                peer.send(qmux::Stream{stream, at, octets, false});
                at += octets.size();
            }
        });
    });
}

}  // namespace fills_tests
