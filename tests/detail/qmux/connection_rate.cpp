// How fast the peer is reached: what a connection knows of the link.
#include <comoq/detail/qmux/connection.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "detail/qmux/connection_scene.hpp"
#include "support/catch.hpp"

namespace connection_rate_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

struct RateScene : Solo {
    RateScene() : Solo(true) {
        greeted();
        written();
        stream = now(own->open_uni());
    }
    void written() { begin(own->output_due()); }
    /// Everything that waits goes through a channel that takes `bytes` in a second.
    void carry(double bytes) {
        OutgoingRecord record;
        while (own->output(record)) {
            const auto record_bytes = flat(record);
            clock.advance(std::chrono::duration_cast<std::chrono::nanoseconds>(
                std::chrono::duration<double>(static_cast<double>(record.size()) / bytes)));
            written();
            std::span<const std::byte> rest = record_bytes;
            std::error_code failure;
            while (const auto read = qmux::next_frame(rest, failure)) {
                if (const auto *ping = std::get_if<qmux::PingRequest>(&read->frame)) pings.push_back(ping->sequence);
                rest = rest.subspan(read->size);
            }
        }
    }
    /// The stream takes all of it, and more than it wants to have.
    void push(SendStream &to, const std::string &text) { begin(to.write(bytes(text))); }
    void answer() {
        for (const auto each : pings) send(qmux::PingResponse{each});
        pings.clear();
    }
    std::optional<std::uint64_t> bandwidth() const { return own->stats().bandwidth; }

    std::unique_ptr<SendStream> stream;
    std::vector<std::uint64_t> pings;
};

}  // namespace

TEST_CASE("qmux connection: the bandwidth is what a busy channel takes, and unknown of one that waits", "[qmux][rate]") {
    RateScene scene;
    CHECK_FALSE(scene.bandwidth());
    // A thousand bytes at a time, which the channel takes at once.
    for (int i = 0; i < 100; ++i) {
        scene.push(*scene.stream, std::string(1000, 'a'));
        scene.carry(1e12);
        scene.clock.advance(10ms);
    }
    CHECK_FALSE(scene.bandwidth());
    // One marks what is on the way, and has no answer.
    CHECK(scene.pings.size() == 1);
    // 300,000 at once, at 100,000 a second.
    scene.push(*scene.stream, std::string(300'000, 'b'));
    scene.carry(1e5);
    REQUIRE(scene.bandwidth());
    CHECK(*scene.bandwidth() > 790'000);
    CHECK(*scene.bandwidth() < 810'000);
    scene.clock.advance(1min);
    CHECK_FALSE(scene.bandwidth());
}

TEST_CASE("qmux connection: a peer that gives no credit does not make the link slow", "[qmux][rate]") {
    RateScene scene;
    auto few = Solo::generous();
    few.max_stream_data_uni = 20'000;
    Solo solo(true);
    solo.greeted(few);
    auto stream = solo.now(solo.own->open_uni());
    scene.push(*stream, std::string(300'000, 'a'));
    for (std::uint64_t credit = 20'000; credit < 300'000; credit += 20'000) {
        OutgoingRecord record;
        while (solo.own->output(record)) {
            solo.clock.advance(1ms);
            solo.begin(solo.own->output_due());
        }
        solo.clock.advance(100ms);
        solo.send(qmux::MaxStreamData{0x2, credit + 20'000});
    }
    CHECK_FALSE(solo.own->stats().bandwidth);
}

TEST_CASE("qmux connection: a ping goes behind a burst while somebody measures, and shows the bandwidth", "[qmux][rate]") {
    const bool measures = GENERATE(true, false);
    RateScene scene;
    const auto pass = [&](std::chrono::milliseconds time) {
        scene.clock.advance(time);
        if (measures) scene.own->measure();
        scene.carry(1e12);
        scene.clock.advance(20ms);
        scene.answer();
    };
    pass(100ms);
    CHECK_FALSE(scene.bandwidth());
    for (int i = 0; i < 5; ++i) {
        pass(100ms);
        // 20,000 bytes reach the peer within 200 ms; the way takes 20.
        scene.push(*scene.stream, std::string(20'000, 'a'));
        scene.carry(1e12);
        CHECK((!measures || !scene.pings.empty()));
        scene.clock.advance(220ms);
        scene.answer();
    }
    REQUIRE(scene.bandwidth().has_value() == measures);
    if (!measures) return;
    CHECK(*scene.bandwidth() > 790'000);
    CHECK(*scene.bandwidth() < 810'000);
    // Small frames need none.
    pass(2s);
    scene.push(*scene.stream, std::string(1'000, 'a'));
    scene.carry(1e12);
    CHECK(scene.pings.empty());
    // Nobody has asked for a while.
    scene.clock.advance(3s);
    scene.push(*scene.stream, std::string(20'000, 'a'));
    scene.carry(1e12);
    scene.clock.advance(220ms);
    scene.answer();
    scene.clock.advance(12s);
    CHECK_FALSE(scene.bandwidth());
}

}
