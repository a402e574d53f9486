// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/webtransport/http.hpp"
#include "../../webtransport/session.hpp"

#include <utility>

namespace comoq::webtransport {

COMOQ_DECL Session::Session(std::shared_ptr<quic::Connection> connection, std::shared_ptr<detail::Http> http, std::string protocol)
    : connection_(std::move(connection)), http_(std::move(http)), protocol_(std::move(protocol)) {}
COMOQ_DECL Session::~Session() = default;

COMOQ_DECL void Session::close(std::uint64_t number, std::string_view reason) { http_->close(number, reason); }

namespace detail {

/// The peer's last words may have come right before the connection's end, and are read after it.
inline asio::awaitable<std::error_code> code_of_session(std::shared_ptr<quic::Connection> connection, std::shared_ptr<Http> http) {
    const auto code = co_await connection->closed();
    co_await http->over();
    const auto end = http->end();
    // This side may have closed it first.
    co_return end && !code ? connection_ended(end->number) : code;
}

}  // namespace detail

COMOQ_DECL asio::awaitable<std::error_code> Session::closed() { return detail::code_of_session(connection_, http_); }
COMOQ_DECL std::string Session::end_reason() const {
    const auto reason = connection_->end_reason();
    if (!reason.empty()) return reason;
    const auto end = http_->end();
    return end ? end->reason.substr(0, 200) : reason;
}

COMOQ_DECL void Session::drain() { http_->drain(); }
COMOQ_DECL bool Session::is_draining() const noexcept { return http_->is_draining(); }

}  // namespace comoq::webtransport
