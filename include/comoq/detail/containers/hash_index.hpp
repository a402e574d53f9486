// SPDX-License-Identifier: MIT
#pragma once
#include "table_hash.hpp"
#include "../../config.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

namespace comoq::detail {

/// A text and its hash.
struct HashedText {
    COMOQ_INLINED explicit HashedText(std::string_view hashed) noexcept : text(hashed), hash(table_hash(hashed)) {}
    std::string_view text;
    std::size_t hash;
};

/// True if the texts, which have the same hash, are the same. `==` of std::string_view finds their order, which takes longer.
inline bool same_text(std::string_view left, std::string_view right) noexcept {
    return left.size() == right.size() && (left.empty() || std::memcmp(left.data(), right.data(), left.size()) == 0);
}

/// The links of an item in a HashIndex.
template <class Item> class HashLink {
public:
    explicit HashLink(std::size_t hash) noexcept : hash_(hash) {}
    std::size_t hash() const noexcept { return hash_; }

private:
    template <class> friend class HashIndex;
    const std::size_t hash_;
    Item *next_ = nullptr;
};

/// Finds items, which it does not own, by a hash that is computed once for all tables in which a key is looked up.
/// Items are linked through themselves: an insertion allocates nothing and cannot fail, and a removal does not need the
/// key. (With std::unordered_map, a request and its answer took ten computations of a hash and two nodes.)
///
/// The table has between one and two buckets for each item; it shrinks when it has eight times as many as it needs. It is
/// three words, because many objects have tables that are empty: two thousand million buckets are enough, and their items
/// are more than memory holds.
template <class Item> class HashIndex {
public:
    HashIndex() noexcept = default;
    HashIndex(HashIndex &&other) noexcept { swap(other); }
    ~HashIndex() {
        if (mask_ != 0) delete[] place_.many;
    }
    HashIndex &operator=(HashIndex &&other) noexcept {
        HashIndex(std::move(other)).swap(*this);
        return *this;
    }

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }

    /// The item with this hash for which `equal` holds, or null.
    template <class Equal> Item *find(std::size_t hash, Equal equal) const noexcept {
        if (size_ == 0) return nullptr;
        for (Item *item = buckets()[hash & mask_]; item != nullptr; item = next(*item))
            if (link(*item).hash_ == hash && equal(static_cast<const Item &>(*item))) return item;
        return nullptr;
    }

    void insert(Item &item) noexcept {
        if (size_ > mask_)
            rebuild(mask_ == 0 ? first_buckets : 2 * bucket_count());
        else
            shrink();
        Item *&bucket = buckets()[link(item).hash_ & mask_];
        link(item).next_ = bucket;
        bucket = &item;
        ++size_;
    }

    /// The item must be in the index.
    void erase(Item &item) noexcept {
        Item **at = &buckets()[link(item).hash_ & mask_];
        while (*at != &item) at = &link(**at).next_;
        *at = std::exchange(link(item).next_, nullptr);
        --size_;
        shrink();
    }

    /// Calls `visit` with every item, in any order. `visit` may remove that item, and change nothing else.
    template <class Visit> void for_each(Visit visit) const {
        const Visiting visiting(visits_);
        for (std::size_t i = 0; i <= mask_ && size_ != 0; ++i) {
            for (Item *item = buckets()[i]; item != nullptr;) {
                Item *following = next(*item);
                visit(*item);
                item = following;
            }
        }
    }

    std::size_t bucket_count() const noexcept { return std::size_t{mask_} + 1; }

private:
    static constexpr std::size_t first_buckets = 8, most_buckets = std::size_t{1} << 31;

    static HashLink<Item> &link(Item &item) noexcept { return item; }
    static Item *next(Item &item) noexcept { return link(item).next_; }
    union Buckets {
        Item *only = nullptr;  // as long as the mask is 0
        Item **many;
    };
    Item **buckets() const noexcept { return mask_ != 0 ? place_.many : &place_.only; }

    void swap(HashIndex &other) noexcept {
        std::swap(place_, other.place_);
        std::swap(mask_, other.mask_);
        std::swap(size_, other.size_);
    }

    /// While the items are visited they stay in their buckets; the next change catches up.
    struct Visiting {
        explicit Visiting(unsigned &visits) noexcept : count(visits) { ++count; }
        Visiting(const Visiting &) = delete;
        Visiting &operator=(const Visiting &) = delete;
        ~Visiting() { --count; }
        unsigned &count;
    };

    void shrink() noexcept {
        std::size_t count = bucket_count();
        if (count <= first_buckets || 8 * size() > count || visits_ != 0) return;
        while (count > first_buckets && 4 * size() <= count) count /= 2;
        rebuild(count);
    }

    void rebuild(std::size_t count) noexcept {
        if (count > most_buckets) return;
        std::unique_ptr<Item *[]> buckets(new (std::nothrow) Item *[count]());
        // Without memory for other buckets the chains get longer, or the table keeps its size.
        if (buckets == nullptr) return;
        for_each([&](Item &item) {
            Item *&bucket = buckets[link(item).hash_ & (count - 1)];
            link(item).next_ = bucket;
            bucket = &item;
        });
        if (mask_ != 0) delete[] place_.many;
        place_.many = buckets.release();
        mask_ = static_cast<std::uint32_t>(count - 1);
    }

    mutable Buckets place_;
    std::uint32_t mask_ = 0;
    std::uint32_t size_ = 0;
    mutable unsigned visits_ = 0;
};

}  // namespace comoq::detail
