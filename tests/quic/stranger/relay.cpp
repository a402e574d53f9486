// A relay of one origin over QUIC and nothing else, for peers that others have written.
//
//     relay [PORT FINGERPRINT]
//
// listens at a free port of 127.0.0.1 and prints "PORT FINGERPRINT", of a certificate made for this run. With arguments it also
// connects, as a client, to a server there. Prints a line for each session that begins or ends. Ends with its input.
#include <comoq/lite/session.hpp>
#include <comoq/origin.hpp>
#include <comoq/quic/listener.hpp>
#include <comoq/task_group.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <unistd.h>

namespace {

using namespace comoq;

lite::SessionConfig config_of(const Origin &origin) {
    lite::SessionConfig config;
    config.publish = origin.consumer();
    config.subscribe = origin.producer();
    return config;
}

asio::awaitable<void> serve(std::shared_ptr<quic::Connection> connection, const Origin &origin) {
    try {
        co_await connection->ready();
        lite::Session session(connection, config_of(origin));
        std::printf("session %s\n", std::string(connection->protocol()).c_str());
        std::fflush(stdout);
        const std::error_code end = co_await session.closed();
        std::printf("over: %s\n", end ? end.message().c_str() : "well");
    } catch (const std::system_error &error) {
        std::printf("refused: %s (%s)\n", error.code().message().c_str(), connection->end_reason().c_str());
    }
    std::fflush(stdout);
}

asio::awaitable<void> accept_all(quic::Listener &listener, TaskGroup &tasks, const Origin &origin) {
    for (;;) {
        auto connection = co_await listener.accept();
        tasks.spawn(serve(std::move(connection), origin));
    }
}

asio::awaitable<void> connect_to(asio::ip::udp::endpoint server, quic::Fingerprint pin, const Origin &origin) {
    auto trust = quic::ClientCredentials::pinned({pin});
    quic::ConnectionConfig config;
    auto connecting = quic::connect(server, "127.0.0.1", std::move(trust), std::move(config));
    auto connection = co_await std::move(connecting);
    co_await serve(std::move(connection), origin);
}

}  // namespace

int main(int count, char **arguments) {
    asio::io_context context;
    const Origin origin;
    const auto loopback = asio::ip::address_v4::loopback();
    auto identity = quic::ServerCredentials::generated({"localhost", "127.0.0.1"});
    std::string fingerprint = quic::to_string(identity.fingerprint());
    quic::Listener listener(context.get_executor(), {loopback, 0}, std::move(identity));
    TaskGroup tasks(context.get_executor());
    const auto failed = [](const std::exception_ptr &failure) {
        try {
            if (failure) std::rethrow_exception(failure);
        } catch (const std::exception &error) {
            std::printf("failed: %s\n", error.what());
            std::fflush(stdout);
        }
    };
    tasks.spawn(accept_all(listener, tasks, origin), failed);
    if (count == 3) {
        const auto port = static_cast<unsigned short>(std::atoi(arguments[1]));
        tasks.spawn(connect_to({loopback, port}, quic::fingerprint_from(arguments[2]).value(), origin), failed);
    }
    std::printf("%d %s\n", listener.endpoint().port(), fingerprint.c_str());
    std::fflush(stdout);
    asio::posix::stream_descriptor input(context, dup(STDIN_FILENO));
    char unused[16];
    input.async_read_some(asio::buffer(unused), [&](std::error_code, std::size_t) {
        tasks.cancel();
        listener.close();
        context.stop();
    });
    context.run();
}
