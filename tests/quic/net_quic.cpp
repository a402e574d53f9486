// Connections by URL over QUIC: moql and moqt.
#include <comoq/connect_error.hpp>
#include <comoq/net/connect.hpp>
#include <comoq/net/listener.hpp>
#include <comoq/net/quic_schemes.hpp>
#include <comoq/quic/credentials.hpp>
#include <comoq/quic/listener.hpp>
#include <comoq/webtransport/accept.hpp>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/error.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>

#include "net/net_scene.hpp"
#include "quic/identity.hpp"
#include "support/catch.hpp"

namespace net_quic_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

ListenConfig listen_config() {
    ListenConfig config;
    config.tls.quic = std::make_shared<const quic::ServerCredentials>(test_identity());
    return config;
}

ConnectConfig connect_config() {
    ConnectConfig config;
    config.tls.pinned_certificates = {pin_of(test_identity())};
    return config;
}

/// A file that goes with the test.
struct TemporaryFile {
    TemporaryFile(const std::string &name, const std::string &text)
        : path((std::filesystem::temp_directory_path() / (std::to_string(::getpid()) + name)).string()) {
        std::ofstream(path) << text;
    }
    TemporaryFile(const TemporaryFile &) = delete;
    TemporaryFile &operator=(const TemporaryFile &) = delete;
    ~TemporaryFile() { std::remove(path.c_str()); }
    const std::string path;
};

std::string text_of(const std::system_error &error) { return error.what(); }
template <class Call> std::string complaint_of(Call &&call) {
    try {
        call();
    } catch (const std::system_error &error) {
        return text_of(error);
    }
    return {};
}

}  // namespace

TEST_CASE("connect and listen over QUIC: the session is admitted, and the path of the URL is its root", "[quic][sockets]") {
    const std::string scheme = GENERATE("moql", "moqt");
    asio::io_context context;
    NetServer server(context, scheme + "://127.0.0.1:0", listen_config());
    const auto made = server.there.producer().create_broadcast("room/alice");
    auto config = connect_config();
    Origin here;
    config.session.subscribe = here.producer();
    const auto connected = connect_now(context, scheme + "://127.0.0.1:" + server.port() + "/room", std::move(config));
    CAPTURE(connected.failure.message());
    REQUIRE(connected.session != nullptr);
    CHECK(announced_path(context, here) == "alice");
}

TEST_CASE("a QUIC server is trusted by a file of authorities, for its name or another one that is wanted, or by its hash", "[quic][sockets]") {
    asio::io_context context;
    NetServer server(context, "moql://127.0.0.1:0", listen_config());
    const std::string url = "moql://127.0.0.1:" + server.port();
    const TemporaryFile ours("-ours.pem", test_chain), others("-others.pem", client_chain);
    const auto code_with = [&](auto change) {
        ConnectConfig config;
        change(config.tls);
        return connect_now(context, url, std::move(config)).failure;
    };
    CHECK(is_certificate_error(code_with([](TlsConfig &) {})));
    CHECK_FALSE(code_with([&](TlsConfig &tls) { tls.authorities_file = ours.path; }));
    CHECK(is_certificate_error(code_with([&](TlsConfig &tls) { tls.authorities_file = others.path; })));
    CHECK_FALSE(code_with([&](TlsConfig &tls) {
        tls.authorities_file = ours.path;
        tls.server_name = "test";
    }));
    CHECK(is_certificate_error(code_with([&](TlsConfig &tls) {
        tls.authorities_file = ours.path;
        tls.server_name = "other.example";
    })));
    CHECK_FALSE(code_with([](TlsConfig &tls) { tls.pinned_certificates = {"sha256:" + std::string(64, '0'), pin_of(test_identity())}; }));
    CHECK(is_certificate_error(code_with([](TlsConfig &tls) { tls.pinned_certificates = {"sha256:" + std::string(64, '0')}; })));
    CHECK_FALSE(code_with([](TlsConfig &tls) { tls.accept_any_certificate = true; }));
}

