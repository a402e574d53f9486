// SPDX-License-Identifier: MIT
#pragma once
#include "frame_turn.hpp"
#include "turn_after.hpp"

#include <asio/awaitable.hpp>

namespace comoq::detail {

/// Calls `visit(value)` for each entry of an ordered map, 64 of them in a turn. Entries may come and go between the turns: those that
/// are there when their place comes are visited. The caller keeps the map.
template <class Map, class Visit> asio::awaitable<void> visit_in_turns(Map &map, Visit visit) {
    FrameTurn turn;
    TurnAfter<64> visits;
    typename Map::key_type last;
    for (auto at = map.begin(); at != map.end(); at = map.upper_bound(last)) {
        last = at->first;
        visit(at->second);
        if (visits.is_due()) co_await turn.take();
    }
}

}  // namespace comoq::detail
