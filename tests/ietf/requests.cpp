// A peer of MoQ Transport by the letter: each request gets one answer, and a peer that breaks a rule its number.
#include <comoq/ietf/session.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "ietf/published_scene.hpp"
#include "ietf/raw_scene.hpp"
#include "support/catch.hpp"

namespace requests_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

std::uint64_t number(ietf::SetupOption option) { return static_cast<std::uint64_t>(option); }

}  // namespace

TEST_CASE("MoQ Transport: both sides greet, and a peer is known by what it says of itself", "[ietf][session]") {
    for (const auto &name : every_draft) {
        INFO(name);
        RawScene scene(name);
        scene.connect();
        // Where both sides greet on one stream, it is the client that opens it.
        CHECK(scene.unis.size() == (scene.shared ? 0u : 1u));
        CHECK_FALSE(scene.session->admitted().ready());
        scene.greet("someone/1.0");
        REQUIRE(scene.unis.size() == 1);
        const auto greeting = ietf::next_message(scene.unis.front().answer.octets, scene.draft);
        REQUIRE(greeting);
        CHECK(greeting->type == (scene.shared ? 0x21u : 0x2f00u));
        CHECK(scene.session->admitted().ready());
        CHECK(test::now(scene.session->peer())->implementation == "someone/1.0");
        scene.session->close();
        CHECK(scene.close_number() == 0u);
    }
}

TEST_CASE("MoQ Transport: requests may come before SETUP, and are answered after it", "[ietf][session]") {
    PublishedScene scene;
    scene.connect();
    auto &request = scene.ask(scene.subscribe_to("a"));
    CHECK(scene.messages(*request.answer).empty());
    scene.greet();
    CHECK(scene.answer<ietf::SubscribeOk>(request).alias == 0);
}

TEST_CASE("MoQ Transport: what a client may not say in SETUP ends its session with the number of that", "[ietf][session]") {
    {
        // A server has no path.
        RawScene scene("moqt-18", false);
        scene.connect();
        ietf::Setup setup;
        setup.options.add(number(ietf::SetupOption::Path), as_span("/x"));
        scene.control = scene.now(scene.raw->open_uni());
        scene.say(setup);
        CHECK(scene.close_number() == 0x8u);
    }
    {
        RawScene scene("moqt-18", false);
        scene.connect();
        ietf::Setup setup;
        setup.options.add(number(ietf::SetupOption::Authority), as_span("host"));
        scene.control = scene.now(scene.raw->open_uni());
        scene.say(setup);
        CHECK(scene.close_number() == 0x19u);
    }
    {
        // A second one.
        RawScene scene;
        scene.connect();
        scene.greet();
        scene.say(ietf::Setup());
        CHECK(scene.close_number() == 0x3u);
    }
    {
        RawScene scene;
        scene.connect();
        scene.greet();
        scene.greet();
        CHECK(scene.close_number() == 0x3u);
    }
    {
        RawScene scene;
        scene.connect();
        scene.greet();
        scene.control->finish();
        CHECK(scene.close_number() == 0x3u);
    }
}

TEST_CASE("MoQ Transport: a client is shown what is below the path that it asks for", "[ietf][session]") {
    RawScene scene;
    auto published = scene.origin.producer().create_broadcast("room/a");
    auto broadcast = published.producer();
    const auto track = broadcast.create_track("video");
    scene.connect();
    ietf::Setup setup;
    setup.options.add(number(ietf::SetupOption::Path), as_span("/room?jwt=x"));
    scene.control = scene.now(scene.raw->open_uni());
    scene.say(setup);
    scene.answer<ietf::SubscribeOk>(scene.ask(scene.subscribe_to("a")));
    CHECK(scene.refusal(scene.ask(scene.subscribe_to("room/a"))) == 0x10);
}

