// What a QUIC server says to packets without keeping anything: proofs of addresses, stateless resets, versions.
#include <comoq/detail/quic/routes.hpp>
#include <comoq/detail/quic/stateless.hpp>
#include <comoq/quic/connection.hpp>
#include <comoq/quic/listener.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>

#include "quic/identity.hpp"
#include "quic/scene.hpp"
#include "support/begun.hpp"
#include "support/catch.hpp"

namespace quic_stateless_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using quic::detail::Stateless;
using Time = quic::Connection::Time;

namespace {

asio::ip::udp::endpoint at(const char *address, unsigned short port) { return {asio::ip::make_address(address), port}; }

std::span<const std::byte> bytes_of(const Stateless::Answer &answer) {
    return std::as_bytes(std::span(answer.buffer).first(answer.size));
}

quic::Greeting greeting() {
    quic::Greeting made;
    made.server_id.assign(18, std::byte{1});
    made.client_id.assign(12, std::byte{2});
    made.version = 1;
    return made;
}

/// The client's next packet after a Retry: its id for the server, and the token.
quic::Greeting returned(std::span<const std::byte> retry) {
    quic::Greeting made = greeting();
    const auto ids = quic::detail::ids_in(retry).value();
    made.server_id.assign(ids.from.begin(), ids.from.end());
    // Behind the first byte, the version and both ids; the tag of 16 bytes ends the packet.
    const std::size_t head = 1 + 4 + 1 + ids.to.size() + 1 + ids.from.size();
    made.token.assign(retry.begin() + static_cast<std::ptrdiff_t>(head), retry.end() - 16);
    return made;
}

struct Speaker {
    std::array<std::byte, 32> key{};
    Stateless stateless{random_from(1), key};
    Time now = Time(1h);
};

}  // namespace

TEST_CASE("a token proves one address, for the packet that answers a Retry, and for ten seconds", "[quic]") {
    Speaker speaker;
    const auto client = at("192.0.2.1", 4000);
    const auto retry = speaker.stateless.ask_for_proof(greeting(), client, speaker.now);
    REQUIRE(retry);
    CHECK(retry->size < 1200 / 3);
    const quic::Greeting proof = returned(bytes_of(*retry));
    CHECK(proof.server_id.size() == quic::detail::own_id_size);
    const auto holds = [&](quic::Greeting tried, const asio::ip::udp::endpoint &from, std::chrono::milliseconds later) {
        const bool is_valid = speaker.stateless.verify(tried, from, speaker.now + later);
        CHECK(is_valid == !tried.original_id.empty());
        if (is_valid) CHECK(tried.original_id == greeting().server_id);
        return is_valid;
    };
    CHECK(holds(proof, client, 0ms));
    CHECK(holds(proof, client, 9900ms));
    CHECK_FALSE(holds(proof, client, 10100ms));
    CHECK_FALSE(holds(proof, at("192.0.2.2", 4000), 0ms));
    CHECK_FALSE(holds(proof, at("192.0.2.1", 4001), 0ms));
    CHECK_FALSE(holds(proof, at("2001:db8::1", 4000), 0ms));
    auto other_id = proof;
    other_id.server_id[0] ^= std::byte{1};
    CHECK_FALSE(holds(other_id, client, 0ms));
    CHECK_FALSE(holds(greeting(), client, 0ms));
    for (std::size_t i = 0; i < proof.token.size(); ++i) {
        auto spoiled = proof, cut = proof;
        spoiled.token[i] ^= std::byte{4};
        cut.token.resize(i);
        CHECK_FALSE(holds(spoiled, client, 0ms));
        CHECK_FALSE(holds(cut, client, 0ms));
    }
    Stateless other(random_from(2), speaker.key);
    auto stranger = proof;
    CHECK_FALSE(other.verify(stranger, client, speaker.now));
}

TEST_CASE("a stateless reset is smaller than what it answers, and there are a hundred a second at most", "[quic]") {
    Speaker speaker;
    const std::vector<std::byte> id(quic::detail::own_id_size, std::byte{7});
    for (std::size_t size = 0; size <= 100; ++size) {
        speaker.now += 1s;
        const auto reset = speaker.stateless.reset(id, size, speaker.now);
        CHECK(reset.has_value() == (size > 21));
        if (reset) CHECK((reset->size < size && reset->size <= 43 && (reset->buffer[0] & 0xc0) == 0x40));
    }
    const auto told = [&](std::chrono::milliseconds later) {
        speaker.now += later;
        int count = 0;
        for (int i = 0; i < 1000; ++i) count += speaker.stateless.reset(id, 1200, speaker.now) ? 1 : 0;
        return count;
    };
    CHECK(told(1h) == 100);
    CHECK(told(0ms) == 0);
    CHECK(told(505ms) == 50);
    CHECK_FALSE(speaker.stateless.versions(id, id, speaker.now));
    CHECK(speaker.stateless.versions(id, id, speaker.now + 1s));
}

