// SPDX-License-Identifier: MIT
/// \file What a WirePeer sends, and what is held for it: the measurements for the cost table.
#pragma once

#include "lite/wire_peer.hpp"

namespace comoq::test {

/// For `check_cost`: a new peer each time, prepared by `begin`, sends the first, second and so on by `send`.
template <class Begin, class Send> auto each(Begin begin, Send send) { return each_of<WirePeer>(begin, send); }

}  // namespace comoq::test
