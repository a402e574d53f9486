// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "../../track.hpp"
#include "../wait/sync.hpp"

#include <asio/awaitable.hpp>

#include <cstdint>
#include <optional>
#include <system_error>

namespace comoq::detail {

// What a copy of a track is told about where the track is, and where it ends.

/// Runs until it is known where the track is now that `from` reads. Then that is known of its copy, too. See `LiveEdge`.
COMOQ_IF_CALLED inline asio::awaitable<void> pass_edge(const TrackSubscriber &from, TrackProducer to) {
    const auto track = from.track(Passkey());
    std::optional<std::uint64_t> newest;
    while (!newest) {
        auto known = from.edge_known(Passkey());
        co_await std::move(known);
        const Lock lock(track->mutex());
        // It may be lost again by now.
        if (track->knows_edge()) newest = track->edge();
    }
    to.state(Passkey())->find_edge(*newest);
}

/// The code for an impossible number of the first group that will never come; a false code if one is declared already.
inline std::error_code declare_final(TrackProducer &out, std::uint64_t final) {
    try {
        out.finish_at(final);
    } catch (const std::system_error &error) {
        if (error.code() != Error::Closed) return error.code();
    }
    return {};
}

}  // namespace comoq::detail
