// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/net/listen_at_each.hpp"
#include "../../detail/wait/failure.hpp"
#include "../../net/quic_sockets.hpp"

#include <asio/ip/udp.hpp>

#include <cstdint>
#include <utility>

namespace comoq::net {

COMOQ_DECL std::vector<quic::Listener> listen_at(const asio::any_io_executor &executor, Url &url,
                                                 const quic::ServerCredentials &credentials, const quic::ListenerConfig &config) {
    std::vector<quic::Listener> listeners;
    detail::listen_at_each(executor, url, [&](const asio::ip::address &address, std::uint16_t port, bool) {
        listeners.emplace_back(executor, asio::ip::udp::endpoint(address, port), credentials, config);
        return listeners.back().endpoint().port();
    });
    return listeners;
}

COMOQ_DECL std::vector<quic::Listener> listen_at(const std::vector<quic::ListenerPlace> &places, Url &url,
                                                 const quic::ServerCredentials &credentials) {
    if (places.empty()) comoq::detail::throw_error(std::make_error_code(std::errc::invalid_argument));
    std::vector<quic::Listener> listeners;
    detail::listen_at_each(places.front().executor, url, [&](const asio::ip::address &address, std::uint16_t port, bool) {
        for (auto &each : quic::listen_together(places, asio::ip::udp::endpoint(address, port), credentials))
            listeners.push_back(std::move(each));
        return listeners.back().endpoint().port();
    });
    return listeners;
}

}  // namespace comoq::net