TEST_CASE("what a client and a listener of QUIC are told and cannot use is refused at once, with the reason", "[quic]") {
    asio::io_context context;
    const TemporaryFile text("-text.pem", "no certificate");
    const auto connect_with = [&](auto change) {
        ConnectConfig config;
        change(config.tls);
        return complaint_of([&] { static_cast<void>(comoq::connect(context.get_executor(), "moql://127.0.0.1:1", std::move(config))); });
    };
    using Catch::Matchers::Contains;
    CHECK_THAT(connect_with([](TlsConfig &tls) { tls.pinned_certificates = {"ab"}; }), Contains("'ab' is not sha256: and 64"));
    CHECK_THAT(connect_with([](TlsConfig &tls) { tls.pinned_certificates = {std::string(64, 'a')}; }), Contains("is not sha256:"));
    CHECK_THAT(connect_with([](TlsConfig &tls) {
        tls.pinned_certificates = {pin_of(test_identity())};
        tls.accept_any_certificate = true;
    }), Contains("at once"));
    CHECK_THAT(connect_with([](TlsConfig &tls) { tls.authorities_file = "/not/there.pem"; }), Contains("/not/there.pem"));
    CHECK_THAT(connect_with([&](TlsConfig &tls) { tls.authorities_file = text.path; }), Contains(text.path));
    CHECK_THAT(connect_with([](TlsConfig &tls) { tls.certificate_file = "mine.pem"; }), Contains("no certificate of its own"));
    CHECK_THAT(connect_with([](TlsConfig &tls) { tls.server_name = ""; }), Contains("is empty"));

    const auto listen_with = [&](auto change, const std::string &url) {
        auto config = listen_config();
        change(config.tls);
        return complaint_of([&] { Listener(context.get_executor(), url, std::move(config)); });
    };
    const std::string here = "moql://127.0.0.1:0";
    CHECK_THAT(listen_with([](ServerTlsConfig &tls) { tls.quic = nullptr; }, here), Contains("is not named"));
    CHECK_THAT(listen_with([&](ServerTlsConfig &tls) {
        tls.quic = nullptr;
        tls.certificate_file = tls.key_file = text.path;
    }, here), Contains(text.path));
    CHECK_THAT(listen_with([](ServerTlsConfig &) {}, "moql://192.0.2.1:1"), Contains("cannot listen at moql://192.0.2.1:1"));
    asio::ip::udp::socket used(context, asio::ip::udp::endpoint(asio::ip::address_v4::loopback(), 0));
    const auto url = "moql://127.0.0.1:" + std::to_string(used.local_endpoint().port());
    CHECK_THAT(listen_with([](ServerTlsConfig &) {}, url), Contains("cannot listen at " + url));
}

TEST_CASE("a client of QUIC is told soon that nobody listens, and in time that nobody answers", "[quic][sockets]") {
    asio::io_context context;
    asio::ip::udp::socket silent(context, asio::ip::udp::endpoint(asio::ip::address_v4::loopback(), 0));
    const auto begin = std::chrono::steady_clock::now();
    auto config = connect_config();
    config.deadlines.connect = 200ms;
    const auto port = std::to_string(silent.local_endpoint().port());
    CHECK(connect_now(context, "moql://127.0.0.1:" + port, config).failure == ConnectError::ConnectTimeout);
    silent.close();
    config.deadlines.connect = 30s;
    CHECK(connect_now(context, "moql://127.0.0.1:" + port, config).failure == asio::error::connection_refused);
    // Also on a busy machine.
    CHECK(std::chrono::steady_clock::now() - begin < 15s);
}

TEST_CASE("a client of QUIC goes on to the next address of a name if the first does not answer", "[quic][sockets]") {
    asio::io_context context;
    NetServer server(context, "moql://127.0.0.1:0", listen_config());
    const auto silent_address = asio::ip::make_address("127.0.0.2");
    asio::ip::udp::socket silent(context, asio::ip::udp::endpoint(silent_address, 0));
    const bool is_refused = GENERATE(false, true);
    if (!is_refused) {
        silent.close();
        silent.open(asio::ip::udp::v4());
        silent.bind({silent_address, static_cast<unsigned short>(std::stoi(server.port()))});
    }
    auto config = connect_config();
    config.resolve = [=](std::string) -> asio::awaitable<std::vector<asio::ip::address>> {
        std::vector<asio::ip::address> found = {silent_address, asio::ip::address_v4::loopback()};
        co_return found;
    };
    const auto connected = connect_now(context, "moql://two.example:" + server.port(), std::move(config));
    CAPTURE(connected.failure.message());
    CHECK(connected.session != nullptr);
}