TEST_CASE("MoQ Transport: every request gets one answer, served or not, and the session lives", "[ietf][session]") {
    for (const auto &name : every_draft) {
        INFO(name);
        PublishedScene scene(name);
        scene.begin_at_once();
        scene.answer<ietf::SubscribeOk>(scene.ask(scene.subscribe_to("a")));
        CHECK(scene.refusal(scene.ask(scene.subscribe_to("nobody"))) == 0x10);
        CHECK(scene.refusal(scene.ask(scene.subscribe_to(".session"))) == 0x10);
        ietf::TrackStatus status;
        status.request_id = scene.next_id();
        status.track = {{"a"}, "video"};
        scene.answer<ietf::RequestOk>(scene.ask(status));
        ietf::Publish publish;
        publish.request_id = scene.next_id();
        publish.track = {{"b"}, "video"};
        publish.parameters.forward = false;
        scene.answer<ietf::RequestOk>(scene.ask(publish));
        if (!scene.shared) {
            ietf::SubscribeTracks tracks;
            tracks.request_id = scene.next_id();
            CHECK(scene.refusal(scene.ask(tracks)) == 0x3);
        }
        scene.answer<ietf::RequestOk>(scene.announce({"mine"}));
        ietf::SubscribeNamespace spaces;
        spaces.request_id = scene.next_id();
        spaces.prefix = {"other"};
        scene.answer<ietf::RequestOk>(scene.ask(spaces));
        // The same prefix, and one below it, overlap.
        spaces.request_id = scene.next_id();
        CHECK(scene.refusal(scene.ask(spaces)) == 0x30);
        spaces.request_id = scene.next_id();
        spaces.prefix = {"other", "below"};
        CHECK(scene.refusal(scene.ask(spaces)) == 0x30);
        CHECK(scene.is_alive());
        for (const auto &request : scene.requests) CHECK_FALSE(request.answer->reset);
    }
}

TEST_CASE("MoQ Transport: a thousand refusals reach a peer that reads late", "[ietf][session]") {
    PublishedScene scene;
    scene.begin_at_once();
    for (int i = 0; i < 1'000; ++i) {
        scene.ask(scene.subscribe_to("nobody"));
        scene.requests.back().stream.send->finish();
    }
    for (const auto &request : scene.requests) CHECK(scene.refusal(request) == 0x10);
    CHECK(scene.is_alive());
}

TEST_CASE("MoQ Transport: a number of a request that is not the peer's, or used, ends the session", "[ietf][session]") {
    for (const std::uint64_t id : {std::uint64_t{1}, std::uint64_t{0}}) {
        PublishedScene scene;
        scene.begin_at_once();
        auto message = scene.subscribe_to("a");
        scene.ask(message);
        CHECK(scene.is_alive());
        message.request_id = id;
        scene.ask(message);
        CHECK(scene.close_number() == 0x4u);
    }
}

TEST_CASE("MoQ Transport: requests may come in any order", "[ietf][session]") {
    PublishedScene scene("moqt-20");
    scene.begin_at_once();
    for (const std::uint64_t id : {std::uint64_t{100}, std::uint64_t{4}, (std::uint64_t{1} << 62) - 2, std::uint64_t{0}}) {
        auto message = scene.subscribe_to("a");
        message.request_id = id;
        scene.answer<ietf::SubscribeOk>(scene.ask(message));
    }
}

TEST_CASE("MoQ Transport: a message that asks for nothing has no place at the beginning of a stream", "[ietf][session]") {
    PublishedScene scene;
    scene.begin_at_once();
    scene.ask(ietf::RequestOk());
    CHECK(scene.close_number() == 0x3u);
}

TEST_CASE("MoQ Transport: tokens are taken by value, and none is kept", "[ietf][session]") {
    using Form = ietf::Token::Form;
    const std::vector<std::pair<Form, std::optional<std::uint64_t>>> forms{
        {Form::UseValue, std::nullopt}, {Form::Register, 0x13}, {Form::UseAlias, 0x17}, {Form::Delete, 0x17}};
    for (const auto &[form, number] : forms) {
        PublishedScene scene;
        scene.begin_at_once();
        auto message = scene.subscribe_to("a");
        ietf::Token token;
        token.form = form;
        token.value = form == Form::UseValue ? "secret" : "";
        message.parameters.tokens.push_back(token);
        auto &request = scene.ask(message);
        CHECK(scene.close_number() == number);
        if (!number) scene.answer<ietf::SubscribeOk>(request);
    }
}

