// A track that a peer of MoQ Transport pushes is here as if this side had subscribed to it.
#include <comoq/ietf/session.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "ietf/viewer_scene.hpp"
#include "support/catch.hpp"

namespace pushed_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

/// A peer that pushes the track "video" of "live", whose objects have the alias 7.
struct PushScene : RawScene {
    explicit PushScene(std::string name = "moqt-18") : RawScene(std::move(name)) {
        connect();
        greet();
    }
    ietf::Publish offer(std::uint64_t alias = 7, std::string_view track = "video") {
        ietf::Publish message;
        message.request_id = next_id();
        message.track = {{"live"}, std::string(track)};
        message.alias = alias;
        return message;
    }
    RawRequest &push() { return ask(offer()); }
    /// True if the session wants objects, as it has said last.
    bool is_forwarded(const RawRequest &of) const {
        bool forwards = true;
        for (const auto &message : messages(*of.answer)) {
            const auto *const update = std::get_if<ietf::RequestUpdate>(&message);
            const auto *const ok = std::get_if<ietf::RequestOk>(&message);
            REQUIRE((update || ok));
            forwards = (update ? update->parameters : ok->parameters).forward.value_or(forwards);
        }
        return forwards;
    }
    TrackConsumer track() { return test::now(origin.consumer().announced_broadcast("live")).track("video"); }
    std::optional<TrackSubscriber> subscribe() {
        std::optional<TrackSubscriber> subscriber(test::now(track().subscribe()));
        run();
        return subscriber;
    }
    Words read(TrackSubscriber &from) {
        auto group = test::now(from.recv_group());
        REQUIRE(group);
        return texts(*group);
    }
};

}  // namespace

TEST_CASE("MoQ Transport: a pushed track is announced, and gives its groups while somebody wants them", "[ietf][session]") {
    for (const auto &name : every_draft) {
        INFO(name);
        PushScene scene(name);
        auto offer = scene.offer();
        offer.properties.add(0x0e, 77);
        auto &request = scene.ask(offer);
        CHECK(std::holds_alternative<ietf::RequestOk>(scene.messages(*request.answer).front()));
        CHECK_FALSE(scene.is_forwarded(request));
        CHECK(test::now(scene.track().info()).priority == 255 - 77);
        auto subscriber = scene.subscribe();
        CHECK(scene.is_forwarded(request));
        // Nobody is asked for it again.
        for (const auto &asked : scene.asked)
            CHECK_FALSE(std::holds_alternative<ietf::Subscribe>(scene.messages(*asked.answer).front()));
        scene.send_uni(scene.group(7, 0, {"a", "b"}), true);
        CHECK(scene.read(*subscriber) == Words{"a", "b"});
        subscriber.reset();
        scene.run();
        CHECK_FALSE(scene.is_forwarded(request));
        subscriber = scene.subscribe();
        CHECK(scene.is_forwarded(request));
        CHECK(scene.is_alive());
    }
}

TEST_CASE("MoQ Transport: a pushed track ends as its peer says, after all of its streams", "[ietf][session]") {
    for (const std::uint64_t status : {0x2u, 0x12u}) {
        PushScene scene;
        auto &request = scene.push();
        auto subscriber = scene.subscribe();
        auto closed = wait(subscriber->closed());
        scene.finish_with(request, status, 1);
        CHECK_FALSE(closed.done());
        scene.send_uni(scene.group(7, 0, {"late"}), true);
        CHECK(request.answer->ended);
        if (status == 0x2) CHECK(scene.read(*subscriber) == Words{"late"});
        CHECK(closed.value() == (status == 0x2 ? std::error_code() : make_error_code(Error::MalformedTrack)));
        CHECK(scene.origin.stats().announced == 0);
        CHECK(scene.is_alive());
    }
    // A peer that leaves without a word.
    PushScene scene;
    auto &request = scene.push();
    auto subscriber = scene.subscribe();
    request.stream.send->reset(0x1);
    request.stream.receive->stop(0x1);
    scene.run();
    CHECK(test::now(subscriber->closed()));
    CHECK(scene.origin.stats().announced == 0);
    CHECK(scene.is_alive());
    // The same track again, under another name of its objects or the same.
    scene.push();
    subscriber = scene.subscribe();
    scene.send_uni(scene.group(7, 0, {"again"}), true);
    CHECK(scene.read(*subscriber) == Words{"again"});
}

TEST_CASE("MoQ Transport: objects of a pushed track may come before it", "[ietf][session]") {
    PushScene scene;
    scene.send_uni(scene.group(7, 0, {"early"}), true);
    scene.push();
    auto subscriber = scene.subscribe();
    CHECK(scene.read(*subscriber) == Words{"early"});
}

TEST_CASE("MoQ Transport: a group of a pushed track is fetched from its peer", "[ietf][session]") {
    PushScene scene;
    scene.push();
    auto pending = wait(scene.track().fetch_group(5));
    scene.run();
    const auto all = scene.messages(*scene.asked.back().answer);
    const auto &fetch = std::get<ietf::Fetch>(all.front());
    CHECK(fetch.track == ietf::FullName{{"live"}, "video"});
    CHECK(fetch.start == ietf::Location{5, 0});
}

TEST_CASE("MoQ Transport: a track that is subscribed to cannot be pushed, nor one under the objects' name of another",
          "[ietf][session]") {
    for (const auto &name : every_draft) {
        INFO(name);
        PushScene scene(name);
        scene.push();
        auto again = scene.offer(8);
        CHECK(scene.refusal(scene.ask(again)) == (scene.is_older() ? 0x19 : 0x20));
        CHECK(scene.is_alive());
        scene.ask(scene.offer(7, "audio"));
        CHECK(scene.close_number() == 0x5u);
    }
}

TEST_CASE("MoQ Transport: where a peer may not publish, it may not push, and too much is refused", "[ietf][session]") {
    PushScene scene;
    SessionConfig config;
    config.publish = scene.origin.consumer();
    {
        RawScene closed;
        closed.connect(config);
        closed.greet();
        ietf::Publish message;
        message.request_id = closed.next_id();
        message.track = {{"live"}, "video"};
        CHECK(closed.refusal(closed.ask(message)) == 0x1);
        CHECK(closed.is_alive());
    }
    {
        RawScene few;
        config.subscribe = few.origin.producer();
        config.max_tracks = 1;
        few.connect(config);
        few.greet();
        for (const bool is_first : {true, false}) {
            ietf::Publish message;
            message.request_id = few.next_id();
            message.track = {{"live"}, is_first ? "video" : "audio"};
            message.alias = is_first ? 1 : 2;
            auto &request = few.ask(message);
            if (!is_first) CHECK(few.refusal(request) == 0x9);
        }
        CHECK(few.is_alive());
    }
}

TEST_CASE("MoQ Transport: a pushed track ends with its session, and by its code", "[ietf][session]") {
    PushScene scene;
    scene.push();
    auto subscriber = scene.subscribe();
    scene.session->close(make_error_code(Error::Unauthorized), "no more");
    scene.run();
    CHECK(test::now(subscriber->closed()) == Error::Unauthorized);
    CHECK(scene.session->done().ready());
}

}  // namespace pushed_tests
