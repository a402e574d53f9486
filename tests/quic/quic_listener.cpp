// A listener and clients on real sockets of this machine.
#include <comoq/lite/session.hpp>
#include <comoq/quic/listener.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>

#include "quic/identity.hpp"
#include "support/begun.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"

namespace quic_listener_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

struct Sockets {
    explicit Sockets(quic::ListenerConfig config = {})
        : listener(context.get_executor(), asio::ip::udp::endpoint(asio::ip::address_v4::loopback(), 0), test_identity(), std::move(config)) {}
    /// Runs until it is true, or some seconds have passed: a machine may be slow.
    template <class Condition> bool until(Condition &&condition, std::chrono::milliseconds limit = 20s) {
        const auto end = std::chrono::steady_clock::now() + limit;
        context.restart();
        while (!condition()) {
            if (std::chrono::steady_clock::now() > end) return false;
            context.run_one_for(10ms);
            if (context.stopped()) context.restart();
        }
        return true;
    }
    template <class T> T finish(asio::awaitable<T> coroutine) {
        Begun<T> begun(context, std::move(coroutine));
        REQUIRE(until([&] { return begun.done(); }));
        if constexpr (!std::is_void_v<T>)
            return std::move(begun.value());
        else
            begun.value();
    }
    template <class T> std::error_code code(asio::awaitable<T> coroutine) {
        Begun<T> begun(context, std::move(coroutine));
        REQUIRE(until([&] { return begun.done(); }));
        return begun.code();
    }
    asio::awaitable<std::shared_ptr<quic::Connection>> client(quic::ClientCredentials trust, std::string name = "localhost",
                                                              quic::ConnectionConfig config = {}) {
        return quic::connect(listener.endpoint(), std::move(name), std::move(trust), std::move(config));
    }
    static quic::ClientCredentials pinned() { return quic::ClientCredentials::pinned({test_identity().fingerprint()}); }

    asio::io_context context;
    quic::Listener listener;
};

}  // namespace

TEST_CASE("a QUIC listener serves several clients at one port, and the port closes after the last of them", "[quic][sockets]") {
    Sockets sockets;
    std::vector<std::shared_ptr<quic::Connection>> clients, servers;
    for (int i = 0; i < 5; ++i) {
        Begun<std::shared_ptr<quic::Connection>> accepting(sockets.context, sockets.listener.accept());
        clients.push_back(sockets.finish(sockets.client(Sockets::pinned())));
        REQUIRE(sockets.until([&] { return accepting.done(); }));
        servers.push_back(accepting.value());
        sockets.finish([&]() -> asio::awaitable<void> { co_await servers.back()->ready(); }());
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
        auto stream = sockets.finish(clients[i]->open_uni());
        sockets.finish(stream->write(Bytes::copy(std::to_string(i))));
        stream->finish();
    }
    for (std::size_t i = 0; i < servers.size(); ++i) {
        auto stream = sockets.finish(servers[i]->accept_uni());
        CHECK(sockets.finish(stream->read()).view() == std::to_string(i));
    }
    sockets.listener.close();
    CHECK(sockets.code(sockets.listener.accept()) == asio::error::operation_aborted);
    for (const auto &each : clients) each->close(4, "bye");
    CHECK(sockets.until([&] {
        for (const auto &each : servers)
            if (!each->is_silent() || each->close_code() != connection_ended(4)) return false;
        return true;
    }));
    clients.clear();
    servers.clear();
    // Nothing is left that would wait.
    sockets.context.restart();
    sockets.context.run_for(20s);
    CHECK(sockets.context.stopped());
}

TEST_CASE("a QUIC client is told when nobody listens, and when it does not trust the server", "[quic][sockets]") {
    Sockets sockets;
    CHECK(is_certificate_error(sockets.code(sockets.client(quic::ClientCredentials::pinned({quic::Fingerprint{}})))));
    const auto ours = quic::ClientCredentials::authorities(test_chain);
    CHECK(sockets.finish(sockets.client(ours, "localhost")) != nullptr);
    CHECK(sockets.finish(sockets.client(ours, "127.0.0.1")) != nullptr);
    CHECK(is_certificate_error(sockets.code(sockets.client(ours, "another.example"))));
    CHECK(is_certificate_error(sockets.code(sockets.client(quic::ClientCredentials::system()))));
    CHECK(sockets.finish(sockets.client(quic::ClientCredentials::accept_any_certificate(), "another.example")) != nullptr);
    quic::ConnectionConfig other;
    other.protocols = {"other"};
    CHECK(sockets.code(sockets.client(Sockets::pinned(), "localhost", other)) == make_error_code(Error::UnknownAlpn));

    asio::ip::udp::socket free(sockets.context, asio::ip::udp::endpoint(asio::ip::address_v4::loopback(), 0));
    const auto nobody = free.local_endpoint();
    free.close();
    CHECK(sockets.code(quic::connect(nobody, "localhost", Sockets::pinned(), {})));
}

