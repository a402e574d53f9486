// Threads that ask, serve, publish, watch, cancel and leave at random. The tests check results that can be known, and
// what is left at the end; the sanitizers check the rest.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/post.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_future.hpp>

#include <comoq/origin.hpp>

#include "support/catch.hpp"
#include "support/origin_fixture.hpp"
#include "support/seed.hpp"
#include "support/turns.hpp"

namespace stress_tests {

using namespace comoq;
using namespace comoq::test;
using namespace asio::experimental::awaitable_operators;

namespace {

using Random = std::mt19937_64;

/// The paths. Nobody publishes below "demand", so that only the handlers decide there.
const std::vector<std::string> paths = {"a",         "a/b",        "a/b/c",        "a/b/d",      "a/e",
                                        "f",         "f/g/h",      "demand/a",     "demand/a/b", "demand/a/b/c",
                                        "demand/a/d", "demand/e/f", "demand/e/f/g"};
const std::vector<std::string> roots = {"", "a", "a/b", "f", "demand", "demand/a", "demand/a/b", "demand/e"};

bool on_demand(std::size_t path) { return paths[path].starts_with("demand"); }

/// A broadcast carries the number of its path as its hops, so that its holder can tell.
BroadcastInfo info_of(std::size_t path, std::size_t extra_hops = 0) {
    BroadcastInfo info;
    // A repeated hop would be a loop.
    for (std::size_t hop = 0; hop <= extra_hops; ++hop) info.hops.push_back(1000 + path + 1000 * hop);
    return info;
}
bool is_of(const BroadcastConsumer &broadcast, std::size_t path) {
    return broadcast && broadcast.info().hops.front() == 1000 + path;
}

std::size_t index_of(const Path &path) {
    std::size_t index = 0;
    while (index < paths.size() && paths[index] != path.view()) {
        ++index;
    }
    return index;
}

struct Stress {
    Origin origin{OriginConfig{.id = 1}};
    /// Unsettled requests below "demand" that a handler holds: at most one a path.
    std::vector<std::atomic<int>> held = std::vector<std::atomic<int>>(paths.size());
    std::atomic<std::size_t> wrong{0}, answers{0}, broadcasts{0}, changes{0};

