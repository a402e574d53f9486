// W0: awaiting outcomes that are already there.
#include "workload.hpp"

#include <comoq/operation.hpp>

#include <utility>

namespace comoq::bench {

namespace {

constexpr std::size_t steps = 10000;

asio::awaitable<int> at_once(int value) { co_return value; }

asio::awaitable<Sample> call() {
    std::size_t sum = 0;
    const Stopwatch stopwatch;
    for (std::size_t i = 0; i < steps; ++i) sum += static_cast<std::size_t>(co_await at_once(1));
    co_return stopwatch.stop(sum);
}

Operation<int> there(int value) {
    return Operation<int>(detail::Passkey(), detail::ReadySource<int>(detail::Outcome<int>(std::in_place, value)));
}

asio::awaitable<Sample> await_ready() {
    std::size_t sum = 0;
    const Stopwatch stopwatch;
    for (std::size_t i = 0; i < steps; ++i) sum += static_cast<std::size_t>(co_await there(1));
    co_return stopwatch.stop(sum);
}

template <asio::awaitable<Sample> (*coroutine)()> Body body() {
    auto context = std::make_shared<asio::io_context>();
    return [=] { return run(*context, coroutine()); };
}

}  // namespace

Workload awaiting() {
    return {"W0",
            "co_await of what is already there",
            {{"W0", "ready", body<await_ready>, Yardstick{"awaitable<int>", body<call>}, 2.0}}};
}

}  // namespace comoq::bench
