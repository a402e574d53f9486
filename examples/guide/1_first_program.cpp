// A publisher and a viewer in one process: one track, three groups.
#include <comoq/comoq.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

#include <chrono>
#include <exception>
#include <fmt/core.h>
#include <string_view>

using namespace std::chrono_literals;

// [publish]
asio::awaitable<void> publish(comoq::OriginProducer origin) {
    auto published = origin.create_broadcast("greetings");   // announced while `published` lives
    auto track = published.producer().create_track("text");
    for (const std::string_view word : {"good", "morning", "everybody"}) {
        auto group = track.append_group();
        group.write_frame(comoq::Bytes::copy(word));
        group.write_frame(comoq::Bytes::copy("!"));
        group.finish();
        co_await comoq::sleep_for(10ms);
    }
    track.finish();
    published.producer().finish();
}
// [publish]

// [watch]
asio::awaitable<void> watch(comoq::OriginConsumer origin) {
    auto broadcast = co_await origin.announced_broadcast("greetings");   // waits until somebody announces it
    auto text = co_await broadcast.track("text").subscribe();
    while (auto group = co_await text.next_group()) {
        fmt::print("group {}:", group->sequence());
        while (auto frame = co_await group->read_frame()) fmt::print(" {}", frame->payload.view());
        fmt::print("\n");
    }
}
// [watch]

// [main]
int main() {
    try {
        asio::io_context context;
        comoq::Origin origin;
        auto watched = asio::co_spawn(context, watch(origin.consumer()), asio::use_future);
        auto published = asio::co_spawn(context, publish(origin.producer()), asio::use_future);
        context.run();
        published.get();
        watched.get();
    } catch (const std::exception &error) {
        fmt::print(stderr, "1_first_program: {}\n", error.what());
        return 1;
    }
    return 0;
}
// [main]
