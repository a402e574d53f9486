// A session's messages on the streams on which it asks, as its peer sees them.
#include <comoq/detail/lite/codec.hpp>
#include <comoq/lite/session.hpp>
#include <comoq/memory_transport.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include "lite/asked_scene.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/media.hpp"
#include "support/run.hpp"

namespace session_requests_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using Scene = comoq::test::AskedScene;

TEST_CASE("a session asks: TRACK is not finished before its answer has come", "[lite][session]") {
    Scene scene;
    auto info = wait(scene.session->broadcast("x").track("video").info());
    scene.run();
    auto track = scene.asked();
    CHECK_FALSE(*track.ended);
    scene.answer_info(track);
    CHECK(info.done());
    CHECK(*track.ended);
}

TEST_CASE("a session asks: FETCH is not finished before all of the group has come", "[lite][session]") {
    Scene scene;
    auto fetching = wait(scene.session->broadcast("x").track("video").fetch_group(7));
    scene.run();
    auto track = scene.asked();
    scene.answer_info(track);
    auto fetch = scene.asked();
    CHECK_FALSE(*fetch.ended);
    // A frame of two bytes.
    scene.answer(fetch, {std::byte{0}, std::byte{2}, std::byte{'a'}, std::byte{'b'}});
    CHECK(fetching.done());
    CHECK_FALSE(*fetch.ended);
    fetch.stream.send->finish();
    scene.run();
    CHECK(*fetch.ended);
    CHECK(texts(fetching.value()) == Words{"ab"});
}

TEST_CASE("a session asks: SUBSCRIBE is finished when nobody wants the track any more, and not before", "[lite][session]") {
    Scene scene;
    auto subscribing = std::make_unique<Waiting<TrackSubscriber>>(
        wait(scene.session->broadcast("x").track("video").subscribe()));
    scene.run();
    auto track = scene.asked();
    scene.answer_info(track);
    auto subscribe = scene.asked();
    CHECK_FALSE(*subscribe.ended);
    subscribing.reset();
    scene.run();
    CHECK(*subscribe.ended);
}

TEST_CASE("a session asks: a requester that leaves while the peer allows no more streams asks for nothing", "[lite][session]") {
    for (const bool leaves : {false, true}) {
        auto config = spoken_link();
        config.max_streams = 3;
        Scene scene(config);
        const auto broadcast = scene.session->broadcast("x");
        auto other = wait(broadcast.track("other").subscribe());
        scene.run();
        auto other_track = scene.asked();
        scene.answer_info(other_track);
        other_track.stream = {};
        auto other_subscribe = scene.asked();
        // The third stream is for TRACK and then for FETCH, which was there before SUBSCRIBE.
        auto subscribing = std::make_unique<Waiting<TrackSubscriber>>(wait(broadcast.track("video").subscribe()));
        scene.run();
        auto fetching = wait(broadcast.track("other").fetch_group(7));
        scene.run();
        auto track = scene.asked();
        scene.answer_info(track);
        track.stream = {};
        auto fetch = scene.asked();
        CHECK_FALSE(scene.is_asked_more());
        if (leaves) {
            subscribing.reset();
            scene.run();
        }
        fetch.stream.send->finish();
        scene.run();
        CHECK(fetching.done());
        CHECK(*fetch.ended);
        CHECK(scene.is_asked_more() != leaves);
    }
}

TEST_CASE("a session asks: a requester that leaves before the answer takes the question back", "[lite][session]") {
    Scene scene;
    auto info = std::make_unique<Waiting<TrackInfo>>(wait(scene.session->broadcast("x").track("video").info()));
    scene.run();
    BidiStream track = scene.accept();
    CHECK_FALSE(run_to_end(scene.context, track.receive->read()).empty());
    info.reset();
    scene.run();
    CHECK(error_of([&] { return run_to_end(scene.context, track.receive->read()); }) == stream_ended(0x01));
}

namespace {

/// A session whose peer has answered TRACK for "video", and has the subscription of a reader that stays: a track
/// without subscribers is not kept for long.
struct FetchScene : AskedScene {
    FetchScene() {
        run();
        auto track = asked();
        answer_info(track);
        subscribe.emplace(asked());
    }
    using Fetched = std::unique_ptr<Waiting<GroupConsumer>>;
    Fetched fetch(std::uint64_t sequence, std::uint8_t priority = 0) {
        Fetch how;
        how.priority = priority;
        auto fetching = std::make_unique<Waiting<GroupConsumer>>(wait(video.fetch_group(sequence, how)));
        run();
        return fetching;
    }
    TrackConsumer video = session->broadcast("x").track("video");
    Waiting<TrackSubscriber> subscribing = wait(video.subscribe());
    std::optional<Asked> subscribe;
};

}  // namespace

TEST_CASE("a session asks: a group that does not come in time is refused, and the next one has its turn", "[lite][session]") {
    FetchScene scene;
    std::vector<FetchScene::Fetched> fetching;
    for (std::uint64_t i = 0; i < 12; ++i) {
        fetching.push_back(scene.fetch(i));
    }
    // The most groups that one track may ask for at a time.
    std::vector<Scene::Asked> asked;
    for (int i = 0; i < 8; ++i) {
        asked.push_back(scene.asked());
    }
    CHECK_FALSE(scene.is_asked_more());
    scene.time.advance(10s);
    scene.run();
    CHECK(fetching[0]->code() == Error::Timeout);
    CHECK(fetching[7]->code() == Error::Timeout);
    CHECK_FALSE(fetching[8]->done());
    for (int i = 0; i < 4; ++i) {
        asked.push_back(scene.asked());
    }
    scene.time.advance(10s);
    scene.run();
    CHECK(fetching.back()->code() == Error::Timeout);
}

TEST_CASE("a session asks: an urgent group does not wait behind others that are never answered", "[lite][session]") {
    FetchScene scene;
    std::vector<FetchScene::Fetched> fetching;
    for (std::uint64_t i = 0; i < 12; ++i) {
        fetching.push_back(scene.fetch(i));
    }
    std::vector<Scene::Asked> asked;
    for (int i = 0; i < 8; ++i) {
        asked.push_back(scene.asked());
    }
    auto urgent = scene.fetch(100, 255);
    auto question = scene.asked();
    scene.answer(question, {std::byte{0}, std::byte{1}, std::byte{'u'}});
    CHECK(urgent->done());
    // The question that gave up its place is asked again when a place is free.
    CHECK_FALSE(scene.is_asked_more());
    question.stream.send->finish();
    scene.run();
    auto again = scene.asked();
    CHECK_FALSE(fetching[7]->done());
    scene.answer(again, {std::byte{0}, std::byte{1}, std::byte{'7'}});
    CHECK(texts(fetching[7]->value()) == Words{"7"});
}

TEST_CASE("a session asks: a requester that leaves while its group waits for a turn takes the group out of the queue",
          "[lite][session]") {
    FetchScene scene;
    std::vector<FetchScene::Fetched> fetching;
    for (std::uint64_t i = 0; i < 8; ++i) {
        fetching.push_back(scene.fetch(i));
    }
    std::vector<Scene::Asked> asked;
    for (int i = 0; i < 8; ++i) {
        asked.push_back(scene.asked());
    }
    auto left = scene.fetch(50);
    auto stays = scene.fetch(51);
    left.reset();
    scene.run();
    fetching.front().reset();
    scene.run();
    auto next = scene.asked();
    scene.answer(next, {std::byte{0}, std::byte{1}, std::byte{'s'}});
    CHECK(stays->done());
    CHECK_FALSE(scene.is_asked_more());
}

}
