// comoq_soak [SECONDS]: publishers, handlers, two origins with relays between them, viewers and departures, at random on
// several threads, for this time (COMOQ_SOAK_SECONDS, else 5). After each round everybody leaves, and then every counter
// must be at zero and the heap where it was.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/post.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>

#include <comoq/comoq.hpp>

#include "soak/round.hpp"
#include "support/allocations.hpp"
#include "support/seed.hpp"
#include "support/turns.hpp"

using namespace comoq;
using namespace comoq::test;
using namespace asio::experimental::awaitable_operators;
using namespace soak_tests;

namespace {

/// Payloads carry their numbers, so that a reader can check them.
Bytes payload_of(std::uint64_t group, std::uint64_t frame, std::size_t size) {
    auto text = std::to_string(group) + " " + std::to_string(frame) + " ";
    text.resize(text.size() + size, 'x');
    return Bytes(std::move(text));
}
void check_payload(Round &round, const Frame &frame, std::uint64_t group) {
    ++round.counts.frames;
    if (!frame.payload.view().starts_with(std::to_string(group) + " ")) {
        ++round.counts.wrong;
    }
}

void write_group(Random &random, GroupProducer group) {
    for (std::uint64_t frame = 0, frames = random() % 5; frame != frames; ++frame) {
        if (random() % 4 == 0) {
            const auto whole = payload_of(group.sequence(), frame, random() % 2000);
            auto chunked = group.create_frame(whole.size());
            for (std::size_t at = 0; at < whole.size(); at += 500) {
                chunked.write(whole.slice(at, 500));
            }
            chunked.finish();
        } else {
            group.write_frame(payload_of(group.sequence(), frame, random() % 300));
        }
    }
    if (random() % 8 != 0) {
        group.finish();
    }
}

/// Writes some groups, ends the track or leaves it, and answers for groups that are gone meanwhile.
asio::awaitable<void> write_track(Round &round, Random random, TrackProducer track) {
    auto handler = track.dynamic();
    for (auto left = random() % 30; left != 0 && !round.over; --left) {
        try {
            switch (random() % 8) {
            case 0: track.write_frame(payload_of(track.latest().value_or(0) + (track.latest() ? 1 : 0), 0, 10)); break;
            case 1: track.append_datagram(payload_of(0, 0, 10)); break;
            default: write_group(random, track.append_group());
            }
        } catch (const std::system_error &error) {
            // Only the end of its broadcast and the pool can come in between.
            round.counts.wrong += error.code() == Error::Dropped || error.code() == Error::Closed ||
                                          error.code() == Error::Evicted || error.code() == Error::Old
                                      ? 0
                                      : 1;
        }
        auto next = co_await try_for<std::optional<GroupRequest>>(random() % 4, handler.requested_group());
        if (next && std::get<1>(*next)) {
            auto &request = *std::get<1>(*next);
            if (random() % 4 == 0) {
                request.reject(Error::NotFound);
            } else {
                try {
                    write_group(random, request.accept());
                } catch (const std::system_error &) {
                    // Another task wrote it, or it was evicted while it was written.
                }
            }
        }
    }
    switch (random() % 3) {
    case 0: track.finish(); break;
    case 1: track.abort(app_error(1)); break;
    default: break;
    }
}

asio::awaitable<void> publish(Round &round, Random random) {
    const auto executor = co_await asio::this_coro::executor;
    while (!round.over) {
        auto published = round.publishing->create_broadcast(path_of(random()));
        ++round.counts.published;
        for (const auto *name : {"video", "audio"}) {
            asio::co_spawn(executor, write_track(round, Random(random()), published.producer().create_track(name)),
                           asio::detached);
        }
        co_await pause(random() % 60);
        if (random() % 2 == 0) {
            published.producer().finish();
        }
    }
}

/// Makes the requested broadcast, whose tracks are made on request, and releases it after a while.
asio::awaitable<void> serve(Round &round, Random random, BroadcastRequest request) {
    const auto executor = co_await asio::this_coro::executor;
    switch (random() % 6) {
    case 0: request.reject(app_error(2)); co_return;
    case 1: co_return;
    case 2: co_await (request.abandoned() || pause(random() % 10)); break;
    default: break;
    }
    auto broadcast = round.publishing->make_broadcast();
    auto handler = broadcast.dynamic();
    request.accept(broadcast.consume());
    for (auto left = random() % 12; left != 0 && !round.over; --left) {
        auto next = co_await try_for<std::optional<TrackRequest>>(1 + random() % 30, handler.requested_track());
        if (next && std::get<1>(*next)) {
            auto &asked = *std::get<1>(*next);
            if (random() % 5 == 0) {
                asked.reject(Error::NotFound);
            } else {
                asio::co_spawn(executor, write_track(round, Random(random()), asked.accept()), asio::detached);
            }
        }
    }
}

asio::awaitable<void> handle(Round &round, Random random) {
    const auto executor = co_await asio::this_coro::executor;
    while (!round.over) {
        auto handler = round.publishing->with_root("made")->dynamic();
        for (auto left = random() % 30; left != 0 && !round.over; --left) {
            auto next = co_await try_for<std::optional<BroadcastRequest>>(random() % 30, handler.requested_broadcast());
            if (next && std::get<1>(*next)) {
                asio::co_spawn(executor, serve(round, Random(random()), std::move(*std::get<1>(*next))), asio::detached);
            }
        }
    }
}

asio::awaitable<void> read_group(Round &round, Random &random, GroupConsumer group) {
    ++round.counts.groups;
    for (auto left = random() % 6; left != 0; --left) {
        const auto turns = random() % 8;
        if (random() % 3 == 0) {
            auto frame = co_await try_for<std::optional<FrameConsumer>>(turns, group.next_frame());
            if (!frame || !std::get<1>(*frame)) {
                co_return;
            }
            auto whole = co_await try_for<Bytes>(turns, std::get<1>(*frame)->read_all());
            round.counts.frames += whole ? 1 : 0;
        } else {
            auto frame = co_await try_for<std::optional<Frame>>(turns, group.read_frame());
            if (!frame || !std::get<1>(*frame)) {
                co_return;
            }
            check_payload(round, *std::get<1>(*frame), group.sequence());
        }
    }
}

asio::awaitable<void> view(Round &round, Random random) {
    while (!round.over) {
        const auto path = random() % 2 == 0 ? path_of(random()) : made_path_of(random());
        const auto &origin = round.some_origin(random);
        ++round.counts.requests;
        auto found = co_await try_for<BroadcastConsumer>(random() % 100, origin.request_broadcast(path));
        if (!found || std::get<0>(*found)) {
            round.counts.refusals += found ? 1 : 0;
            continue;
        }
        ++round.counts.broadcasts;
        const auto broadcast = std::get<1>(*found);
        const auto track = broadcast.track(random() % 2 == 0 ? "video" : "audio");
        auto subscribed = co_await try_for<TrackSubscriber>(random() % 100, track.subscribe());
        if (!subscribed || std::get<0>(*subscribed)) {
            continue;
        }
        auto subscriber = std::move(std::get<1>(*subscribed));
        for (auto left = random() % 12; left != 0; --left) {
            const auto turns = random() % 20;
            switch (random() % 5) {
            case 0: {
                auto fetched = co_await try_for<GroupConsumer>(turns, track.fetch_group(random() % 30));
                if (fetched && !std::get<0>(*fetched)) {
                    ++round.counts.fetched;
                    co_await read_group(round, random, std::move(std::get<1>(*fetched)));
                }
                break;
            }
            case 1: {
                auto next = co_await try_for<std::optional<GroupConsumer>>(turns, subscriber.recv_group());
                if (next && std::get<1>(*next)) {
                    co_await read_group(round, random, std::move(*std::get<1>(*next)));
                }
                break;
            }
            default: {
                auto next = co_await try_for<std::optional<GroupConsumer>>(turns, subscriber.next_group());
                if (next && std::get<1>(*next)) {
                    co_await read_group(round, random, std::move(*std::get<1>(*next)));
                }
            }
            }
        }
    }
}

asio::awaitable<void> watch(Round &round, Random random) {
    while (!round.over) {
        auto watcher = round.from_upstream.announced();
        for (auto left = random() % 40; left != 0 && !round.over; --left) {
            auto next = co_await try_for<std::optional<Announcement>>(random() % 20, watcher.next());
            round.counts.changes += next ? 1 : 0;
        }
        const auto awaited =
            co_await try_for<BroadcastConsumer>(random() % 20, round.from_upstream.announced_broadcast(path_of(random())));
        round.counts.wrong += awaited && std::get<0>(*awaited) ? 1 : 0;
    }
}

/// The relay: requests that the edge cannot serve go upstream. Now and then it ends, and another one begins.
asio::awaitable<void> relay(Round &round, Random random) {
    while (!round.over) {
        auto handler = round.edge->producer().dynamic();
        auto relaying = proxy(round.from_upstream, round.edge->producer(), std::move(handler));
        co_await (std::move(relaying) || pause(200 + random() % 2000));
    }
}

/// Words for each counter that is not at zero.
std::string left_in(const char *name, const OriginStats &stats) {
    std::string left;
    const auto add = [&](const char *counter, std::size_t value) {
        if (value != 0) {
            left += std::string(" ") + name + "." + counter + "=" + std::to_string(value);
        }
    };
    add("announced", stats.announced);
    add("nodes", stats.nodes);
    add("watchers", stats.watchers);
    add("handlers", stats.handlers);
    add("pending", stats.pending);
    add("served", stats.served);
    add("cached_bytes", stats.cached_bytes);
    add("cached_groups", stats.cached_groups);
    return left;
}

/// Returns a description of the remains at its end, which is empty if all is well.
std::string run_round(Counts &counts, Random &random) {
    Round round(counts);
    {
        asio::thread_pool pool(threads);
        const auto spawn = [&](auto task, int times) {
            for (; times != 0; --times) {
                asio::co_spawn(asio::make_strand(pool), task(round, Random(random())), asio::detached);
            }
        };
        spawn(publish, 3);
        spawn(handle, 2);
        spawn(view, 12);
        spawn(watch, 2);
        spawn(relay, 1);
        const auto end = Steady::now() + round_time;
        // In a coroutine, because the time is over for all tasks at once.
        asio::co_spawn(
            pool,
            [&round, end]() -> asio::awaitable<void> {
                while (Steady::now() < end) {
                    co_await pause(10);
                }
                round.over = true;
            },
            asio::detached);
        pool.join();
    }
    round.publishing.reset();
    return left_in("upstream", round.upstream->stats()) + left_in("edge", round.edge->stats());
}

}  // namespace

