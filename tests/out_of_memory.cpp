// The calls of origins, with each of their allocations failing in turn: each changes nothing, can be repeated, loses no
// memory, and every waiter is told what it must be told.

#include <cstddef>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <comoq/comoq.hpp>

#include "histories/said.hpp"
#include "out_of_memory_world.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/origin_fixture.hpp"
#include "support/received.hpp"

namespace out_of_memory_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

void ask(World &world) {
    world.handler.emplace(world.producer.with_root("on")->dynamic());
    world.asked.emplace(world.consumer.request_broadcast(long_path));
}

}  // namespace

TEST_CASE("out of memory: an announcement is refused and changes nothing, for watchers or for requesters that await the path",
          "[memory][faults]") {
    const auto awaiting = [](World &world) {
        world.follow_one(world.consumer.announced_broadcast(long_path));
        ask(world);
        world.follow_one(world.consumer.request_broadcast(long_path));
    };
    const auto publish = [](World &world) { return world.producer.publish_broadcast(long_path, world.other.consume()); };
    CHECK(fail_each_allocation(publish) > 0);
    CHECK(fail_each_allocation(awaiting, publish) > 0);
    CHECK(fail_each_allocation([](World &world) { return world.producer.create_broadcast(long_path); }) > 0);
    // A publication that replaces another, and one that ranks behind it.
    const auto again = [](World &world) {
        return world.producer.with_root("on")->publish_broadcast("live", world.other.consume());
    };
    CHECK(fail_each_allocation(again) > 0);
    const auto twice = [](World &world) { world.announced.push_back(world.producer.create_broadcast("on/live")); };
    CHECK(fail_each_allocation(twice, again) > 0);
    // A publication that a better one displaces.
    const auto worse = [](World &world) {
        world.announced.push_back(world.producer.create_broadcast(long_path, BroadcastInfo({7, 8})));
    };
    CHECK(fail_each_allocation(worse, publish) > 0);
}

TEST_CASE("out of memory: a withdrawal still happens, and a watcher that could not note it is told so", "[memory][faults]") {
    if (!allocations_can_fail()) {
        return;
    }
    for (std::size_t after = 0, failed = 1; failed != 0; ++after) {
        INFO("with allocation " << after << " failing");
        failed = 0;
        World world;
        world.announced.push_back(world.producer.create_broadcast("on/backed", BroadcastInfo({5})));
        auto better = world.producer.create_broadcast("on/backed");
        auto &slow = world.slow_watcher;
        while (take(slow.next())) {
        }
        auto also_slow = world.consumer.announced();
        while (take(also_slow.next())) {
        }
        world.run();
        // A change for whichever of them finds memory.
        better.unannounce();
        world.run();
        {
            FailingAllocation failing(after);
            world.announced[1].unannounce();
            failed += failing.stop() ? 1 : 0;
        }
        CHECK(world.origin.stats().announced == 3);
        // Watchers that keep up still have it.
        world.run();
        const auto &log = world.logs.front();
        INFO(log);
        CHECK(log.find("Restart on/backed; Ended on/live/side; ") != std::string::npos);
        std::size_t lost = 0;
        for (auto *watcher : {&slow, &also_slow}) {
            if (code_now(watcher->next()) == std::errc::not_enough_memory) {
                ++lost;
                // Once, and then it is over.
                CHECK_FALSE(now(watcher->next()));
            }
        }
        CHECK(lost == failed);
    }
}

TEST_CASE("out of memory: a failed attempt to watch, to wait, to serve or to narrow a view leaves nothing behind",
          "[memory][faults]") {
    CHECK(fail_each_allocation([](World &world) { return world.consumer.announced(); }) > 0);
    CHECK(fail_each_allocation([](World &world) {
              const std::vector<Path> parts = {Path("on/live/side"), Path("elsewhere"), Path(long_path)};
              return world.consumer.scope(parts)->announced();
          }) > 0);
    CHECK(fail_each_allocation([](World &world) { return world.consumer.announced_broadcast(long_path); }) > 0);
    CHECK(fail_each_allocation([](World &world) { return world.producer.dynamic(); }) > 0);
    // A more specific handler takes over queued requests, and gives them back if it cannot be made.
    const auto narrow = [](World &world) {
        const std::vector<Path> parts = {Path("on/a/path/that/is"), Path("on/live"), Path(long_path)};
        return world.producer.scope(parts)->dynamic();
    };
    CHECK(fail_each_allocation(ask, narrow) > 0);
    CHECK(fail_each_allocation(ask, [](World &world) { return world.producer.with_root("on")->consume(); }) > 0);
    fail_each_allocation([](World &world) { return world.slow_watcher.next(); });
}

TEST_CASE("out of memory: a change that was not taken is there for the next step", "[memory][faults]") {
    fail_each_allocation([](World &world) { return take(world.slow_watcher.next()); });  // a short path
    const auto announce = [](World &world) {
        while (take(world.slow_watcher.next())) {
        }
        world.announced.push_back(world.producer.create_broadcast(long_path));
    };
    CHECK(fail_each_allocation(announce, [](World &world) { return take(world.slow_watcher.next()); }) > 0);
}

TEST_CASE("out of memory: requests are made, joined, taken and answered completely or not at all", "[memory][faults]") {
    const auto request = [](World &world) { return world.consumer.request_broadcast(long_path); };
    const auto serve = [](World &world) { world.handler.emplace(world.producer.with_root("on")->dynamic()); };
    const auto wait_for_one = [serve](World &world) {
        serve(world);
        world.follow([&world] { return world.handler->requested_broadcast(); });
    };
    CHECK(fail_each_allocation(wait_for_one, request) > 0);
    CHECK(fail_each_allocation(serve, request) > 0);
    fail_each_allocation(ask, request);  // joined
    const auto taken = [](World &world) {
        ask(world);
        world.follow_one(world.consumer.request_broadcast(long_path));
    };
    CHECK(fail_each_allocation(taken, [](World &world) { return take(world.handler->requested_broadcast()); }) > 0);
    const auto to_answer = [taken](World &world) {
        taken(world);
        world.request = std::move(*now(world.handler->requested_broadcast()));
        world.follow_one(world.request->abandoned());
    };
    CHECK(fail_each_allocation(to_answer, [](World &world) {
              world.request->accept(world.other.consume());
              return 0;
          }) > 0);
    fail_each_allocation(to_answer, [](World &world) {
              world.request->reject(Error::Unauthorized);
              return 0;
          });
    fail_each_allocation(to_answer, [](World &world) { return world.request->abandoned(); });
    CHECK(fail_each_allocation(to_answer, [](World &world) {
              return world.producer.publish_broadcast(long_path, world.other.consume());
          }) > 0);
}

}
