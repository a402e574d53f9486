// A listener at https: WebTransport and QUIC over UDP, and WebSocket over TCP at the same port.
#include <comoq/connect_error.hpp>
#include <comoq/net/connect.hpp>
#include <comoq/net/listener.hpp>
#include <comoq/net/quic_schemes.hpp>
#include <comoq/net/web_schemes.hpp>
#include <comoq/quic/credentials.hpp>
#include <comoq/quic/listener.hpp>
#include <comoq/webtransport/connect.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ip/udp.hpp>

#include "net/net_scene.hpp"
#include "quic/identity.hpp"
#include "support/catch.hpp"
#include "support/logged.hpp"

namespace net_https_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

const std::string anywhere = "https://127.0.0.1:0";

ListenConfig listen_config() {
    ListenConfig config;
    config.tls.certificate_pem = test_chain;
    config.tls.key_pem = test_key;
    return config;
}
ConnectConfig connect_config() {
    ConnectConfig config;
    config.tls.pinned_certificates = {pin_of(test_identity())};
    // Each has the time that it needs, on a busy machine, too.
    config.websocket_after = 1min;
    return config;
}

std::string complaint_with(ListenConfig config, const std::string &url = anywhere) {
    asio::io_context context;
    try {
        Listener(context.get_executor(), url, std::move(config));
    } catch (const std::system_error &error) {
        return error.what();
    }
    return {};
}

/// The outcome of a page's attempt to connect.
std::error_code of_page(asio::io_context &context, const std::string &port, std::string origin, std::vector<std::string> protocols) {
    std::optional<std::error_code> outcome;
    const auto connect = [&]() -> asio::awaitable<void> {
        try {
            quic::ConnectionConfig of_connection;
            of_connection.protocols = {"h3"};
            const asio::ip::udp::endpoint there(asio::ip::address_v4::loopback(), static_cast<unsigned short>(std::stoi(port)));
            auto trust = quic::ClientCredentials::pinned({test_identity().fingerprint()});
            auto connecting = quic::connect(there, "127.0.0.1", std::move(trust), std::move(of_connection));
            auto connection = co_await std::move(connecting);
            webtransport::Config of_request;
            of_request.origin = std::move(origin);
            auto asking = webtransport::connect(std::move(connection), "127.0.0.1:" + port, "/room", std::move(protocols), std::move(of_request));
            auto session = co_await std::move(asking);
            session->close(0, {});
            outcome.emplace();
        } catch (const std::system_error &error) {
            outcome = error.code();
        }
    };
    asio::co_spawn(context, connect(), asio::detached);
    run_until(context, [&] { return outcome.has_value(); });
    return *outcome;
}

}  // namespace

TEST_CASE("a listener at https serves WebTransport, QUIC and WebSocket at one port, each with the path of its URL", "[quic][sockets]") {
    asio::io_context context;
    NetServer server(context, anywhere, listen_config());
    const auto made = server.there.producer().create_broadcast("room/alice");
    for (const std::string scheme : {"https", "moql", "wss"}) {
        CAPTURE(scheme);
        auto config = connect_config();
        if (scheme == "wss") {
            config.tls.pinned_certificates.clear();
            config.tls.accept_any_certificate = true;
        }
        Origin here;
        config.session.subscribe = here.producer();
        const auto connected = connect_now(context, scheme + "://127.0.0.1:" + server.port() + "/room", std::move(config));
        CAPTURE(connected.failure.message());
        REQUIRE(connected.session != nullptr);
        CHECK(announced_path(context, here) == "alice");
        connected.session->close();
    }
    CHECK(server.refused.empty());
}

