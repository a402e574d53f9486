// A viewer that comes back begins with the newest group over sessions of any protocol.
#include <comoq/session.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "ietf/relay_chain.hpp"
#include "ietf/scene.hpp"
#include "ietf/viewer_scene.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"

namespace returning_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("sessions: a viewer that comes back while its track stays here for a moment begins with the newest group", "[ietf][session]") {
    for (const auto &protocol : every_protocol) {
        for (const std::uint64_t written_meanwhile : {0u, 3u}) {
            CAPTURE(protocol, written_meanwhile);
            SessionScene scene(protocol);
            auto track = scene.publish("a");
            scene.connect();
            const auto write = [&track](std::uint64_t count) {
                for (; count != 0; --count) track.write_frame(payload("x"));
            };
            write(3);
            {
                auto reader = scene.subscribe("a");
                scene.run();
                CHECK(nexts(reader) == Numbers{2});
            }
            scene.run();
            write(written_meanwhile);
            auto reader = scene.subscribe("a");
            scene.run();
            CHECK(nexts(reader) == Numbers{2 + written_meanwhile});
            write(1);
            scene.run();
            CHECK(nexts(reader) == Numbers{3 + written_meanwhile});
        }
    }
}

TEST_CASE("sessions: a relay of MoQ Transport to which a viewer comes back tells it where the source is now", "[ietf][session]") {
    for (const auto &protocol : every_draft) {
        CAPTURE(protocol);
        RelayChain chain(protocol, protocol);
        auto track = chain.published.producer().create_track("video");
        const auto write = [&track](int count) {
            for (; count != 0; --count) track.write_frame(payload("x"));
        };
        write(3);
        {
            auto reader = chain.get(chain.seen().subscribe());
            chain.run();
            CHECK(nexts(reader) == Numbers{2});
        }
        chain.run();
        write(3);
        auto reader = chain.get(chain.seen().subscribe());
        chain.run();
        CHECK(nexts(reader) == Numbers{5});
        CHECK(reader.largest() == Location{5, 0});
    }
}

TEST_CASE("sessions: beside a range of MoQ Transport that is over, a viewer without a start begins with the newest group", "[ietf][session]") {
    for (const auto &protocol : every_draft) {
        CAPTURE(protocol);
        SessionScene scene(protocol);
        auto track = scene.publish("a");
        scene.connect();
        const auto write_two = [&track] {
            for (int i = 0; i != 2; ++i) track.write_frame(payload("x"));
        };
        write_two();
        Subscription wishes;
        wishes.start = 0;
        wishes.end = 1;
        auto part = scene.subscribe("a", "video", wishes);
        scene.run();
        CHECK(nexts(part) == Numbers{0, 1});
        write_two();
        auto live = scene.subscribe("a");
        scene.run();
        CHECK(nexts(live) == Numbers{3});
    }
}

TEST_CASE("sessions: a viewer that comes to a relay in the turn in which its last reader leaves gets the track", "[ietf][session]") {
    for (const auto &protocol : every_protocol) {
        CAPTURE(protocol);
        RelayChain chain(protocol, protocol);
        auto track = chain.published.producer().create_track("video");
        track.write_frame(payload("x"));
        const auto there = chain.seen();
        {
            auto reader = chain.get(chain.seen_by(chain.relay).subscribe());
            chain.run();
            CHECK(nexts(reader) == Numbers{0});
        }
        auto coming = wait(there.subscribe());
        chain.run();
        // Where the peer has one subscription to a track at most, it is asked again a moment later.
        chain.pass(std::chrono::milliseconds(20));
        track.write_frame(payload("x"));
        chain.run();
        CHECK(nexts(coming.value()) == Numbers{0, 1});
    }
}

TEST_CASE("MoQ Transport: a track that is subscribed to already is asked for seven times within 1.26 s, and not any more once nobody wants it",
          "[ietf][session]") {
    ViewerScene scene;
    const auto refuse = [&scene] {
        ietf::RequestError no;
        no.code = 0x19;
        scene.reply(scene.request(), no);
    };
    const auto before = scene.asked.size();
    SECTION("refused each time") {
        auto pause = std::chrono::milliseconds(20);
        for (std::size_t again = 1; again != 7; ++again, pause *= 2) {
            refuse();
            CHECK_FALSE(scene.pending->done());
            scene.pass(pause - std::chrono::milliseconds(1));
            CHECK(scene.asked.size() == before + again - 1);
            scene.pass(std::chrono::milliseconds(1));
            CHECK(scene.asked.size() == before + again);
        }
        refuse();
        CHECK(scene.pending->code() == Error::Duplicate);
    }
    SECTION("then accepted") {
        refuse();
        scene.pass(std::chrono::milliseconds(20));
        scene.accept(5);
        scene.send_uni(scene.group(5, 4, {"x"}), true);
        CHECK(scene.next_group() == Words{"x"});
    }
    SECTION("then left") {
        refuse();
        scene.pending.reset();
        scene.run();
        scene.pass(std::chrono::seconds(2));
        CHECK(scene.asked.size() == before);
    }
    CHECK(scene.is_alive());
}

}  // namespace returning_tests
