// SPDX-License-Identifier: MIT
#pragma once
#include "../quic/connection.hpp"
#include "config.hpp"
#include "session.hpp"

#include <asio/awaitable.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace comoq::webtransport {

/// A client's request for a session. One that is destroyed without an answer gets 500. A moved-from object, or one that was
/// answered, throws `std::system_error` with Closed. On the connection's executor.
class Request {
public:
    /// An empty one, like a moved-from object.
    Request() noexcept;
    /// \cond
    explicit Request(std::shared_ptr<detail::Http> http) noexcept;
    /// \endcond
    /// The other one is empty then.
    Request(Request &&) noexcept = default;
    Request &operator=(Request &&) noexcept;
    ~Request();

    /// The URL's path and query, such as "/room?jwt=x".
    const std::string &path() const;
    /// The host, and the port if the URL has one.
    const std::string &authority() const;
    /// Where the page comes from. Empty for a client that is not a browser.
    const std::string &origin() const;
    /// The application protocols that the client has, the best first. Empty if it names none.
    const std::vector<std::string> &protocols() const;
    /// The connection below.
    const std::shared_ptr<quic::Connection> &connection() const;

    /// Begins the session, with one of the client's protocols, or with none. Throws `std::system_error` with UnknownAlpn for
    /// another one, and with the code of the connection's end if that has come.
    std::shared_ptr<Session> accept(std::string_view protocol = {});
    /// Refuses it with a status of HTTP, from 300 to 599. The connection closes when the client has the answer.
    void reject(unsigned status);

private:
    detail::Http &mine() const;
    std::shared_ptr<detail::Http> http_;
};

/// Waits for the request for a session on a connection of the protocol "h3" that a client has opened. The connection has one
/// session: a further request for one is refused (H3_REQUEST_REJECTED), and other requests are answered by the config.
///
/// Throws `std::system_error`: UnknownAlpn for a connection of another protocol, Timeout if no request comes in time,
/// Unauthorized if its origin is not one of the config's, and otherwise the code of the connection's end. The connection is
/// closed then. A cancellation closes it, too.
asio::awaitable<Request> accept(std::shared_ptr<quic::Connection> connection, Config config);

}  // namespace comoq::webtransport

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/webtransport/accept.ipp"
#endif
