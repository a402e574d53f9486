// SPDX-License-Identifier: MIT
#pragma once
#include "../../connect_error.hpp"
#include "../../detail/net/greeted_channel.hpp"
#include "../../detail/net/serve_on.hpp"
#include "../../detail/net/tcp.hpp"
#include "../../detail/net/tcp_acceptor.hpp"
#include "../../net/schemes.hpp"
#include "../../qmux/tcp_channel.hpp"

#include <algorithm>
#include <mutex>
#include <system_error>
#include <utility>

namespace comoq::net {

namespace detail {

inline asio::awaitable<std::shared_ptr<Transport>> connect_tcp(Url url, std::shared_ptr<const ConnectConfig> config) {
    auto connecting = connect_socket(std::move(url), config);
    auto socket = co_await std::move(connecting);
    qmux::TcpChannel<asio::ip::tcp::socket> channel(std::move(socket));
    auto greeting = greet(std::move(channel), config);
    co_return co_await std::move(greeting);
}

inline asio::awaitable<AcceptedClient> accept_tcp(asio::ip::tcp::socket socket, std::shared_ptr<const ListenConfig> config) {
    co_return serve_on(std::move(socket), *config);
}

inline std::vector<std::unique_ptr<Acceptor>> listen_tcp(asio::any_io_executor executor, Url &url,
                                                         std::shared_ptr<const ListenConfig> config) {
    return acceptors_at(executor, url, config, [config](asio::ip::tcp::socket socket) { return accept_tcp(std::move(socket), config); });
}

struct COMOQ_VISIBLE SchemeTable {
    SchemeTable() {
        Scheme tcp;
        tcp.name = "tcp";
        tcp.connect = connect_tcp;
        tcp.listen = listen_tcp;
        all.push_back(std::move(tcp));
    }
    std::mutex mutex;
    std::vector<Scheme> all;
};

COMOQ_VISIBLE COMOQ_DECL SchemeTable &scheme_table() {
    static SchemeTable table;
    return table;
}

/// As in "tcp:// and wss://".
inline std::string names_of(const std::vector<Scheme> &schemes) {
    std::string names;
    for (std::size_t i = 0; i < schemes.size(); ++i) {
        if (i != 0) names += i + 1 == schemes.size() ? " and " : ", ";
        names += schemes[i].name + "://";
    }
    return names;
}

}  // namespace detail

COMOQ_DECL void add_scheme(Scheme scheme) {
    auto &table = detail::scheme_table();
    std::lock_guard lock(table.mutex);
    const auto found = std::ranges::find(table.all, scheme.name, &Scheme::name);
    if (found != table.all.end())
        *found = std::move(scheme);
    else
        table.all.push_back(std::move(scheme));
}

COMOQ_DECL Scheme scheme_of(Url &url) {
    auto &table = detail::scheme_table();
    std::lock_guard lock(table.mutex);
    const auto found = std::ranges::find(table.all, url.scheme, &Scheme::name);
    if (found == table.all.end()) {
        auto names = detail::names_of(table.all);
        const bool is_of_web = url.scheme == "ws" || url.scheme == "wss" || url.scheme == "tls";
        const bool is_of_quic = url.scheme == "https" || url.scheme == "moql" || url.scheme == "moqt";
        if (is_of_web) names += " (include comoq/net/web_schemes.hpp for ws://, wss:// and tls://)";
        if (is_of_quic) names += " (include comoq/net/quic_schemes.hpp for https://, moql:// and moqt://)";
        throw std::system_error(make_error_code(ConnectError::UnknownScheme),
                                comoq::detail::quoted(url.text()) + ": this program knows " + names);
    }
    if (!url.port) {
        if (found->usual_port == 0)
            throw std::system_error(make_error_code(ConnectError::InvalidUrl),
                                    comoq::detail::quoted(url.text()) + " names no port, which " + url.scheme + ":// needs");
        url.port = found->usual_port;
    }
    return *found;
}

COMOQ_DECL Url known_url(std::string_view text) {
    Url url = parse_url(text);
    static_cast<void>(scheme_of(url));
    return url;
}

}  // namespace comoq::net
