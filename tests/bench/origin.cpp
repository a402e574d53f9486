// W1 to W5: an origin's lookups, requests on demand, and announcements.
#include "workload.hpp"
#include "yardsticks.hpp"

#include <comoq/origin.hpp>

#include <asio/detached.hpp>

#include <algorithm>
#include <random>

namespace comoq::bench {

namespace {

std::vector<std::string> ordered_paths(std::size_t count) {
    std::vector<std::string> paths;
    for (std::size_t i = 0; i < count; ++i) paths.push_back(path_of(i));
    return paths;
}

/// In an order that no cache knows and that is the same in every run.
Paths shuffled_paths(std::size_t count) {
    auto paths = ordered_paths(count);
    std::mt19937_64 random(1);
    std::shuffle(paths.begin(), paths.end(), random);
    return std::make_shared<const std::vector<std::string>>(std::move(paths));
}

struct Announced {
    Origin origin;
    OriginConsumer consumer = origin.consumer();
    Paths paths;
    std::vector<BroadcastPublish> published;
    asio::io_context context;
    std::size_t next = 0;

    explicit Announced(Paths announced) : paths(std::move(announced)) {
        published.reserve(paths->size());
        for (const std::string &path : *paths) published.push_back(origin.producer().create_broadcast(path));
    }
};

asio::awaitable<Sample> look_up(Announced &announced, std::size_t steps) {
    std::size_t found = 0;
    const Stopwatch stopwatch;
    for (std::size_t i = 0; i < steps; ++i) {
        const std::string &path = (*announced.paths)[announced.next];
        if (++announced.next == announced.paths->size()) announced.next = 0;
        auto broadcast = co_await announced.consumer.request_broadcast(path);
        found += broadcast.is_closed() ? 0 : 1;
    }
    co_return stopwatch.stop(found);
}

Timed lookup_of(std::string name, std::size_t count) {
    constexpr std::size_t steps = 5000;
    return {"W1", std::move(name),
            [=]() -> Body {
                auto announced = std::make_shared<Announced>(shuffled_paths(count));
                return [=] { return run(announced->context, look_up(*announced, steps)); };
            },
            locked_lookup([=] { return shuffled_paths(count); }, steps), 2.0};
}

/// An origin with a handler. Answers are made before the clock runs: each request is given one of its own.
struct OnDemand {
    Origin origin;
    OriginProducer producer = origin.producer();
    OriginConsumer consumer = origin.consumer();
    std::vector<BroadcastProducer> answers;
    asio::io_context context;
    std::size_t asked = 0;
};

asio::awaitable<void> serve(OnDemand &demand, OriginDynamic handler, std::size_t requests) {
    for (std::size_t i = 0; i < requests; ++i) {
        auto request = co_await handler.requested_broadcast();
        request->accept(demand.answers[i].consume());
    }
}

asio::awaitable<Sample> ask(OnDemand &demand, std::vector<std::string> paths) {
    co_await asio::post(demand.context, asio::use_awaitable);
    const Stopwatch stopwatch;
    for (const std::string &path : paths) co_await demand.consumer.request_broadcast(path);
    co_return stopwatch.stop(paths.size());
}

Body round_trips() {
    auto demand = std::make_shared<OnDemand>();
    return [=] {
        constexpr std::size_t requests = 1000;
        demand->answers.clear();
        std::vector<std::string> paths;
        for (std::size_t i = 0; i < requests; ++i) {
            demand->answers.push_back(demand->producer.make_broadcast());
            paths.push_back(path_of(demand->asked++));
        }
        asio::co_spawn(demand->context, serve(*demand, demand->producer.dynamic(), requests), asio::detached);
        return run(demand->context, ask(*demand, std::move(paths)));
    };
}

std::size_t crowd() { return unless_quick(100000); }

asio::awaitable<void> join(OnDemand &demand, std::string path, std::size_t &answered) {
    auto broadcast = co_await demand.consumer.request_broadcast(path);
    if (!broadcast.is_closed()) ++answered;
}

/// The kind of requester, and the timed part: everything, or the part after the handler's answer.
enum class Asking { Handlers, Coroutines, CoroutinesFromAccept };

/// All ask for one path before the handler answers.
Body many_requesters(Asking asking) {
    auto demand = std::make_shared<OnDemand>();
    return [=] {
        const std::string path = path_of(demand->asked++);
        auto broadcast = demand->producer.make_broadcast();
        auto handler = demand->producer.dynamic();
        auto next = handler.requested_broadcast();
        std::size_t answered = 0;
        demand->context.restart();
        const Stopwatch from_start;
        for (std::size_t i = 0; i < crowd(); ++i) {
            if (asking == Asking::Handlers) {
                const auto count = [&answered](std::error_code ec, const BroadcastConsumer &) { answered += ec ? 0 : 1; };
                demand->consumer.request_broadcast(path).async_wait(asio::bind_executor(demand->context, count));
            } else {
                asio::co_spawn(demand->context, join(*demand, path, answered), asio::detached);
            }
        }
        demand->context.poll();
        const Stopwatch from_accept;
        next.async_wait(asio::bind_executor(demand->context, [&](std::error_code, std::optional<BroadcastRequest> request) {
            request->accept(broadcast.consume());
        }));
        demand->context.run();
        return (asking == Asking::CoroutinesFromAccept ? from_accept : from_start).stop(answered);
    };
}

struct Unserved {
    Origin origin;
    OriginConsumer consumer = origin.consumer();
    std::vector<std::string> paths = ordered_paths(unless_quick(100000));
    asio::io_context context;
    std::size_t next = 0;
};

asio::awaitable<Sample> ask_in_vain(Unserved &unserved, std::size_t steps) {
    std::size_t refused = 0;
    const Stopwatch stopwatch;
    for (std::size_t i = 0; i < steps; ++i) {
        const std::string &path = unserved.paths[unserved.next];
        if (++unserved.next == unserved.paths.size()) unserved.next = 0;
        auto [ec, broadcast] = co_await unserved.consumer.request_broadcast(path).as_tuple();
        refused += ec ? 1 : 0;
    }
    co_return stopwatch.stop(refused);
}

Body requests_in_vain() {
    auto unserved = std::make_shared<Unserved>();
    return [=] { return run(unserved->context, ask_in_vain(*unserved, 5000)); };
}

/// The growth of the heap over 100,000 such requests.
std::vector<Figure> kept_in_vain() {
    Unserved unserved;
    run(unserved.context, ask_in_vain(unserved, 1000));
    const auto before = heap_in_use();
    run(unserved.context, ask_in_vain(unserved, 100000));
    Figure kept{"W4", "nobody kept", "bytes", 0, {}, {}, {}};
    kept.value = static_cast<double>(static_cast<std::ptrdiff_t>(heap_in_use() - before));
    return {kept};
}

struct Watched {
    Origin origin;
    OriginProducer producer = origin.producer();
    asio::io_context context;
    std::size_t seen = 0;

