#pragma once
#include <algorithm>
#include <cstddef>
#include <vector>

namespace comoq::detail {

/// Makes sure that the next item finds memory, and grows as a push would: for who must change several things or none.
template <class Item> void reserve_one(std::vector<Item> &items) {
    if (items.size() == items.capacity()) items.reserve(std::max<std::size_t>(1, 2 * items.size()));
}

}  // namespace comoq::detail
