// SPDX-License-Identifier: MIT
#pragma once
#include "../../net/listen_config.hpp"
#include "../../net/sockets.hpp"
#include "../../net/url.hpp"
#include "../wait/failure.hpp"
#include "connection_log.hpp"
#include "spells.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/error.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::net::detail {

/// The handshakes of one scheme on an accepted socket.
using ShakeHands = std::function<asio::awaitable<AcceptedClient>(asio::ip::tcp::socket)>;

class TcpArrival final : public Arrival {
public:
    TcpArrival(asio::ip::tcp::socket socket, ShakeHands shake_hands)
        : socket_(std::move(socket)), shake_hands_(std::move(shake_hands)) {
        std::error_code ignored;
        address_ = socket_.remote_endpoint(ignored).address();
        tune(socket_);
    }
    asio::ip::address address() const override { return address_; }
    asio::awaitable<AcceptedClient> shake_hands() override { return run(shake_hands_(std::move(socket_)), address_); }

private:
    static asio::awaitable<AcceptedClient> run(asio::awaitable<AcceptedClient> shaking, asio::ip::address address) {
        AcceptedClient client = co_await std::move(shaking);
        client.address = address;
        co_return client;
    }

    asio::ip::tcp::socket socket_;
    const ShakeHands shake_hands_;
    asio::ip::address address_;
};

/// Tells why connections cannot be accepted: each code once until a minute has passed without a failure, because a failure that
/// lasts comes again and again.
class AcceptFailures {
public:
    explicit AcceptFailures(std::shared_ptr<const ListenConfig> config) noexcept : config_(std::move(config)) {}
    void tell(std::error_code failure, std::chrono::steady_clock::time_point now) {
        if (!told_.begins(failure, now)) return;
        log_connection(LogLevel::Warning, "cannot_accept", std::string_view(), failure);
        if (config_->on_refused) config_->on_refused(asio::ip::address(), failure);
    }

private:
    const std::shared_ptr<const ListenConfig> config_;
    Spells<std::error_code> told_;
};

class TcpAcceptor final : public Acceptor {
public:
    TcpAcceptor(asio::ip::tcp::acceptor acceptor, std::shared_ptr<const ListenConfig> config, ShakeHands shake_hands)
        : acceptor_(std::move(acceptor)), pause_(acceptor_.get_executor()), failures_(std::move(config)),
          shake_hands_(std::move(shake_hands)) {}

    asio::awaitable<std::unique_ptr<Arrival>> next() override {
        while (true) {
            std::error_code failure;
            auto socket = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, failure));
            if (!failure) co_return std::make_unique<TcpArrival>(std::move(socket), shake_hands_);
            if (!acceptor_.is_open() || failure == asio::error::operation_aborted)
                comoq::detail::throw_error(make_error_code(asio::error::operation_aborted));
            failures_.tell(failure, std::chrono::steady_clock::now());
            // Too many open files, for instance: waiting connections stay where they are.
            pause_.expires_after(std::chrono::milliseconds(100));
            co_await pause_.async_wait(asio::use_awaitable);
        }
    }
    void close() override {
        std::error_code ignored;
        acceptor_.close(ignored);
        pause_.cancel();
    }

private:
    asio::ip::tcp::acceptor acceptor_;
    asio::steady_timer pause_;
    AcceptFailures failures_;
    const ShakeHands shake_hands_;
};

inline std::vector<std::unique_ptr<Acceptor>> acceptors_at(const asio::any_io_executor &executor, Url &url,
                                                           const std::shared_ptr<const ListenConfig> &config,
                                                           const ShakeHands &shake_hands) {
    std::vector<std::unique_ptr<Acceptor>> all;
    for (auto &acceptor : listen_at(executor, url))
        all.push_back(std::make_unique<TcpAcceptor>(std::move(acceptor), config, shake_hands));
    return all;
}

}  // namespace comoq::net::detail
