#include <comoq/detail/wait/breaker.hpp>

#include <comoq/track.hpp>

#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/settle.hpp"

namespace breaker_tests {

using namespace comoq;
using namespace comoq::test;
using comoq::detail::Breaker;

namespace {

struct Scene {
    auto wait() { return Waiting<void>(reader.frame_there(detail::Passkey(), breaker)); }

    Breaker breaker;
    BroadcastProducer broadcast;
    TrackProducer track = broadcast.create_track("video");
    GroupProducer group = track.append_group();
    GroupConsumer reader = group.consume();
};

}  // namespace

TEST_CASE("breaker: it ends the wait that has begun, by value, and each that begins later, and no other", "[wait]") {
    Scene scene;
    Breaker another;
    auto broken = scene.wait();
    auto reader = scene.group.consume();
    Waiting<void> without(reader.frame_there(detail::Passkey())), beside(reader.frame_there(detail::Passkey(), another));
    REQUIRE_FALSE(broken.done());
    CHECK_FALSE(scene.breaker.has_ended());
    scene.breaker.end();
    CHECK(scene.breaker.has_ended());
    CHECK_FALSE(broken.code());
    CHECK_FALSE(scene.wait().code());
    CHECK(scene.reader.frame_there(detail::Passkey(), scene.breaker).ready());
    CHECK_FALSE(without.done());
    CHECK_FALSE(beside.done());
    scene.group.write_frame(payload("x"));
    CHECK_FALSE(without.code());
    CHECK_FALSE(beside.code());
}

TEST_CASE("breaker: what was waited for ends the wait as usual, and the end finds nobody then", "[wait]") {
    Scene scene;
    auto first = scene.wait();
    scene.group.write_frame(payload("x"));
    SECTION("long before") {
        CHECK_FALSE(first.code());
        scene.breaker.end();
    }
    SECTION("so that the wait has been told, and has not gone on") {
        scene.breaker.end();
        CHECK_FALSE(first.code());
    }
    CHECK(scene.wait().done());
}

TEST_CASE("breaker: it knows no wait that was cancelled, and no operation that was never awaited", "[wait]") {
    Scene scene;
    {
        auto cancelled = scene.wait();
        cancelled.cancel();
        CHECK(cancelled.code());
        const auto never = scene.reader.frame_there(detail::Passkey(), scene.breaker);
        CHECK_FALSE(never.ready());
    }
    // It goes on with the next one.
    auto next = scene.wait();
    CHECK_FALSE(next.done());
    scene.breaker.end();
    CHECK(next.done());
}

}  // namespace breaker_tests
