// Tokens that prove a client's address at its next connection, the keys that make them, and the log of secrets.
#include <comoq/detail/quic/stateless.hpp>
#include <comoq/detail/quic/token_keys.hpp>
#include <comoq/quic/address_tokens.hpp>
#include <comoq/quic/connection.hpp>
#include <comoq/quic/key_log.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <unistd.h>

#include "quic/identity.hpp"
#include "quic/scene.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"

namespace quic_tokens_tests {

using namespace comoq;
using namespace comoq::test;
using quic::detail::Stateless;
using quic::detail::TokenKeys;
using Time = quic::Connection::Time;

namespace {

asio::ip::udp::endpoint at(const char *address, unsigned short port) { return {asio::ip::make_address(address), port}; }

struct Speaker {
    /// Whether that token, brought by a packet from there, makes its client known.
    bool knows(std::vector<std::byte> token, const asio::ip::udp::endpoint &from, std::chrono::nanoseconds later) {
        quic::Greeting greeting;
        greeting.token = std::move(token);
        const bool is_known = stateless.knows(greeting, from, now + later);
        CHECK(greeting.is_known == is_known);
        return is_known;
    }
    std::array<std::byte, 32> key{};
    Stateless stateless{random_from(1), key};
    Time now = Time(1h);
};

std::vector<std::byte> text(std::string_view of) {
    const auto bytes = std::as_bytes(std::span(of));
    return {bytes.begin(), bytes.end()};
}

/// A client's connection, and the greeting in its first packet.
struct Greeter {
    Greeter(QuicScene &scene, std::shared_ptr<quic::AddressTokens> tokens, const std::string &server = "test") {
        quic::ConnectionConfig config;
        config.clock = scene.clock.clock();
        config.tokens = std::move(tokens);
        client = std::make_shared<quic::Connection>(scene.context.get_executor(), std::move(config), QuicScene::pinned(), server,
                                                    QuicScene::path(true));
        REQUIRE(client->output(packet));
        greeting = quic::greeting_in(packet.bytes()).value();
    }
    ~Greeter() { client->lost(make_error_code(Error::Closed)); }
    std::shared_ptr<quic::Connection> client;
    quic::Packet packet;
    quic::Greeting greeting;
};

}  // namespace

TEST_CASE("a key of tokens makes them for half a day, is taken for as long again, and is forgotten", "[quic]") {
    TokenKeys keys(random_from(1));
    const Time begin(1h);
    const auto first = keys.newest(begin);
    CHECK(keys.newest(begin + 12h - 1s) == first);
    const auto is_taken = [&](const TokenKeys::Key &key, std::chrono::seconds later) {
        return keys.any(begin + later, [&](const TokenKeys::Key &each) { return each == key; });
    };
    const auto second = keys.newest(begin + 12h);
    CHECK(second != first);
    CHECK(is_taken(first, 12h));
    CHECK(is_taken(second, 12h));
    CHECK(is_taken(first, 24h - 1s));
    CHECK_FALSE(is_taken(first, 24h));
    CHECK(is_taken(second, 24h));
    // After a day and a half without a question nothing is left.
    CHECK_FALSE(is_taken(second, 60h));
}

TEST_CASE("a token of an earlier connection proves its address for up to a day, from any port, and across a change of keys", "[quic]") {
    Speaker speaker;
    const auto client = at("192.0.2.1", 4000);
    const auto token = speaker.stateless.token_for(client, speaker.now);
    REQUIRE_FALSE(token.empty());
    CHECK(speaker.knows(token, client, 0ms));
    CHECK(speaker.knows(token, at("192.0.2.1", 4001), 1h));
    CHECK_FALSE(speaker.knows(token, at("192.0.2.2", 4000), 0ms));
    CHECK_FALSE(speaker.knows(token, at("2001:db8::1", 4000), 0ms));
    for (std::size_t i = 0; i < token.size(); ++i) {
        auto spoiled = token;
        spoiled[i] ^= std::byte{1};
        CHECK_FALSE(speaker.knows(spoiled, client, 0ms));
        spoiled.resize(i);
        CHECK_FALSE(speaker.knows(spoiled, client, 0ms));
    }
    // It is not the answer to a Retry.
    quic::Greeting greeting;
    greeting.token = token;
    CHECK_FALSE(Stateless::claims_proof(greeting));
    CHECK_FALSE(speaker.stateless.verify(greeting, client, speaker.now));
    CHECK(speaker.knows(token, client, 13h));
    CHECK(speaker.knows(token, client, 23h));
    CHECK_FALSE(speaker.knows(token, client, 24h + 1s));
    Speaker another;
    std::array<std::byte, 32> other_key{};
    Stateless restarted(random_from(2), other_key);
    greeting.is_known = false;
    CHECK_FALSE(restarted.knows(greeting, client, another.now));
}

TEST_CASE("a client keeps one token of each server, uses it once, and has a bound for all of them", "[quic]") {
    quic::AddressTokens tokens;
    CHECK(tokens.take("a:1").empty());
    tokens.keep("a:1", text("old"));
    tokens.keep("a:1", text("new"));
    tokens.keep("a:2", text("another port"));
    CHECK(tokens.take("a:1") == text("new"));
    CHECK(tokens.take("a:1").empty());
    tokens.keep("b:1", std::vector<std::byte>(513));
    tokens.keep(std::string(300, 'b'), text("long name"));
    tokens.keep("c:1", {});
    for (const std::string &name : {std::string("b:1"), std::string(300, 'b'), std::string("c:1")}) CHECK(tokens.take(name).empty());
    for (int i = 0; i < 64; ++i) tokens.keep(std::to_string(i), text("x"));
    CHECK(tokens.take("a:2").empty());
    CHECK(tokens.take("0") == text("x"));
    CHECK(tokens.take("63") == text("x"));
    if (!allocations_can_fail()) return;
    const auto token = text("x");
    NoMemory none;
    tokens.keep("a server whose name does not fit into the text itself", token);
    none.end();
    CHECK(tokens.take("a server whose name does not fit into the text itself").empty());
}

TEST_CASE("a server gives a token after the handshake, the client brings it at its next connection, and that begins", "[quic]") {
    const auto tokens = std::make_shared<quic::AddressTokens>();
    quic::ConnectionConfig of_client;
    of_client.tokens = tokens;
    LinkFaults faults;
    faults.lost = GENERATE(0u, 200u);
    QuicScene scene(faults, 7, std::move(of_client));
    CHECK(Greeter(scene, tokens).greeting.token.empty());
    scene.connect();
    Speaker speaker;
    const auto token = speaker.stateless.token_for(scene.server->remote(), speaker.now);
    // A client gives none.
    scene.client->give_token(token);
    scene.server->give_token(token);
    scene.pass(5s);
    CHECK(Greeter(scene, tokens, "other").greeting.token.empty());
    Greeter next(scene, tokens);
    CHECK(next.greeting.token == token);
    CHECK(Greeter(scene, tokens).greeting.token.empty());

    REQUIRE(speaker.stateless.knows(next.greeting, scene.server->remote(), speaker.now));
    quic::ConnectionConfig config;
    config.clock = scene.clock.clock();
    const auto server = std::make_shared<quic::Connection>(scene.context.get_executor(), std::move(config), test_identity(), next.greeting,
                                                           QuicScene::path(false));
    server->input(next.packet.bytes(), QuicScene::path(false));
    quic::Packet packet;
    for (int i = 0; i < 20; ++i) {
        while (server->output(packet)) next.client->input(packet.bytes(), QuicScene::path(true));
        while (next.client->output(packet)) server->input(packet.bytes(), QuicScene::path(false));
    }
    CHECK(server->protocol() == "moq-lite-06");
    CHECK(next.client->protocol() == "moq-lite-06");
    server->lost(make_error_code(Error::Closed));
}

TEST_CASE("the secrets of a QUIC connection are told to a log on both sides, which agree, and to a file of its owner's", "[quic]") {
    std::vector<std::string> told[2];
    const auto file = std::filesystem::temp_directory_path() / (std::to_string(::getpid()) + "-keys.txt");
    {
        quic::ConnectionConfig of_client, of_server;
        const auto to_file = quic::key_log_to(file.string());
        of_client.key_log = [&, to_file](std::string_view line) {
            told[0].emplace_back(line);
            to_file(line);
        };
        of_server.key_log = [&](std::string_view line) { told[1].emplace_back(line); };
        QuicScene scene({}, 1, of_client, of_server);
        scene.connect();
        scene.pass(1s);
        const auto stats = scene.client->stats();
        CHECK(stats.sent_packets.value_or(0) > 2);
        CHECK(stats.received_packets.value_or(0) > 2);
        CHECK(stats.received_packets == scene.server->stats().sent_packets);
    }
    std::set<std::string> labels;
    for (const auto &line : told[0]) {
        std::istringstream words(line);
        std::string label, random, secret, rest;
        words >> label >> random >> secret;
        labels.insert(label);
        CHECK(random.size() == 64);
        CHECK(secret.size() >= 64);
        CHECK(secret.find_first_not_of("0123456789abcdef") == std::string::npos);
        CHECK_FALSE(words >> rest);
    }
    for (const char *label : {"CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0",
                              "SERVER_TRAFFIC_SECRET_0"})
        CHECK(labels.count(label) == 1);
    CHECK(std::set<std::string>(told[0].begin(), told[0].end()) == std::set<std::string>(told[1].begin(), told[1].end()));
    std::ifstream read(file);
    std::vector<std::string> lines;
    for (std::string line; std::getline(read, line);) lines.push_back(line);
    CHECK(lines == told[0]);
    using std::filesystem::perms;
    CHECK((std::filesystem::status(file).permissions() & (perms::group_all | perms::others_all)) == perms::none);
    std::filesystem::remove(file);
    CHECK_THROWS_AS(quic::key_log_to("/not/there/keys.txt"), std::system_error);
}

}  // namespace quic_tokens_tests
