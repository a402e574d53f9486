// A viewer asks what a track is before it subscribes: what it has found stays for it, over sessions of any protocol.
#include <comoq/detail/session/awaited_sources.hpp>
#include <comoq/session.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/this_coro.hpp>

#include "ietf/raw_scene.hpp"
#include "ietf/scene.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"

namespace asking_first_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

/// A handler that makes a broadcast for whoever asks, and ends it when nobody has it.
struct OnDemand {
    OnDemand(asio::io_context &context, const Origin &origin) {
        asio::co_spawn(context, serve(*this, origin.producer(), origin.producer().dynamic()), asio::detached);
    }
    static asio::awaitable<void> serve(OnDemand &self, OriginProducer origin, OriginDynamic handler) {
        const auto executor = co_await asio::this_coro::executor;
        while (auto request = co_await handler.requested_broadcast())
            asio::co_spawn(executor, make(self, origin, std::move(*request)), asio::detached);
    }
    static asio::awaitable<void> make(OnDemand &self, OriginProducer origin, BroadcastRequest request) {
        ++self.begun;
        auto broadcast = origin.make_broadcast();
        auto video = broadcast.create_track("video"), audio = broadcast.create_track("audio");
        video.write_frame(payload("x"));
        audio.write_frame(payload("x"));
        request.accept(broadcast.consume());
        auto unused = broadcast.unused();
        co_await std::move(unused);
        ++self.ended;
    }
    std::size_t begun = 0, ended = 0;
};

struct Scene : SessionScene {
    using SessionScene::SessionScene;
    ~Scene() {
        there = Origin();
        server.reset();
        client.reset();
        run();
    }
    OnDemand handler{context, there};
};

std::vector<std::string> each_protocol() {
    auto all = every_protocol;
    all.emplace_back("moq-lite-06");
    return all;
}

}  // namespace

TEST_CASE("sessions: a handler is asked once by a viewer that asks what tracks are and then subscribes", "[ietf][session]") {
    const bool stays = GENERATE(false, true);
    for (const auto &protocol : each_protocol()) {
        CAPTURE(protocol, stays);
        Scene scene(protocol);
        scene.connect();
        const auto broadcast = scene.client->broadcast("x");
        CHECK(scene.code(broadcast.track("video").info()) == std::error_code());
        CHECK(scene.code(broadcast.track("audio").info()) == std::error_code());
        CHECK(scene.handler.ended == 0);
        {
            auto video = scene.get(broadcast.track("video").subscribe());
            auto audio = scene.get(broadcast.track("audio").subscribe());
            scene.run();
            CHECK(nexts(video) == Numbers{0});
            CHECK(nexts(audio) == Numbers{0});
            // It stays while somebody subscribes, and not longer.
            if (stays) scene.pass(1h);
            CHECK(scene.handler.ended == 0);
        }
        scene.run();
        CHECK(scene.handler.ended == 1);
        CHECK(scene.handler.begun == 1);
    }
}

TEST_CASE("sessions: what was asked about is let go after a moment without a subscription, and with the session", "[ietf][session]") {
    for (const auto &protocol : each_protocol()) {
        for (const bool is_closed : {false, true}) {
            CAPTURE(protocol, is_closed);
            Scene scene(protocol);
            scene.connect();
            CHECK(scene.code(scene.client->broadcast("x").track("video").info()) == std::error_code());
            scene.pass(2'400ms);
            CHECK(scene.handler.ended == 0);
            if (is_closed) {
                scene.client->close();
                scene.run();
            } else {
                scene.pass(100ms);
                scene.pass(2'500ms);
            }
            CHECK(scene.handler.ended == 1);
        }
    }
}

TEST_CASE("MoQ Transport: a handler is asked once for TRACK_STATUS and the SUBSCRIBE that follows", "[ietf][session]") {
    for (const auto &name : every_draft) {
        CAPTURE(name);
        RawScene scene(name);
        {
            OnDemand handler(scene.context, scene.origin);
            scene.connect();
            scene.greet();
            ietf::TrackStatus status;
            status.request_id = scene.next_id();
            status.track = {{"a"}, "video"};
            scene.answer<ietf::RequestOk>(scene.ask(status));
            CHECK(handler.begun == 1);
            CHECK(handler.ended == 0);
            scene.answer<ietf::SubscribeOk>(scene.ask(scene.subscribe_to("a")));
            CHECK(handler.begun == 1);
            CHECK(handler.ended == 0);
            // Of the many others that it asks about, the first ones are let go.
            constexpr auto most = comoq::detail::AwaitedSources::most;
            for (std::size_t i = 0; i != most + 10; ++i) {
                status.request_id = scene.next_id();
                status.track.space = {"b" + std::to_string(i)};
                auto &request = scene.ask(status);
                scene.answer<ietf::RequestOk>(request);
                request.stream.send->finish();
            }
            CHECK(handler.begun == most + 11);
            CHECK(handler.ended == 10);
            scene.raw->close(0, "");
            scene.run();
            CHECK(handler.ended == handler.begun);
            scene.origin = Origin();
            scene.run();
        }
    }
}

}  // namespace asking_first_tests
