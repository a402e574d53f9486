// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"
#include "../connect_error.hpp"
#include "../lite/keep_connected.hpp"
#include "../operation.hpp"
#include "../session.hpp"
#include "connect_config.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <memory>
#include <string_view>

namespace comoq {

namespace net {

/// The type of `comoq::connect`. It is not a function: asio looks for functions with that name, and this one would take
/// what asio passes for an executor.
struct Connect {
    /// As `comoq::connect` says.
    Operation<std::shared_ptr<Session>> operator()(asio::any_io_executor executor, std::string_view url,
                                                   ConnectConfig config = {}) const;
};

}  // namespace net

/// Connects to a relay and makes a session of the protocol that the server chooses among `config.protocols`: of moq-lite, or of
/// MoQ Transport where that is among them, as in `all_protocols()`. Completes when the server's SETUP has come. A server that
/// refuses the path, or the client, closes the session soon after that, and `Session::closed()` says why. The scheme of the URL
/// says how: tcp, which speaks moq-lite alone, and with `comoq/net/web_schemes.hpp` also ws, wss and tls, with
/// `comoq/net/quic_schemes.hpp` https, moql and moqt. The path of the URL is the root of the session.
///
///     auto session = co_await comoq::connect(executor, "tcp://127.0.0.1:4443/room", config);
///
/// It begins at once, on `executor`: a strand, or a context that one thread runs. The session runs there, too. Destroying the
/// operation, or cancelling its wait, ends the attempt and closes what it has made.
///
/// Throws at once `std::system_error`: ConnectError::InvalidUrl or UnknownScheme, or the code of a file of TLS that cannot be
/// used, with a `what()` that says what is wrong. The exception of the operation names the URL. The operation fails with the
/// codes of `ConnectError`, with those of the system and of asio, with a certificate's (`is_certificate_error`), and with the
/// session's code if that ends at once. It fails with Cancelled if its context is destroyed before.
inline constexpr net::Connect connect{};

/// The same up to the connection, without a session on it. Runs on the executor of the awaiting coroutine, like the
/// connection. Throws what `connect` throws or fails with, all of it when it is awaited. When cancelled, it throws
/// `operation_aborted`.
asio::awaitable<std::shared_ptr<Transport>> connect_transport(std::string_view url, ConnectConfig config = {});

/// Connects as `connect` does, and again whenever the connection is lost, until it is cancelled, on the executor of the
/// awaiting coroutine: see `lite::keep_connected`. `retry` has the pauses and `on_retry`, which is told the codes;
/// `config.session` takes the place of `retry.session`, and its `answer_within` that of `config.deadlines.admission`. A server
/// that sends this side to another address is followed as far as `config.redirects` allows, unless `retry.connect_to` is set. When
/// the connection there is lost, the next one is made to the URL. What `connect` throws at once, this throws at once.
asio::awaitable<void> keep_connected(std::string_view url, ConnectConfig config, lite::ReconnectConfig retry);
/// The same with the usual pauses. It has no default argument in its place: GCC 12 destroys an aggregate that is made inside a
/// co_await expression twice.
asio::awaitable<void> keep_connected(std::string_view url, ConnectConfig config);

COMOQ_DECLARE_OPERATION(std::shared_ptr<Session>);

}  // namespace comoq

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/net/connect.ipp"
#endif
