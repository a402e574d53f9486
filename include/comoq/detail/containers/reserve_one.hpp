// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <vector>

namespace comoq::detail {

/// Reserves memory for the next item, growing like a push: for a caller that must change several things or none.
template <class Item> void reserve_one(std::vector<Item> &items) {
    if (items.size() == items.capacity()) [[unlikely]]
        items.reserve(std::max<std::size_t>(1, 2 * items.size()));
}

}  // namespace comoq::detail
