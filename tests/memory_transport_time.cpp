// Time and chance: when sent bytes arrive.
#include <comoq/memory_transport.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/memory_scene.hpp"
#include "support/numbered.hpp"

namespace memory_transport_time_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

TEST_CASE("memory transport: nothing arrives before its delay, and all of it then", "[transport]") {
    MemoryScene scene(config_with([](auto &config) {
        config.delay = 10ms;
        config.window = 1 << 20;
    }));
    auto send = scene.now(scene.client->open_uni());
    auto accepting = scene.begin(scene.server->accept_uni());
    // Many pieces, and the end.
    auto writing = scene.begin(send->write(numbered(0, 30'000)));
    send->finish();
    scene.client->send_datagram(bytes("d"));
    auto datagram = scene.begin(scene.server->receive_datagram());
    scene.advance(9'999'999ns);
    CHECK_FALSE(accepting.done());
    CHECK_FALSE(datagram.done());
    scene.advance(1ns);
    REQUIRE(accepting.done());
    CHECK(datagram.done());
    CHECK(scene.read(*accepting.value()) == numbered(0, 30'000).view());
    CHECK(scene.at_end(*accepting.value()));
    CHECK(scene.link.open_streams() == 0);
}

TEST_CASE("memory transport: bytes that are written later arrive later, also while others are under way", "[transport]") {
    MemoryScene scene(config_with([](auto &config) { config.delay = 10ms; }));
    auto send = scene.now(scene.client->open_uni());
    scene.write(*send, "a");
    scene.advance(4ms);
    scene.write(*send, "b");
    scene.write(*send, "c");
    scene.advance(2ms);
    send->finish();
    scene.advance(4ms);
    auto receive = scene.now(scene.server->accept_uni());
    CHECK(scene.read(*receive) == "a");
    scene.advance(4ms - 1ns);
    CHECK(scene.nothing_to_read(*receive));
    scene.advance(1ns);
    CHECK(scene.now(receive->read()).view() == "bc");
    scene.advance(2ms - 1ns);
    CHECK(scene.nothing_to_read(*receive));
    scene.advance(1ns);
    CHECK(scene.at_end(*receive));
}

TEST_CASE("memory transport: resets and stops take their time too", "[transport]") {
    MemoryScene scene(config_with([](auto &config) { config.delay = 10ms; }));
    auto here = scene.now(scene.client->open_bidi());
    scene.write(*here.send, "!");
    scene.advance(10ms);
    auto there = scene.now(scene.server->accept_bidi());
    CHECK(scene.read(*there.receive) == "!");
    auto stopped = scene.begin(there.send->stopped());
    auto reading = scene.begin(there.receive->read());
    here.send->reset(end_number);
    scene.advance(5ms);
    here.receive->stop(other_end_number);
    scene.advance(5ms - 1ns);
    CHECK_FALSE(reading.done());
    scene.advance(1ns);
    CHECK(reading.code() == stream_ended(end_number));
    CHECK_FALSE(stopped.done());
    scene.advance(5ms);
    CHECK(stopped.value() == stream_ended(other_end_number));
    CHECK(scene.link.open_streams() == 0);
}

TEST_CASE("memory transport: jitter is added, differs, and keeps each stream in order", "[transport]") {
    MemoryScene scene(config_with([](auto &config) {
        config.delay = 10ms;
        config.jitter = 8ms;
    }));
    std::vector<SendPtr> sends;
    for (int i = 0; i < 20; ++i) {
        sends.push_back(scene.now(scene.client->open_uni()));
        scene.write(*sends.back(), std::to_string(i));
    }
    std::vector<int> arrived;
    std::vector<ReceivePtr> receives;
    for (int time = 1; time <= 18; ++time) {
        scene.advance(1ms);
        for (;;) {
            auto next = scene.begin(scene.server->accept_uni());
            if (!next.done()) break;
            arrived.push_back(time);
            receives.push_back(std::move(next.value()));
        }
    }
    REQUIRE(arrived.size() == 20);
    CHECK(arrived.front() >= 10);
    CHECK(arrived.front() < arrived.back());
    // Each stream's bytes in order, however late each of them is.
    auto &send = *sends.front();
    const auto is_first = [&](const ReceivePtr &each) { return scene.read(*each) == "0"; };
    const auto at = std::find_if(receives.begin(), receives.end(), is_first);
    REQUIRE(at != receives.end());
    for (char letter = 'a'; letter <= 'z'; ++letter) {
        scene.write(send, std::string(1, letter));
        scene.advance(1ms);
    }
    std::string all;
    for (int i = 0; i < 18; ++i) {
        all += scene.read(**at);
        scene.advance(1ms);
    }
    CHECK(all + scene.read(**at) == "abcdefghijklmnopqrstuvwxyz");
}

TEST_CASE("memory transport: streams do not wait for one another", "[transport]") {
    // Among many pieces, some that were written later come earlier.
    MemoryScene scene(config_with([](auto &config) { config.jitter = 100ms; }));
    std::vector<SendPtr> sends;
    std::vector<int> order;
    std::vector<ReceivePtr> receives;
    const auto take = [&] {
        for (;;) {
            auto next = scene.begin(scene.server->accept_uni());
            if (!next.done()) return;
            order.push_back(std::stoi(scene.read(*next.value())));
            receives.push_back(std::move(next.value()));
        }
    };
    for (int i = 0; i < 20; ++i) {
        sends.push_back(scene.now(scene.client->open_uni()));
        scene.write(*sends.back(), std::to_string(i));
        scene.advance(1ms);
        take();
    }
    for (int i = 0; i < 100; ++i) {
        scene.advance(1ms);
        take();
    }
    CHECK(order.size() == 20);
    CHECK_FALSE(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("memory transport: nothing is delivered while it is paused, and nothing is lost", "[transport]") {
    MemoryScene scene(config_with([](auto &config) { config.delay = 1ms; }));
    auto send = scene.now(scene.client->open_uni());
    scene.link.pause();
    scene.write(*send, "abc");
    send->finish();
    scene.client->send_datagram(bytes("d"));
    auto accepting = scene.begin(scene.server->accept_uni());
    auto datagram = scene.begin(scene.server->receive_datagram());
    scene.advance(1s);
    CHECK_FALSE(accepting.done());
    CHECK_FALSE(datagram.done());
    scene.link.resume();
    REQUIRE(accepting.done());
    CHECK(scene.read(*accepting.value()) == "abc");
    CHECK(scene.at_end(*accepting.value()));
    CHECK(datagram.value().view() == "d");
}

TEST_CASE("memory transport: a pause also holds bytes that were about to be delivered", "[transport]") {
    MemoryScene scene;
    auto send = scene.now(scene.client->open_uni());
    auto writing = send->write(bytes("abc"));
    scene.link.pause();
    auto accepting = scene.begin(scene.server->accept_uni());
    CHECK_FALSE(accepting.done());
    scene.link.resume();
    CHECK(accepting.done());
}

namespace {

/// The arrivals of streams that are written at once, and of datagrams.
struct Arrivals {
    std::vector<int> streams, datagrams;
    friend bool operator==(const Arrivals &, const Arrivals &) = default;
};
Arrivals arrivals_with(std::uint64_t seed, std::chrono::nanoseconds jitter) {
    MemoryScene scene(config_with([&](auto &config) {
        config.seed = seed;
        config.jitter = jitter;
        config.datagram_loss = 50;
    }));
    std::vector<SendPtr> sends;
    for (int i = 0; i < 12; ++i) {
        sends.push_back(scene.now(scene.client->open_uni()));
    }
    scene.link.pause();
    for (int i = 0; i < 12; ++i) {
        scene.write(*sends[static_cast<std::size_t>(i)], std::to_string(i));
        scene.client->send_datagram(bytes(std::to_string(i)));
    }
    scene.link.resume();
    Arrivals all;
    for (int i = 0; i < 100; ++i) {
        scene.advance(1ms);
        for (;;) {
            auto next = scene.begin(scene.server->accept_uni());
            if (!next.done()) break;
            all.streams.push_back(std::stoi(scene.read(*next.value())));
        }
        for (;;) {
            auto next = scene.begin(scene.server->receive_datagram());
            if (!next.done()) break;
            all.datagrams.push_back(std::stoi(std::string(next.value().view())));
        }
    }
    return all;
}

}  // namespace

TEST_CASE("memory transport: the same seed gives the same order, and another seed another one", "[transport]") {
    const std::chrono::nanoseconds jitter = GENERATE(0ms, 50ms);
    const auto first = arrivals_with(1, jitter);
    CHECK(first == arrivals_with(1, jitter));
    CHECK(first.streams.size() == 12);
    for (std::uint64_t seed = 2; seed < 8; ++seed) {
        const auto other = arrivals_with(seed, jitter);
        CHECK(other == arrivals_with(seed, jitter));
        CHECK(other.streams != first.streams);
        CHECK(other.datagrams != first.datagrams);
    }
}

}
