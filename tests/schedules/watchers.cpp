// Announcements and their watchers, under every schedule.
#include <comoq/origin.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "schedules/ended.hpp"
#include "schedules/origin_of_test.hpp"
#include "support/catch.hpp"

using namespace comoq;
using namespace comoq::schedule;
using comoq::test::PlainTask;

namespace {

using Event = Announcement::Event;

/// A watcher's knowledge of the one path that these tests announce.
struct Told {
    std::vector<Event> events;
    bool over = false;

    bool active() const { return !events.empty() && events.back() != Event::Ended; }
    /// Each Ended follows something active, each Active does not, and nothing follows the end.
    bool makes_sense() const {
        bool active = false;
        for (const Event event : events) {
            if (active == (event == Event::Active)) return false;
            active = event != Event::Ended;
        }
        return true;
    }
};

PlainTask watch(AnnounceConsumer announced, Told &told) {
    while (auto announcement = co_await announced.next()) told.events.push_back(announcement->event);
    told.over = true;
}

}  // namespace

TEST_CASE("schedules: a watcher knows in the end what is announced, whoever announces and leaves", "[schedules]") {
    const auto test = [](Run &run) {
        Origin origin(same_in_every_run());
        auto producer = origin.producer();
        auto first = producer.make_broadcast(), second = producer.make_broadcast();
        std::optional<OriginPublish> one, another;
        Told before, during;
        const auto watching = watch(origin.consumer().announced(), before);
        PlainTask late;
        run.thread([&] {
            one = producer.publish_broadcast("room/alice", first.consume());
            one.reset();
        });
        run.thread([&] { another = producer.publish_broadcast("room/alice", second.consume()); });
        run.thread([&] { late = watch(origin.consumer().announced(), during); });
        run.run();
        run.check(before.makes_sense() && during.makes_sense(), "a watcher was told what cannot be");
        run.check(before.active() && during.active(), "a watcher does not know what is announced");
        another.reset();
        run.check(!before.active() && !during.active(), "a watcher does not know what has ended");
        const auto stats = origin.stats();
        run.check(stats.announced == 0 && stats.nodes == 0 && stats.watchers == 2, "something is left");
    };
    Explorer(this_test()).explore(2, test);
}

TEST_CASE("schedules: a watcher may go while it is told, and an origin while it is watched", "[schedules]") {
    const auto test = [](Run &run) {
        std::optional<Origin> origin(std::in_place, same_in_every_run());
        std::optional producer(origin->producer());
        auto broadcast = producer->make_broadcast();
        Told told;
        const auto watching = watch(origin->consumer().announced(), told);
        std::optional leaving(origin->consumer().announced());
        std::optional step(leaving->next());
        run.thread([&] {
            step.reset();
            leaving.reset();
        });
        run.thread([&] {
            const auto guard = producer->publish_broadcast("room/alice", broadcast.consume());
            producer.reset();
        });
        run.thread([&] { origin.reset(); });
        run.run();
        run.check(told.over && told.makes_sense(), "the watcher was not told of the end");
    };
    Explorer(this_test()).explore(3, test);
}

TEST_CASE("schedules: a reader that awaits a path is told once, though the path comes and goes", "[schedules]") {
    const auto test = [](Run &run) {
        Origin origin(same_in_every_run());
        auto producer = origin.producer();
        auto broadcast = producer.make_broadcast();
        Ended<BroadcastConsumer> found;
        PlainTask task;
        std::optional leaving(origin.consumer().announced_broadcast("room/alice"));
        std::optional<OriginPublish> guard;
        run.thread([&] { task = await(origin.consumer().announced_broadcast("room/alice"), found); });
        run.thread([&] {
            guard = producer.publish_broadcast("room/alice", broadcast.consume());
            guard.reset();
            guard = producer.publish_broadcast("room/alice", broadcast.consume());
        });
        run.thread([&] { leaving.reset(); });
        run.run();
        run.check(found.well(), "not told once");
        run.check(origin.stats().watchers == 0, "somebody is still waiting");
    };
    Explorer(this_test()).explore(3, test);
}
