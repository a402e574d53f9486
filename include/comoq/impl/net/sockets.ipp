// SPDX-License-Identifier: MIT
#pragma once
#include "../../connect_error.hpp"
#include "../../net/sockets.hpp"

#include <asio/ip/v6_only.hpp>

#include <cerrno>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#if defined(__linux__) || defined(__APPLE__)
#include <netinet/tcp.h>
#endif

namespace comoq::net {

namespace detail {

/// A name may have an address of a kind that this machine does not have.
inline bool is_missing_here(std::error_code refused) noexcept {
    // By their numbers: asio's category does not map all of them to conditions.
    return refused.value() == EAFNOSUPPORT || refused.value() == EADDRNOTAVAIL;
}

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
    using asio::ip::tcp;
    std::error_code failure;
    tcp::resolver resolver(executor);
    std::set<tcp::endpoint> addresses;
    for (const auto &found : resolver.resolve(url.host, std::to_string(url.port.value_or(0)), tcp::resolver::passive, failure))
        addresses.insert(found.endpoint());
    std::vector<tcp::acceptor> acceptors;
    for (tcp::endpoint address : addresses) {
        address.port(url.port.value_or(0));
        try {
            acceptors.push_back(detail::listen_at_one(executor, address, addresses.size() > 1));
            url.port = acceptors.back().local_endpoint().port();
        } catch (const std::system_error &error) {
            failure = error.code();
            if (!detail::is_missing_here(failure)) break;
        }
    }
    if (acceptors.empty() || (failure && !detail::is_missing_here(failure))) {
        if (!failure) failure = make_error_code(ConnectError::NoAddress);
        throw std::system_error(failure, "cannot listen at " + url.text());
    }
    return acceptors;
}

}  // namespace comoq::net
