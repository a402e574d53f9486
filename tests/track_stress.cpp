// Threads that write, read, come and go. The tests check what they leave behind; the sanitizers check what they do.
#include <comoq/track.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <comoq/broadcast.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"
#include "support/seed.hpp"

namespace track_stress_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

constexpr std::uint64_t groups = 150;
constexpr std::size_t frames = 8;

std::string text_of(std::uint64_t group, std::size_t frame) {
    return std::to_string(group) + "/" + std::to_string(frame);
}

void write(TrackProducer track, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    for (std::uint64_t number = 0; number < groups; ++number) {
        auto group = track.append_group();
        for (std::size_t at = 0; at < frames; ++at) {
            const auto text = text_of(number, at);
            if (random() % 3 != 0) {
                group.write_frame(payload(text));
                continue;
            }
            auto frame = group.create_frame(text.size());
            const auto middle = random() % text.size();
            frame.write(payload(text.substr(0, middle)));
            frame.write(payload(text.substr(middle)));
            frame.finish();
        }
        group.finish();
    }
    track.finish();
}

/// Reads every group to its end, each frame in one of the possible ways. Returns the number of frames, or nothing when
/// one differs from the written one.
asio::awaitable<std::optional<std::size_t>> read_all(TrackSubscriber subscriber, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::size_t read = 0;
    bool right = true;
    std::uint64_t expected = 0;
    for (;;) {
        const bool in_order = random() % 2 == 0;
        auto step = in_order ? subscriber.next_group() : subscriber.recv_group();
        auto group = co_await std::move(step);
        if (!group) {
            if (in_order) {
                break;
            }
            continue;
        }
        if (!in_order) {
            continue;
        }
        right = right && group->sequence() == expected++;
        std::size_t at = 0;
        for (;;) {
            const auto way = random() % 3;
            if (way == 0) {
                auto frame = co_await group->read_frame();
                if (!frame) {
                    break;
                }
                right = right && frame->payload.view() == text_of(group->sequence(), at++);
            } else if (way == 1) {
                auto several = co_await group->read_frames(1 + random() % 4);
                if (!several) {
                    break;
                }
                for (const auto &frame : *several) {
                    right = right && frame.payload.view() == text_of(group->sequence(), at++);
                }
            } else {
                auto open = co_await group->next_frame();
                if (!open) {
                    break;
                }
                std::string all;
                for (;;) {
                    const auto chunk = co_await open->read_chunk();
                    if (!chunk) {
                        break;
                    }
                    all += chunk->view();
                }
                right = right && all == text_of(group->sequence(), at++);
            }
        }
        right = right && at == frames;
        read += at;
    }
    co_return right ? std::optional(read) : std::nullopt;
}

/// A thread of its own for the coroutines that `start` spawns.
template <class Start> std::thread run(Start start) {
    return std::thread([start = std::move(start)] {
        asio::io_context context;
        start(context);
        context.run();
    });
}

}  // namespace

TEST_CASE("section 2 threads: readers on threads of their own get everything that is written, in order", "[stress]") {
    const auto seed = comoq::test::seed("track_stress readers");
    BroadcastProducer broadcast;
    std::optional<TrackProducer> track(broadcast.create_track("video"));
    constexpr std::size_t readers = 4;
    std::vector<std::optional<std::size_t>> read(readers);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < readers; ++i) {
        auto subscriber = std::make_shared<TrackSubscriber>(now(track->consume().subscribe()));
        threads.push_back(run([&read, i, subscriber, seed](asio::io_context &context) {
            asio::co_spawn(context, read_all(std::move(*subscriber), seed + i),
                           [&read, i](std::exception_ptr error, std::optional<std::size_t> count) {
                               read[i] = error ? std::nullopt : count;
                           });
        }));
    }
    write(*track, seed);
    for (auto &thread : threads) {
        thread.join();
    }
    for (const auto &count : read) {
        CHECK(count == groups * frames);
    }
    CHECK(track->stats().subscribers == 0);
    CHECK(track->unused().ready());
}

