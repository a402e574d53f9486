// SPDX-License-Identifier: MIT
#pragma once
#include "../../../connect_error.hpp"
#include "../../../detail/net/address_race.hpp"
#include "../../../detail/net/first_to_succeed.hpp"
#include "../../../detail/net/in_time.hpp"
#include "../../../detail/net/tcp.hpp"
#include "../../../detail/wait/event.hpp"
#include "../../../detail/wait/failure.hpp"
#include "../../../net/sockets.hpp"

#include <asio/error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <new>
#include <string>
#include <utility>

namespace comoq::net::detail {

/// The system's resolver, which cannot be interrupted: it may end after the coroutine that waits for it.
struct Resolving {
    explicit Resolving(const asio::any_io_executor &executor) : resolver(executor) {}
    asio::ip::tcp::resolver resolver;
    comoq::detail::Event over;
    std::vector<asio::ip::address> found;
    std::error_code failure;
};

inline asio::awaitable<std::vector<asio::ip::address>> resolve_by_system(std::string host) {
    const auto executor = co_await asio::this_coro::executor;
    const auto resolving = std::make_shared<Resolving>(executor);
    const auto take = [resolving](std::error_code failure, const asio::ip::tcp::resolver::results_type &results) {
        resolving->failure = failure;
        try {
            for (const auto &one : results) resolving->found.push_back(one.endpoint().address());
        } catch (const std::bad_alloc &) {
            resolving->failure = std::make_error_code(std::errc::not_enough_memory);
        }
        resolving->over.set();
    };
    resolving->resolver.async_resolve(host, "", take);
    auto over = resolving->over.wait();
    const auto [cancelled] = co_await std::move(over).as_tuple();
    if (cancelled) {
        resolving->resolver.cancel();
        comoq::detail::throw_error(cancelled);
    }
    if (resolving->failure) comoq::detail::throw_error(resolving->failure);
    co_return resolving->found;
}

inline asio::awaitable<std::vector<asio::ip::address>> resolve(std::string host, std::shared_ptr<const ConnectConfig> config) {
    std::vector<asio::ip::address> found;
    std::error_code is_name;
    const auto address = asio::ip::make_address(host, is_name);
    if (!is_name) {
        found.push_back(address);
    } else {
        auto resolving = config->resolve ? config->resolve(host) : resolve_by_system(host);
        found = co_await std::move(resolving);
    }
    auto addresses = found.empty() ? found : in_turns(found, config->max_addresses);
    if (addresses.empty()) comoq::detail::throw_error(make_error_code(ConnectError::NoAddress));
    co_return addresses;
}

COMOQ_DECL asio::awaitable<std::vector<asio::ip::address>> addresses_of(Url url, std::shared_ptr<const ConnectConfig> config) {
    auto resolving = in_time(resolve(std::move(url.host), config), config->deadlines.resolve, ConnectError::ResolveTimeout,
                             config->session.sleep);
    co_return co_await std::move(resolving);
}

inline asio::awaitable<asio::ip::tcp::socket> try_address(asio::ip::tcp::endpoint address) {
    const auto executor = co_await asio::this_coro::executor;
    asio::ip::tcp::socket socket(executor);
    co_await socket.async_connect(address, asio::use_awaitable);
    co_return socket;
}

COMOQ_DECL asio::awaitable<asio::ip::tcp::socket> connect_first(std::vector<asio::ip::tcp::endpoint> addresses,
                                                                std::chrono::milliseconds head_start, Sleep sleep) {
    const std::size_t count = addresses.size();
    const MakeAttempt<asio::ip::tcp::socket> attempt = [to = std::move(addresses)](std::size_t index) { return try_address(to[index]); };
    auto trying = first_to_succeed(count, attempt, head_start, std::move(sleep));
    auto socket = co_await std::move(trying);
    tune(socket);
    co_return socket;
}

COMOQ_DECL asio::awaitable<asio::ip::tcp::socket> connect_socket(Url url, std::shared_ptr<const ConnectConfig> config) {
    auto resolving = addresses_of(url, config);
    const auto addresses = co_await std::move(resolving);
    std::vector<asio::ip::tcp::endpoint> endpoints;
    for (const auto &one : addresses) endpoints.emplace_back(one, url.port.value_or(0));
    const Sleep sleep = config->session.sleep;
    auto connecting = in_time(connect_first(std::move(endpoints), config->head_start, sleep), config->deadlines.connect,
                              ConnectError::ConnectTimeout, sleep);
    co_return co_await std::move(connecting);
}

}  // namespace comoq::net::detail
