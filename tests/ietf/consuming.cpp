// A publisher of MoQ Transport by the letter: what this side makes of its streams.
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

#include "ietf/raw_scene.hpp"
#include "ietf/viewer_scene.hpp"
#include "support/catch.hpp"

namespace consuming_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

TEST_CASE("MoQ Transport: a viewer's request is a SUBSCRIBE, and its answer makes the track", "[ietf][session]") {
    ViewerScene scene;
    const auto all = scene.messages(*scene.request().answer);
    REQUIRE(all.size() == 1);
    const auto &asked = std::get<ietf::Subscribe>(all.front());
    // The first request is for namespaces.
    CHECK(asked.request_id == 3);
    CHECK(asked.track == ietf::FullName{{"a"}, "video"});
    CHECK_FALSE(scene.pending->done());
    scene.accept(5);
    scene.send_uni(scene.group(5, 3, {"x", "y"}), true);
    CHECK(scene.next_group() == Words{"x", "y"});
}

TEST_CASE("MoQ Transport: streams that come before their alias is known wait for it, and few do, and not for long", "[ietf][session]") {
    ViewerScene scene;
    scene.send_uni(scene.group(5, 3, {"early"}), true);
    scene.accept(5);
    CHECK(scene.next_group() == Words{"early"});
    for (int i = 0; i < 65; ++i) scene.send_uni(scene.group(99, 3, {"stranger"}));
    const auto stopped_with = [&scene](SendStream &stream) {
        auto stopped = scene.begin(stream.stopped());
        return stopped.done() ? stream_end_number(stopped.value()) : std::nullopt;
    };
    // One too many is stopped at once.
    CHECK(stopped_with(*scene.sent.back()) == 0x9u);
    CHECK_FALSE(stopped_with(*scene.sent[1]));
    scene.pass(2'001ms);
    CHECK(stopped_with(*scene.sent[1]) == 0x1u);
    CHECK(scene.is_alive());
}

TEST_CASE("MoQ Transport: nothing is lost when the end overtakes streams", "[ietf][session]") {
    ViewerScene scene;
    scene.accept(5);
    scene.end(0x2, 2);
    scene.send_uni(scene.group(5, 0, {"0"}), true);
    CHECK(scene.next_group() == Words{"0"});
    CHECK_FALSE(scene.subscriber->finished().ready());
    scene.send_uni(scene.group(5, 1, {"1"}), true);
    CHECK(scene.next_group() == Words{"1"});
    scene.run();
    CHECK(test::now(scene.subscriber->finished()) == 2);
}

TEST_CASE("MoQ Transport: every number with which a subscription or a request can end is a code here, and no end of the session",
          "[ietf][session]") {
    for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{5}, std::uint64_t{0x12}, std::uint64_t{0x7f},
                                       std::uint64_t{1} << 40, ~std::uint64_t{0} >> 2}) {
        INFO(number);
        ViewerScene scene;
        scene.accept(5);
        scene.end(number, 0);
        auto closed = wait(scene.subscriber->closed());
        scene.run();
        CHECK(closed.value());
        CHECK(scene.is_alive());
        ViewerScene refused;
        ietf::RequestError no;
        no.code = number == 0x34 ? 0 : number;
        refused.reply(refused.request(), no);
        CHECK(refused.pending->code());
        CHECK(refused.is_alive());
        ViewerScene reset;
        reset.accept(5);
        reset.send_uni(reset.group(5, 0, {"x"}, 0, false));
        reset.sent.back()->reset(number);
        reset.run();
        CHECK(reset.is_alive());
    }
}

TEST_CASE("MoQ Transport: a viewer that joins in the middle of a group sees it from its beginning, each object once", "[ietf][session]") {
    ViewerScene scene;
    scene.accept(5, ietf::Location{4, 1});
    // The beginning is fetched.
    const auto all = scene.messages(*scene.asked.back().answer);
    REQUIRE(all.size() == 1);
    const auto &fetch = std::get<ietf::Fetch>(all.front());
    CHECK(fetch.kind == ietf::Fetch::Kind::RelativeJoining);
    CHECK(fetch.joining_request == 3);
    // The rest is there before it.
    scene.send_uni(scene.group(5, 4, {"2", "3"}, 2), true);
    scene.answer_join(4, {0, 1});
    CHECK(scene.next_group() == Words{"0", "1", "2", "3"});
}

TEST_CASE("MoQ Transport: a viewer that cannot have the beginning of a group gets the next one", "[ietf][session]") {
    ViewerScene scene;
    scene.accept(5, ietf::Location{4, 1});
    ietf::RequestError no;
    no.code = 0x3;
    scene.reply(scene.asked.back(), no);
    scene.send_uni(scene.group(5, 4, {"2"}, 2), true);
    scene.send_uni(scene.group(5, 5, {"whole"}), true);
    scene.run();
    auto waiting = wait(scene.subscriber->read_frame());
    scene.run();
    REQUIRE(waiting.value());
    CHECK(waiting.value()->payload.view() == "whole");
    CHECK(scene.is_alive());
}

TEST_CASE("MoQ Transport: an alias of two tracks at a time ends the session", "[ietf][session]") {
    ViewerScene scene;
    scene.accept(5);
    auto other = wait(scene.session->broadcast("a").track("audio").subscribe());
    scene.run();
    ietf::SubscribeOk ok;
    ok.alias = 5;
    scene.reply(scene.request(), ok);
    CHECK(scene.close_number() == 0x5u);
}