    explicit Watched(std::size_t watchers) {
        for (std::size_t i = 0; i < watchers; ++i)
            asio::co_spawn(context, watch(origin.consumer().announced()), asio::detached);
        context.poll();
    }

    asio::awaitable<void> watch(AnnounceConsumer announced) {
        while (auto announcement = co_await announced.next()) ++seen;
    }
};

Body announcements(std::size_t watchers) {
    auto watched = std::make_shared<Watched>(watchers);
    auto broadcast = std::make_shared<BroadcastProducer>(watched->producer.make_broadcast());
    return [=] {
        const std::size_t rounds = watchers >= 1000 ? 1 : 1000 / watchers;
        watched->seen = 0;
        const Stopwatch stopwatch;
        for (std::size_t i = 0; i < rounds; ++i) {
            auto guard = watched->producer.publish_broadcast("room/42/alice", broadcast->consume());
            watched->context.poll();
            guard.unannounce();
            watched->context.poll();
        }
        return stopwatch.stop(watched->seen);
    };
}

}  // namespace

Workload announced_lookup() {
    return {"W1", "request_broadcast of an announced path", {lookup_of("1k", 1000), lookup_of("1m", unless_quick(1000000))}};
}

Workload on_demand() {
    return {"W2", "request, handler, accept, resumption", {{"W2", "round trip", round_trips, round_trip(), 3.0}}};
}

Workload requesters() {
    return {"W3",
            "100,000 requesters for one path",
            {{"W3", "100k handlers", [] { return many_requesters(Asking::Handlers); }, posts(crowd()), 2.0},
             {"W3", "100k", [] { return many_requesters(Asking::Coroutines); }, posts(crowd()), 2.0},
             {"W3", "100k accept", [] { return many_requesters(Asking::CoroutinesFromAccept); }, posts(crowd()), 2.0}}};
}

Workload nobody() {
    constexpr std::size_t steps = 5000;
    return {"W4",
            "requests for paths that nobody serves",
            {{"W4", "nobody", requests_in_vain, locked_lookup([] { return shuffled_paths(1000); }, steps), 2.0}},
            kept_in_vain};
}

Workload announcing() {
    Workload workload{"W5", "announce and unannounce, a watcher and event", {}};
    for (const std::size_t watchers : {1, 100, 10000})
        workload.timed.push_back({"W5", std::to_string(watchers), [=] { return announcements(watchers); },
                                  posts(watchers), 2.0});
    return workload;
}

}  // namespace comoq::bench
