/// \file
/// Two ends of a session of WebTransport with a simulated link between them; and one end, with a peer that writes what the
/// test wants.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <comoq/webtransport/accept.hpp>
#include <comoq/webtransport/connect.hpp>

#include "quic/scene.hpp"

namespace comoq::test {

/// Of a connection that speaks HTTP/3: as a session needs it, or raw.
inline quic::ConnectionConfig speaking_h3(bool is_raw = false, quic::ConnectionConfig config = {}) {
    config.protocols = {"h3"};
    config.http3 = !is_raw;
    return config;
}

/// The clock of a scene is not asio's: these limits are not what ends anything here.
inline webtransport::Config patient() {
    webtransport::Config config;
    config.timeout = std::chrono::hours(1);
    return config;
}

/// Everything until the stream's end.
inline asio::awaitable<std::string> all_of(ReceiveStream &stream) {
    std::string all;
    for (;;) {
        const Bytes next = co_await stream.read();
        if (next.empty()) co_return all;
        all += next.view();
    }
}

/// Both ends are sessions.
struct WebScene : QuicScene {
    explicit WebScene(LinkFaults network = {}, std::uint64_t seed = 1, quic::ConnectionConfig of_client = {},
                      quic::ConnectionConfig of_server = {})
        : QuicScene(network, seed, speaking_h3(false, std::move(of_client)), speaking_h3(false, std::move(of_server))) {
        if (!passes_until([&] { return server != nullptr && !server->protocol().empty() && !client->protocol().empty(); }))
            throw std::logic_error("no connection");
    }
    /// The client asks for a session.
    Begun<std::shared_ptr<webtransport::Session>> ask(std::string path = "/", std::vector<std::string> protocols = {"moq-lite-06"}) {
        return begin(webtransport::connect(client, "test", std::move(path), std::move(protocols), patient()));
    }
    webtransport::Request request() { return finish(webtransport::accept(server, patient())); }
    void begin_session() {
        auto asking = ask();
        auto asked = request();
        there = asked.accept("moq-lite-06");
        if (!passes_until([&] { return asking.done(); })) throw std::logic_error("no session");
        here = asking.value();
    }

    /// The client's end, and the server's.
    std::shared_ptr<webtransport::Session> here, there;
};

}  // namespace comoq::test
