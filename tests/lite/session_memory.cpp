// Memory that runs out costs what found none, and nothing beside it.
#include <comoq/lite/session.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include <asio/post.hpp>

#include "lite/scene.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/every_point.hpp"
#include "support/media.hpp"

namespace session_memory_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("a session: with any allocation failing under a datagram, the next datagrams come", "[lite][session][memory]") {
    if (!allocations_can_fail()) return;
    for (std::size_t point = 0;; ++point) {
        INFO("allocation " << point);
        LiteScene scene;
        auto track = scene.publish("a");
        scene.connect();
        auto subscriber = scene.subscribe("a");
        scene.run();
        // The sequences that have come since the last call.
        const auto come = [&] {
            Numbers all;
            for (auto next = subscriber.recv_datagram(); next.ready(); next = subscriber.recv_datagram())
                all.push_back(now(std::move(next))->sequence);
            return all;
        };
        // The first one makes room for the others.
        track.append_datagram(payload("x"));
        scene.run();
        REQUIRE(come() == Numbers{0});
        track.append_datagram(payload("x"));
        bool failed = false;
        {
            FailingAllocation failing(point);
            run_handlers(scene.context);
            failed = failing.stop();
        }
        track.append_datagram(payload("x"));
        scene.run();
        const auto last = come();
        REQUIRE_FALSE(last.empty());
        CHECK(last.back() == 2);
        if (!failed) break;
    }
}

TEST_CASE("a session: with any allocation failing under a question for a group, the next group that is asked for comes",
          "[lite][session][memory]") {
    if (!allocations_can_fail()) return;
    for (std::size_t point = 0;; ++point) {
        INFO("allocation " << point);
        LiteScene scene;
        auto track = scene.publish("a");
        for (int i = 0; i < 3; ++i) track.write_frame(payload("x"));
        scene.connect();
        const auto video = scene.announced("a").track("video");
        REQUIRE(scene.code(video.info()) == std::error_code());
        REQUIRE(scene.code(video.fetch_group(0)) == std::error_code());
        auto one = wait(video.fetch_group(1));
        bool failed = false;
        {
            FailingAllocation failing(point);
            run_handlers(scene.context);
            failed = failing.stop();
        }
        // An answer that is lost is waited for.
        scene.pass(std::chrono::seconds(10));
        CHECK(one.done());
        CHECK(scene.code(video.fetch_group(2)) == std::error_code());
        if (!failed) break;
    }
}

TEST_CASE("a session: if any one allocation fails while it begins, a subscription that gets groups gets datagrams, too",
          "[lite][session][memory]") {
    if (!allocations_can_fail()) return;
    std::size_t served = 0;
    for (std::size_t point = 0;; ++point) {
        INFO("allocation " << point);
        LiteScene scene;
        auto track = scene.publish("a");
        std::optional<Waiting<TrackSubscriber>> subscribing;
        bool failed = false;
        // On the executor: elsewhere asio ends the program if it cannot begin a coroutine.
        asio::post(scene.context, [&] {
            scene.server.emplace(scene.link.server(), scene.config_of(scene.there));
            scene.client.emplace(scene.link.client(), scene.config_of(scene.here));
        });
        asio::post(scene.context, [&] {
            if (scene.client) subscribing.emplace(wait(scene.client->broadcast("a").track("video").subscribe()));
        });
        {
            FailingAllocation failing(point);
            run_handlers(scene.context);
            failed = failing.stop();
        }
        scene.run();
        if (subscribing && subscribing->done() && !subscribing->code()) {
            auto &subscriber = subscribing->value();
            track.write_frame(payload("x"));
            scene.run();
            auto group = subscriber.recv_group();
            if (group.ready()) {
                ++served;
                track.append_datagram(payload("y"));
                scene.run();
                auto datagram = subscriber.recv_datagram();
                CHECK(datagram.ready());
            }
        }
        if (!failed) break;
    }
    CHECK(served > 100);
}

}
