// SPDX-License-Identifier: MIT
// A client at a path, over sockets of this machine, by every scheme without QUIC.
#include <comoq/net/web_schemes.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <asio/io_context.hpp>

#include <comoq/net/connect.hpp>
#include <comoq/net/listener.hpp>

#include "lite/spoken.hpp"
#include "net/certificate.hpp"
#include "net/roots.hpp"
#include "support/catch.hpp"

namespace web_roots_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("listeners at tcp, tls, ws and wss: a client at a path reaches nothing outside, by any message", "[net][roots]") {
    const Speaking speaking(GENERATE(std::string("moq-lite-05"), std::string("moq-lite-06")));
    const std::string scheme = GENERATE("tcp", "tls", "ws", "wss");
    CAPTURE(scheme, spoken_protocol());
    const auto certificate = make_certificate("DNS:localhost,IP:127.0.0.1");
    ListenConfig listening;
    listening.tls.context = server_context(certificate);
    ConnectConfig connecting;
    connecting.tls.context = client_context(certificate);
    check_roots(scheme, scheme + "://127.0.0.1:0", std::move(listening), std::move(connecting));
}

}  // namespace web_roots_tests