TEST_CASE("MoQ Transport: draft 18 has one subscription to a track at a time, and later drafts several", "[ietf][session]") {
    for (const auto &name : every_draft) {
        INFO(name);
        PublishedScene scene(name);
        scene.begin_at_once();
        auto &first = scene.ask(scene.subscribe_to("a"));
        scene.answer<ietf::SubscribeOk>(first);
        auto &second = scene.ask(scene.subscribe_to("a"));
        if (scene.is_older()) {
            CHECK(scene.refusal(second) == 0x19);
            // The one that was left makes room.
            first.stream.receive->stop(1);
            scene.run();
            scene.answer<ietf::SubscribeOk>(scene.ask(scene.subscribe_to("a")));
            continue;
        }
        CHECK(scene.answer<ietf::SubscribeOk>(second).alias == 2);
        // A peer that leaves one of them gets the other's groups.
        first.stream.receive->stop(1);
        scene.run();
        scene.track.write_frame(payload("x"));
        scene.run();
        CHECK(scene.unis.size() == 2);
    }
}

TEST_CASE("MoQ Transport: a subscription tells the largest object, and how many streams it had", "[ietf][session]") {
    for (const auto &name : every_draft) {
        INFO(name);
        PublishedScene scene(name);
        auto group = scene.track.append_group();
        group.write_frame(payload("0"));
        group.write_frame(payload("1"));
        scene.begin_at_once();
        auto message = scene.subscribe_to("a");
        message.parameters.filter = ietf::Filter{};
        auto &request = scene.ask(message);
        const auto ok = scene.answer<ietf::SubscribeOk>(request);
        CHECK(ok.parameters.largest_object == ietf::Location{0, 1});
        group.write_frame(payload("2"));
        group.finish();
        scene.run();
        scene.track.write_frame(payload("next"));
        scene.track.finish();
        scene.run();
        const auto all = scene.messages(*request.answer);
        REQUIRE(all.size() == 2);
        const auto &done = std::get<ietf::PublishDone>(all.back());
        CHECK(done.status == 0x2);
        CHECK(done.streams == 2u);
        CHECK(request.answer->ended);
        // The control stream, and two groups: of the first, what came after the largest object.
        REQUIRE(scene.unis.size() == 3);
        const auto &octets = std::next(scene.unis.begin())->answer.octets;
        auto step = ietf::read_uni_stream(octets, scene.draft);
        REQUIRE(step.value);
        const auto &header = std::get<ietf::SubgroupHeader>(*step.value);
        CHECK(header.group == 0);
        CHECK_FALSE(header.first_object);
        CHECK(header.end_of_group);
        ietf::SubgroupObjects objects(header, scene.draft);
        const auto object = objects.read(std::span(octets).subspan(step.size));
        REQUIRE(object.value);
        CHECK(object.value->id == 2);
    }
}

TEST_CASE("MoQ Transport: a peer that leaves a subscription gets its open groups reset, and no end of them", "[ietf][session]") {
    PublishedScene scene;
    scene.begin_at_once();
    auto &request = scene.ask(scene.subscribe_to("a"));
    auto group = scene.track.append_group();
    group.write_frame(payload("0"));
    scene.run();
    REQUIRE(scene.unis.size() == 2);
    request.stream.receive->stop(1);
    scene.run();
    CHECK(scene.unis.back().answer.reset == 0x1u);
    CHECK_FALSE(scene.unis.back().answer.ended);
    CHECK(scene.track.unused().ready());
}

