// SPDX-License-Identifier: MIT
// Rows of the cost table for what is held beside media: numbers, and tracks that are read.
#include <comoq/lite/session.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <comoq/detail/containers/sequence_set.hpp>
#include <comoq/detail/lite/datagram.hpp>

#include "lite/peer_cost.hpp"
#include "support/catch.hpp"
#include "support/media.hpp"

namespace lite_peer_costs_numbers_tests {

using namespace comoq;
using namespace comoq::test;
using namespace std::chrono_literals;

namespace {

/// With a cache that keeps nothing but the newest group.
Origin origin_without_cache() {
    OriginConfig of;
    of.id = 1;
    of.max_cached_bytes = 1;
    return Origin(std::move(of));
}

}  // namespace

TEST_CASE("peer costs: every second number, of a track and of all that read it", "[lite][peer_costs]") {
    using detail::SequenceSet;
    constexpr std::size_t runs = SequenceSet::max_runs;
    // As a publisher: the track remembers which numbers it has had, and so does each reader that takes groups as they come.
    const auto publish = [](WirePeer &peer, std::uint64_t id, std::size_t from, std::size_t count) {
        for (std::size_t i = from; i < from + count; ++i) {
            peer.open_uni(WirePeer::group(id, 1'000 + 2 * i), true);
            while (peer.subscriber->recv_group().ready()) now(peer.subscriber->recv_group());
        }
    };
    const auto with = [&](std::size_t count) {
        WirePeer peer(origin_without_cache());
        peer.begin();
        const auto id = peer.be_subscribed();
        publish(peer, id, 0, 64);
        return taken_by(peer, [&] { publish(peer, id, 64, count); });
    };
    check_cost("number beside a gap", runs, 400, with);
    const auto before = with(1).held;
    const auto full = with(2 * runs).held;
    CHECK(full - before <= 1.25 * cost_row("number beside a gap").held * runs);
    check_flat("number beside a gap", full, with(3 * runs).held - full);
    // As a viewer it costs a session the same: which groups its peer has been given, or told of.
    const auto viewed = [](std::size_t count) {
        WirePeer peer(origin_without_cache());
        auto guard = peer.origin.producer().create_broadcast("b");
        auto track = guard.producer().create_track("video");
        peer.begin();
        peer.open_bidi(opening(lite::BidiStreamType::Subscribe, lite::Subscribe{7, "b", "video", {}}));
        peer.run();
        const auto send = [&](std::size_t from, std::size_t number) {
            for (std::size_t i = from; i < from + number; ++i) {
                track.create_group(2 * i).finish();
                peer.run();
            }
        };
        send(0, 64);
        return taken_by(peer, [&] { send(64, count); }).held;
    };
    const auto of_viewer = viewed(2 * runs);
    CHECK(of_viewer <= 1.25 * cost_row("number beside a gap").held * runs);
    check_flat("number beside a gap", of_viewer, viewed(3 * runs) - of_viewer);
}

TEST_CASE("peer costs: datagrams of one track's numbers stay within the bound, too", "[lite][peer_costs]") {
    const auto with = [](std::size_t count) {
        WirePeer peer(origin_without_cache());
        TrackInfo short_lived;
        short_lived.max_latency = 1ms;
        peer.begin();
        const auto id = peer.be_subscribed(short_lived);
        return taken_by(peer, [&] {
            for (std::size_t i = 0; i < count; ++i) {
                Octets body;
                lite::encode(lite::Datagram{id, 1'000 + 2 * i, 0, octets_of({1})}, body);
                peer.send(qmux::Datagram{body});
                while (peer.subscriber->recv_datagram().ready()) now(peer.subscriber->recv_datagram());
            }
        });
    };
    const auto full = with(3'000).held;
    check_flat("number beside a gap", full, with(5'000).held - full);
}

TEST_CASE("peer costs: a track that somebody reads", "[lite][peer_costs]") {
    check_cost("track that somebody reads", lite::SessionConfig().max_tracks, 100, [](std::size_t count) {
        WirePeer peer;
        peer.begin();
        peer.be_subscribed({}, "first");
        return taken_by(peer, [&] {
            for (std::size_t i = 0; i < count; ++i) peer.be_subscribed({}, "track" + std::to_string(i));
        });
    });
}

}  // namespace lite_peer_costs_numbers_tests
