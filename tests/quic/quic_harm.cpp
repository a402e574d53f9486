// What would harm a QUIC connection: the want of memory, malformed datagrams, and numbers of any size.
#include <comoq/quic/connection.hpp>
#include <comoq/quic/listener.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <system_error>
#include <utility>
#include <vector>

#include "quic/scene.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"

namespace quic_harm_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("closing a QUIC connection without memory for the reason ends it with the number nevertheless", "[quic]") {
    if (!allocations_can_fail()) return;
    QuicScene scene;
    scene.connect();
    auto mine = scene.finish(scene.client->open_uni());
    scene.finish(mine->write(bytes(std::size_t{10'000})));
    FailingAllocation failing(GENERATE(0u, 1u));
    scene.client->close(3, "a reason that is too long for a short string");
    CHECK(failing.stop());
    CHECK(scene.client->close_code() == connection_ended(3));
    REQUIRE(scene.passes_until([&] { return scene.server->is_closed(); }, 1s));
    CHECK(scene.server->close_code() == connection_ended(3));
    CHECK(scene.passes_until([&] { return scene.client->is_silent() && scene.server->is_silent(); }, 5s));
}

TEST_CASE("a QUIC connection without memory for its next packet is silent", "[quic]") {
    if (!allocations_can_fail()) return;
    bool has_failed = true;
    for (std::size_t others = 0; has_failed && others < 20; ++others) {
        QuicScene scene;
        scene.connect();
        auto mine = scene.finish(scene.client->open_uni());
        auto writing = scene.begin(mine->write(bytes(std::size_t{50'000})));
        quic::Packet packet;
        FailingAllocation failing(others);
        try {
            while (scene.client->output(packet)) {
            }
            has_failed = failing.stop();
        } catch (const std::bad_alloc &) {
            failing.stop();
            CHECK(scene.client->is_silent());
            CHECK(scene.client->close_code() == make_error_code(Error::Transport));
        }
        CHECK_FALSE((scene.client->is_silent() && scene.client->output(packet)));
    }
    CHECK_FALSE(has_failed);
}

TEST_CASE("a QUIC connection is not impressed by short datagrams, not even by empty ones", "[quic]") {
    QuicScene scene;
    const bool is_early = GENERATE(false, true);
    if (!is_early) scene.connect();
    for (std::size_t size = 0; size <= 21; ++size) {
        for (unsigned first : {0x00u, 0x40u, 0x7fu, 0x80u, 0xc0u, 0xffu}) {
            std::vector<std::byte> datagram(size);
            if (size != 0) datagram[0] = static_cast<std::byte>(first);
            scene.client->input(datagram, QuicScene::path(true));
            if (scene.server != nullptr) scene.server->input(datagram, QuicScene::path(false));
        }
    }
    if (is_early) scene.connect();
    CHECK_FALSE(scene.client->is_closed());
    CHECK_FALSE(scene.server->is_closed());
}

TEST_CASE("a QUIC peer that wants to hear something all the time is not sent more than a few packets per second", "[quic]") {
    quic::ConnectionConfig of_client, of_server;
    of_client.idle_timeout = 10ms;
    QuicScene scene({}, 1, of_client, of_server);
    scene.connect();
    scene.pass(5s);
    CHECK(scene.packets < 100);
}

TEST_CASE("a QUIC connection takes numbers of any size in its config", "[quic]") {
    quic::ConnectionConfig vast;
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    vast.max_data = vast.max_stream_data = vast.max_streams_bidi = vast.max_streams_uni = vast.max_datagram_frame_size = most;
    vast.idle_timeout = vast.handshake_timeout = std::chrono::milliseconds::max();
    QuicScene scene({}, 1, vast, vast);
    scene.connect();
    auto mine = scene.finish(scene.client->open_uni());
    scene.finish(mine->write(bytes("some")));
    auto theirs = scene.finish(scene.server->accept_uni());
    CHECK(scene.finish(theirs->read()).view() == "some");
}

TEST_CASE("moved-from handles of QUIC throw", "[quic]") {
    QuicScene scene;
    auto trust = QuicScene::pinned();
    const auto taken = std::move(trust);
    CHECK(error_of([&] { QuicScene other({}, 1, {}, {}, trust); }));

    const asio::ip::udp::endpoint at(asio::ip::address_v4::loopback(), 0);
    quic::Listener listener(scene.context.get_executor(), at, test_identity());
    quic::Listener other(std::move(listener));
    CHECK(error_of([&] { listener.endpoint(); }) == make_error_code(Error::Closed));
    CHECK(error_of([&] { auto never = listener.accept(); }) == make_error_code(Error::Closed));
    CHECK(error_of([&] { listener.use(test_identity()); }) == make_error_code(Error::Closed));
    listener.close();
    CHECK(other.endpoint().port() != 0);
    other.close();
}

}