TEST_CASE("MoQ Transport: a subscription that does not forward has no streams until it does", "[ietf][session]") {
    PublishedScene scene;
    scene.begin_at_once();
    auto message = scene.subscribe_to("a");
    message.parameters.forward = false;
    auto &request = scene.ask(message);
    auto group = scene.track.append_group();
    group.write_frame(payload("0"));
    scene.run();
    CHECK(scene.unis.size() == 1);
    ietf::Parameters forward;
    forward.forward = true;
    scene.update(request, forward);
    const auto all = scene.messages(*request.answer);
    REQUIRE(all.size() == 2);
    CHECK(std::get<ietf::RequestOk>(all.back()).parameters.largest_object == ietf::Location{0, 0});
    group.write_frame(payload("1"));
    group.finish();
    scene.run();
    REQUIRE(scene.unis.size() == 2);
    CHECK(scene.unis.back().answer.ended);
    const auto text = std::string(reinterpret_cast<const char *>(scene.unis.back().answer.octets.data()),
                                  scene.unis.back().answer.octets.size());
    CHECK(text.find('1') != std::string::npos);
}

TEST_CASE("MoQ Transport: a subscription waits for its namespace as long as it says", "[ietf][session]") {
    RawScene scene;
    scene.connect();
    scene.greet();
    auto message = scene.subscribe_to("late");
    message.parameters.rendezvous_timeout = 1'000;
    auto &served = scene.ask(message);
    message = scene.subscribe_to("never");
    message.parameters.rendezvous_timeout = 1'000;
    auto &refused = scene.ask(message);
    CHECK(scene.messages(*served.answer).empty());
    auto published = scene.origin.producer().create_broadcast("late");
    auto broadcast = published.producer();
    const auto track = broadcast.create_track("video");
    scene.run();
    scene.answer<ietf::SubscribeOk>(served);
    scene.pass(999ms);
    CHECK(scene.messages(*refused.answer).empty());
    scene.pass(2ms);
    CHECK(scene.refusal(refused) == 0x2);
}

TEST_CASE("MoQ Transport: a fetch that joins a subscription gives what was there of its group", "[ietf][session]") {
    PublishedScene scene;
    auto group = scene.track.append_group();
    group.write_frame(payload("0"));
    group.write_frame(payload("1"));
    scene.begin_at_once();
    auto message = scene.subscribe_to("a");
    message.parameters.filter = ietf::Filter{};
    scene.ask(message);
    group.write_frame(payload("2"));
    scene.run();
    ietf::Fetch join;
    join.request_id = scene.next_id();
    join.kind = ietf::Fetch::Kind::RelativeJoining;
    join.joining_request = message.request_id;
    const auto ok = scene.answer<ietf::FetchOk>(scene.ask(join));
    CHECK(ok.end == ietf::RangeEnd{0, 1});
    scene.run();
    REQUIRE(scene.unis.size() == 3);
    const auto &octets = scene.unis.back().answer.octets;
    auto step = ietf::read_uni_stream(octets, scene.draft);
    REQUIRE(step.value);
    CHECK(std::get<ietf::FetchHeader>(*step.value).request_id == join.request_id);
    CHECK(scene.unis.back().answer.ended);
    // Nothing that is not a subscription is joined.
    join.request_id = scene.next_id();
    join.joining_request = 77;
    CHECK(scene.refusal(scene.ask(join)) == 0x32);
}

TEST_CASE("MoQ Transport: the peer's namespaces are announced here until their stream ends in any way", "[ietf][session]") {
    for (int way = 0; way < 3; ++way) {
        RawScene scene;
        scene.connect();
        scene.greet();
        auto &request = scene.announce({"room", "a/b"});
        scene.answer<ietf::RequestOk>(request);
        auto watch = scene.origin.consumer().announced();
        CHECK(test::now(watch.next())->path.view() == "room/a\\/b");
        if (way == 0) request.stream.send->finish();
        if (way == 1) request.stream.send->reset(0);
        if (way == 2) scene.raw->close(0, "");
        scene.run();
        CHECK(scene.origin.stats().announced == 0);
    }
}

}  // namespace requests_tests