TEST_CASE("a QUIC listener makes no more connections than its config allows", "[quic][sockets]") {
    quic::ListenerConfig config;
    config.max_connections = 1;
    Sockets sockets(std::move(config));
    auto first = sockets.finish(sockets.client(Sockets::pinned()));
    auto its_server = sockets.finish(sockets.listener.accept());
    quic::ConnectionConfig hasty;
    hasty.handshake_timeout = 300ms;
    CHECK(sockets.code(sockets.client(Sockets::pinned(), "localhost", hasty)) == make_error_code(Error::Timeout));
    first->close(0, {});
    REQUIRE(sockets.until([&] { return first->is_silent() && its_server->is_silent(); }));
    CHECK(sockets.finish(sockets.client(Sockets::pinned())) != nullptr);
}

TEST_CASE("a QUIC listener and a client live through empty and short datagrams", "[quic][sockets]") {
    Sockets sockets;
    auto client = sockets.finish(sockets.client(Sockets::pinned()));
    asio::ip::udp::socket stranger(sockets.context, asio::ip::udp::endpoint(asio::ip::address_v4::loopback(), 0));
    const std::vector<std::byte> zeros(21), ones(21, std::byte{0xff});
    for (std::size_t size = 0; size <= zeros.size(); ++size) {
        stranger.send_to(asio::buffer(zeros.data(), size), sockets.listener.endpoint());
        stranger.send_to(asio::buffer(ones.data(), size), sockets.listener.endpoint());
    }
    CHECK(sockets.finish(sockets.client(Sockets::pinned())) != nullptr);
    CHECK_FALSE(client->is_closed());
}

TEST_CASE("a QUIC listener whose connections nobody accepts lets no more in, and forgets those that have ended", "[quic][sockets]") {
    quic::ListenerConfig config;
    config.max_handshakes = 2;
    Sockets sockets(std::move(config));
    auto first = sockets.finish(sockets.client(Sockets::pinned()));
    auto second = sockets.finish(sockets.client(Sockets::pinned()));
    quic::ConnectionConfig hasty;
    hasty.handshake_timeout = 300ms;
    CHECK(sockets.code(sockets.client(Sockets::pinned(), "localhost", hasty)) == make_error_code(Error::Timeout));
    auto its_server = sockets.finish(sockets.listener.accept());
    auto third = sockets.finish(sockets.client(Sockets::pinned()));
    CHECK(sockets.code(sockets.client(Sockets::pinned(), "localhost", hasty)) == make_error_code(Error::Timeout));
    third->close(0, {});
    // Until the server has forgotten it.
    CHECK(sockets.finish(sockets.client(Sockets::pinned())) != nullptr);
}

TEST_CASE("a QUIC client refuses a server whose certificate is for clients", "[quic][sockets]") {
    Sockets sockets;
    sockets.listener.use(quic::ServerCredentials::from_pem(client_chain, client_key));
    for (const char *name : {"localhost", "127.0.0.1"}) {
        const auto ours = quic::ClientCredentials::authorities(client_chain);
        CHECK(is_certificate_error(sockets.code(sockets.client(ours, name))));
    }
    CHECK(sockets.finish(sockets.client(quic::ClientCredentials::accept_any_certificate())) != nullptr);
}

TEST_CASE("new connections of a QUIC listener get a replaced certificate", "[quic][sockets]") {
    Sockets sockets;
    auto first = sockets.finish(sockets.client(Sockets::pinned()));
    const auto other = quic::ServerCredentials::generated({"localhost"});
    sockets.listener.use(other);
    CHECK(is_certificate_error(sockets.code(sockets.client(Sockets::pinned()))));
    CHECK(sockets.finish(sockets.client(quic::ClientCredentials::pinned({other.fingerprint()}))) != nullptr);
    CHECK_FALSE(first->is_closed());
}

}
