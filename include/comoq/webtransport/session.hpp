// SPDX-License-Identifier: MIT
#pragma once
#include "../quic/connection.hpp"
#include "../transport.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

namespace comoq::webtransport {

namespace detail {
class Http;
}  // namespace detail

/// A session of WebTransport over HTTP/3: a Transport that has a connection of QUIC to itself. Its streams are the connection's,
/// with a few bytes before them.
///
/// The numbers with which streams end have 32 bits; a larger one counts as the largest. A stream that the peer ends with a
/// number of HTTP/3 fails with Cancelled. The session is closed with a number of 32 bits, too, and a reason of at most 1,024
/// bytes, which is left out if it is longer or not UTF-8; the peer has a second to take them, then the connection closes. A
/// client that goes without a word has closed the session with 0. If the peer breaks a rule of HTTP/3, the session ends with
/// ProtocolViolation here, and with the rule's number there.
///
/// A reset that overtakes the first bytes of its stream leaves the peer without a way to know that the stream was the session's:
/// the library below has no RESET_STREAM_AT. The peer then ignores it.
///
/// Threads: as for every Transport.
class Session final : public Transport {
public:
    /// \cond
    Session(std::shared_ptr<quic::Connection> connection, std::shared_ptr<detail::Http> http, std::string protocol);
    /// \endcond
    ~Session() override;

    asio::any_io_executor executor() const override { return connection_->executor(); }
    bool is_client() const noexcept override { return connection_->is_client(); }
    /// What the server chose of the client's protocols. Empty if the client named none, or the server chose none.
    std::string_view protocol() const noexcept override { return protocol_; }

    asio::awaitable<std::unique_ptr<SendStream>> open_uni() override { return connection_->open_uni(); }
    std::unique_ptr<SendStream> open_uni_now(comoq::detail::Passkey key) override { return connection_->open_uni_now(key); }
    asio::awaitable<BidiStream> open_bidi() override { return connection_->open_bidi(); }
    asio::awaitable<std::unique_ptr<ReceiveStream>> accept_uni() override { return connection_->accept_uni(); }
    asio::awaitable<BidiStream> accept_bidi() override { return connection_->accept_bidi(); }

    /// 0 if the peer takes none.
    std::size_t max_datagram_size() const noexcept override { return connection_->max_datagram_size(); }
    void send_datagram(Bytes datagram) override { connection_->send_datagram(std::move(datagram)); }
    asio::awaitable<Bytes> receive_datagram() override { return connection_->receive_datagram(); }

    void close(std::uint64_t number, std::string_view reason) override;
    asio::awaitable<std::error_code> closed() override;
    std::string end_reason() const override;
    void abandon_with(std::uint64_t number) override { connection_->abandon_with(number); }
    TransportStats stats() const override { return connection_->stats(); }
    void measure() override { connection_->measure(); }

    /// Tells the peer that the session is to end soon: a capsule, and GOAWAY of HTTP/3. Nothing else changes. On the connection's
    /// executor.
    void drain();
    /// The peer has said so.
    bool is_draining() const noexcept;
    /// The connection below.
    const std::shared_ptr<quic::Connection> &connection() const noexcept { return connection_; }

private:
    const std::shared_ptr<quic::Connection> connection_;
    const std::shared_ptr<detail::Http> http_;
    const std::string protocol_;
};

}  // namespace comoq::webtransport

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/webtransport/session.ipp"
#endif
