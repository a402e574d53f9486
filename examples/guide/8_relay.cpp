// A relay, a publisher and a viewer.
#include <comoq/comoq.hpp>
#include <comoq/net/connect.hpp>
#include <comoq/net/listener.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_future.hpp>

#include <exception>
#include <fmt/core.h>
#include <string>
#include <utility>

// [relay]
/// Passes on what its clients announce to all of them.
class Relay {
public:
    Relay(asio::any_io_executor executor, const std::string &url) : listener_(std::move(executor), url, config()) {}

    asio::awaitable<void> run() { return listener_.run(); }
    std::string url() const { return listener_.url().text(); }

    // [upstream]
    /// Takes what `url` has, too: what is announced there, and what one of our clients requests and nobody here announces.
    asio::awaitable<void> follow(std::string url) {
        comoq::Origin upstream;
        comoq::ConnectConfig config;
        config.session.subscribe = upstream.producer();
        const auto body = [&](comoq::TaskGroup &tasks) -> asio::awaitable<void> {
            tasks.spawn(comoq::keep_connected(url, config));
            tasks.spawn(comoq::mirror(upstream.consumer(), origin_.producer()));
            co_await comoq::proxy(upstream.consumer(), origin_.producer(), origin_.producer().dynamic());
        };
        co_await comoq::with_task_group(body);
    }
    // [upstream]

private:
    comoq::ListenConfig config() const {
        comoq::ListenConfig config;
        config.session.publish = origin_.consumer();
        config.session.subscribe = origin_.producer();
        return config;
    }

    comoq::Origin origin_;
    comoq::Listener listener_;
};
// [relay]

asio::awaitable<void> publish(std::string url) {
    comoq::Origin origin;
    auto published = origin.producer().create_broadcast("cat");
    auto track = published.producer().create_track("text");
    track.write_frame(comoq::Bytes::copy("miaow"));
    comoq::ConnectConfig config;
    config.session.publish = origin.consumer();
    co_await comoq::keep_connected(url, config);
}

asio::awaitable<void> watch(std::string url) {
    comoq::Origin origin;
    comoq::ConnectConfig config;
    config.session.subscribe = origin.producer();
    auto session = co_await comoq::connect(co_await asio::this_coro::executor, url, config);
    auto cat = co_await origin.consumer().announced_broadcast("cat");
    auto text = co_await cat.track("text").subscribe();
    if (auto frame = co_await text.read_frame()) fmt::print("through two relays: {}\n", frame->payload.view());
    session->close();
}

asio::awaitable<void> show() {
    const auto executor = co_await asio::this_coro::executor;
    Relay far(executor, "tcp://127.0.0.1:0");
    Relay near(executor, "tcp://127.0.0.1:0");
    const auto body = [&](comoq::TaskGroup &tasks) -> asio::awaitable<void> {
        tasks.spawn(far.run());
        tasks.spawn(near.run());
        tasks.spawn(near.follow(far.url()));
        tasks.spawn(publish(far.url() + "/pets"));
        co_await watch(near.url() + "/pets");
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
        fmt::print(stderr, "8_relay: {}\n", error.what());
        return 1;
    }
    return 0;
}
