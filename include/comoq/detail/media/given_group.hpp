// SPDX-License-Identifier: MIT
#pragma once
#include "../../group.hpp"
#include "../../track_producer.hpp"

#include <cstdint>

namespace comoq::detail {

/// A group that the source of `track` gives: a peer, or another origin. Sources give groups again when a reader asks for
/// an earlier start, so a number is free again once its group has expired or was evicted. Throws as
/// `TrackProducer::append_group` does, and Duplicate while the track has a group of that number, or if it had a datagram
/// of it.
inline GroupProducer given_group(const TrackProducer &track, std::uint64_t sequence, const GroupInfo &info = {}) {
    throw_unless_possible(info);
    return GroupProducer(Passkey(), track.state(Passkey())->create_given_group(sequence, info));
}

}  // namespace comoq::detail
