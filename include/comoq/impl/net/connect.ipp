// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/net/begun_task.hpp"
#include "../../detail/wait/failure.hpp"
#include "../../net/connect.hpp"
#include "../../net/schemes.hpp"
#include "../../with_timeout.hpp"

#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace comoq {

namespace net::detail {

inline asio::awaitable<std::shared_ptr<lite::Session>> connect_session(Scheme scheme, Url url,
                                                                       std::shared_ptr<const ConnectConfig> config) {
    auto connecting = scheme.connect(std::move(url), config);
    auto transport = co_await std::move(connecting);
    std::shared_ptr<lite::Session> session;
    std::exception_ptr failure;
    try {
        session = std::make_shared<lite::Session>(transport, config->session);
        auto admitted = with_timeout<void>(session->admitted(), config->deadlines.admission, config->session.sleep);
        co_await std::move(admitted);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure == nullptr) co_return session;
    transport->close(0, {});
    std::rethrow_exception(failure);
}

/// Once for all connections. The path of the URL is told once: by the transport, or by SETUP. The log names the session by the
/// URL, without its query.
inline void prepare(const Scheme &scheme, const Url &url, ConnectConfig &config) {
    if (scheme.prepare != nullptr) scheme.prepare(config);
    config.session.path = scheme.carries_path ? std::nullopt : std::optional(url.target);
    if (config.session.name.empty()) config.session.name = url.text();
}

inline asio::awaitable<std::shared_ptr<Transport>> connect_by(std::string text, ConnectConfig config) {
    auto url = parse_url(text);
    const auto scheme = scheme_of(url);
    prepare(scheme, url, config);
    auto shared = std::make_shared<const ConnectConfig>(std::move(config));
    auto connecting = scheme.connect(std::move(url), std::move(shared));
    co_return co_await std::move(connecting);
}

/// The function that connects again and again.
class ConnectAgain {
public:
    ConnectAgain(Scheme scheme, Url url, std::shared_ptr<const ConnectConfig> config)
        : scheme_(std::move(scheme)), url_(std::move(url)), config_(std::move(config)) {}
    asio::awaitable<std::shared_ptr<Transport>> operator()() const { return scheme_.connect(url_, config_); }

private:
    Scheme scheme_;
    Url url_;
    std::shared_ptr<const ConnectConfig> config_;
};

}  // namespace net::detail

COMOQ_DECL Operation<std::shared_ptr<lite::Session>> net::Connect::operator()(asio::any_io_executor executor,
                                                                              std::string_view text,
                                                                              ConnectConfig config) const {
    auto url = net::parse_url(text);
    auto scheme = net::scheme_of(url);
    net::detail::prepare(scheme, url, config);
    auto subject = comoq::detail::quoted(url.text());
    auto shared = std::make_shared<const ConnectConfig>(std::move(config));
    auto task = net::detail::connect_session(std::move(scheme), std::move(url), std::move(shared));
    return net::detail::BegunTask<std::shared_ptr<lite::Session>>::begin(executor, std::move(task), std::move(subject));
}

COMOQ_DECL asio::awaitable<std::shared_ptr<Transport>> connect_transport(std::string_view url, ConnectConfig config) {
    return net::detail::connect_by(std::string(url), std::move(config));
}

COMOQ_DECL asio::awaitable<void> keep_connected(std::string_view text, ConnectConfig config, lite::ReconnectConfig retry) {
    auto url = net::parse_url(text);
    auto scheme = net::scheme_of(url);
    net::detail::prepare(scheme, url, config);
    retry.session = config.session;
    auto shared = std::make_shared<const ConnectConfig>(std::move(config));
    net::detail::ConnectAgain again(std::move(scheme), std::move(url), std::move(shared));
    return lite::keep_connected(std::move(again), std::move(retry));
}

COMOQ_DECL asio::awaitable<void> keep_connected(std::string_view text, ConnectConfig config) {
    return keep_connected(text, std::move(config), lite::ReconnectConfig());
}

COMOQ_DEFINE_OPERATION(std::shared_ptr<lite::Session>);

}  // namespace comoq
