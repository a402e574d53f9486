// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/net/begun_task.hpp"
#include "../../detail/net/connection_log.hpp"
#include "../../detail/net/redirects.hpp"
#include "../../detail/wait/failure.hpp"
#include "../../net/connect.hpp"
#include "../../net/schemes.hpp"
#include "../../with_timeout.hpp"

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace comoq {

namespace net::detail {

/// A server, and how it is reached: all that a call decides before it waits. Called, it connects.
class Way {
public:
    /// The path of the URL is told once: by the transport, or by SETUP. The log names the session by the URL, without its
    /// query.
    Way(std::string_view text, ConnectConfig config) : url_(parse_url(text)), scheme_(scheme_of(url_)) {
        if (scheme_.prepare != nullptr) scheme_.prepare(config);
        config.session.path = scheme_.carries_path ? std::nullopt : std::optional(url_.target);
        if (config.session.name.empty()) config.session.name = url_.text();
        config_ = std::make_shared<const ConnectConfig>(std::move(config));
    }
    asio::awaitable<std::shared_ptr<Transport>> operator()() const { return to(url_); }
    asio::awaitable<std::shared_ptr<Transport>> to(Url url) const { return scheme_.connect(std::move(url), config_); }
    RedirectRule redirects() const { return RedirectRule(url_, scheme_.carries_path, config_->redirects); }
    const Url &url() const noexcept { return url_; }
    const ConnectConfig &config() const noexcept { return *config_; }

private:
    Url url_;
    Scheme scheme_;
    std::shared_ptr<const ConnectConfig> config_;
};

inline asio::awaitable<std::shared_ptr<Session>> make_session(Way way) {
    auto connecting = way();
    auto transport = co_await std::move(connecting);
    const auto &config = way.config();
    std::shared_ptr<Session> session;
    std::exception_ptr failure;
    try {
        session = std::make_shared<Session>(transport, config.session);
        auto admitted = with_timeout<void>(session->admitted(), config.deadlines.admission, config.session.sleep);
        co_await std::move(admitted);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure == nullptr) co_return session;
    transport->close(0, {});
    std::rethrow_exception(failure);
}

inline asio::awaitable<std::shared_ptr<Session>> connect_session(Way way) {
    const std::string &name = way.config().session.name;
    log_connection(LogLevel::Debug, "connecting", name);
    std::exception_ptr failure;
    try {
        auto making = make_session(way);
        co_return co_await std::move(making);
    } catch (...) {
        failure = std::current_exception();
    }
    log_failure(LogLevel::Info, "connect_failed", name, failure);
    std::rethrow_exception(failure);
}

/// It throws when it is awaited, and not before.
inline asio::awaitable<std::shared_ptr<Transport>> connect_by(std::string text, ConnectConfig config) {
    const Way way(text, std::move(config));
    auto connecting = way();
    co_return co_await std::move(connecting);
}

}  // namespace net::detail

COMOQ_DECL Operation<std::shared_ptr<Session>> net::Connect::operator()(asio::any_io_executor executor, std::string_view text,
                                                                        ConnectConfig config) const {
    net::detail::Way way(text, std::move(config));
    auto subject = comoq::detail::quoted(way.url().text());
    auto task = net::detail::connect_session(std::move(way));
    return net::detail::BegunTask<std::shared_ptr<Session>>::begin(executor, std::move(task), std::move(subject));
}

COMOQ_DECL asio::awaitable<std::shared_ptr<Transport>> connect_transport(std::string_view url, ConnectConfig config) {
    return net::detail::connect_by(std::string(url), std::move(config));
}

COMOQ_DECL asio::awaitable<void> keep_connected(std::string_view text, ConnectConfig config, lite::ReconnectConfig retry) {
    const net::detail::Way way(text, std::move(config));
    retry.session = way.config().session;
    const auto rule = std::make_shared<net::detail::RedirectRule>(way.redirects());
    if (!retry.connect_to && way.config().redirects.most != 0)
        retry.connect_to = [way, rule](std::string address) {
            return way.to(rule->follow(address, std::chrono::steady_clock::now()));
        };
    auto come_home = [way, rule] {
        rule->start_over();
        return way();
    };
    return lite::keep_connected(std::move(come_home), std::move(retry));
}

COMOQ_DECL asio::awaitable<void> keep_connected(std::string_view text, ConnectConfig config) {
    return keep_connected(text, std::move(config), lite::ReconnectConfig());
}

COMOQ_DEFINE_OPERATION(std::shared_ptr<Session>);

}  // namespace comoq
