// What goes to the other end by itself: streams, opened here and accepted there, and datagrams.
#include <comoq/memory_transport.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/memory_scene.hpp"

namespace memory_transport_opening_tests {

using namespace comoq;
using namespace comoq::test;

TEST_CASE("transport: accept waits for the peer, each kind for its own", "[transport]") {
    MemoryScene scene;
    auto uni = scene.begin(scene.server->accept_uni());
    auto bidi = scene.begin(scene.server->accept_bidi());
    auto other_side = scene.begin(scene.client->accept_uni());
    CHECK_FALSE(uni.done());
    auto send = scene.now(scene.client->open_uni());
    scene.write(*send, "u");
    REQUIRE(uni.done());
    CHECK(scene.read(*uni.value()) == "u");
    CHECK_FALSE(bidi.done());
    auto both = scene.now(scene.client->open_bidi());
    scene.write(*both.send, "b");
    REQUIRE(bidi.done());
    CHECK(scene.read(*bidi.value().receive) == "b");
    CHECK_FALSE(other_side.done());
}

TEST_CASE("transport: streams are accepted in the order in which they came", "[transport]") {
    MemoryScene scene;
    std::vector<SendPtr> unis;
    std::vector<BidiStream> bidis;
    for (char name = 'a'; name < 'f'; ++name) {
        unis.push_back(scene.now(scene.client->open_uni()));
        bidis.push_back(scene.now(scene.client->open_bidi()));
    }
    // They come in the order of their first bytes.
    for (const std::size_t i : {3u, 0u, 4u, 1u, 2u}) {
        scene.write(*unis[i], std::string(1, static_cast<char>('a' + i)));
        scene.write(*bidis[i].send, std::string(1, static_cast<char>('a' + i)));
        scene.run();
    }
    std::string uni_order, bidi_order;
    for (int i = 0; i < 5; ++i) {
        uni_order += scene.read(*scene.now(scene.server->accept_uni()));
        const auto stream = scene.now(scene.server->accept_bidi());
        bidi_order += scene.read(*stream.receive);
    }
    CHECK(uni_order == "daebc");
    CHECK(bidi_order == "daebc");
}

TEST_CASE("transport: each of several accepts that wait gets one stream, the oldest first", "[transport]") {
    MemoryScene scene;
    auto first = scene.begin(scene.server->accept_uni());
    auto second = scene.begin(scene.server->accept_uni());
    auto third = scene.begin(scene.server->accept_uni());
    auto a = scene.now(scene.client->open_uni());
    scene.write(*a, "a");
    scene.run();
    auto b = scene.now(scene.client->open_uni());
    scene.write(*b, "b");
    REQUIRE((first.done() && second.done()));
    CHECK_FALSE(third.done());
    CHECK(scene.read(*first.value()) == "a");
    CHECK(scene.read(*second.value()) == "b");
}

TEST_CASE("transport: a bidirectional stream comes to the peer, whichever call its opener makes first", "[transport]") {
    const int first = GENERATE(range(0, 6));
    // Chance decides which direction goes first.
    const auto seed = static_cast<std::uint64_t>(GENERATE(range(1, 9)));
    MemoryScene scene(config_with([&](auto &config) { config.seed = seed; }));
    auto here = std::make_optional(scene.now(scene.client->open_bidi()));
    auto own = scene.begin(scene.client->accept_bidi());
    switch (first) {
    case 0:
        here->receive->stop(end_number);
        break;
    case 1:
        here->receive.reset();
        break;
    case 2:
        here->send->reset(other_end_number);
        break;
    case 3:
        here.reset();
        break;
    case 4:
        here->send->finish();
        break;
    default:
        here->receive.reset();
        here->send.reset();
    }
    scene.run();
    CHECK_FALSE(own.done());
    auto there = scene.now(scene.server->accept_bidi());
    auto another = scene.begin(scene.server->accept_bidi());
    CHECK_FALSE(another.done());
    if (first == 0) CHECK(scene.now(there.send->stopped()) == stream_ended(end_number));
    if (first == 1 || first == 3 || first == 5) CHECK(scene.now(there.send->stopped()) == abandoned);
    if (first == 2) CHECK(scene.code(there.receive->read()) == stream_ended(other_end_number));
    if (first == 3 || first == 5) CHECK(scene.code(there.receive->read()) == abandoned);
    if (first == 4) CHECK(scene.at_end(*there.receive));
    here.reset();
    there = BidiStream();
    scene.run();
    CHECK(scene.link.open_streams() == 0);
}

TEST_CASE("transport: opening waits until a stream of that kind and side is over", "[transport]") {
    MemoryScene scene(config_with([](auto &config) { config.max_streams = 2; }));
    auto one = scene.now(scene.client->open_uni());
    auto two = scene.now(scene.client->open_uni());
    auto third = scene.begin(scene.client->open_uni());
    auto fourth = scene.begin(scene.client->open_uni());
    CHECK_FALSE(third.done());
    // The other kind and the other side have limits of their own.
    auto both = scene.now(scene.client->open_bidi());
    auto theirs = scene.now(scene.server->open_uni());
    both.send->finish();
    scene.run();
    CHECK_FALSE(third.done());
    one->finish();
    CHECK(third.done());
    CHECK_FALSE(fourth.done());
    two->reset(end_number);
    CHECK(fourth.done());
}

TEST_CASE("transport: a bidirectional stream counts as open until both directions are over", "[transport]") {
    MemoryScene scene(config_with([](auto &config) { config.max_streams = 1; }));
    auto [here, there] = scene.bidi();
    auto second = scene.begin(scene.client->open_bidi());
    const bool opener_first = GENERATE(true, false);
    (opener_first ? here : there).send->finish();
    scene.run();
    CHECK_FALSE(second.done());
    // The peer opens streams of its own.
    auto theirs = scene.now(scene.server->open_bidi());
    (opener_first ? there : here).send->finish();
    CHECK(second.done());
}

TEST_CASE("transport: datagrams arrive whole, both ways", "[transport]") {
    MemoryScene scene;
    auto waiting = scene.begin(scene.server->receive_datagram());
    CHECK_FALSE(waiting.done());
    for (const auto *text : {"a", "bc", "def"}) scene.client->send_datagram(bytes(text));
    scene.server->send_datagram(bytes("back"));
    CHECK(waiting.value().view() == "a");
    CHECK(scene.now(scene.server->receive_datagram()).view() == "bc");
    CHECK(scene.now(scene.server->receive_datagram()).view() == "def");
    CHECK(scene.now(scene.client->receive_datagram()).view() == "back");
    CHECK_FALSE(scene.begin(scene.server->receive_datagram()).done());
}

TEST_CASE("transport: a datagram is dropped if it is too large, or if the connection has no datagrams", "[transport]") {
    const auto most = static_cast<std::size_t>(GENERATE(0, 1, 1250));
    MemoryScene scene(config_with([&](auto &config) { config.max_datagram_size = most; }));
    CHECK(scene.client->max_datagram_size() == most);
    scene.client->send_datagram(bytes(most + 1));
    scene.client->send_datagram(bytes(most));
    scene.client->send_datagram(Bytes());
    scene.run();
    auto first = scene.begin(scene.server->receive_datagram());
    CHECK(first.done() == (most != 0));
    if (most == 0) return;
    CHECK(first.value().size() == most);
    CHECK(scene.now(scene.server->receive_datagram()).empty());
}

TEST_CASE("transport: the oldest datagrams are dropped when nobody takes any", "[transport]") {
    MemoryScene scene;
    const std::size_t sent = 5000;
    for (std::size_t i = 0; i < sent; ++i) {
        scene.client->send_datagram(bytes(std::to_string(i)));
    }
    scene.run();
    std::vector<std::string> came;
    for (;;) {
        auto next = scene.begin(scene.server->receive_datagram());
        if (!next.done()) break;
        came.emplace_back(next.value().view());
    }
    REQUIRE_FALSE(came.empty());
    CHECK(came.size() < sent);
    CHECK(came.back() == std::to_string(sent - 1));
    CHECK(came.front() == std::to_string(sent - came.size()));
}

TEST_CASE("memory transport: the given percentage of datagrams is lost, and the others come in order", "[transport]") {
    const unsigned loss = GENERATE(0u, 30u, 100u);
    MemoryScene scene(config_with([&](auto &config) { config.datagram_loss = loss; }));
    std::vector<int> came;
    for (int i = 0; i < 1000; ++i) {
        scene.client->send_datagram(bytes(std::to_string(i)));
        auto next = scene.begin(scene.server->receive_datagram());
        if (next.done()) came.push_back(std::stoi(std::string(next.value().view())));
    }
    if (loss == 0) CHECK(came.size() == 1000);
    if (loss == 30) CHECK((came.size() > 600 && came.size() < 800));
    if (loss == 100) CHECK(came.empty());
    CHECK(std::is_sorted(came.begin(), came.end()));
}

}
