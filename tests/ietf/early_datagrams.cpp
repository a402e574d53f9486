// SPDX-License-Identifier: MIT
// Datagrams that come before the answer that says what their alias means.
#include <comoq/ietf/session.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <comoq/detail/ietf/datagram.hpp>
#include <comoq/detail/ietf/early_datagrams.hpp>

#include "ietf/viewer_scene.hpp"
#include "support/catch.hpp"

namespace early_datagrams_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;
using ietf::detail::EarlyDatagrams;

namespace {

struct EarlyScene : ViewerScene {
    using ViewerScene::ViewerScene;
    void send_datagram(std::uint64_t alias, std::uint64_t group, std::string_view text) {
        ietf::ObjectDatagram datagram;
        datagram.alias = alias;
        datagram.location.group = group;
        datagram.payload = std::as_bytes(std::span(text));
        Octets octets;
        ietf::encode(datagram, draft, octets);
        raw->send_datagram(Bytes(std::move(octets)));
        run();
    }
    /// The numbers of the groups of all that have come.
    std::vector<std::uint64_t> received() {
        std::vector<std::uint64_t> groups;
        while (true) {
            auto waiting = wait(subscriber->recv_datagram());
            run();
            if (!waiting.done()) return groups;
            auto datagram = std::move(waiting.value());
            REQUIRE(datagram);
            groups.push_back(datagram->sequence);
        }
    }
};
Octets sized(std::size_t size) { return Octets(size, std::byte{'x'}); }

}  // namespace

TEST_CASE("MoQ Transport: datagrams that come before their alias is known are given to the track", "[ietf][session]") {
    for (const auto &name : every_draft) {
        INFO(name);
        EarlyScene scene(name);
        scene.send_datagram(5, 1, "first");
        scene.send_datagram(6, 9, "of another track");
        scene.send_datagram(5, 2, "second");
        scene.accept(5);
        CHECK(scene.received() == std::vector<std::uint64_t>{1, 2});
        scene.send_datagram(5, 3, "third");
        CHECK(scene.received() == std::vector<std::uint64_t>{3});
        CHECK(scene.is_alive());
    }
}

TEST_CASE("MoQ Transport: datagrams wait for their alias for a second at least, and for two at most", "[ietf][session]") {
    EarlyScene scene;
    const auto sleepers = scene.time.sleepers();
    scene.send_datagram(5, 1, "old");
    CHECK(scene.time.sleepers() == sleepers + 1);
    scene.pass(999ms);
    scene.send_datagram(5, 2, "new");
    scene.pass(1ms);
    // The first one has been there for a second, and the other one for an instant.
    scene.pass(1'000ms);
    CHECK(scene.time.sleepers() == sleepers);
    scene.send_datagram(5, 3, "newest");
    scene.pass(1'000ms);
    scene.accept(5);
    CHECK(scene.received() == std::vector<std::uint64_t>{3});
    // Nothing waits, and so nothing is looked at.
    const auto before = scene.time.sleepers();
    scene.pass(1'000ms);
    CHECK(scene.time.sleepers() < before);
    CHECK(scene.is_alive());
}

TEST_CASE("MoQ Transport: the last of too many datagrams that come early are there", "[ietf][session]") {
    EarlyScene scene;
    for (std::uint64_t i = 0; i < EarlyDatagrams::most + 3; ++i) scene.send_datagram(5, i, "x");
    scene.accept(5);
    const auto groups = scene.received();
    REQUIRE(groups.size() == EarlyDatagrams::most);
    CHECK(groups.front() == 3);
    CHECK(scene.is_alive());
}

TEST_CASE("MoQ Transport: datagrams that come before their track is pushed count for what it has", "[ietf][session]") {
    EarlyScene scene;
    scene.send_datagram(7, 4, "early");
    ietf::Publish message;
    message.request_id = scene.next_id();
    message.track = {{"live"}, "video"};
    message.alias = 7;
    scene.ask(message);
    const auto largest = test::now(scene.origin.consumer().announced_broadcast("live")).track("video").largest();
    REQUIRE(largest);
    CHECK(largest->group == 4);
    CHECK(scene.is_alive());
}

TEST_CASE("MoQ Transport: a datagram that breaks a rule ends the session, also before its alias is known", "[ietf][session]") {
    EarlyScene scene;
    scene.raw->send_datagram(Bytes(Octets{std::byte{0x00}, std::byte{0x05}}));
    CHECK(scene.RawScene::end() == make_error_code(Error::ProtocolViolation));
}

TEST_CASE("early datagrams: the oldest go first, by their count and by their bytes", "[ietf]") {
    EarlyDatagrams early;
    CHECK(early.empty());
    for (std::size_t i = 0; i < EarlyDatagrams::most; ++i) early.add(i, sized(i));
    early.add(1'000, sized(7));
    CHECK_FALSE(early.take(0));
    CHECK(early.take(1)->size() == 1);
    CHECK_FALSE(early.take(1));
    CHECK(early.take(1'000)->size() == 7);
    early.add(2'000, sized(EarlyDatagrams::most_bytes));
    CHECK_FALSE(early.take(255));
    // One that has no place takes none from others.
    early.add(2'001, sized(EarlyDatagrams::most_bytes + 1));
    CHECK_FALSE(early.take(2'001));
    CHECK(early.take(2'000)->size() == EarlyDatagrams::most_bytes);
    CHECK(early.empty());
    // What was taken counts no more.
    early.add(1, sized(EarlyDatagrams::most_bytes / 2));
    early.add(2, sized(EarlyDatagrams::most_bytes / 2));
    CHECK(early.take(1));
}

TEST_CASE("early datagrams: what is dropped has been there for the whole time between two looks", "[ietf]") {
    EarlyDatagrams early;
    early.add(1, sized(1));
    early.age();
    early.add(2, sized(2));
    early.age();
    CHECK_FALSE(early.take(1));
    early.add(3, sized(3));
    CHECK_FALSE(early.empty());
    early.age();
    CHECK_FALSE(early.take(2));
    CHECK(early.take(3));
    CHECK(early.empty());
}

}  // namespace early_datagrams_tests
