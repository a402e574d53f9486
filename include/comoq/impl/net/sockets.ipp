// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/net/listen_at_each.hpp"
#include "../../net/sockets.hpp"

#include <asio/ip/v6_only.hpp>

#include <cstdint>
#include <system_error>
#include <utility>

#if defined(__linux__) || defined(__APPLE__)
#include <netinet/tcp.h>
#endif

namespace comoq::net {

namespace detail {

inline asio::ip::tcp::acceptor listen_at_one(const asio::any_io_executor &executor, const asio::ip::tcp::endpoint &address,
                                             bool is_one_of_several) {
    asio::ip::tcp::acceptor acceptor(executor);
    acceptor.open(address.protocol());
    acceptor.set_option(asio::ip::tcp::acceptor::reuse_address(true));
    if (address.protocol() == asio::ip::tcp::v6() && is_one_of_several) acceptor.set_option(asio::ip::v6_only(true));
    acceptor.bind(address);
    acceptor.listen();
    return acceptor;
}

}  // namespace detail

COMOQ_DECL void tune(asio::ip::tcp::socket &socket) noexcept {
    std::error_code ignored;
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
#ifdef TCP_NOTSENT_LOWAT
    // Two of the largest records of WebSocket and TLS: the kernel asks for more before it has run out.
    using NotSentLowWater = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_NOTSENT_LOWAT>;
    socket.set_option(NotSentLowWater(64 * 1024), ignored);
#endif
}

COMOQ_DECL std::vector<asio::ip::tcp::acceptor> listen_at(const asio::any_io_executor &executor, Url &url) {
    std::vector<asio::ip::tcp::acceptor> acceptors;
    detail::listen_at_each(executor, url, [&](const asio::ip::address &address, std::uint16_t port, bool is_one_of_several) {
        acceptors.push_back(detail::listen_at_one(executor, {address, port}, is_one_of_several));
        return acceptors.back().local_endpoint().port();
    });
    return acceptors;
}

}  // namespace comoq::net
