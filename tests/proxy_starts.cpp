// Through a proxy: readers that begin in the past or in the future, and those with a cap.
#include <comoq/proxy.hpp>

#include <optional>

#include <comoq/origin.hpp>

#include "proxy_scene.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"

namespace proxy_starts_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using namespace proxy_tests;

TEST_CASE("proxy: readers with a cap learn of the end, and get the groups within it", "[proxy]") {
    Scene scene;
    auto capped = scene.subscriber(Wish{.start = 0, .end = 1});
    for (int i = 0; i < 4; ++i) {
        scene.video->write_frame(payload("x"));
    }
    CHECK(scene.next_groups(capped) == Numbers{0, 1});
    auto closed = wait(capped.closed());
    scene.video.reset();
    scene.run();
    CHECK(closed.value() == Error::Dropped);
}

TEST_CASE("proxy: an earlier start brings the groups that a finished track still has", "[proxy]") {
    Scene scene;
    for (int i = 0; i < 6; ++i) {
        scene.video->write_frame(payload("x"));
    }
    scene.video->finish();
    auto late = scene.subscriber(Wish{.start = 5});
    CHECK(scene.next_groups(late) == Numbers{5});
    auto early = scene.subscriber(Wish{.start = 0});
    CHECK(scene.next_groups(early) == Numbers{0, 1, 2, 3, 4, 5});
    CHECK_FALSE(now(early.next_group()).has_value());
}

TEST_CASE("proxy: an earlier start brings back groups that were evicted here", "[proxy]") {
    Scene scene;
    OriginConfig config;
    config.max_cached_bytes = pool_of(3, 3'000);
    const Origin origin(config);
    const auto published = origin.producer().publish_broadcast("here", scene.to.consume());
    for (int i = 0; i < 6; ++i) scene.video->write_frame(payload(1'000));
    auto first = std::make_optional(scene.subscriber(Wish{.start = 0}));
    scene.run();
    first.reset();
    scene.run();
    const auto here = scene.to.consume().track("video");
    REQUIRE(here.get_group(5));
    REQUIRE_FALSE(here.get_group(0));
    auto second = scene.subscriber(Wish{.start = 0, .end = 0});
    CHECK(scene.next_groups(second) == Numbers{0});
}

TEST_CASE("proxy: a start that is far ahead keeps no reader from the live edge", "[proxy]") {
    Scene scene;
    scene.video->write_frame(payload("x"));
    auto live = scene.subscriber();
    auto ahead = scene.subscriber(Wish{.start = 100});
    scene.run();
    scene.video->write_frame(payload("x"));
    CHECK(scene.next_groups(live) == Numbers{0, 1});
    CHECK(scene.next_groups(ahead).empty());
}

}
