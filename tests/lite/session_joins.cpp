// What a session keeps of a broadcast, a track and a group while readers leave and others join.
#include <comoq/detail/lite/codec.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>

#include "lite/asked_scene.hpp"
#include "lite/relay_scene.hpp"
#include "lite/scene.hpp"
#include "lite/spoken.hpp"
#include "support/begun.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/settle.hpp"

namespace session_joins_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

TEST_CASE("a session asks: a FETCH is taken back when its last requester has left, and not before", "[lite][session]") {
    AskedScene scene;
    auto video = scene.session->broadcast("x").track("video");
    auto one = std::make_unique<Waiting<GroupConsumer>>(wait(video.fetch_group(7)));
    auto other = std::make_unique<Waiting<GroupConsumer>>(wait(video.fetch_group(7)));
    auto track = scene.asked();
    scene.answer_info(track);
    auto fetch = scene.accept();
    CHECK_FALSE(run_to_end(scene.context, fetch.receive->read()).empty());
    auto more = Begun<Bytes>(scene.context, fetch.receive->read());
    auto stopped = Begun<std::error_code>(scene.context, fetch.send->stopped());
    // One question for both.
    CHECK_FALSE(scene.is_asked_more());
    one.reset();
    CHECK_FALSE(stopped.done());
    CHECK_FALSE(more.done());
    SECTION("the other one leaves as well") {
        other.reset();
        CHECK(stopped.done());
        REQUIRE(more.done());
        CHECK(stream_end_number(more.code()) == 1);
    }
    SECTION("the other one is answered") {
        run_to_end(scene.context, fetch.send->write(Bytes::copy(std::string_view("\0\1x", 3))));
        scene.run();
        REQUIRE(other->done());
        fetch.send->finish();
        scene.run();
        CHECK(texts(other->value()) == std::vector<std::string>{"x"});
    }
}

TEST_CASE("a session asks: through a relay that holds the newest groups all groups come in order", "[lite][session]") {
    const Speaking speaking("moq-lite-05");
    RelayScene scene;
    Origin publisher = origin_with_id(1);
    Origin relay = origin_with_id(2);
    Connection up(scene.context, scene.config_of(publisher), scene.config_of(relay));
    auto broadcast = publisher.producer().create_broadcast("a");
    TrackInfo keep;
    keep.max_latency = 1h;
    auto track = broadcast.producer().create_track("video", keep);
    for (int i = 0; i < 3; ++i) {
        track.write_frame(payload("x"));
    }
    scene.run();
    Viewer live(scene, relay);
    live.subscribe("a");
    scene.run();
    track.write_frame(payload("x"));
    track.write_frame(payload("x"));
    scene.run();
    CHECK(nexts(live.subscriber()) == Numbers{2, 3, 4});
    Viewer all(scene, relay);
    Subscription wishes;
    wishes.start = 0;
    all.subscribe("a", wishes);
    scene.run();
    CHECK(nexts(all.subscriber()) == Numbers{0, 1, 2, 3, 4});
    track.write_frame(payload("x"));
    scene.run();
    CHECK(nexts(all.subscriber()) == Numbers{5});
    CHECK(nexts(live.subscriber()) == Numbers{5});
}

TEST_CASE("a session asks: a subscriber that joins as the last one leaves is served, at every moment", "[lite][session]") {
    for (const bool in_the_middle : {false, true}) {
        for (int handlers = 0; handlers < 80; ++handlers) {
            INFO(handlers << " handlers between, " << (in_the_middle ? "in the middle of a group" : "after it"));
            LiteScene scene;
            auto track = scene.publish("a");
            scene.connect();
            const auto remote = scene.announced("a").track("video");
            // The track has one group: a catalog.
            auto group = track.append_group();
            group.write_frame(payload("catalog"));
            if (!in_the_middle) {
                group.finish();
            }
            auto first = std::make_unique<TrackSubscriber>(scene.subscribe("a"));
            CHECK(scene.get(first->recv_group()));
            first.reset();
            scene.context.restart();
            for (int i = 0; i < handlers; ++i) {
                scene.context.poll_one();
            }
            auto joining = wait(remote.subscribe());
            scene.run();
            auto received = scene.get(joining.value().recv_group());
            REQUIRE(received);
            CHECK(scene.get(received->read_frame())->payload.view() == "catalog");
            // And it stays live.
            track.write_frame(payload("next"));
            CHECK(scene.words(*scene.get(joining.value().recv_group())) == Words{"next"});
        }
    }
}

