// How often a connection gives its peer credit.
#include <comoq/quic/connection.hpp>

#include <chrono>
#include <cstddef>

#include "quic/scene.hpp"
#include "support/catch.hpp"

namespace quic_credit_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

TEST_CASE("a QUIC connection tells its peer of more streams now and then, and not with each that ends", "[quic]") {
    quic::ConnectionConfig of_server;
    // With few streams it cannot wait.
    of_server.max_streams_uni = GENERATE(4u, 1'024u);
    QuicScene scene({}, 1, {}, of_server);
    scene.connect();
    scene.pass(5s);
    const auto before = scene.packets;
    constexpr std::size_t streams = 256;
    for (std::size_t i = 0; i < streams; ++i) {
        auto mine = scene.finish(scene.client->open_uni());
        scene.finish(mine->write(bytes(std::size_t{100})));
        mine->finish();
        auto theirs = scene.finish(scene.server->accept_uni());
        while (!scene.finish(theirs->read()).empty()) {}
        scene.pass(100ms);
    }
    const auto each = static_cast<double>(scene.packets - before) / streams;
    CHECK(each < (of_server.max_streams_uni == 4 ? 5.5 : 3.6));
    CHECK(scene.client->open_streams() == 0);
    CHECK(scene.server->open_streams() == 0);
}

}
