// hello_relay: prints the lines that `clock publish URL` publishes through a relay.
#include <comoq/first_of.hpp>
#include <comoq/log.hpp>
#include <comoq/net/connect.hpp>
#include <comoq/net/web_schemes.hpp>
#include <comoq/origin.hpp>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

#include <cstdio>
#include <exception>
#include <string>

asio::awaitable<void> print_clock(comoq::OriginConsumer origin) {
    auto broadcast = co_await origin.announced_broadcast("clock");
    auto track = co_await broadcast.track("seconds").subscribe();
    while (auto frame = co_await track.read_frame()) {
        std::puts(std::string(frame->payload.view()).c_str());
        std::fflush(stdout);
    }
}

asio::awaitable<void> watch(const char *url) {
    comoq::Origin origin;
    comoq::ConnectConfig config;
    config.session.subscribe = origin.producer();
    auto connected = comoq::keep_connected(url, config);
    auto printed = print_clock(origin.consumer());
    co_await comoq::first_of(std::move(connected), std::move(printed));
}

int main(int argc, char **argv) try {
    if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
        std::fputs("usage: hello_relay [URL]\n", stderr);
        return 2;
    }
    // The hook says why a connection fails; without one the program would try again in silence.
    const auto say = [](const comoq::LogRecord &record) { std::fprintf(stderr, "hello_relay: %s\n", to_string(record).c_str()); };
    comoq::set_log(say, comoq::LogLevel::Warning);

    asio::io_context context(1);
    auto watching = asio::co_spawn(context, watch(argc > 1 ? argv[1] : "ws://127.0.0.1:4443"), asio::use_future);
    context.run();
    watching.get();
} catch (const std::exception &error) {
    std::fprintf(stderr, "hello_relay: %s\n", error.what());
    return 1;
}
