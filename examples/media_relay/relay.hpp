// A relay: an origin that has nothing of its own, and fetches what it is asked for from another one.
#pragma once

#include <comoq/comoq.hpp>

#include <asio/awaitable.hpp>
#include <atomic>
#include <cstddef>

// Serves what `handler` is asked for at `edge` with broadcasts from `upstream`, each fetched once however many ask.
// Runs until the origin of `handler` is gone or it is cancelled. As it holds a producer of `edge` to make the copies
// with, and a producer keeps its origin, that means: until it is cancelled, and that is easiest where it runs on a
// strand. `fetches` counts how often it asks upstream for a broadcast; it outlives everything that was served.
asio::awaitable<void> relay(comoq::OriginProducer edge, comoq::OriginDynamic handler, comoq::OriginConsumer upstream,
                            std::atomic<std::size_t> &fetches);
