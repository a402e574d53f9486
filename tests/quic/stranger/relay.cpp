// A relay of one origin over QUIC and nothing else, for peers that others have written: bare QUIC, and WebTransport at any path.
//
//     relay [SCHEME PORT FINGERPRINT]
//
// listens at a free port of 127.0.0.1 and prints "PORT FINGERPRINT", of a certificate made for this run. With arguments it also
// connects, as a client, to a server there: by bare QUIC ("moqt"), or WebTransport ("https"). Prints a line for each session that begins or ends. Ends with its input.
#include <comoq/lite/session.hpp>
#include <comoq/origin.hpp>
#include <comoq/quic/listener.hpp>
#include <comoq/task_group.hpp>
#include <comoq/webtransport/accept.hpp>
#include <comoq/webtransport/connect.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

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

const std::vector<std::string> protocols = {"moq-lite-06", "moq-lite-05"};

asio::awaitable<void> run(std::shared_ptr<Transport> transport, const Origin &origin, const char *over) {
    lite::Session session(transport, config_of(origin));
    std::printf("session %s %s\n", std::string(transport->protocol()).c_str(), over);
    std::fflush(stdout);
    const std::error_code end = co_await session.closed();
    std::printf("over: %s\n", end ? end.message().c_str() : "well");
    std::fflush(stdout);
}

asio::awaitable<std::shared_ptr<Transport>> accept_session(std::shared_ptr<quic::Connection> connection) {
    webtransport::Config config;
    auto accepting = webtransport::accept(connection, std::move(config));
    auto request = co_await std::move(accepting);
    const auto &theirs = request.protocols();
    for (const auto &each : protocols)
        if (std::find(theirs.begin(), theirs.end(), each) != theirs.end()) co_return request.accept(each);
    request.reject(400);
    throw std::system_error(make_error_code(Error::UnknownAlpn));
}

asio::awaitable<void> serve(std::shared_ptr<quic::Connection> connection, const Origin &origin) {
    try {
        co_await connection->ready();
        std::shared_ptr<Transport> transport = connection;
        const bool is_web = connection->protocol() == "h3";
        if (is_web) transport = co_await accept_session(connection);
        co_await run(std::move(transport), origin, is_web ? "WebTransport" : "QUIC");
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

asio::awaitable<void> connect_to(asio::ip::udp::endpoint server, bool is_web, quic::Fingerprint pin, const Origin &origin) {
    auto trust = quic::ClientCredentials::pinned({pin});
    quic::ConnectionConfig config;
    config.protocols = is_web ? std::vector<std::string>{"h3"} : protocols;
    auto connecting = quic::connect(server, "127.0.0.1", std::move(trust), std::move(config));
    auto connection = co_await std::move(connecting);
    std::shared_ptr<Transport> transport = connection;
    if (is_web) {
        webtransport::Config of_web;
        auto authority = "127.0.0.1:" + std::to_string(server.port());
        auto asking = webtransport::connect(connection, std::move(authority), "/", protocols, std::move(of_web));
        transport = co_await std::move(asking);
    }
    co_await run(std::move(transport), origin, is_web ? "WebTransport" : "QUIC");
}

}  // namespace

int main(int count, char **arguments) {
    asio::io_context context;
    const Origin origin;
    const auto loopback = asio::ip::address_v4::loopback();
    auto identity = quic::ServerCredentials::generated({"localhost", "127.0.0.1"});
    std::string fingerprint = quic::to_string(identity.fingerprint());
    quic::ListenerConfig config;
    config.connection.protocols = protocols;
    config.connection.protocols.push_back("h3");
    quic::Listener listener(context.get_executor(), {loopback, 0}, std::move(identity), std::move(config));
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
    if (count == 4) {
        const bool is_web = arguments[1] == std::string("https");
        const auto port = static_cast<unsigned short>(std::atoi(arguments[2]));
        tasks.spawn(connect_to({loopback, port}, is_web, quic::fingerprint_from(arguments[3]).value(), origin), failed);
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
