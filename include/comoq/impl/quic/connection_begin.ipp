// SPDX-License-Identifier: MIT
#pragma once
#include "../../quic/connection.hpp"
#include "connection_events.ipp"

#include <asio/ip/address.hpp>

#include <algorithm>
#include <cstring>

// How a connection begins.

namespace comoq::quic {

namespace detail {

inline ngtcp2_tstamp stamp_of(Connection::Time time) noexcept {
    return static_cast<ngtcp2_tstamp>(std::chrono::nanoseconds(time.time_since_epoch()).count());
}
inline ngtcp2_duration duration_of(std::chrono::nanoseconds time) noexcept {
    return static_cast<ngtcp2_duration>(std::max(time, time.zero()).count());
}
inline const std::uint8_t *octets_of(std::span<const std::byte> bytes) noexcept {
    return reinterpret_cast<const std::uint8_t *>(bytes.data());
}
inline ngtcp2_cid id_of(std::span<const std::byte> bytes) noexcept {
    ngtcp2_cid id;
    ngtcp2_cid_init(&id, octets_of(bytes), std::min<std::size_t>(bytes.size(), NGTCP2_MAX_CIDLEN));
    return id;
}
inline std::span<const std::byte> bytes_of(const ngtcp2_cid &id) noexcept {
    return {reinterpret_cast<const std::byte *>(id.data), id.datalen};
}

/// The addresses of a path as the library has them.
inline ngtcp2_path path_of(Path &path) noexcept {
    ngtcp2_path library{};
    const auto set = [](ngtcp2_addr &to, asio::ip::udp::endpoint &from) {
        to.addr = reinterpret_cast<ngtcp2_sockaddr *>(from.data());
        to.addrlen = static_cast<ngtcp2_socklen>(from.size());
    };
    set(library.local, path.local);
    set(library.remote, path.remote);
    return library;
}

}  // namespace detail

COMOQ_DECL std::optional<Greeting> greeting_in(std::span<const std::byte> datagram) {
    ngtcp2_pkt_hd head;
    if (ngtcp2_accept(&head, detail::octets_of(datagram), datagram.size()) != 0) return std::nullopt;
    if (head.version != NGTCP2_PROTO_VER_V1) return std::nullopt;
    const auto copy = [](const ngtcp2_cid &id) {
        const auto bytes = detail::bytes_of(id);
        return std::vector<std::byte>(bytes.begin(), bytes.end());
    };
    Greeting greeting;
    greeting.server_id = copy(head.dcid);
    greeting.client_id = copy(head.scid);
    greeting.version = head.version;
    const auto token = detail::token_of(head);
    greeting.token.assign(token.begin(), token.end());
    return greeting;
}

COMOQ_DECL Connection::Connection(asio::any_io_executor executor, ConnectionConfig config, const ClientCredentials &credentials,
                                  const std::string &server, const Path &path)
    : StreamTransport(std::move(executor), std::make_shared<comoq::detail::Mutex>(), true),
      clock_(config.clock),
      random_(config.random),
      config_(std::move(config)),
      remote_(path.remote),
      ids_(nullptr) {
    std::error_code is_name;
    asio::ip::make_address(server, is_name);
    tls_ = std::make_unique<detail::TlsSession>(credentials.trust(), server, !is_name, config_.protocols);
    tls_->log_keys(config_.key_log);
    if (config_.tokens != nullptr) server_ = server + ':' + std::to_string(path.remote.port());
    begin_client(path);
}

COMOQ_DECL Connection::Connection(asio::any_io_executor executor, ConnectionConfig config, const ServerCredentials &credentials,
                                  const Greeting &greeting, const Path &path, ConnectionIds *ids)
    : StreamTransport(std::move(executor), std::make_shared<comoq::detail::Mutex>(), false),
      clock_(config.clock),
      random_(config.random),
      config_(std::move(config)),
      remote_(path.remote),
      ids_(ids) {
    if (!credentials) throw std::system_error(GNUTLS_E_NO_CERTIFICATE_FOUND, detail::gnutls_category(), "a server of QUIC");
    tls_ = std::make_unique<detail::TlsSession>(credentials.identity(), config_.protocols);
    tls_->log_keys(config_.key_log);
    begin_server(greeting, path);
}

COMOQ_DECL Connection::~Connection() = default;

namespace detail {

/// Anybody's number of milliseconds. More than a century does not fit into the library's clock.
inline ngtcp2_duration timeout_of(std::chrono::milliseconds time) noexcept {
    constexpr std::chrono::milliseconds longest = std::chrono::hours(24 * 365 * 100);
    return duration_of(std::min(time, longest));
}
/// Anybody's number as one that a packet can carry (RFC 9000, section 16), and the most that a count of streams may be
/// (section 4.6).
inline std::uint64_t sendable(std::uint64_t number) noexcept { return std::min<std::uint64_t>(number, (std::uint64_t{1} << 62) - 1); }
inline std::uint64_t sendable_count(std::uint64_t streams) noexcept { return std::min(streams, std::uint64_t{1} << 60); }

inline ngtcp2_settings settings_of(const ConnectionConfig &config, void *source, Connection::Time now) noexcept {
    ngtcp2_settings settings;
    ngtcp2_settings_default(&settings);
    settings.initial_ts = stamp_of(now);
    settings.cc_algo = NGTCP2_CC_ALGO_CUBIC;
    settings.rand_ctx.native_handle = source;
    settings.handshake_timeout = timeout_of(config.handshake_timeout);
    settings.max_tx_udp_payload_size = std::clamp<std::size_t>(config.max_packet_size, NGTCP2_MAX_UDP_PAYLOAD_SIZE, Packet::most);
    settings.no_pmtud = settings.max_tx_udp_payload_size == NGTCP2_MAX_UDP_PAYLOAD_SIZE;
    return settings;
}
inline ngtcp2_transport_params parameters_of(const ConnectionConfig &config) noexcept {
    ngtcp2_transport_params parameters;
    ngtcp2_transport_params_default(&parameters);
    const std::uint64_t of_stream = sendable(config.max_stream_data);
    parameters.initial_max_data = sendable(config.max_data);
    parameters.initial_max_stream_data_bidi_local = of_stream;
    parameters.initial_max_stream_data_bidi_remote = of_stream;
    parameters.initial_max_stream_data_uni = of_stream;
    parameters.initial_max_streams_bidi = sendable_count(config.max_streams_bidi);
    parameters.initial_max_streams_uni = sendable_count(config.max_streams_uni);
    parameters.max_idle_timeout = timeout_of(config.idle_timeout);
    parameters.max_datagram_frame_size = sendable(config.max_datagram_frame_size);
    parameters.active_connection_id_limit = 4;
    // An endpoint has room for more.
    parameters.max_udp_payload_size = 1500;
    return parameters;
}

}  // namespace detail

COMOQ_DECL void Connection::began(int result) {
    if (result == NGTCP2_ERR_NOMEM) throw std::bad_alloc();
    if (result != 0) comoq::detail::throw_error(make_error_code(Error::Transport));
    tls_->belongs_to(wire_.get());
    ngtcp2_conn_set_tls_native_handle(wire_.get(), tls_->native());
}

COMOQ_DECL void Connection::begin_client(const Path &path) {
    // The first id of a server is a guess, and the key of its first packets.
    std::array<std::byte, 18> guess;
    std::array<std::byte, detail::own_id_size> own;
    random_(guess);
    random_(own);
    random_(reset_key_);
    const ngtcp2_cid server_id = detail::id_of(guess), client_id = detail::id_of(own);
    const auto callbacks = ConnectionEvents::all(true);
    auto settings = detail::settings_of(config_, this, clock_());
    std::vector<std::byte> token;
    if (config_.tokens != nullptr) token = config_.tokens->take(server_);
    if (!token.empty()) detail::set_token(settings, token, detail::TokenKind::OfEarlierConnection);
    const auto parameters = detail::parameters_of(config_);
    Path addresses = path;
    const ngtcp2_path on = detail::path_of(addresses);
    ngtcp2_conn *made = nullptr;
    const int result = ngtcp2_conn_client_new(&made, &server_id, &client_id, &on, NGTCP2_PROTO_VER_V1, &callbacks, &settings,
                                              &parameters, memory_.functions(), this);
    wire_.reset(made);
    began(result);
}

COMOQ_DECL void Connection::begin_server(const Greeting &greeting, const Path &path) {
    std::array<std::byte, detail::own_id_size> own;
    random_(own);
    if (ids_ != nullptr)
        ids_->mark(own);
    else
        random_(reset_key_);
    const bool has_proof = !greeting.original_id.empty();
    const ngtcp2_cid original = detail::id_of(has_proof ? greeting.original_id : greeting.server_id), client_id = detail::id_of(greeting.client_id);
    const ngtcp2_cid server_id = detail::id_of(own);
    const auto callbacks = ConnectionEvents::all(false);
    auto settings = detail::settings_of(config_, this, clock_());
    auto parameters = detail::parameters_of(config_);
    detail::set_original_id(parameters, original);
    if (has_proof) {
        detail::set_token(settings, greeting.token, detail::TokenKind::OfRetry);
        parameters.retry_scid = detail::id_of(greeting.server_id);
        parameters.retry_scid_present = 1;
    } else if (greeting.is_known) {
        detail::set_token(settings, greeting.token, detail::TokenKind::OfEarlierConnection);
    }
    const auto key = ids_ != nullptr ? ids_->reset_key() : std::span<const std::byte>(reset_key_);
    const int has_token = ngtcp2_crypto_generate_stateless_reset_token(parameters.stateless_reset_token, detail::octets_of(key),
                                                                       key.size(), &server_id);
    if (has_token != 0) comoq::detail::throw_error(make_error_code(Error::Transport));
    parameters.stateless_reset_token_present = 1;
    Path addresses = path;
    const ngtcp2_path on = detail::path_of(addresses);
    ngtcp2_conn *made = nullptr;
    const int result = ngtcp2_conn_server_new(&made, &client_id, &server_id, &on, greeting.version, &callbacks, &settings,
                                              &parameters, memory_.functions(), this);
    wire_.reset(made);
    began(result);
    if (ids_ == nullptr) return;
    ids_->added(greeting.server_id);
    ids_->added(own);
}

}  // namespace comoq::quic