TEST_CASE("MoQ Transport: a viewer that leaves resets its request, and the peer's groups are stopped", "[ietf][session]") {
    ViewerScene scene;
    scene.accept(5);
    scene.send_uni(scene.group(5, 0, {"x"}, 0, false), true);
    CHECK(scene.next_group() == Words{"x"});
    scene.subscriber.reset();
    scene.run();
    CHECK(scene.request().answer->reset == 0x1u);
    auto stopped = scene.begin(scene.request().stream.send->stopped());
    REQUIRE(stopped.done());
    CHECK(stream_end_number(stopped.value()) == 0x1u);
    CHECK(scene.is_alive());
}

TEST_CASE("MoQ Transport: what has no place in a stream ends the session", "[ietf][session]") {
    const auto violates = [](Octets octets, bool ends) {
        ViewerScene scene;
        scene.accept(5);
        scene.send_uni(std::move(octets), ends);
        return scene.close_number() == 0x3u;
    };
    ViewerScene scene;
    auto whole = scene.group(5, 0, {"text"});
    auto cut = whole;
    cut.pop_back();
    CHECK(violates(cut, true));
    CHECK_FALSE(violates(whole, true));
    // A type that no draft has.
    CHECK(violates(Octets{std::byte{0x03}}, false));
    // A group that says that it is both.
    CHECK(violates(Octets{std::byte{0x16}}, false));
}

TEST_CASE("MoQ Transport: a group that begins in the middle, and one with a gap, keep the numbers of their objects", "[ietf][session]") {
    ViewerScene scene;
    scene.accept(5);
    scene.send_uni(scene.group(5, 0, {"a", "b"}, 3), true);
    auto waiting = wait(scene.subscriber->recv_group());
    scene.run();
    auto group = std::move(waiting.value());
    REQUIRE(group);
    CHECK(group->info().is_partial);
    CHECK(group->info().first_object == 3);
    CHECK(texts(*group) == Words{"a", "b"});
    CHECK(group->object_id() == 4);
    ietf::SubgroupHeader header;
    header.alias = 5;
    header.group = 1;
    header.first_object = true;
    Octets octets;
    ietf::encode(header, scene.draft, octets);
    ietf::SubgroupObjects objects(header, scene.draft);
    for (const std::uint64_t id : {2u, 5u}) {
        ietf::ObjectHeader object;
        object.id = id;
        objects.write(object, octets);
    }
    scene.send_uni(octets, true);
    auto next = wait(scene.subscriber->recv_group());
    scene.run();
    group = std::move(next.value());
    REQUIRE(group);
    CHECK_FALSE(group->info().is_partial);
    CHECK(test::now(group->read_frame())->extras.skipped() == 2);
    CHECK(test::now(group->read_frame())->extras.skipped() == 2);
    CHECK(group->object_id() == 5);
}

TEST_CASE("MoQ Transport: the namespaces that the peer tells are announced, each once, in whatever way it tells them", "[ietf][session]") {
    RawScene scene;
    scene.connect();
    scene.greet();
    REQUIRE(scene.asked.size() == 1);
    auto &follow = scene.asked.front();
    const auto all = scene.messages(*follow.answer);
    REQUIRE(std::holds_alternative<ietf::SubscribeNamespace>(all.at(0)));
    const auto tell = [&](const auto &message) { scene.reply(follow, message); };
    tell(ietf::RequestOk());
    tell(ietf::NamespaceFound{{"a"}});
    CHECK(scene.origin.stats().announced == 1);
    auto &published = scene.announce({"a"});
    scene.answer<ietf::RequestOk>(published);
    CHECK(scene.origin.stats().announced == 1);
    tell(ietf::NamespaceDone{{"a"}});
    CHECK(scene.origin.stats().announced == 1);
    published.stream.send->finish();
    scene.run();
    CHECK(scene.origin.stats().announced == 0);
    CHECK(scene.is_alive());
}

TEST_CASE("MoQ Transport: a viewer of a path below an announced namespace is served by its peer", "[ietf][session]") {
    RawScene scene;
    scene.connect();
    scene.greet();
    scene.announce({"a"});
    auto pending = wait(scene.origin.consumer().request_broadcast("a/b/c"));
    scene.run();
    auto asking = wait(pending.value().track("video").subscribe());
    scene.run();
    const auto all = scene.messages(*scene.asked.back().answer);
    REQUIRE(all.size() == 1);
    CHECK(std::get<ietf::Subscribe>(all.front()).track == ietf::FullName{{"a", "b", "c"}, "video"});
}

TEST_CASE("MoQ Transport: the peer may announce a number of namespaces, and the rest is refused", "[ietf][session]") {
    RawScene scene;
    SessionConfig config;
    config.subscribe = scene.origin.producer();
    config.max_announced = 2;
    scene.connect(std::move(config));
    scene.greet();
    for (int i = 0; i < 3; ++i) {
        auto &request = scene.announce({std::to_string(i)});
        if (i < 2)
            scene.answer<ietf::RequestOk>(request);
        else
            CHECK(scene.refusal(request) == 0x9);
    }
    CHECK(scene.session->announcements_left_out() == 1);
}

}  // namespace consuming_tests
