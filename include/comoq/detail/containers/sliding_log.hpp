// SPDX-License-Identifier: MIT
#pragma once
#include "reserve_one.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace comoq::detail {

/// Items by an index that counts all items ever pushed; the oldest are dropped from the front. A vector and an offset:
/// an empty log costs nothing, and reading one item touches one place.
template <class Item> class SlidingLog {
public:
    std::size_t size() const noexcept { return stored_.size() - gone_; }
    std::size_t first() const noexcept { return first_; }
    std::size_t end() const noexcept { return first_ + size(); }
    const Item &operator[](std::size_t index) const noexcept { return stored_[gone_ + (index - first_)]; }

    /// The items for which it has memory, dropped ones included.
    std::size_t capacity() const noexcept { return stored_.capacity(); }

    /// Reserves memory for the next push.
    void reserve() { reserve_one(stored_); }
    template <class... Args> Item &push(Args &&...args) { return stored_.emplace_back(std::forward<Args>(args)...); }

    /// The log must not be empty.
    Item pop_front() noexcept {
        Item item = std::move(stored_[gone_]);
        ++gone_;
        ++first_;
        // Moves each item at most once for each time that the loss has doubled: constant on average. A log of at most n
        // items stays below 2n places in this way, dropped ones included.
        if (gone_ >= stored_.size() / 2) {
            stored_.erase(stored_.begin(), stored_.begin() + static_cast<std::ptrdiff_t>(gone_));
            gone_ = 0;
        }
        return item;
    }

    /// Removes all items, together with the remains of some dropped ones; the indices count on.
    std::vector<Item> release() noexcept {
        first_ = end();
        gone_ = 0;
        return std::exchange(stored_, {});
    }

    auto begin_items() const noexcept { return stored_.begin() + static_cast<std::ptrdiff_t>(gone_); }
    auto end_items() const noexcept { return stored_.end(); }

private:
    std::vector<Item> stored_;
    std::size_t gone_ = 0;
    std::size_t first_ = 0;
};

}  // namespace comoq::detail
