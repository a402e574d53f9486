// SPDX-License-Identifier: MIT
/// \file What a WirePeer sends, and what is held for it: the measurements for the cost table.
#pragma once

#include <cstddef>
#include <functional>

#include "lite/wire_peer.hpp"
#include "support/cost_table.hpp"
#include "support/heap.hpp"

namespace comoq::test {

/// The bytes that a peer sends in `act`, and the memory that is held for it afterwards.
inline Taken taken_by(WirePeer &peer, const std::function<void()> &act) {
    peer.run();
    const auto sent = peer.sent;
    const auto before = heap_in_use();
    act();
    peer.run();
    return {static_cast<double>(peer.sent - sent), static_cast<double>(heap_in_use()) - static_cast<double>(before)};
}

/// For `check_cost`: a new peer each time, prepared by `begin`, sends the first, second and so on by `send`.
template <class Begin, class Send> auto each(Begin begin, Send send) {
    return [=](std::size_t count) {
        WirePeer peer;
        begin(peer);
        return taken_by(peer, [&] {
            for (std::size_t i = 0; i < count; ++i) send(peer, i);
        });
    };
}

}  // namespace comoq::test
