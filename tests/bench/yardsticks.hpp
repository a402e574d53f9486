/// \file
/// The yardsticks that several workloads share.
#pragma once

#include "workload.hpp"

#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace comoq::bench {

/// Posts `count` functions to an io_context, and then runs them.
inline Yardstick posts(std::size_t count) {
    return {"asio::post", [count]() -> Body {
                auto context = std::make_shared<asio::io_context>();
                return [=] {
                    const std::size_t rounds = count >= 1000 ? 1 : 1000 / count;
                    std::size_t ran = 0;
                    const Stopwatch stopwatch;
                    for (std::size_t round = 0; round < rounds; ++round) {
                        for (std::size_t i = 0; i < count; ++i) asio::post(*context, [&ran] { ++ran; });
                        context->restart();
                        context->run();
                    }
                    return stopwatch.stop(ran);
                };
            }};
}

/// A coroutine that posts itself, and is resumed, `count` times a sample.
inline asio::awaitable<Sample> post_round_trips(asio::io_context &context, std::size_t count) {
    const Stopwatch stopwatch;
    for (std::size_t i = 0; i < count; ++i) co_await asio::post(context, asio::use_awaitable);
    co_return stopwatch.stop(count);
}
inline Yardstick round_trip() {
    return {"co_await asio::post", []() -> Body {
                auto context = std::make_shared<asio::io_context>();
                return [=] { return run(*context, post_round_trips(*context, 2000)); };
            }};
}

using Paths = std::shared_ptr<const std::vector<std::string>>;

/// Looks paths up in a hash table under a lock, with a copy of the shared pointer that it finds.
inline Yardstick locked_lookup(std::function<Paths()> make_paths, std::size_t steps) {
    return {"locked unordered_map", [=]() -> Body {
                struct Table {
                    std::mutex mutex;
                    std::unordered_map<std::string, std::shared_ptr<int>> entries;
                    std::size_t next = 0;
                };
                const Paths paths = make_paths();
                auto table = std::make_shared<Table>();
                for (const std::string &path : *paths) table->entries.emplace(path, std::make_shared<int>(1));
                return [=] {
                    std::size_t found = 0;
                    const Stopwatch stopwatch;
                    for (std::size_t i = 0; i < steps; ++i) {
                        const std::string &path = (*paths)[table->next];
                        if (++table->next == paths->size()) table->next = 0;
                        std::shared_ptr<int> copy;
                        {
                            std::lock_guard lock(table->mutex);
                            copy = table->entries.find(path)->second;
                        }
                        found += static_cast<std::size_t>(*copy);
                    }
                    return stopwatch.stop(found);
                };
            }};
}

}  // namespace comoq::bench