TEST_CASE("a session asks: a requester that joins as the last one takes its question back is answered, at every moment",
          "[lite][session]") {
    for (int handlers = 0; handlers < 80; ++handlers) {
        INFO(handlers << " handlers between");
        LiteScene scene;
        auto handler = scene.there.producer().dynamic();
        scene.connect();
        auto first = std::make_unique<Waiting<TrackInfo>>(wait(scene.client->broadcast("b").track("video").info()));
        scene.run();
        first.reset();
        scene.context.restart();
        for (int i = 0; i < handlers; ++i) {
            scene.context.poll_one();
        }
        auto joining = wait(scene.client->broadcast("b").track("video").subscribe());
        scene.run();
        // The question that was taken back may have been answered already; the newcomer has one of its own.
        auto broadcast = scene.there.producer().make_broadcast();
        auto track = broadcast.create_track("video");
        bool served = false;
        for (auto next = handler.requested_broadcast(); next.ready(); next = handler.requested_broadcast()) {
            served = now(std::move(next))->accept(broadcast.consume()) || served;
        }
        scene.run();
        CHECK(served);
        CHECK(joining.done());
        track.write_frame(payload("x"));
        CHECK(scene.words(*scene.get(joining.value().recv_group())) == Words{"x"});
    }
}

TEST_CASE("a session asks: an unannounced broadcast goes when nobody has it or a track of it any more", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("elsewhere");
    scene.connect();
    auto held = std::make_unique<BroadcastConsumer>(scene.client->broadcast("b"));
    const std::weak_ptr<detail::BroadcastState> state = held->state(detail::Passkey());
    scene.run();
    // As long as one caller holds it, for all.
    CHECK(scene.client->broadcast("b") == *held);
    auto other = *held;
    held.reset();
    scene.run();
    CHECK_FALSE(other.is_closed());
    auto waiting = std::make_unique<Waiting<TrackInfo>>(wait(other.track("video").info()));
    other = {};
    // A waiter for one of its tracks is answered.
    scene.run();
    CHECK(waiting->code() == Error::NotFound);
    scene.run();
    CHECK(state.expired());
}

TEST_CASE("a session asks: a subscribed track keeps its broadcast for later requesters", "[lite][session]") {
    LiteScene scene;
    auto handler = scene.there.producer().dynamic();
    scene.connect();
    auto subscribing = wait(scene.client->broadcast("b").track("video").subscribe());
    scene.run();
    auto broadcast = scene.there.producer().make_broadcast();
    auto track = broadcast.create_track("video");
    now(handler.requested_broadcast())->accept(broadcast.consume());
    scene.run();
    CHECK(track.stats().subscribers == 1);
    // No caller has a handle of the broadcast now.
    auto other = wait(scene.client->broadcast("b").track("video").subscribe());
    scene.run();
    CHECK(other.done());
    CHECK(track.stats().subscribers == 1);
}

TEST_CASE("a session asks: a fetch of a group keeps a track that has no subscriber", "[lite][session]") {
    LiteScene scene;
    auto track = scene.publish("a");
    auto handler = track.dynamic();
    scene.connect();
    auto fetching = wait(scene.announced("a").track("video").fetch_group(7));
    scene.run();
    auto request = now(handler.requested_group());
    scene.pass(5s);
    scene.pass(4s);
    auto group = request->accept();
    group.write_frame(payload("seven"));
    group.finish();
    scene.run();
    CHECK(scene.words(fetching.value()) == Words{"seven"});
}

}
