// Connections over sockets of this machine, by ws, wss and tls.
#include <comoq/net/web_schemes.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/io_context.hpp>
#include <openssl/x509_vfy.h>

#include <comoq/net/connect.hpp>
#include <comoq/net/listener.hpp>

#include "net/certificate.hpp"
#include "net/net_scene.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"

namespace web_schemes_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

const Certificate &of_this_machine() {
    static const auto certificate = make_certificate("DNS:localhost,IP:127.0.0.1");
    return certificate;
}

ListenConfig listen_config() {
    ListenConfig config;
    config.tls.context = server_context(of_this_machine());
    return config;
}

ConnectConfig trusting(const Certificate &certificate) {
    ConnectConfig config;
    config.tls.context = client_context(certificate);
    return config;
}

}  // namespace

TEST_CASE("connect and listen, ws, wss and tls: the session is admitted, and the path of the URL is its root", "[net]") {
    const std::string scheme = GENERATE("ws", "wss", "tls");
    INFO(scheme);
    asio::io_context context;
    NetServer server(context, scheme + "://127.0.0.1:0", listen_config());
    auto inside = server.there.producer().create_broadcast("room/alice");
    auto outside = server.there.producer().create_broadcast("secret");
    Origin here;
    auto config = trusting(of_this_machine());
    config.session.subscribe = here.producer();
    const auto connected = connect_now(context, server.url("/room"), std::move(config));
    CHECK_FALSE(connected.failure);
    REQUIRE(connected.session);
    run_until(context, [&] { return here.stats().announced == 1; });
    CHECK(here.consumer().announced_broadcast("alice").ready());
    connected.session->close();
    server.end();
    CHECK(server.refused.empty());
}

TEST_CASE("connect: a scheme that is not the server's is explained, whatever the two are", "[net]") {
    asio::io_context context;
    const std::vector<std::string> schemes = {"tcp", "ws", "tls", "wss"};
    const std::vector<std::vector<ConnectError>> expected = {
        // of the server: tcp, ws, tls, wss
        {ConnectError{}, ConnectError::ServerSpeaksHttp, ConnectError::ClosedAtOnce, ConnectError::ClosedAtOnce},
        {ConnectError::ServerSpeaksQmux, ConnectError{}, ConnectError::ClosedAtOnce, ConnectError::ClosedAtOnce},
        {ConnectError::ServerSpeaksNoTls, ConnectError::ServerSpeaksNoTls, ConnectError{}, ConnectError::ServerSpeaksHttp},
        {ConnectError::ServerSpeaksNoTls, ConnectError::ServerSpeaksNoTls, ConnectError::ServerSpeaksQmux, ConnectError{}},
    };
    for (std::size_t of_server = 0; of_server < schemes.size(); ++of_server) {
        NetServer server(context, schemes[of_server] + "://127.0.0.1:0", listen_config());
        for (std::size_t of_client = 0; of_client < schemes.size(); ++of_client) {
            INFO(schemes[of_client] << " to " << schemes[of_server]);
            const auto url = schemes[of_client] + "://127.0.0.1:" + server.port();
            const auto begun = std::chrono::steady_clock::now();
            const auto connected = connect_now(context, url, trusting(of_this_machine()));
            CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(2));
            INFO(connected.failure.message());
            if (of_client == of_server) {
                CHECK(connected.session);
            } else {
                CHECK(connected.failure == expected[of_client][of_server]);
            }
            if (connected.session) {
                connected.session->close();
            }
        }
        server.end();
    }
}

