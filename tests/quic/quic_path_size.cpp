// How large packets may be, where the path's size changes.
#include <comoq/detail/quic/path_size.hpp>

#include <chrono>
#include <cstddef>

#include "quic/scene.hpp"
#include "support/catch.hpp"

namespace quic_path_size_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using quic::detail::PathSize;

namespace {

constexpr PathSize::Time begin{};

}  // namespace

TEST_CASE("the size of a QUIC path: large packets without an answer for six waits end them, for ten minutes and then for twice that",
          "[quic]") {
    PathSize size;
    CHECK(size.limit(1'452, begin) == 1'452);
    for (int i = 0; i < 8; ++i) size.sent(1'300, begin);
    CHECK_FALSE(size.turns_black(begin + 599ms, 100ms));
    const auto found = begin + 600ms;
    CHECK(size.turns_black(found, 100ms));
    CHECK_FALSE(size.turns_black(found + 1s, 100ms));
    CHECK(size.limit(1'452, found) == 1'200);
    CHECK(size.limit(1'000, found) == 1'000);
    CHECK(size.limit(1'452, found + 10min - 1ms) == 1'200);
    CHECK(size.limit(1'452, found + 10min) == 1'452);
    const auto again = found + 11min;
    for (int i = 0; i < 8; ++i) size.sent(1'300, again - 1s);
    CHECK(size.turns_black(again, 100ms));
    CHECK(size.limit(1'452, again + 19min) == 1'200);
    CHECK(size.limit(1'452, again + 20min) == 1'452);
}

TEST_CASE("the size of a QUIC path: small packets say nothing of it, nor do answers that may be to small ones", "[quic]") {
    PathSize size;
    for (int i = 0; i < 100; ++i) size.sent(1'200, begin);
    CHECK_FALSE(size.turns_black(begin + 1h, 100ms));
    for (int i = 0; i < 7; ++i) size.sent(1'300, begin);
    CHECK_FALSE(size.turns_black(begin + 1h, 100ms));
    size.acknowledged(1'201);
    size.sent(1'300, begin);
    CHECK_FALSE(size.turns_black(begin + 1h, 100ms));
    for (int i = 0; i < 7; ++i) size.sent(1'300, begin);
    size.acknowledged(1'200);
    CHECK(size.turns_black(begin + 1h, 100ms));
}

TEST_CASE("a QUIC connection goes on when its path carries large packets no more, and tries them again later", "[quic]") {
    QuicScene scene;
    scene.connect();
    auto stream = scene.finish(scene.client->open_uni());
    scene.finish(stream->write(bytes(std::size_t{1})));
    auto theirs = scene.finish(scene.server->accept_uni());
    std::size_t read = 0;
    const auto read_on = [&]() -> asio::awaitable<void> {
        for (;;) read += (co_await theirs->read()).size();
    };
    auto reading = scene.begin(read_on());
    const auto send = [&](std::size_t size) {
        auto writing = scene.begin(stream->write(bytes(size)));
        const auto before = read;
        return scene.passes_until([&] {
            scene.run();
            return writing.done() && read >= before + size;
        }, 20s);
    };
    scene.pass(5s);
    REQUIRE(send(200'000));
    const auto whole = scene.client->max_datagram_size();
    REQUIRE(whole > 1'300);

    scene.faults.largest = 1'250;
    const auto began = scene.now();
    REQUIRE(send(200'000));
    CHECK(scene.now() - began < 5s);
    CHECK(scene.client->max_datagram_size() < 1'200);
    // It does not look for more at once.
    REQUIRE(send(200'000));
    CHECK(scene.client->max_datagram_size() < 1'200);

    scene.faults.largest = 1'500;
    scene.pass(11min);
    REQUIRE(send(200'000));
    CHECK(scene.client->max_datagram_size() == whole);
}

}
