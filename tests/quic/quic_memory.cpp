// Each allocation of a QUIC connection and of a session of WebTransport fails once, while packets come and go.
#include <comoq/quic/connection.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include <asio/awaitable.hpp>

#include "quic/scene.hpp"
#include "quic/web_scene.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"

namespace quic_memory_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

asio::awaitable<std::string> ask(Transport &transport) {
    transport.send_datagram(bytes("a datagram"));
    auto opening = transport.open_bidi();
    auto mine = co_await std::move(opening);
    auto writing = mine.send->write(bytes(std::size_t{20'000}));
    co_await std::move(writing);
    mine.send->finish();
    co_return co_await all_of(*mine.receive);
}
asio::awaitable<void> answer(Transport &transport) {
    auto coming = transport.accept_bidi();
    auto theirs = co_await std::move(coming);
    const std::string asked = co_await all_of(*theirs.receive);
    auto writing = theirs.send->write(bytes(std::to_string(asked.size())));
    co_await std::move(writing);
    theirs.send->finish();
    auto sent = theirs.send->sent();
    co_await std::move(sent);
}

/// Longer than anybody waits for a peer that is gone.
constexpr auto long_enough = 60s;

bool is_hurt(QuicScene &scene) {
    return scene.client->is_closed() || scene.server == nullptr || scene.server->is_closed();
}
/// Either both ends of the connection have been told that it is over, or the question has its answer.
void check_talk(QuicScene &scene, Transport &of_client, Transport &of_server) {
    auto asking = scene.begin(ask(of_client));
    auto answering = scene.begin(answer(of_server));
    const bool is_over = scene.passes_until([&] { return asking.done() && answering.done(); }, long_enough);
    REQUIRE(is_over);
    if (is_hurt(scene)) {
        CHECK(scene.passes_until([&] { return scene.client->is_silent() && scene.server->is_silent(); }, long_enough));
    } else {
        CHECK(asking.value() == "20000");
    }
}

}  // namespace

TEST_CASE("wherever memory is wanting, a QUIC connection goes on or ends on both sides", "[quic]") {
    if (!allocations_can_fail()) return;
    bool has_failed = true;
    std::size_t unhurt = 0, after = 0;
    for (; has_failed; ++after) {
        INFO("after " << after << " allocations");
        QuicScene scene;
        scene.shortage = Shortage{after};
        const auto is_connected = [&] {
            return scene.server != nullptr && scene.server->max_datagram_size() != 0 && !scene.client->protocol().empty();
        };
        REQUIRE(scene.passes_until([&] { return is_connected() || scene.client->is_silent(); }, long_enough));
        if (is_connected()) check_talk(scene, *scene.client, *scene.server);
        has_failed = scene.shortage->has_come;
        if (!is_hurt(scene)) ++unhurt;
    }
    INFO("allocations: " << after << ", with an answer nevertheless: " << unhurt);
    CHECK(after > 50);
    CHECK(unhurt != 0);
}

TEST_CASE("wherever memory is wanting, a session of WebTransport goes on or ends on both sides", "[quic][webtransport]") {
    if (!allocations_can_fail()) return;
    bool has_failed = true;
    std::size_t after = 0;
    for (; has_failed; ++after) {
        INFO("after " << after << " allocations");
        WebScene scene;
        scene.shortage = Shortage{after};
        auto asking = scene.ask();
        auto requesting = scene.begin(webtransport::accept(scene.server, patient()));
        REQUIRE(scene.passes_until([&] { return requesting.done(); }, long_enough));
        // It may be over already.
        const auto refused = error_of([&] { return scene.there = requesting.value().accept("moq-lite-06"); });
        REQUIRE(scene.passes_until([&] { return asking.done(); }, long_enough));
        if (!asking.code() && !refused) {
            scene.here = asking.value();
            check_talk(scene, *scene.here, *scene.there);
        } else {
            CHECK(is_hurt(scene));
        }
        has_failed = scene.shortage->has_come;
    }
    INFO("allocations: " << after);
    CHECK(after > 30);
}

}
