// SPDX-License-Identifier: MIT
#pragma once
#include "../../../connect_error.hpp"
#include "../../../detail/net/address_race.hpp"
#include "../../../detail/net/in_time.hpp"
#include "../../../detail/net/tcp.hpp"
#include "../../../detail/wait/event.hpp"
#include "../../../detail/wait/failure.hpp"
#include "../../../first_of.hpp"
#include "../../../net/sockets.hpp"
#include "../../../task_group.hpp"

#include <asio/error.hpp>
#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <new>
#include <optional>
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

inline asio::awaitable<std::vector<asio::ip::tcp::endpoint>> resolve(Url url, std::shared_ptr<const ConnectConfig> config) {
    std::vector<asio::ip::address> found;
    std::error_code is_name;
    const auto address = asio::ip::make_address(url.host, is_name);
    if (!is_name) {
        found.push_back(address);
    } else {
        auto resolving = config->resolve ? config->resolve(url.host) : resolve_by_system(url.host);
        found = co_await std::move(resolving);
    }
    std::vector<asio::ip::tcp::endpoint> endpoints;
    for (const auto &one : in_turns(found, config->max_addresses)) endpoints.emplace_back(one, url.port.value_or(0));
    if (endpoints.empty()) comoq::detail::throw_error(make_error_code(ConnectError::NoAddress));
    co_return endpoints;
}

/// The attempts of one connection: tasks of one group.
struct Attempts {
    explicit Attempts(std::vector<asio::ip::tcp::endpoint> to) : addresses(std::move(to)), race(addresses.size()) {}
    const std::vector<asio::ip::tcp::endpoint> addresses;
    AddressRace race;
    comoq::detail::Event changed;
    std::optional<asio::ip::tcp::socket> winner;
};

inline asio::awaitable<void> try_address(std::shared_ptr<Attempts> attempts, std::size_t index) {
    const auto executor = co_await asio::this_coro::executor;
    asio::ip::tcp::socket socket(executor);
    std::error_code failure;
    co_await socket.async_connect(attempts->addresses[index], asio::redirect_error(asio::use_awaitable, failure));
    if (failure)
        attempts->race.failed(failure);
    else if (!attempts->winner)
        attempts->winner = std::move(socket);
    attempts->changed.set();
}

inline asio::awaitable<void> until_changed(std::shared_ptr<Attempts> attempts) { co_await attempts->changed.wait(); }

/// The task of the group. It is a named class because g++ warns of a lambda in a coroutine that is not inline.
class RunAttempts {
public:
    RunAttempts(std::shared_ptr<Attempts> attempts, std::chrono::milliseconds head_start, Sleep sleep)
        : attempts_(std::move(attempts)), head_start_(head_start), sleep_(std::move(sleep)) {}
    asio::awaitable<void> operator()(TaskGroup &group) const { return run(group, attempts_, head_start_, sleep_); }

private:
    static asio::awaitable<void> run(TaskGroup &group, std::shared_ptr<Attempts> attempts, std::chrono::milliseconds head_start,
                                     Sleep sleep) {
        while (!attempts->winner && !attempts->race.is_lost()) {
            attempts->changed.clear();
            if (const auto next = attempts->race.begin_next()) group.spawn(try_address(attempts, *next));
            auto changed = until_changed(attempts);
            if (!attempts->race.has_next()) {
                co_await std::move(changed);
                continue;
            }
            auto lead = sleep_for(head_start, sleep);
            co_await first_of(std::move(changed), std::move(lead));
        }
        group.cancel();
    }

    const std::shared_ptr<Attempts> attempts_;
    const std::chrono::milliseconds head_start_;
    const Sleep sleep_;
};

COMOQ_DECL asio::awaitable<asio::ip::tcp::socket> connect_first(std::vector<asio::ip::tcp::endpoint> addresses,
                                                                std::chrono::milliseconds head_start, Sleep sleep) {
    const auto attempts = std::make_shared<Attempts>(std::move(addresses));
    const RunAttempts body(attempts, head_start, std::move(sleep));
    co_await with_task_group(body);
    if (!attempts->winner) comoq::detail::throw_error(attempts->race.failure());
    tune(*attempts->winner);
    co_return std::move(*attempts->winner);
}

COMOQ_DECL asio::awaitable<asio::ip::tcp::socket> connect_socket(Url url, std::shared_ptr<const ConnectConfig> config) {
    const Sleep sleep = config->session.sleep;
    auto resolving = in_time(resolve(std::move(url), config), config->deadlines.resolve, ConnectError::ResolveTimeout, sleep);
    auto addresses = co_await std::move(resolving);
    auto connecting = in_time(connect_first(std::move(addresses), config->head_start, sleep), config->deadlines.connect,
                              ConnectError::ConnectTimeout, sleep);
    co_return co_await std::move(connecting);
}

}  // namespace comoq::net::detail
