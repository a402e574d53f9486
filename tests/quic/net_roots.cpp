// SPDX-License-Identifier: MIT
// A client at a path, over sockets of this machine, by WebTransport and by QUIC.
#include <comoq/net/quic_schemes.hpp>

#include <chrono>
#include <string>
#include <utility>

#include <comoq/net/connect.hpp>
#include <comoq/net/listener.hpp>

#include "lite/spoken.hpp"
#include "net/roots.hpp"
#include "quic/identity.hpp"
#include "support/catch.hpp"

namespace net_roots_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("listeners of WebTransport and QUIC: a client at a path reaches nothing outside, by any message", "[quic][sockets][roots]") {
    const Speaking speaking(GENERATE(std::string("moq-lite-05"), std::string("moq-lite-06")));
    // A listener at https serves both.
    const std::string listening = GENERATE("https", "moql"), scheme = GENERATE("https", "moql");
    if (listening == "moql" && scheme == "https") return;
    CAPTURE(listening, scheme, spoken_protocol());
    ListenConfig of_listener;
    of_listener.tls.certificate_pem = test_chain;
    of_listener.tls.key_pem = test_key;
    ConnectConfig of_client;
    of_client.tls.pinned_certificates = {pin_of(test_identity())};
    // WebTransport alone is meant, on a busy machine, too.
    of_client.websocket_after = std::chrono::minutes(1);
    check_roots(scheme, listening + "://127.0.0.1:0", std::move(of_listener), std::move(of_client));
}

}  // namespace net_roots_tests
