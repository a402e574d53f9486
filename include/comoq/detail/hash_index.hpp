#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

namespace comoq::detail {

/// A text and its hash.
struct HashedText {
    explicit HashedText(std::string_view hashed) noexcept : text(hashed), hash(std::hash<std::string_view>()(hashed)) {}
    std::string_view text;
    std::size_t hash;
};

/// What an item needs to be in a HashIndex.
template <class Item> class HashLink {
public:
    explicit HashLink(std::size_t hash) noexcept : hash_(hash) {}
    std::size_t hash() const noexcept { return hash_; }

private:
    template <class> friend class HashIndex;
    const std::size_t hash_;
    Item *next_ = nullptr;
};

/// Finds items, which it does not own, by a hash that is computed once for all the tables that a key is looked up in.
/// Items are linked through themselves: putting one in costs no allocation, cannot fail, and taking one out needs no look
/// at its key. (With std::unordered_map, a request and its answer took ten computations of a hash and two nodes.)
template <class Item> class HashIndex {
public:
    HashIndex() noexcept = default;
    HashIndex(HashIndex &&other) noexcept { swap(other); }
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
        if (size_ > mask_) grow();
        Item *&bucket = buckets()[link(item).hash_ & mask_];
        link(item).next_ = bucket;
        bucket = &item;
        ++size_;
    }

    /// The item must be in.
    void erase(Item &item) noexcept {
        Item **at = &buckets()[link(item).hash_ & mask_];
        while (*at != &item) at = &link(**at).next_;
        *at = std::exchange(link(item).next_, nullptr);
        --size_;
    }

    /// Calls `visit` with every item, in no order. It may take that item out, and nothing else.
    template <class Visit> void for_each(Visit visit) const {
        for (std::size_t i = 0; i <= mask_ && size_ != 0; ++i) {
            for (Item *item = buckets()[i]; item != nullptr;) {
                Item *following = next(*item);
                visit(*item);
                item = following;
            }
        }
    }

private:
    static constexpr std::size_t first_buckets = 8;

    static HashLink<Item> &link(Item &item) noexcept { return item; }
    static Item *next(Item &item) noexcept { return link(item).next_; }
    Item **buckets() const noexcept { return many_ != nullptr ? many_.get() : &only_; }

    void swap(HashIndex &other) noexcept {
        std::swap(many_, other.many_);
        std::swap(only_, other.only_);
        std::swap(mask_, other.mask_);
        std::swap(size_, other.size_);
    }

    void grow() noexcept {
        const std::size_t count = many_ == nullptr ? first_buckets : 2 * (mask_ + 1);
        std::unique_ptr<Item *[]> wider(new (std::nothrow) Item *[count]());
        // Without memory for more buckets the chains get longer.
        if (wider == nullptr) return;
        for_each([&](Item &item) {
            Item *&bucket = wider[link(item).hash_ & (count - 1)];
            link(item).next_ = bucket;
            bucket = &item;
        });
        many_ = std::move(wider);
        mask_ = count - 1;
    }

    std::unique_ptr<Item *[]> many_;
    mutable Item *only_ = nullptr;  // the only bucket, until there is a second item
    std::size_t mask_ = 0;
    std::size_t size_ = 0;
};

}  // namespace comoq::detail
