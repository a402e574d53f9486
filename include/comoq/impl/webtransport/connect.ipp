// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/quic/attempt.hpp"
#include "../../detail/wait/failure.hpp"
#include "../../detail/webtransport/http.hpp"
#include "../../webtransport/connect.hpp"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

namespace comoq::webtransport {

namespace detail {

inline std::error_code code_of_status(unsigned status) noexcept {
    switch (status) {
    case 401:
    case 403:
        return make_error_code(Error::Unauthorized);
    case 404:
        return make_error_code(Error::NotFound);
    default:
        return make_error_code(Error::Transport);
    }
}

inline asio::awaitable<void> wait_for_answer(std::shared_ptr<Http> http, std::vector<h3::Field> fields) {
    co_await http->connection()->ready();
    if (!http->connection()->speaks_http3()) comoq::detail::throw_error(make_error_code(Error::UnknownAlpn));
    co_await Http::begin(http);
    const auto &settings = http->settings();
    if (!settings.connect || !settings.webtransport) {
        http->fail(h3::Code::RequirementsNotMet, "no WebTransport", make_error_code(Error::Unsupported));
        comoq::detail::throw_error(make_error_code(Error::Unsupported));
    }
    auto asking = Http::ask(http, std::move(fields));
    co_await std::move(asking);
}

}  // namespace detail

COMOQ_DECL asio::awaitable<std::shared_ptr<Session>> connect(std::shared_ptr<quic::Connection> connection, std::string authority,
                                                             std::string path, std::vector<std::string> protocols, Config config) {
    quic::detail::Attempt attempt(connection);
    const auto http = std::make_shared<detail::Http>(connection, std::move(config));
    auto fields = h3::connect_fields(authority, path, http->config().origin, protocols);
    auto asking = with_timeout(detail::wait_for_answer(http, std::move(fields)), http->config().timeout, http->config().sleep);
    co_await std::move(asking);
    const auto &answer = *http->exchange().response();
    if (answer.status / 100 != 2)
        throw std::system_error(detail::code_of_status(answer.status), "the server answered " + std::to_string(answer.status));
    const auto chosen = answer.protocol.value_or(std::string());
    if (!chosen.empty() && std::find(protocols.begin(), protocols.end(), chosen) == protocols.end()) {
        http->fail(h3::Code::AlpnError, "a protocol that was not offered", make_error_code(Error::UnknownAlpn));
        comoq::detail::throw_error(make_error_code(Error::UnknownAlpn));
    }
    auto session = std::make_shared<Session>(connection, http, chosen);
    http->begin_session();
    attempt.release();
    co_return session;
}

}  // namespace comoq::webtransport