TEST_CASE("a listener of QUIC refuses clients beyond its limit, and counts them", "[quic][sockets]") {
    asio::io_context context;
    auto config = listen_config();
    config.max_connections = 1;
    NetServer server(context, "moql://127.0.0.1:0", std::move(config));
    const std::string url = "moql://127.0.0.1:" + server.port();
    const auto first = connect_now(context, url, connect_config());
    REQUIRE(first.session != nullptr);
    CHECK(connect_now(context, url, connect_config()).failure);
    CHECK(server.listener->refused() == 1);
}

namespace {

/// A server of WebTransport that has one answer: a session of that protocol, or a status if there is none.
asio::awaitable<void> answer_one(quic::Listener &listener, std::string protocol, std::string &asked_for, std::shared_ptr<Transport> &made) {
    auto accepting = listener.accept();
    auto connection = co_await std::move(accepting);
    auto requesting = webtransport::accept(std::move(connection), webtransport::Config());
    auto request = co_await std::move(requesting);
    asked_for = request.authority() + request.path();
    if (protocol.empty())
        request.reject(403);
    else
        made = request.accept(protocol == "none" ? std::string() : protocol);
}

}  // namespace

TEST_CASE("connect over WebTransport: the path and the query are in the request, and a refusal is told", "[quic][sockets]") {
    asio::io_context context;
    const std::string protocol = GENERATE("moq-lite-06", "moq-lite-05", "", "none");
    quic::ListenerConfig of_listener;
    of_listener.connection.protocols = {"h3"};
    quic::Listener listener(context.get_executor(), {asio::ip::address_v4::loopback(), 0}, test_identity(), std::move(of_listener));
    const auto port = std::to_string(listener.endpoint().port());
    std::string asked_for;
    std::shared_ptr<Transport> made;
    asio::co_spawn(context, answer_one(listener, protocol, asked_for, made), asio::detached);
    std::optional<std::error_code> failure;
    std::shared_ptr<Transport> transport;
    const auto connect = [&]() -> asio::awaitable<void> {
        const auto url = "https://127.0.0.1:" + port + "/room?jwt=x";
        try {
            auto connecting = connect_transport(url, connect_config());
            transport = co_await std::move(connecting);
            failure.emplace();
        } catch (const std::system_error &error) {
            failure = error.code();
        }
    };
    asio::co_spawn(context, connect(), asio::detached);
    run_until(context, [&] { return failure.has_value(); });
    CHECK(asked_for == "127.0.0.1:" + port + "/room?jwt=x");
    if (protocol.starts_with("moq-lite")) {
        REQUIRE(transport != nullptr);
        CHECK(transport->protocol() == protocol);
        transport->close(0, {});
    } else {
        CHECK(*failure == (protocol.empty() ? make_error_code(Error::Unauthorized) : make_error_code(Error::UnknownAlpn)));
    }
    if (made != nullptr) made->close(0, {});
    listener.close();
    context.restart();
    context.run_for(20s);
    CHECK(context.stopped());
}

TEST_CASE("a client of https says that a server of QUIC has no HTTP", "[quic][sockets]") {
    asio::io_context context;
    NetServer server(context, "moql://127.0.0.1:0", listen_config());
    CHECK(connect_now(context, "https://127.0.0.1:" + server.port(), connect_config()).failure == Error::UnknownAlpn);
}

TEST_CASE("a client and a listener of QUIC with no protocol in common say so", "[quic][sockets]") {
    asio::io_context context;
    NetServer server(context, "moql://127.0.0.1:0", listen_config());
    auto config = connect_config();
    config.protocols = {"another"};
    CHECK(connect_now(context, "moql://127.0.0.1:" + server.port(), std::move(config)).failure == Error::UnknownAlpn);
}

}  // namespace net_quic_tests
