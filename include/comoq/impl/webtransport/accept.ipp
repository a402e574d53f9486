// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/quic/attempt.hpp"
#include "../../detail/wait/failure.hpp"
#include "../../detail/webtransport/http.hpp"
#include "../../webtransport/accept.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace comoq::webtransport {

COMOQ_DECL Request::Request() noexcept = default;
COMOQ_DECL Request::Request(std::shared_ptr<detail::Http> http) noexcept : http_(std::move(http)) {}
COMOQ_DECL Request &Request::operator=(Request &&other) noexcept {
    Request old(std::move(*this));
    http_ = std::move(other.http_);
    return *this;
}
COMOQ_DECL Request::~Request() {
    if (http_ == nullptr) return;
    try {
        reject(500);
    } catch (const std::exception &) {
        // Without memory for an answer the client gets none.
    }
}

COMOQ_DECL detail::Http &Request::mine() const {
    if (http_ == nullptr) comoq::detail::throw_error(make_error_code(Error::Closed));
    return *http_;
}
COMOQ_DECL const std::string &Request::path() const { return mine().exchange().request()->path; }
COMOQ_DECL const std::string &Request::authority() const { return mine().exchange().request()->authority; }
COMOQ_DECL const std::string &Request::origin() const { return mine().exchange().request()->origin; }
COMOQ_DECL const std::vector<std::string> &Request::protocols() const { return mine().exchange().request()->protocols; }
COMOQ_DECL const std::shared_ptr<quic::Connection> &Request::connection() const { return mine().connection(); }

COMOQ_DECL std::shared_ptr<Session> Request::accept(std::string_view protocol) {
    const auto &offered = protocols();
    if (!protocol.empty() && std::find(offered.begin(), offered.end(), protocol) == offered.end())
        comoq::detail::throw_error(make_error_code(Error::UnknownAlpn));
    auto session = std::make_shared<Session>(http_->connection(), http_, std::string(protocol));
    http_->respond(200, protocol);
    http_->begin_session();
    http_.reset();
    return session;
}
COMOQ_DECL void Request::reject(unsigned status) {
    mine();
    const auto http = std::move(http_);
    http->reject(std::clamp(status, 300u, 599u), make_error_code(Error::Closed));
}

namespace detail {

inline asio::awaitable<void> wait_for_request(std::shared_ptr<Http> http) {
    co_await http->connection()->ready();
    if (!http->connection()->speaks_http3()) comoq::detail::throw_error(make_error_code(Error::UnknownAlpn));
    // A client that has not said what it can do gets no answer.
    co_await Http::begin(http);
    co_await Http::requested(http);
}

}  // namespace detail

COMOQ_DECL asio::awaitable<Request> accept(std::shared_ptr<quic::Connection> connection, Config config) {
    quic::detail::Attempt attempt(connection);
    const auto http = std::make_shared<detail::Http>(std::move(connection), std::move(config));
    auto waiting = with_timeout(detail::wait_for_request(http), http->config().timeout, http->config().sleep);
    co_await std::move(waiting);
    const auto &origins = http->config().origins;
    const auto &origin = http->exchange().request()->origin;
    if (!origin.empty() && !origins.empty() && std::find(origins.begin(), origins.end(), origin) == origins.end()) {
        const auto code = make_error_code(Error::Unauthorized);
        http->reject(403, code);
        attempt.release();
        comoq::detail::throw_error(code);
    }
    attempt.release();
    co_return Request(http);
}

}  // namespace comoq::webtransport
