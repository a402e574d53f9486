// A viewer that comes back begins with the newest group over sessions of any protocol.
#include <comoq/session.hpp>

#include <cstdint>
#include <string>

#include "ietf/scene.hpp"
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
    for (const std::string protocol : {"moqt-18", "moqt-20", "moqt-22"}) {
        CAPTURE(protocol);
        SessionScene scene(protocol);
        auto track = scene.publish("a");
        scene.connect();
        const Origin viewer = origin_with_id(3);
        MemoryLink link(scene.context.get_executor(), scene.context.get_executor(), link_of(protocol));
        Session upper(link.server(), scene.config_of(scene.here)), lower(link.client(), scene.config_of(viewer));
        scene.run();
        const auto subscribe = [&] { return scene.get(now(viewer.consumer().announced_broadcast("a")).track("video").subscribe()); };
        const auto write = [&track](int count) {
            for (; count != 0; --count) track.write_frame(payload("x"));
        };
        write(3);
        {
            auto reader = subscribe();
            scene.run();
            CHECK(nexts(reader) == Numbers{2});
        }
        scene.run();
        write(3);
        auto reader = subscribe();
        scene.run();
        CHECK(nexts(reader) == Numbers{5});
        CHECK(reader.largest() == Location{5, 0});
    }
}

TEST_CASE("sessions: beside a range of MoQ Transport that is over, a viewer without a start begins with the newest group", "[ietf][session]") {
    for (const std::string protocol : {"moqt-18", "moqt-20", "moqt-22"}) {
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

}  // namespace returning_tests