int main(int argc, char **argv) {
    const char *given = argc > 1 ? argv[1] : std::getenv("COMOQ_SOAK_SECONDS");
    const double seconds = given != nullptr ? std::strtod(given, nullptr) : 5;
    if (argc > 2 || !(seconds > 0)) {
        std::fprintf(stderr, "usage: comoq_soak [SECONDS]\n");
        return 2;
    }
    Random random(seed("soak"));
    Counts counts;
    const auto end = Steady::now() + std::chrono::duration<double>(seconds);
    std::size_t rounds = 0, allocations = 0, bytes = 0;  // the latter two after the first round
    // The first round is for memory that is allocated once and kept: by the library, asio and the C++ runtime.
    // On a slow machine a round may be too short for something that has to happen.
    for (; rounds < 2 || Steady::now() < end || (!counts.has_all() && rounds < most_rounds_for_all); ++rounds) {
        const auto left = run_round(counts, random);
        if (!left.empty() || counts.wrong != 0) {
            std::fprintf(stderr, "after round %zu:%s, %llu things that must not be\n", rounds + 1, left.c_str(),
                         static_cast<unsigned long long>(counts.wrong.load()));
            return 1;
        }
        if (rounds == 0) {
            allocations = live_allocations();
            bytes = live_bytes();
        } else if (allocations_can_fail() && live_allocations() > allocations + std::max<std::size_t>(4, rounds / 2)) {
            // (Where allocations cannot fail, with clang's thread sanitizer, they cannot be counted, either. A later round may
            // allocate something for the first time and keep it; a leak of a round is a leak of each.)
            std::fprintf(stderr, "after round %zu there are %zu allocations of %zu bytes, after the first %zu of %zu\n",
                         rounds + 1, live_allocations(), live_bytes(), allocations, bytes);
            return 1;
        }
    }
    const auto print = [](const char *name, const std::atomic<std::uint64_t> &count) {
        std::printf(" %s %llu", name, static_cast<unsigned long long>(count.load()));
    };
    std::printf("%zu rounds, nothing left, %zu bytes on the heap after the first and %zu after the last:", rounds, bytes,
                live_bytes());
    print("published", counts.published);
    print("requests", counts.requests);
    print("broadcasts", counts.broadcasts);
    print("refusals", counts.refusals);
    print("groups", counts.groups);
    print("frames", counts.frames);
    print("fetched", counts.fetched);
    print("changes", counts.changes);
    std::printf("\n");
    if (!counts.has_all()) {
        std::fprintf(stderr, "something never happened\n");
    }
    return counts.has_all() ? 0 : 1;
}
