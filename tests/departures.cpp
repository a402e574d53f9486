// Every coroutine of a small world, ended at every point where it waits: destroyed with its context, cancelled,
// stopped, or by an exception of its own. The remaining ones go on, and nothing stays behind.

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/io_context.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>

#include <comoq/comoq.hpp>

#include "departures_world.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/plain_task.hpp"

namespace departures_tests {

using namespace comoq;
using namespace comoq::test;
using namespace asio::experimental::awaitable_operators;

namespace {

/// Runs this many handlers. False if there were fewer.
bool run(asio::io_context &context, std::size_t handlers) {
    context.restart();
    while (handlers != 0 && context.poll_one() != 0) {
        --handlers;
    }
    return handlers == 0;
}

/// Runs everything that is due, then ends the origin and runs the rest: after that nothing waits.
void run_to_the_end(asio::io_context &context, World &world) {
    context.restart();
    context.poll();
    world.origin.reset();
    context.restart();
    context.poll();
    for (std::size_t who = 0; who < World::people; ++who) {
        CHECK(world.over(who));
    }
    CHECK(context.stopped());
}

/// Calls `departure(point)` for each point, from the first on, until it returns that there was none. Its allocations
/// must be gone when it returns. Returns the number of points.
template <class Departure> std::size_t at_every_point(Departure departure) {
    departure(std::size_t{0});  // for the memory that asio and the runtime keep
    const std::size_t live = live_allocations();
    for (std::size_t point = 0;; ++point) {
        INFO("at point " << point);
        const bool there_was_one = departure(point);
        if (allocations_can_fail()) {
            // asio keeps some memory for each thread, and sometimes a little more, but this does not grow with time.
            CHECK(live_allocations() <= live + 16);
        }
        if (!there_was_one) {
            return point;
        }
    }
}

// The same without an executor: coroutines that the completing call resumes.
PlainTask view_plainly(OriginConsumer consumer, std::string &seen) {
    try {
        auto broadcast = co_await consumer.request_broadcast("made");
        auto subscriber = co_await broadcast.track("video").subscribe();
        while (auto group = co_await subscriber.next_group()) {
            while (auto frame = co_await group->next_frame()) {
                while (auto chunk = co_await frame->read_chunk()) {
                    seen += chunk->view();
                }
            }
        }
        seen += " end";
    } catch (const std::system_error &) {
        seen += " failed";
    }
}

PlainTask fetch_plainly(OriginConsumer consumer, std::string &seen) {
    auto [code, broadcast] = co_await consumer.announced_broadcast("made").as_tuple();
    auto fetching = broadcast.track("video").fetch_group(9);
    auto [refusal, group] = co_await std::move(fetching).as_tuple();
    seen += code || refusal ? "failed" : "fetched";
}

PlainTask watch_plainly(OriginConsumer consumer, std::string &seen) {
    auto watcher = consumer.announced();
    while (auto change = co_await watcher.next()) {
        seen += "change ";
    }
    seen += "end";
}

PlainTask serve_plainly(OriginDynamic handler, BroadcastConsumer broadcast) {
    while (auto request = co_await handler.requested_broadcast()) {
        request->accept(broadcast);
        co_await request->abandoned();
    }
}

}  // namespace

TEST_CASE("departures: if nothing is disturbed, every coroutine gets everything", "[faults]") {
    asio::io_context context;
    World world(asio::make_strand(context));
    run_to_the_end(context, world);
    CHECK(world.seen(0) == "served ");
    CHECK(world.seen(1) == "one tw o! end ");
    CHECK(world.seen(2) == "old " + make_error_code(Error::Dropped).message() + " ");
    CHECK(world.seen(3) == "published ");
    CHECK(world.seen(4) == "end ");
}

TEST_CASE("departures: a context with suspended coroutines may be destroyed at every point, before or after the origin",
          "[faults]") {
    for (const int kind : {0, 1, 2}) {
        for (const bool origin_first : {false, true}) {
            const auto points = at_every_point([&](std::size_t point) {
                std::optional<asio::io_context> context(std::in_place);
                std::optional<asio::any_io_executor> executor(context->get_executor());
                if (kind == 1) {
                    executor = asio::make_strand(*context);
                } else if (kind == 2) {
                    executor = FairStrand(context->get_executor());
                }
                World world(*executor);
                executor.reset();  // a strand must not outlive its context
                const bool there = run(*context, point);
                if (origin_first) {
                    world.origin.reset();
                }
                context.reset();
                if (world.origin) {
                    CHECK(nothing_left(*world.origin));
                }
                return there;
            });
            // A turn of a fair strand is one point for eight functions.
            CHECK(points > (kind == 2 ? 5 : 20));
        }
    }
}

TEST_CASE("departures: a coroutine that is cancelled at any point does not affect the others", "[faults]") {
    for (std::size_t who = 0; who < World::people; ++who) {
        INFO("who: " << who);
        at_every_point([&](std::size_t point) {
            asio::io_context context;
            World world(context.get_executor());
            const bool there = run(context, point);
            world.cancel(who);
            run_to_the_end(context, world);
            // A wait for an announcement that does not come is told of the origin's end.
            if (who < 3) {
                CHECK(world.seen(4) == "end ");
            }
            if (who != 3) {
                CHECK(world.seen(3) == "published ");
            }
            if (who == 2 || who == 4) {
                CHECK(world.seen(1) == "one tw o! end ");
            }
            return there;
        });
    }
}

TEST_CASE("departures: a coroutine that throws at any of its steps does not affect the others", "[faults]") {
    for (std::size_t who = 0; who < World::people; ++who) {
        INFO("who: " << who);
        const auto steps = at_every_point([&](std::size_t step) {
            asio::io_context context;
            World world(context.get_executor());
            world.throw_at(who, step + 1);
            run_to_the_end(context, world);
            if (world.threw()) {
                CHECK(world.seen(who).find("failed") != std::string::npos);
            }
            // A wait for an announcement that does not come is told of the origin's end.
            if (who < 3) {
                CHECK(world.seen(4) == "end ");
            }
            if (who != 3) {
                CHECK(world.seen(3) == "published ");
            }
            return world.threw();
        });
        CHECK(steps > 0);
    }
}

TEST_CASE("departures: a context that is stopped at any point can go on later, or be destroyed", "[faults]") {
    for (const bool goes_on : {false, true}) {
        at_every_point([&](std::size_t point) {
            std::optional<asio::io_context> context(std::in_place);
            World world(context->get_executor());
            const bool there = run(*context, point);
            context->stop();
            // Waits that are completed meanwhile belong to a context that does not run.
            auto published = world.origin->producer().create_broadcast("live");
            published.unannounce();
            CHECK(context->poll() == 0);
            if (goes_on) {
                run_to_the_end(*context, world);
                CHECK(world.seen(1) == "one tw o! end ");
            } else {
                world.origin.reset();
                context.reset();
            }
            return there;
        });
    }
}

TEST_CASE("departures: a thread pool may be stopped and destroyed while its coroutines run", "[faults][stress]") {
    for (int round = 0; round < 200; ++round) {
        std::optional<asio::thread_pool> pool(std::in_place, 3);
        World world(asio::make_strand(*pool));
        auto watcher = world.consumer.announced();
        for (int turns = 0; turns < round % 50; ++turns) {
            auto published = world.origin->producer().create_broadcast("live");
        }
        pool->stop();
        if (round % 2 == 0) {
            world.origin.reset();
        }
        pool.reset();
        if (world.origin) {
            CHECK(world.origin->stats().pending == 0);
            CHECK(world.origin->stats().handlers == 0);
            CHECK(world.origin->stats().watchers == 1);
        }
    }
}

TEST_CASE("departures: coroutines without an executor may be destroyed wherever they are suspended", "[faults]") {
    constexpr std::size_t people = 4;
    for (std::size_t who = 0; who < people; ++who) {
        INFO("who: " << who);
        const auto points = at_every_point([&](std::size_t point) {
            std::optional<Origin> origin(std::in_place);
            auto broadcast = std::make_optional(origin->producer().make_broadcast());
            auto track = std::make_optional(broadcast->create_track("video"));
            std::array<std::string, people> seen;
            std::array<PlainTask, people> tasks = {
                serve_plainly(origin->producer().dynamic(), broadcast->consume()),
                view_plainly(origin->consumer(), seen[1]), fetch_plainly(origin->consumer(), seen[2]),
                watch_plainly(origin->consumer(), seen[3])};
            std::optional<TrackDynamic> groups;
            std::optional<GroupProducer> group;
            std::optional<FrameProducer> frame;
            std::optional<OriginPublish> published;
            std::optional<GroupRequest> request;
            const std::vector<std::function<void()>> acts = {
                [&] { groups.emplace(track->dynamic()); },
                [&] { group.emplace(track->append_group()); },
                [&] { frame.emplace(group->create_frame(4)); },
                [&] { frame->write(payload("on")); },
                [&] { frame->write(payload("ly")); },
                [&] { frame->finish(); },
                [&] { group->finish(); },
                [&] { published.emplace(origin->producer().publish_broadcast("made", broadcast->consume())); },
                [&] {
                    auto next = groups->requested_group();
                    if (next.ready()) {
                        request.emplace(std::move(*now(std::move(next))));
                    }
                },
                [&] {
                    if (request) {
                        request->accept().finish();
                    }
                },
                [&] { track->finish(); },
                [&] { published.reset(); },
                [&] {
                    track.reset();
                    groups.reset();
                    broadcast.reset();
                },
                [&] { origin.reset(); },
            };
            for (std::size_t act = 0; act < acts.size(); ++act) {
                if (act == point) {
                    tasks[who].destroy();
                }
                acts[act]();
            }
            // An announced broadcast also reaches its requester without its handler.
            if (who > 1) {
                CHECK(seen[1] == "only end");
            }
            if (who != 2) {
                CHECK(seen[2] == "fetched");
            }
            if (who != 3) {
                CHECK(seen[3] == "change change end");
            }
            for (std::size_t other = 0; other < people; ++other) {
                CHECK((other == who || tasks[other].done()));
            }
            return point < acts.size();
        });
        CHECK(points == 14);
    }
}

}