TEST_CASE("section 2 threads: readers come and go, a handler serves, tracks end and nothing is left behind", "[stress]") {
    const auto seed = comoq::test::seed("track_stress visitors");
    std::atomic<std::size_t> got{0};
    std::atomic<std::size_t> wrong{0};
    std::size_t tracks = 1;
    std::size_t pending = 1;
    const auto before = live_allocations();
    {
        std::optional<BroadcastProducer> broadcast(std::in_place);
        const auto consumer = broadcast->consume();

        std::vector<std::thread> handlers;
        for (std::uint64_t i = 0; i < 2; ++i) {
            auto handler = std::make_shared<BroadcastDynamic>(broadcast->dynamic());
            handlers.push_back(run([handler, &wrong, seed, i](asio::io_context &context) {
                const auto serve = [](BroadcastDynamic own, std::mt19937_64 random,
                                      std::atomic<std::size_t> &trouble) -> asio::awaitable<void> {
                    for (;;) {
                        auto request = co_await own.requested_track();
                        if (!request) {
                            break;
                        }
                        const auto what = random() % 8;
                        if (what == 0) {
                            request->reject(app_error(1));
                            continue;
                        }
                        if (what == 1) {
                            continue;
                        }
                        try {
                            auto track = request->accept();
                            track.write_frame(payload("first"));
                            auto group = track.append_group();
                            group.write_frame(payload("second"));
                            if (what == 2) {
                                track.abort(app_error(2));
                            } else if (what == 3) {
                                group.abort(app_error(3));
                            } else if (what != 4) {
                                group.finish();
                                track.finish();
                            }
                        } catch (const std::system_error &error) {
                            // Another thread made the track, or closed the broadcast, first.
                            const bool fair = error.code() == Error::Duplicate || error.code() == Error::Closed;
                            trouble += fair ? 0u : 1u;
                        }
                    }
                };
                asio::co_spawn(context, serve(std::move(*handler), std::mt19937_64(seed + i), wrong), asio::detached);
            }));
        }

        std::vector<std::thread> visitors;
        for (std::uint64_t i = 0; i < 3; ++i) {
            visitors.push_back(run([&, seed, i](asio::io_context &context) {
                const auto visit = [](BroadcastConsumer own, std::mt19937_64 random, std::atomic<std::size_t> &good,
                                      std::atomic<std::size_t> &trouble) -> asio::awaitable<void> {
                    for (int round = 0; round < 250; ++round) {
                        auto track = own.track("t" + std::to_string(random() % 4));
                        auto request = track.subscribe(
                            Wish{.priority = static_cast<std::uint8_t>(random() % 9), .start = random() % 2});
                        if (random() % 4 == 0) {
                            continue;
                        }
                        auto [code, subscriber] = co_await std::move(request).as_tuple();
                        if (code) {
                            const bool fair = code == Error::NotFound || code == app_error(1);
                            trouble += fair ? 0u : 1u;
                            continue;
                        }
                        for (std::uint64_t steps = random() % 4; steps != 0; --steps) {
                            if (random() % 3 == 0) {
                                subscriber.update(Wish{.priority = 3});
                                subscriber.end_at(std::nullopt);
                            }
                            auto [failed, frame] = co_await subscriber.read_frame().as_tuple();
                            if (failed || !frame) {
                                const bool fair = !failed || failed == Error::Dropped || failed == app_error(2);
                                trouble += fair ? 0u : 1u;
                                break;
                            }
                            const bool right = frame->payload.view() == "first" || frame->payload.view() == "second";
                            (right ? good : trouble) += 1;
                        }
                    }
                };
                asio::co_spawn(context, visit(consumer, std::mt19937_64(seed + 10 + i), got, wrong), asio::detached);
            }));
        }

        std::mt19937_64 random(seed + 20);
        for (int i = 0; i < 200; ++i) {
            try {
                auto track = broadcast->create_track("t" + std::to_string(random() % 4));
                track.write_frame(payload("first"));
                static_cast<void>(track.subscription());
            } catch (const std::system_error &error) {
                wrong += error.code() == Error::Duplicate ? 0u : 1u;
            }
            broadcast->remove_track("t" + std::to_string(random() % 4));
            std::this_thread::yield();
        }
        for (auto &thread : visitors) {
            thread.join();
        }
        broadcast->finish();
        for (auto &thread : handlers) {
            thread.join();
        }
        tracks = broadcast->stats().tracks;
        pending = broadcast->stats().pending;
    }
    CHECK(tracks == 0);
    CHECK(pending == 0);
    CHECK(wrong.load() == 0);
    CHECK(got.load() > 0);
    CHECK(live_allocations() <= before + 16);
}

TEST_CASE("section 2 threads: steps that are cancelled while a writer completes them lose nothing", "[stress]") {
    const auto seed = comoq::test::seed("track_stress cancellation");
    BroadcastProducer broadcast;
    auto track = broadcast.create_track("video");
    auto group = track.append_group();
    constexpr std::size_t count = 1500;
    std::size_t read = 0;
    bool right = true;
    std::thread reader([reader = group.consume(), &read, &right, seed]() mutable {
        std::mt19937_64 random(seed);
        while (read < count) {
            auto waiting = wait(reader.read_frame());
            for (auto patience = random() % 3; patience != 0 && !waiting.done(); --patience) {
                std::this_thread::yield();
            }
            waiting.cancel();
            // The writer may have claimed it, and not come to wake it yet.
            for (int patience = 0; !waiting.done() && patience < 10'000'000; ++patience) {
                std::this_thread::yield();
            }
            if (!waiting.done()) {
                right = false;
                break;
            }
            if (waiting.code() == asio::error::operation_aborted) {
                continue;
            }
            right = right && waiting.value()->payload.view() == std::to_string(read);
            ++read;
        }
    });
    for (std::size_t i = 0; i < count; ++i) {
        group.write_frame(payload(std::to_string(i)));
    }
    reader.join();
    CHECK(right);
    CHECK(read == count);
}

}
