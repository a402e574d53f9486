// A publisher and a viewer, each with a session of its own to a server. The server is here too, so that the program needs none.
#include <comoq/comoq.hpp>
#include <comoq/net/connect.hpp>
#include <comoq/net/listener.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_future.hpp>

#include <chrono>
#include <exception>
#include <fmt/core.h>
#include <string>
#include <system_error>

using namespace std::chrono_literals;

// [publish]
asio::awaitable<void> publish(std::string url) {
    comoq::Origin origin;
    auto published = origin.producer().create_broadcast("news");
    auto track = published.producer().create_track("text");
    track.write_frame(comoq::Bytes::copy("it rains"));

    comoq::ConnectConfig config;
    config.session.publish = origin.consumer();   // the relay sees this origin, and asks for what viewers want
    co_await comoq::keep_connected(url, config);
}
// [publish]

// [watch]
asio::awaitable<void> watch(std::string url) {
    comoq::Origin origin;
    comoq::ConnectConfig config;
    config.session.subscribe = origin.producer();   // what the relay announces comes here
    auto session = co_await comoq::connect(co_await asio::this_coro::executor, url, config);

    auto news = co_await comoq::with_timeout(origin.consumer().announced_broadcast("news"), 5s);
    auto text = co_await news.track("text").subscribe();
    if (auto frame = co_await text.read_frame()) fmt::print("{}\n", frame->payload.view());
    session->close();
}
// [watch]

// [ask]
asio::awaitable<void> ask(std::string url) {
    comoq::Origin origin;
    comoq::ConnectConfig config;
    config.session.subscribe = origin.producer();
    auto session = co_await comoq::connect(co_await asio::this_coro::executor, url, config);
    auto nothing = session->broadcast("no/such/broadcast");   // nobody is asked yet
    auto [error, text] = co_await nothing.track("text").subscribe().as_tuple();
    fmt::print("no/such/broadcast: {}\n", error.message());
}
// [ask]

// [wrong]
asio::awaitable<void> connect_in_vain() {
    try {
        co_await comoq::connect(co_await asio::this_coro::executor, "gopher://example.com/room");
    } catch (const std::system_error &error) {
        fmt::print("{}\n", error.what());
    }
}
// [wrong]

asio::awaitable<void> show() {
    const auto executor = co_await asio::this_coro::executor;
    comoq::Origin origin;
    comoq::ListenConfig config;
    config.session.publish = origin.consumer();
    config.session.subscribe = origin.producer();
    comoq::Listener listener(executor, "tcp://127.0.0.1:0", config);
    const auto room = listener.url().text() + "/room";
    const auto body = [&](comoq::TaskGroup &tasks) -> asio::awaitable<void> {
        tasks.spawn(listener.run());
        tasks.spawn(publish(room));
        co_await watch(room);
        co_await ask(room);
        co_await connect_in_vain();
        tasks.cancel();
    };
    co_await comoq::with_task_group(body);
}

int main() {
    try {
        asio::io_context context;
        auto over = asio::co_spawn(context, show(), asio::use_future);
        context.run();
        over.get();
    } catch (const std::exception &error) {
        fmt::print(stderr, "7_connect: {}\n", error.what());
        return 1;
    }
    return 0;
}
