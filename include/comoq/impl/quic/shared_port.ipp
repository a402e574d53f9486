// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/quic/endpoint.hpp"
#include "../../detail/quic/shared_port.hpp"
#include "../../detail/quic/steering.hpp"
#include "../../detail/wait/failure.hpp"
#include "../../quic/shared_port.hpp"

#include <asio/ip/udp.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

namespace comoq::quic {

#if defined(COMOQ_QUIC_SHARES_PORTS)
namespace detail {

/// Each bound to the same address. The first one as if it were alone: it finds out whether somebody else has the port.
inline std::vector<asio::ip::udp::socket> sockets_at(const std::vector<ListenerPlace> &places, const asio::ip::udp::endpoint &at) {
    std::vector<asio::ip::udp::socket> sockets;
    sockets.reserve(places.size());
    for (const auto &place : places) {
        if (sockets.empty()) {
            sockets.emplace_back(place.executor, at);
            let_share(sockets.front());
            continue;
        }
        auto &socket = sockets.emplace_back(place.executor, at.protocol());
        let_share(socket);
        socket.bind(sockets.front().local_endpoint());
    }
    return sockets;
}

/// The endpoints at a port, until all of them have begun. If they do not, it closes those that have, each on its executor.
class Beginning {
public:
    Beginning(std::vector<ListenerPlace> places, const asio::ip::udp::endpoint &at, const ServerCredentials &credentials,
              Steering steering) {
        auto sockets = sockets_at(places, at);
        const std::size_t count = places.size();
        const bool is_steered = steering == Steering::System && steer(sockets.front(), count);
        const auto port = std::make_shared<SharedPort>(count, places[0].config.connection.random);
        endpoints_.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            auto &config = places[i].config;
            const bool has_batches = config.connection.batches;
            const Share share{i, count, is_steered};
            endpoints_.push_back(std::make_shared<Endpoint>(std::move(sockets[i]), std::move(config), credentials, has_batches, port,
                                                            share));
        }
        for (std::size_t i = 0; i < count; ++i) port->join(i, places[i].executor, endpoints_[i]);
    }
    Beginning(const Beginning &) = delete;
    Beginning &operator=(const Beginning &) = delete;
    ~Beginning() {
        for (std::size_t i = 0; i < begun_; ++i) {
            try {
                endpoints_[i]->close_there();
            } catch (const std::exception &) {
                // Without memory for that it stays as long as its context.
            }
        }
    }

    std::vector<std::shared_ptr<Endpoint>> finish() {
        for (; begun_ < endpoints_.size(); ++begun_) endpoints_[begun_]->begin_there();
        begun_ = 0;
        return std::move(endpoints_);
    }

private:
    std::vector<std::shared_ptr<Endpoint>> endpoints_;
    std::size_t begun_ = 0;
};

}  // namespace detail
#endif

COMOQ_DECL std::vector<Listener> listen_together(std::vector<ListenerPlace> places, const asio::ip::udp::endpoint &at,
                                                 const ServerCredentials &credentials, Steering steering) {
    if (places.empty() || places.size() > 256) comoq::detail::throw_error(std::make_error_code(std::errc::invalid_argument));
    std::vector<Listener> listeners;
    listeners.reserve(places.size());
    if (places.size() == 1) {
        listeners.emplace_back(places[0].executor, at, credentials, std::move(places[0].config));
        return listeners;
    }
#if defined(COMOQ_QUIC_SHARES_PORTS)
    detail::Beginning beginning(std::move(places), at, credentials, steering);
    for (auto &each : beginning.finish()) listeners.push_back(Listener(std::move(each)));
    return listeners;
#else
    static_cast<void>(steering);
    comoq::detail::throw_error(std::make_error_code(std::errc::operation_not_supported));
#endif
}

}  // namespace comoq::quic