TEST_CASE("connect: a certificate is refused with the reason, and taken only from an authority that is trusted", "[net]") {
    asio::io_context context;
    const auto outcome_of = [&](const Certificate &of_server, ConnectConfig config, const std::string &host) {
        ListenConfig listening;
        listening.tls.context = server_context(of_server);
        NetServer server(context, "tls://127.0.0.1:0", std::move(listening));
        const auto connected = connect_now(context, "tls://" + host + ":" + server.port(), std::move(config));
        if (connected.session) {
            connected.session->close();
        }
        server.end();
        CHECK(is_certificate_error(connected.failure) == (connected.failure && connected.failure.category().name() == std::string("comoq.certificate")));
        return connected.failure;
    };
    const auto unknown = outcome_of(of_this_machine(), ConnectConfig(), "127.0.0.1");
    CHECK(is_certificate_error(unknown));
    CHECK(unknown.message().find("the server's certificate was refused: ") == 0);
    const auto other = make_certificate("DNS:other.example,IP:127.0.0.3");
    CHECK(outcome_of(other, trusting(other), "127.0.0.1").value() == X509_V_ERR_IP_ADDRESS_MISMATCH);
    CHECK(outcome_of(other, trusting(other), "localhost").value() == X509_V_ERR_HOSTNAME_MISMATCH);
    auto by_name = trusting(other);
    by_name.tls.server_name = "other.example";
    CHECK_FALSE(outcome_of(other, by_name, "127.0.0.1"));
    const auto old = make_certificate("IP:127.0.0.1", -3600);
    CHECK(outcome_of(old, trusting(old), "127.0.0.1").value() == X509_V_ERR_CERT_HAS_EXPIRED);
    // A context of the program's own checks nothing by itself.
    ConnectConfig own;
    own.tls.context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
    CHECK(is_certificate_error(outcome_of(of_this_machine(), own, "127.0.0.1")));
    ConnectConfig careless;
    careless.tls.accept_any_certificate = true;
    CHECK_FALSE(outcome_of(old, careless, "127.0.0.1"));
}

TEST_CASE("connect: a server that is cut off during the TLS handshake may get better", "[net]") {
    asio::io_context context;
    asio::ip::tcp::acceptor acceptor(context, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    acceptor.async_accept([](std::error_code, asio::ip::tcp::socket) {});
    const auto url = "tls://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
    const auto failure = connect_now(context, url).failure;
    CHECK(failure == ConnectError::ClosedAtOnce);
    CHECK_FALSE(lite::cannot_get_better(failure));
}

TEST_CASE("connect: files of TLS that cannot be used are named", "[net]") {
    asio::io_context context;
    NetServer server(context, "tls://127.0.0.1:0", listen_config());
    ConnectConfig config;
    config.tls.authorities_file = "/not/there.pem";
    const auto text_of = [&](const ConnectConfig &wrong) -> std::string {
        try {
            static_cast<void>(comoq::connect(context.get_executor(), server.url(), wrong));
        } catch (const std::system_error &error) {
            return error.what();
        }
        return {};
    };
    CHECK(text_of(config).find("/not/there.pem") == 0);
    ConnectConfig nameless;
    nameless.tls.server_name = "";
    CHECK(text_of(nameless).find("is empty") != std::string::npos);
    server.end();
    ListenConfig without;
    without.tls.certificate_file = "/not/there.pem";
    try {
        const Listener listener(context.get_executor(), "wss://127.0.0.1:0", std::move(without));
        FAIL("it listens without a certificate");
    } catch (const std::system_error &error) {
        CHECK(std::string(error.what()).find("/not/there.pem") == 0);
    }
}

TEST_CASE("listen, ws: a page of another origin is refused, and one that is allowed is let in", "[net]") {
    asio::io_context context;
    ListenConfig config;
    config.allowed_web_origins = {"https://example.com"};
    CHECK_NOTHROW(Listener(context.get_executor(), "ws://127.0.0.1:0", config));
    config.allowed_web_origins = {"example.com"};
    CHECK(error_of([&] { return Listener(context.get_executor(), "ws://127.0.0.1:0", config); }) == ConnectError::InvalidUrl);
}

TEST_CASE("connect: dropping the operation at any step leaves nothing behind, with TLS and WebSocket", "[net]") {
    int steps = 0;
    for (bool finished = false; !finished; ++steps) {
        REQUIRE(steps < 1'000);
        asio::io_context context;
        NetServer server(context, "wss://127.0.0.1:0", listen_config());
        std::optional connecting(comoq::connect(context.get_executor(), server.url(), trusting(of_this_machine())));
        for (int i = 0; i < steps && !connecting->ready(); ++i) {
            context.run_one_for(std::chrono::seconds(10));
        }
        finished = connecting->ready();
        connecting.reset();
        server.listener->close();
        run_until(context, [&] { return server.over; });
        CHECK(server.listener->connections() == 0);
    }
    CHECK(steps > 5);
}

}  // namespace web_schemes_tests
