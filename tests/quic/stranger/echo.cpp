// A server of WebTransport that answers with what it gets, for peers that others have written.
//
//     echo
//
// listens at a free port of 127.0.0.1 and prints "PORT FINGERPRINT", of a certificate made for this run. Ends with its input.
// A bidirectional stream gets its own bytes back, a unidirectional one is answered by another, and so are datagrams. A stream that
// begins with "reset" is reset with 13 instead. The path /refuse gets 403, and in a session of /close the server closes it, with
// 7 and "bye", after the first stream. Prints a line for each session that begins or ends.
#include <comoq/quic/listener.hpp>
#include <comoq/task_group.hpp>
#include <comoq/webtransport/accept.hpp>

#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <unistd.h>

namespace {

using namespace comoq;
using Session = std::shared_ptr<webtransport::Session>;

asio::awaitable<void> copy(ReceiveStream &from, SendStream &to) {
    bool is_first = true;
    for (;;) {
        Bytes bytes = co_await from.read();
        if (bytes.empty()) break;
        if (std::exchange(is_first, false) && bytes.view().starts_with("reset")) {
            to.reset(13);
            co_return;
        }
        co_await to.write(std::move(bytes));
    }
    to.finish();
    co_await to.sent();
}
asio::awaitable<void> answer_bidi(BidiStream stream) { co_await copy(*stream.receive, *stream.send); }
asio::awaitable<void> answer_uni(Session session, std::unique_ptr<ReceiveStream> stream) {
    auto answer = co_await session->open_uni();
    co_await copy(*stream, *answer);
}

void ignore(const std::exception_ptr &) {}

asio::awaitable<void> accept_bidi(Session session, TaskGroup &tasks, bool closes) {
    for (;;) {
        auto stream = co_await session->accept_bidi();
        if (closes) session->close(7, "bye");
        tasks.spawn(answer_bidi(std::move(stream)), ignore);
    }
}
asio::awaitable<void> accept_uni(Session session, TaskGroup &tasks) {
    for (;;) {
        auto stream = co_await session->accept_uni();
        tasks.spawn(answer_uni(session, std::move(stream)), ignore);
    }
}
asio::awaitable<void> answer_datagrams(Session session) {
    for (;;) {
        Bytes datagram = co_await session->receive_datagram();
        session->send_datagram(std::move(datagram));
    }
}

asio::awaitable<void> serve(std::shared_ptr<quic::Connection> connection, TaskGroup &tasks) {
    try {
        webtransport::Config config;
        auto accepting = webtransport::accept(connection, std::move(config));
        auto request = co_await std::move(accepting);
        if (request.path() == "/refuse") co_return request.reject(403);
        const bool closes = request.path() == "/close";
        auto offered = request.protocols();
        auto session = request.accept(offered.empty() ? std::string() : offered.front());
        std::printf("session %s\n", std::string(session->protocol()).c_str());
        std::fflush(stdout);
        tasks.spawn(accept_bidi(session, tasks, closes), ignore);
        tasks.spawn(accept_uni(session, tasks), ignore);
        tasks.spawn(answer_datagrams(session), ignore);
        const std::error_code end = co_await session->closed();
        std::printf("over: %s (%s)\n", end ? end.message().c_str() : "well", session->end_reason().c_str());
    } catch (const std::system_error &error) {
        std::printf("refused: %s (%s)\n", error.code().message().c_str(), connection->end_reason().c_str());
    }
    std::fflush(stdout);
}

asio::awaitable<void> accept_all(quic::Listener &listener, TaskGroup &tasks) {
    for (;;) {
        auto connection = co_await listener.accept();
        tasks.spawn(serve(std::move(connection), tasks), ignore);
    }
}

}  // namespace

int main() {
    asio::io_context context;
    auto identity = quic::ServerCredentials::generated({"localhost", "127.0.0.1"});
    std::string fingerprint = quic::to_string(identity.fingerprint());
    quic::ListenerConfig config;
    config.connection.protocols = {"h3"};
    quic::Listener listener(context.get_executor(), {asio::ip::address_v4::loopback(), 0}, std::move(identity), std::move(config));
    TaskGroup tasks(context.get_executor());
    tasks.spawn(accept_all(listener, tasks), ignore);
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
