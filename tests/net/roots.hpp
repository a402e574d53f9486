// SPDX-License-Identifier: MIT
/// \file
/// A client at a path, over sockets of this machine.
#pragma once

#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <comoq/net/connect.hpp>
#include <comoq/net/listener.hpp>
#include <comoq/net/schemes.hpp>

#include "lite/outside_root.hpp"
#include "lite/raw_peer.hpp"
#include "lite/spoken.hpp"
#include "net/net_scene.hpp"
#include "support/catch.hpp"

namespace comoq::test {

/// The transport of a client, once it is connected.
inline std::shared_ptr<Transport> transport_now(asio::io_context &context, const std::string &url, ConnectConfig config) {
    std::shared_ptr<Transport> transport;
    std::exception_ptr failure;
    asio::co_spawn(context, connect_transport(url, std::move(config)),
                   [&](std::exception_ptr thrown, std::shared_ptr<Transport> got) {
                       failure = thrown;
                       transport = std::move(got);
                   });
    run_until(context, [&] { return failure != nullptr || transport != nullptr; });
    if (failure != nullptr) std::rethrow_exception(failure);
    return transport;
}

/// A listener at `listening`, and a raw peer that comes by `scheme` to the path `/a`: in the URL or in SETUP, as that scheme has it.
inline void check_roots(std::string_view scheme, const std::string &listening, ListenConfig of_listener, ConnectConfig of_client) {
    asio::io_context context;
    of_listener.protocols = of_client.protocols = {spoken_protocol()};
    NetServer server(context, listening, std::move(of_listener));
    OutsideRoot outside(context, server.there);
    auto url = net::known_url(std::string(scheme) + "://127.0.0.1:" + server.port());
    lite::Setup setup;
    std::string text = url.text();
    if (net::scheme_of(url).carries_path)
        text += "/a";
    else
        setup.path = "/a";
    const auto transport = transport_now(context, text, std::move(of_client));
    CHECK(transport->protocol() == spoken_protocol());
    RawPeer peer(context, transport);
    peer.say_setup(setup);
    outside.is_out_of_reach(transport, peer, [&](auto over) { run_until(context, over); });
    CHECK(server.refused.empty());
    peer.let_go();
    transport->close(0, {});
    server.end();
}

}  // namespace comoq::test