TEST_CASE("the end of a stateless reset is the token that the client was given", "[quic]") {
    Speaker speaker;
    const std::vector<std::byte> id(quic::detail::own_id_size, std::byte{7}), other(quic::detail::own_id_size, std::byte{8});
    const auto end_of = [&](const std::vector<std::byte> &of) {
        const auto bytes = speaker.stateless.reset(of, 1200, speaker.now).value();
        return std::vector<std::uint8_t>(bytes.buffer.begin() + static_cast<std::ptrdiff_t>(bytes.size) - 16,
                                         bytes.buffer.begin() + static_cast<std::ptrdiff_t>(bytes.size));
    };
    CHECK(end_of(id) == end_of(id));
    CHECK(end_of(id) != end_of(other));
}

namespace {

/// A listener on a socket of this machine, and packets that clients of its would send.
struct Port {
    explicit Port(quic::ListenerConfig config)
        : listener(context.get_executor(), {asio::ip::address_v4::loopback(), 0}, test_identity(), std::move(config)) {}
    template <class Condition> bool until(Condition &&condition) {
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (!condition() && std::chrono::steady_clock::now() < end) {
            context.restart();
            context.run_one_for(10ms);
        }
        return condition();
    }
    /// The first packet of a client that never goes on.
    std::vector<std::byte> first_packet() {
        const quic::Path path{{asio::ip::address_v4::loopback(), 1}, listener.endpoint()};
        const auto trust = quic::ClientCredentials::accept_any_certificate();
        const auto client = std::make_shared<quic::Connection>(context.get_executor(), quic::ConnectionConfig(), trust, "localhost", path);
        quic::Packet packet;
        REQUIRE(client->output(packet));
        client->lost(make_error_code(Error::Closed));
        return {packet.bytes().begin(), packet.bytes().end()};
    }
    /// What the listener says to that within some time.
    std::vector<std::byte> answer_to(const std::vector<std::byte> &datagram, std::chrono::milliseconds within = 5s) {
        asio::ip::udp::socket socket(context, asio::ip::udp::endpoint(asio::ip::address_v4::loopback(), 0));
        socket.send_to(asio::buffer(datagram), listener.endpoint());
        std::vector<std::byte> answer(2048);
        asio::ip::udp::endpoint from;
        std::optional<std::size_t> size;
        socket.async_receive_from(asio::buffer(answer), from, [&](std::error_code code, std::size_t count) { size = code ? 0 : count; });
        const auto end = std::chrono::steady_clock::now() + within;
        while (!size && std::chrono::steady_clock::now() < end) {
            context.restart();
            context.run_one_for(10ms);
        }
        const bool is_answered = size.has_value();
        socket.close();
        until([&] { return size.has_value(); });
        answer.resize(is_answered ? *size : 0);
        return answer;
    }

    asio::io_context context;
    quic::Listener listener;
};

}  // namespace

TEST_CASE("a listener with many handshakes under way makes clients prove their address, and strangers take no place", "[quic][sockets]") {
    quic::ListenerConfig config;
    config.retry_above = GENERATE(std::size_t{0}, std::size_t{1});
    config.max_handshakes = 2;
    const bool is_always = config.retry_above == 0;
    Port port(std::move(config));
    for (int i = 0; i < 5; ++i) {
        const auto answer = port.answer_to(port.first_packet());
        REQUIRE_FALSE(answer.empty());
        // The type of a long header: Retry is 3. The first stranger gets the beginning of a handshake.
        CHECK(((answer[0] & std::byte{0x30}) == std::byte{0x30}) == (is_always || i > 0));
    }
    const auto trust = quic::ClientCredentials::pinned({test_identity().fingerprint()});
    Begun<std::shared_ptr<quic::Connection>> connecting(port.context, quic::connect(port.listener.endpoint(), "localhost", trust, {}));
    REQUIRE(port.until([&] { return connecting.done(); }));
    CHECK(connecting.value() != nullptr);
}

TEST_CASE("a listener refuses a token that is not its own, and answers a packet of a connection that it does not have", "[quic][sockets]") {
    quic::ListenerConfig config;
    config.retry_above = 0;
    Port port(std::move(config));
    // A short header, and nothing behind it that means anything.
    std::vector<std::byte> unknown(100, std::byte{0x55});
    const auto reset = port.answer_to(unknown);
    CHECK(reset.size() == 43);
    CHECK((reset.at(0) & std::byte{0xc0}) == std::byte{0x40});
    unknown.resize(21);
    CHECK(port.answer_to(unknown, 200ms).empty());

    // The client's second packet is its first with the token of another server.
    auto stranger = port.first_packet();
    const auto ids = quic::detail::ids_in(stranger).value();
    const std::size_t place = 1 + 4 + 1 + ids.to.size() + 1 + ids.from.size();
    REQUIRE(stranger.at(place) == std::byte{0});
    stranger[place] = std::byte{60};
    std::vector<std::byte> token(60, std::byte{9});
    token[0] = std::byte{NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY};
    stranger.insert(stranger.begin() + static_cast<std::ptrdiff_t>(place) + 1, token.begin(), token.end());
    const auto refusal = port.answer_to(stranger);
    REQUIRE_FALSE(refusal.empty());
    // An Initial, and a small one: it closes the connection.
    CHECK((refusal[0] & std::byte{0xb0}) == std::byte{0x80});
    CHECK(refusal.size() < 1200);
}

}  // namespace quic_stateless_tests
