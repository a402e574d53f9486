// What a session holds for a peer that does not read, or that goes.
#include <comoq/lite/session.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lite/raw_peer.hpp"
#include "lite/scene.hpp"
#include "support/allocations.hpp"
#include "support/begun.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"

namespace session_unread_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

using lite::BidiStreamType;

}  // namespace

TEST_CASE("a session serves: announcements that a peer does not read cost next to nothing, on 16 streams at most",
          "[lite][session][serving]") {
    HostileScene scene;
    std::vector<BroadcastPublish> all;
    for (int i = 0; i < 5'000; ++i) {
        all.push_back(scene.there.producer().create_broadcast("room/" + std::to_string(i)));
    }
    auto &peer = scene.begin();
    peer.say_setup();
    scene.link.pause();
    const auto before = live_bytes();
    std::vector<std::shared_ptr<Answer>> answers;
    for (int i = 0; i < 200; ++i) {
        answers.push_back(announce(peer, ""));
    }
    scene.link.resume();
    scene.run();
    std::size_t refused = 0;
    for (const auto &answer : answers) {
        refused += answer->over();
    }
    CHECK(refused == 200 - 16);
    CHECK(scene.there.stats().watchers == 1);
    // All sent bytes have reached the peer, which reads everything here.
    std::size_t received = 0;
    for (const auto &answer : answers) {
        received += answer->octets.capacity();
    }
    CHECK(live_bytes() < before + received + (std::size_t{4} << 20));
    peer.let_go();
    CHECK(scene.there.stats().watchers == 0);
}

TEST_CASE("a session serves: the memory for a peer that does not read is bounded, and counted", "[lite][session][serving]") {
    constexpr std::size_t frame = 1 << 20;
    HostileScene scene;
    OriginConfig of_origin;
    of_origin.max_cached_bytes = 8 * frame;
    scene.there = Origin(std::move(of_origin));
    auto track = scene.publish("a");
    auto &peer = scene.begin();
    peer.say_setup();
    const auto of_a = subscribe(peer, 1, "a");
    const auto before = live_bytes();
    for (int i = 0; i < 200; ++i) {
        track.write_frame(payload(frame));
        scene.run();
    }
    CHECK(scene.there.stats().unsent_bytes >= frame / 2);
    CHECK(scene.there.stats().unsent_bytes <= 3 * frame);
    CHECK(live_bytes() - before < 14 * frame);
    // It reads again.
    auto reading = Begun<void>(scene.context, read_groups(scene.link.client()));
    track.finish();
    scene.run();
    CHECK(scene.there.stats().unsent_bytes == 0);
    CHECK(of_a->ended);
}

TEST_CASE("a session serves: a session that is destroyed at any step leaves nothing behind", "[lite][session][serving]") {
    bool done = false;
    for (int steps = 0; !done; ++steps) {
        INFO("after " << steps << " steps");
        HostileScene scene;
        auto handler = scene.there.producer().dynamic();
        auto track = scene.publish("a");
        auto &peer = scene.begin();
        scene.link.pause();
        peer.say_setup();
        Subscription wishes;
        wishes.max_latency = 1s;
        const std::vector<std::shared_ptr<Answer>> answers{
            announce(peer, ""),
            announce(peer, "b", 9),
            subscribe(peer, 1, "a", wishes),
            subscribe(peer, 2, "nowhere"),
            info(peer, "a"),
            peer.ask(opening(BidiStreamType::Fetch, lite::Fetch{"a", "video", 0, 0})),
            peer.ask(opening(BidiStreamType::Fetch, lite::Fetch{"nowhere", "video", 0, 0}))};
        track.write_frame(payload(1 << 20));
        track.write_frame(payload(1 << 20));
        scene.link.resume();
        scene.context.restart();
        for (int i = 0; i < steps && !done; ++i) {
            done = scene.context.poll_one() == 0;
        }
        scene.server.reset();
        scene.run();
        CHECK(scene.there.stats().watchers == 0);
        CHECK(scene.there.stats().pending == 0);
        CHECK(scene.there.stats().unsent_bytes == 0);
        CHECK(track.stats().subscribers == 0);
        CHECK(scene.time.sleepers() == 0);
        CHECK(scene.link.open_streams() == 0);
        for (const auto &answer : answers) {
            CHECK(answer->over());
        }
    }
}

TEST_CASE("session: a frame that is completed while its viewer's link takes nothing arrives whole", "[lite][session]") {
    auto link = spoken_link();
    link.window = 1000;
    LiteScene scene(link);
    scene.connect();
    auto track = scene.publish("a");
    auto subscriber = scene.subscribe("a");
    auto group = track.append_group();
    auto frame = group.create_frame(30'000);
    scene.run();
    scene.link.pause();
    const auto pieces = GENERATE(1, 3);
    for (int i = 0; i < pieces; ++i) {
        frame.write(Bytes::copy(std::string(static_cast<std::size_t>(30'000 / pieces), static_cast<char>('a' + i))));
        scene.run();
    }
    frame.finish();
    group.finish();
    scene.run();
    scene.link.resume();
    auto waiting = wait(subscriber.next_group());
    scene.run();
    auto reader = std::move(waiting.value().value());
    auto whole = wait(reader.read_frame());
    scene.run();
    REQUIRE(whole.value().has_value());
    CHECK(whole.value()->payload.size() == 30'000);
    CHECK(whole.value()->payload.view().back() == static_cast<char>('a' + pieces - 1));
}

}