TEST_CASE("a listener at https generates a certificate when it is told to, whose hash is in the log", "[quic][sockets]") {
    asio::io_context context;
    Logged log(LogLevel::Info);
    ListenConfig config;
    config.tls.generate_for = {"localhost", "127.0.0.1"};
    const std::string scheme = GENERATE("https", "moql");
    NetServer server(context, scheme + "://127.0.0.1:0", std::move(config));
    std::string pin;
    for (const auto &line : log.take())
        if (const auto place = line.find("sha256:"); line.find("certificate_generated") != std::string::npos) pin = line.substr(place, 7 + 64);
    ConnectConfig of_client;
    of_client.websocket_after = 1min;
    of_client.tls.pinned_certificates = {pin};
    CAPTURE(pin);
    CHECK(connect_now(context, scheme + "://127.0.0.1:" + server.port(), std::move(of_client)).session != nullptr);
    // Another certificate is not taken for it.
    CHECK(is_certificate_error(connect_now(context, "moql://127.0.0.1:" + server.port(), connect_config()).failure));
}

TEST_CASE("a listener at https lets in its own pages and those that are allowed, and clients with a protocol in common", "[quic][sockets]") {
    asio::io_context context;
    auto config = listen_config();
    config.allowed_web_origins = {"https://friend.example"};
    NetServer server(context, anywhere, std::move(config));
    const std::vector<std::string> ours = {"another", "moq-lite-05"};
    CHECK_FALSE(of_page(context, server.port(), "", ours));
    CHECK_FALSE(of_page(context, server.port(), "https://friend.example", ours));
    CHECK_FALSE(of_page(context, server.port(), "https://127.0.0.1:" + server.port(), ours));
    CHECK(of_page(context, server.port(), "https://enemy.example", ours) == Error::Unauthorized);
    CHECK(of_page(context, server.port(), "", {"another"}));
    // Those that were let in have left before they said anything, which is told, too.
    const auto told = [&](Error error) { return std::count(server.refused.begin(), server.refused.end(), make_error_code(error)); };
    run_until(context, [&] { return told(Error::UnknownAlpn) == 1; });
    CHECK(told(Error::Unauthorized) == 1);
}

TEST_CASE("what a listener at https cannot use is refused at once, with the reason", "[quic][sockets]") {
    using Catch::Matchers::Contains;
    const auto with = [](auto change) {
        auto config = listen_config();
        change(config.tls);
        return complaint_with(std::move(config));
    };
    CHECK_THAT(with([](ServerTlsConfig &tls) { tls.certificate_pem = tls.key_pem = ""; }), Contains("is not named"));
    CHECK(with([](ServerTlsConfig &tls) { tls.key_pem = client_key; }) != "");
    CHECK(with([](ServerTlsConfig &tls) { tls.certificate_pem = "no certificate"; }) != "");
    CHECK_THAT(with([](ServerTlsConfig &tls) { tls.generate_for = {"localhost"}; }), Contains("is named, and another one"));
    CHECK_THAT(complaint_with(listen_config(), "https://127.0.0.1:0/room"), Contains("has a path"));
    CHECK_THAT(complaint_with(listen_config(), "https://192.0.2.1:1"), Contains("cannot listen at"));
    auto strange = listen_config();
    strange.allowed_web_origins = {"nowhere"};
    CHECK_THAT(complaint_with(std::move(strange)), Contains("is not an origin"));
    ListenConfig generated;
    generated.tls.generate_for = {"localhost"};
    CHECK_THAT(complaint_with(std::move(generated), "wss://127.0.0.1:0"), Contains("for moql, moqt and https alone"));
}

TEST_CASE("a listener at https whose port is in use, be it of UDP or of TCP, says so and listens at neither", "[quic][sockets]") {
    asio::io_context context;
    const auto here = asio::ip::address_v4::loopback();
    const bool is_udp = GENERATE(false, true);
    std::string url = "https://127.0.0.1:";
    std::optional<asio::ip::udp::socket> udp;
    std::optional<asio::ip::tcp::acceptor> tcp;
    if (is_udp)
        url += std::to_string(udp.emplace(context, asio::ip::udp::endpoint(here, 0)).local_endpoint().port());
    else
        url += std::to_string(tcp.emplace(context, asio::ip::tcp::endpoint(here, 0)).local_endpoint().port());
    CHECK_THAT(complaint_with(listen_config(), url), Catch::Matchers::Contains("cannot listen at"));
    udp.reset();
    tcp.reset();
    CHECK(complaint_with(listen_config(), url).empty());
}

}  // namespace net_https_tests