    void expect(bool right) {
        if (!right) {
            ++wrong;
        }
    }
};

asio::awaitable<void> request(Stress &stress, Random random, int times) {
    const auto whole = stress.origin.consumer();
    for (; times != 0; --times) {
        const auto path = static_cast<std::size_t>(random() % paths.size());
        const auto &root = roots[random() % roots.size()];
        const auto rest = Path(paths[path]).strip_prefix(root);
        const auto narrow = whole.with_root(root);
        auto pending = rest ? narrow->request_broadcast(rest->view()) : whole.request_broadcast(paths[path]);
        const auto choice = random() % 4;
        if (choice == 0) {
            if (random() % 2 == 0) {
                co_await pause(random() % 4);
            }
            continue;
        }
        std::optional<std::tuple<std::error_code, BroadcastConsumer>> outcome;
        if (choice == 1) {
            const auto turns = random() % 6;
            outcome = co_await try_for<BroadcastConsumer>(turns, std::move(pending));
        } else {
            outcome = co_await std::move(pending).as_tuple();
        }
        if (!outcome) {
            continue;
        }
        ++stress.answers;
        const auto &[code, broadcast] = *outcome;
        if (!code) {
            ++stress.broadcasts;
            stress.expect(is_of(broadcast, path));
        } else {
            stress.expect(code == Error::NotFound || code == app_error(static_cast<std::uint32_t>(path)));
        }
    }
}

/// Answers one request, or drops it, sooner or later. A served broadcast lasts for some turns.
asio::awaitable<void> answer(Stress &stress, Random &random, BroadcastRequest request) {
    const auto path = index_of(request.absolute_path());
    stress.expect(path < paths.size());
    const auto hold = [&](int count) {
        if (on_demand(path)) {
            stress.expect(stress.held[path].fetch_add(count) == (count > 0 ? 0 : 1));
        }
    };
    hold(1);
    if (random() % 3 == 0) {
        co_await pause(random() % 6);
    } else if (random() % 4 == 0) {
        const auto turns = random() % 6;
        const auto abandoned = co_await (request.abandoned() || pause(turns));
        static_cast<void>(abandoned);
    }
    // Below "demand" only this answer settles the request.
    hold(-1);
    bool settled = true;
    switch (random() % 5) {
    case 0: settled = request.reject(app_error(static_cast<std::uint32_t>(path))); break;
    case 1: break;
    case 2: {
        BroadcastProducer closed(info_of(path));
        closed.finish();
        settled = request.accept(closed.consume());
        break;
    }
    default: {
        auto broadcast = stress.origin.producer().make_broadcast(info_of(path));
        settled = request.accept(broadcast.consume());
        co_await pause(random() % 8);
    }
    }
    stress.expect(settled || !on_demand(path));
}

asio::awaitable<void> handle(Stress &stress, Random random, int times) {
    for (; times != 0; --times) {
        const auto producer = stress.origin.producer();
        auto handler = producer.with_root(roots[random() % roots.size()])->dynamic();
        for (auto steps = 1 + random() % 6; steps != 0; --steps) {
            const auto turns = random() % 6;
            auto next = co_await try_for<std::optional<BroadcastRequest>>(turns, handler.requested_broadcast());
            if (next && std::get<1>(*next)) {
                auto taken = std::move(*std::get<1>(*next));
                if (random() % 8 == 0) {
                    handler = producer.dynamic();
                }
                co_await answer(stress, random, std::move(taken));
            }
        }
    }
}

/// Serves the requests that no other handler serves, until it is told that none will come.
asio::awaitable<void> handle_the_rest(Stress &stress, Random random, std::shared_ptr<std::optional<OriginDynamic>> handler) {
    while (auto next = co_await (*handler)->requested_broadcast()) {
        co_await answer(stress, random, std::move(*next));
        if (!*handler) {
            break;
        }
    }
}

asio::awaitable<void> publish(Stress &stress, Random random, int times) {
    for (; times != 0; --times) {
        const auto path = static_cast<std::size_t>(random() % paths.size());
        if (on_demand(path)) {
            continue;
        }
        auto published = stress.origin.producer().create_broadcast(paths[path], info_of(path, random() % 3));
        std::optional<OriginPublish> second;
        if (random() % 3 == 0) {
            second = stress.origin.producer().publish_broadcast(paths[path], published.producer().consume());
        }
        co_await pause(random() % 6);
        switch (random() % 3) {
        case 0: published.unannounce(); break;
        case 1: published.producer().finish(); break;
        default: break;
        }
    }
}

/// A watcher's changes must be consistent at each path.
void check_change(Stress &stress, const Announcement &change, const Path &root, std::map<Path, BroadcastConsumer> &told) {
    ++stress.changes;
    const bool known = told.contains(change.path);
    stress.expect(known == (change.event != Announcement::Event::Active));
    if (change.event == Announcement::Event::Ended) {
        stress.expect(!change.broadcast);
        told.erase(change.path);
    } else {
        stress.expect(is_of(change.broadcast, index_of(root.join(change.path))));
        told[change.path] = change.broadcast;
    }
}

asio::awaitable<void> watch(Stress &stress, Random random, int times) {
    for (; times != 0; --times) {
        const auto consumer = stress.origin.consumer().with_root(roots[random() % roots.size()]).value();
        auto watcher = consumer.announced();
        std::map<Path, BroadcastConsumer> told;
        for (auto steps = random() % 20; steps != 0; --steps) {
            const auto turns = random() % 4;
            auto next = co_await try_for<std::optional<Announcement>>(turns, watcher.next());
            if (next && std::get<1>(*next)) {
                check_change(stress, *std::get<1>(*next), consumer.root(), told);
            }
        }
    }
}

asio::awaitable<void> await_announcements(Stress &stress, Random random, int times) {
    for (; times != 0; --times) {
        const auto path = static_cast<std::size_t>(random() % paths.size());
        const auto turns = random() % 6;
        auto outcome =
            co_await try_for<BroadcastConsumer>(turns, stress.origin.consumer().announced_broadcast(paths[path]));
        if (outcome) {
            stress.expect(!on_demand(path) && !std::get<0>(*outcome) && is_of(std::get<1>(*outcome), path));
        }
    }
}

}  // namespace

TEST_CASE("stress: with everything at random on several threads, nothing is pending, served or left in the tree",
          "[stress]") {
    Random random(seed("stress"));
    Stress stress;
    auto watcher = stress.origin.consumer().announced();
    asio::thread_pool pool(4);
    std::vector<std::future<void>> requesters, others;
    const auto spawn = [&](auto task, auto &into, int times) {
        into.push_back(asio::co_spawn(asio::make_strand(pool), task(stress, Random(random()), times), asio::use_future));
    };
    auto rest = std::make_shared<std::optional<OriginDynamic>>(stress.origin.producer().dynamic());
    const auto strand_of_the_rest = asio::make_strand(pool);
    auto served = asio::co_spawn(strand_of_the_rest, handle_the_rest(stress, Random(random()), rest), asio::use_future);
    for (int i = 0; i < 4; ++i) {
        spawn(request, requesters, 3000);
        spawn(handle, others, 400);
    }
    for (int i = 0; i < 2; ++i) {
        spawn(publish, others, 2000);
        spawn(watch, others, 250);
        spawn(await_announcements, others, 1200);
    }
    for (auto *tasks : {&requesters, &others}) {
        for (auto &task : *tasks) {
            task.get();
        }
    }
    asio::post(strand_of_the_rest, [rest] { rest->reset(); });
    served.get();
    pool.join();

    CHECK(stress.wrong == 0);
    CHECK(stress.answers > 0);
    CHECK(stress.broadcasts > 0);
    CHECK(stress.changes > 0);
    std::map<Path, BroadcastConsumer> told;
    for (const auto &change : changes(watcher)) {
        check_change(stress, change, Path(), told);
    }
    CHECK(told.empty());
    CHECK(stress.wrong == 0);
    const auto stats = stress.origin.stats();
    CHECK(stats.pending == 0);
    CHECK(stats.served == 0);
    CHECK(stats.announced == 0);
    CHECK(stats.handlers == 0);
    CHECK(stats.watchers == 1);
    CHECK(stats.nodes == 0);
}

TEST_CASE("stress: every waiter of an origin is told when the origin goes", "[stress]") {
    Random random(seed("stress, the end"));
    asio::thread_pool pool(4);
    std::atomic<std::size_t> wrong{0}, ended{0};
    const auto may_end_a_wait = [&](std::error_code code) {
        ++ended;
        wrong += code && code != Error::Dropped && code != Error::NotFound ? 1 : 0;
    };
    const auto ask = [&](OriginConsumer consumer) -> asio::awaitable<void> {
        for (bool gone = false; !gone;) {
            const auto outcome = co_await consumer.request_broadcast("a").as_tuple();
            may_end_a_wait(std::get<0>(outcome));
            gone = std::get<0>(outcome) == Error::Dropped;
            co_await pause(1);
        }
    };
    const auto serve = [&](OriginDynamic handler) -> asio::awaitable<void> {
        for (bool reject = false; auto request = co_await handler.requested_broadcast(); reject = !reject) {
            co_await pause(1);
            if (reject) {
                request->reject(Error::NotFound);
            } else {
                const BroadcastProducer broadcast;
                request->accept(broadcast.consume());
            }
        }
        ++ended;
    };
    const auto look_on = [&](OriginConsumer consumer) -> asio::awaitable<void> {
        auto watcher = consumer.announced();
        while (auto change = co_await watcher.next()) {
            wrong += change->path == Path("b") ? 0 : 1;
        }
        ++ended;
    };
    const auto await_one = [&](OriginConsumer consumer) -> asio::awaitable<void> {
        const auto outcome = co_await consumer.announced_broadcast("never").as_tuple();
        wrong += std::get<0>(outcome) == Error::Dropped ? 0 : 1;
        ++ended;
    };
    for (int round = 0; round < 200; ++round) {
        std::optional<Origin> origin(std::in_place);
        const auto consumer = origin->consumer();
        std::vector<std::future<void>> tasks;
        const auto spawn = [&](auto task) {
            tasks.push_back(asio::co_spawn(asio::make_strand(pool), std::move(task), asio::use_future));
        };
        ended = 0;
        spawn(ask(consumer));
        spawn(ask(consumer));
        spawn(serve(origin->producer().dynamic()));
        spawn(serve(origin->producer().with_root("a")->dynamic()));
        spawn(look_on(consumer));
        spawn(await_one(consumer));
        std::vector<BroadcastPublish> published;
        for (auto times = random() % 20; times != 0; --times) {
            published.push_back(origin->producer().create_broadcast("b"));
            if (random() % 2 == 0) {
                published.clear();
            }
        }
        origin.reset();
        for (auto &task : tasks) {
            task.get();
        }
        CHECK(ended >= 6);
    }
    pool.join();
    CHECK(wrong == 0);
}

}
