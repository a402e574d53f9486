// SPDX-License-Identifier: MIT
#pragma once
#include "../../quic/connection.hpp"
#include "ngtcp2.hpp"
#include "own_ids.hpp"
#include "token_keys.hpp"

#include <asio/ip/udp.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace comoq::quic::detail {

/// What a server says to packets without keeping anything. It needs neither a clock nor a socket.
class Stateless {
public:
    using Time = Connection::Time;
    /// A datagram. All of them are smaller than those that they answer.
    struct Answer {
        std::array<std::uint8_t, 256> buffer;
        std::size_t size = 0;
    };

    /// Without keys it makes its own.
    Stateless(RandomSource random, std::span<const std::byte, 32> reset_key, std::shared_ptr<TokenKeys> keys = nullptr,
              const Share &share = {})
        : random_(std::move(random)), keys_(keys != nullptr ? std::move(keys) : std::make_shared<TokenKeys>(random_)), share_(share) {
        std::ranges::copy(reset_key, reset_key_.begin());
    }

    /// Tells a client to come again and bring a token, which shows that it gets what is sent to its address (RFC 9000, section 8.1.2).
    std::optional<Answer> ask_for_proof(const Greeting &greeting, asio::ip::udp::endpoint from, Time now) {
        std::array<std::byte, own_id_size> chosen;
        random_(chosen);
        share_.mark(chosen);
        const ngtcp2_cid server = id(chosen), original = id(greeting.server_id), client = id(greeting.client_id);
        std::array<std::uint8_t, NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN> token;
        const auto key = keys_->newest(now);
        const auto size = ngtcp2_crypto_generate_retry_token(token.data(), octets(key), key.size(), greeting.version,
                                                             address(from), address_size(from), &server, &original, stamp(now));
        if (size < 0) return std::nullopt;
        Answer answer;
        return written(answer, ngtcp2_crypto_write_retry(answer.buffer.data(), answer.buffer.size(), greeting.version, &client, &server,
                                                         &original, token.data(), static_cast<std::size_t>(size)));
    }
    /// Whether the token is one of `ask_for_proof`, for this address and this packet, and not older than ten seconds: the client then
    /// has its original id.
    bool verify(Greeting &greeting, asio::ip::udp::endpoint from, Time now) {
        if (!claims_proof(greeting)) return false;
        const ngtcp2_cid server = id(greeting.server_id);
        ngtcp2_cid original;
        constexpr ngtcp2_duration longest = 10 * NGTCP2_SECONDS;
        const bool is_ours = keys_->any(now, [&](const TokenKeys::Key &key) {
            return ngtcp2_crypto_verify_retry_token(&original, octets(greeting.token), greeting.token.size(), octets(key), key.size(),
                                                    greeting.version, address(from), address_size(from), &server, longest,
                                                    stamp(now)) == 0;
        });
        if (!is_ours) return false;
        const auto *bytes = reinterpret_cast<const std::byte *>(original.data);
        greeting.original_id.assign(bytes, bytes + original.datalen);
        return true;
    }
    /// A token for the client's next connection, from any port of that address. Empty if none can be made.
    std::vector<std::byte> token_for(asio::ip::udp::endpoint client, Time now) {
        std::vector<std::byte> token(NGTCP2_CRYPTO_MAX_REGULAR_TOKENLEN);
        const auto key = keys_->newest(now);
        const auto size = ngtcp2_crypto_generate_regular_token(reinterpret_cast<std::uint8_t *>(token.data()), octets(key), key.size(),
                                                               address(client), address_size(client), stamp(now));
        token.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
        return token;
    }
    /// Whether the token is one of `token_for`, for this address, and younger than a day: the client is known then. Any other one
    /// says nothing (RFC 9000, section 8.1.3).
    bool knows(Greeting &greeting, asio::ip::udp::endpoint from, Time now) {
        if (greeting.token.empty() || greeting.token.front() != std::byte{NGTCP2_CRYPTO_TOKEN_MAGIC_REGULAR}) return false;
        constexpr ngtcp2_duration longest = 24 * 3600 * NGTCP2_SECONDS;
        greeting.is_known = keys_->any(now, [&](const TokenKeys::Key &key) {
            return ngtcp2_crypto_verify_regular_token(octets(greeting.token), greeting.token.size(), octets(key), key.size(),
                                                      address(from), address_size(from), longest, stamp(now)) == 0;
        });
        return greeting.is_known;
    }
    static bool claims_proof(const Greeting &greeting) noexcept {
        return !greeting.token.empty() && greeting.token.front() == std::byte{NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY};
    }
    /// That a token is not valid: the client begins anew.
    static std::optional<Answer> refuse_token(const Greeting &greeting) {
        const ngtcp2_cid server = id(greeting.server_id), client = id(greeting.client_id);
        Answer answer;
        return written(answer, ngtcp2_crypto_write_connection_close(answer.buffer.data(), answer.buffer.size(), greeting.version, &client,
                                                                    &server, NGTCP2_INVALID_TOKEN, nullptr, 0));
    }
    /// Tells the sender of a short packet for a connection that does not exist any more that it is over (RFC 9000, section 10.3).
    /// Nothing if the packet is so short that two servers could go on for ever, or if many have been told.
    std::optional<Answer> reset(std::span<const std::byte> connection_id, std::size_t packet_size, Time now) {
        constexpr std::size_t largest = 43, smallest = NGTCP2_MIN_STATELESS_RESET_RANDLEN + NGTCP2_STATELESS_RESET_TOKENLEN;
        const std::size_t size = std::min(largest, packet_size == 0 ? 0 : packet_size - 1);
        if (size < smallest || !may_answer(now)) return std::nullopt;
        const ngtcp2_cid server = id(connection_id);
        std::array<std::uint8_t, NGTCP2_STATELESS_RESET_TOKENLEN> token;
        if (ngtcp2_crypto_generate_stateless_reset_token(token.data(), octets(reset_key_), reset_key_.size(), &server) != 0)
            return std::nullopt;
        std::array<std::byte, largest - NGTCP2_STATELESS_RESET_TOKENLEN> noise;
        random_(noise);
        Answer answer;
        return written(answer, ngtcp2_pkt_write_stateless_reset(answer.buffer.data(), size, token.data(), octets(noise), noise.size()));
    }
    /// The versions that there are. Nothing if many have been told.
    std::optional<Answer> versions(std::span<const std::byte> to, std::span<const std::byte> from, Time now) {
        if (!may_answer(now)) return std::nullopt;
        constexpr std::uint32_t all[] = {NGTCP2_PROTO_VER_V1};
        std::byte unused{};
        random_(std::span(&unused, 1));
        Answer answer;
        return written(answer, ngtcp2_pkt_write_version_negotiation(answer.buffer.data(), answer.buffer.size(),
                                                                    std::to_integer<std::uint8_t>(unused), octets(from), from.size(),
                                                                    octets(to), to.size(), all, 1));
    }

private:
    static const std::uint8_t *octets(std::span<const std::byte> bytes) noexcept {
        return reinterpret_cast<const std::uint8_t *>(bytes.data());
    }
    static ngtcp2_cid id(std::span<const std::byte> bytes) noexcept {
        ngtcp2_cid made;
        ngtcp2_cid_init(&made, octets(bytes), std::min<std::size_t>(bytes.size(), NGTCP2_MAX_CIDLEN));
        return made;
    }
    static const ngtcp2_sockaddr *address(const asio::ip::udp::endpoint &of) noexcept {
        return reinterpret_cast<const ngtcp2_sockaddr *>(of.data());
    }
    static ngtcp2_socklen address_size(const asio::ip::udp::endpoint &of) noexcept { return static_cast<ngtcp2_socklen>(of.size()); }
    static ngtcp2_tstamp stamp(Time time) noexcept {
        return static_cast<ngtcp2_tstamp>(std::chrono::nanoseconds(time.time_since_epoch()).count());
    }
    static std::optional<Answer> written(Answer &answer, ngtcp2_ssize size) noexcept {
        if (size <= 0) return std::nullopt;
        answer.size = static_cast<std::size_t>(size);
        return answer;
    }
    /// A hundred a second, and as many at once: anybody can ask, in anybody's name.
    bool may_answer(Time now) noexcept {
        constexpr double most = 100;
        if (latest_) {
            const auto passed = std::chrono::duration<double>(now - *latest_).count();
            left_ = std::min(most, left_ + std::max(0.0, passed) * most);
        }
        latest_ = now;
        if (left_ < 1) return false;
        --left_;
        return true;
    }

    const RandomSource random_;
    const std::shared_ptr<TokenKeys> keys_;
    const Share share_;
    std::array<std::byte, 32> reset_key_{};
    std::optional<Time> latest_;
    double left_ = 100;
};

}  // namespace comoq::quic::detail
