#include <comoq/detail/containers/hash_index.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <random>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "support/seed.hpp"

namespace hash_index_tests {

using comoq::detail::HashedText;
using comoq::detail::HashIndex;
using comoq::detail::HashLink;

namespace {

struct Item : HashLink<Item> {
    Item(int own_key, std::size_t own_hash) : HashLink<Item>(own_hash), key(own_key) {}
    const int key;
};

Item *find(const HashIndex<Item> &index, int key, std::size_t hash) {
    return index.find(hash, [&](const Item &item) { return item.key == key; });
}

}  // namespace

TEST_CASE("section 5 hash index: it behaves like a map in any history, with good and bad hashes", "[hash_index]") {
    std::mt19937_64 random(comoq::test::seed("hash_index"));
    for (const std::size_t different : {std::size_t{1}, std::size_t{3}, ~std::size_t{0}}) {
        const auto hash_of = [&](int key) { return (static_cast<std::size_t>(key) * 0x9E3779B97F4A7C15u) % different; };
        HashIndex<Item> index;
        std::map<int, std::unique_ptr<Item>> plain;
        bool same = true;
        for (int step = 0; step < 3000; ++step) {
            const int key = static_cast<int>(random() % 200);
            if (auto found = plain.find(key); found != plain.end()) {
                same = same && find(index, key, hash_of(key)) == found->second.get();
                if (random() % 3 == 0) {
                    index.erase(*found->second);
                    plain.erase(found);
                }
            } else {
                same = same && find(index, key, hash_of(key)) == nullptr;
                auto item = std::make_unique<Item>(key, hash_of(key));
                index.insert(*item);
                plain.emplace(key, std::move(item));
            }
            same = same && index.size() == plain.size() && index.empty() == plain.empty();
        }
        std::vector<int> visited;
        index.for_each([&](const Item &item) { visited.push_back(item.key); });
        std::sort(visited.begin(), visited.end());
        same = same && visited.size() == plain.size() &&
               std::equal(visited.begin(), visited.end(), plain.begin(),
                          [](int key, const auto &entry) { return key == entry.first; });
        CHECK(same);
    }
}

TEST_CASE("section 5 hash index: a visitor may remove each item", "[hash_index]") {
    HashIndex<Item> index;
    std::vector<std::unique_ptr<Item>> items;
    for (int i = 0; i < 100; ++i) {
        items.push_back(std::make_unique<Item>(i, static_cast<std::size_t>(i % 7)));
        index.insert(*items.back());
    }
    int visited = 0;
    index.for_each([&](Item &item) {
        ++visited;
        if (item.key % 2 == 0) {
            index.erase(item);
            items[static_cast<std::size_t>(item.key)].reset();
        }
    });
    CHECK(visited == 100);
    CHECK(index.size() == 50);
    index.for_each([&](Item &item) { index.erase(item); });
    CHECK(index.empty());
}

TEST_CASE("section 5 hash index: a move takes the items along", "[hash_index]") {
    Item few(1, 1);
    HashIndex<Item> from;
    from.insert(few);
    HashIndex<Item> to(std::move(from));
    CHECK(find(to, 1, 1) == &few);
    HashIndex<Item> assigned;
    assigned = std::move(to);
    CHECK(find(assigned, 1, 1) == &few);
    CHECK(assigned.size() == 1);
}

TEST_CASE("section 5 hash index: the table grows with the items and shrinks when they go", "[hash_index]") {
    HashIndex<Item> index;
    std::vector<std::unique_ptr<Item>> items;
    const auto fill = [&] {
        for (int i = 0; i < 5000; ++i) {
            items.push_back(std::make_unique<Item>(i, static_cast<std::size_t>(i) * 0x9E3779B97F4A7C15u));
            index.insert(*items.back());
        }
        CHECK(index.bucket_count() == 8192);
    };
    fill();
    SECTION("one after the other") {
        while (items.size() > 3) {
            index.erase(*items.back());
            items.pop_back();
            REQUIRE(index.bucket_count() <= std::max<std::size_t>(8, 8 * items.size()));
        }
    }
    SECTION("while they are visited, at the next change") {
        index.for_each([&](Item &item) {
            if (item.key > 2) {
                index.erase(item);
            }
        });
        items.resize(3);
        items.push_back(std::make_unique<Item>(3, 3u));
        index.insert(*items.back());
        CHECK(index.bucket_count() == 8);
    }
    for (const auto &item : items) {
        CHECK(find(index, item->key, item->hash()) == item.get());
    }
}

TEST_CASE("section 5 hash index: a table moves no item while its size stays the same", "[hash_index]") {
    HashIndex<Item> index;
    std::vector<std::unique_ptr<Item>> items;
    for (int i = 0; i < 100; ++i) {
        items.push_back(std::make_unique<Item>(i, static_cast<std::size_t>(i)));
        index.insert(*items.back());
    }
    const auto buckets = index.bucket_count();
    for (int i = 0; i < 1000; ++i) {
        index.erase(*items[static_cast<std::size_t>(i % 100)]);
        index.insert(*items[static_cast<std::size_t>(i % 100)]);
        REQUIRE(index.bucket_count() == buckets);
    }
}

TEST_CASE("section 5 hash index: a text's hash is keyed", "[hash_index]") {
    CHECK(HashedText("a/b").hash == comoq::detail::table_hash(std::string_view("a/b")));
}

}
