// What a peer sends in the tests of its costs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>

#include <comoq/detail/session/announce_feed.hpp>

#include "lite/peer_cost.hpp"
#include "lite/wire_peer.hpp"
#include "support/media.hpp"

namespace lite_peer_costs_tests {

using namespace comoq;
using namespace comoq::test;

using lite::BidiStreamType;

/// The number of streams that the session refuses during `act`.
inline std::size_t refused_of(WirePeer &peer, const std::function<void()> &act) {
    const auto before = peer.refused;
    peer.listens = true;
    act();
    peer.listens = false;
    return peer.refused - before;
}

inline std::string number(std::size_t i) { return std::to_string(10'000 + i); }

/// Where the versions differ, each has a row of its own in the table.
inline std::string row_name(std::string thing) {
    if (!lite::layout_of(spoken()).announce_ids) return thing;
    // The row says whose changes wait for whom.
    const auto at = std::min(thing.find(','), thing.size());
    return thing.insert(at, " on moq-lite-06");
}

inline Octets subscribe_to(std::string_view path, std::size_t id) {
    return opening(BidiStreamType::Subscribe, lite::Subscribe{id, std::string(path), "video", {}});
}

/// A session that serves a track, with a group in progress.
struct Serving {
    explicit Serving(WirePeer &peer) : broadcast(peer.origin.producer().create_broadcast("a")) { group.write_frame(payload("x")); }
    BroadcastPublish broadcast;
    TrackProducer track = broadcast.producer().create_track("video");
    GroupProducer group = track.append_group();
};

}  // namespace lite_peer_costs_tests
