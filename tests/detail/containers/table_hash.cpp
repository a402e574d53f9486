#include <comoq/detail/containers/table_hash.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"

namespace table_hash_tests {

using comoq::detail::HashKey;
using comoq::detail::process_hash_key;
using comoq::detail::process_table_key;
using comoq::detail::product_in_parts;
using comoq::detail::table_hash;
using comoq::detail::TableHash;
using comoq::detail::TableHashKey;
using comoq::detail::wide_product;

namespace {

const TableHashKey key_a(HashKey{1, 2}), key_b(HashKey{3, 4});

std::string name_of(std::size_t number) { return "room/" + std::to_string(number) + "/alice"; }

/// Names that share a bucket of 1,024 under that key.
std::vector<std::string> colliding_under(const TableHashKey &key, std::size_t count) {
    std::vector<std::string> names;
    for (std::size_t i = 0; names.size() != count; ++i)
        if (TableHash(key)(name_of(i)) % 1024 == 7) names.push_back(name_of(i));
    return names;
}

std::size_t buckets_of(const std::vector<std::string> &names, const TableHashKey &key) {
    std::set<std::uint64_t> used;
    for (const std::string &name : names) used.insert(TableHash(key)(name) % 1024);
    return used.size();
}

}  // namespace

TEST_CASE("section 5 table hash: the same text hashes equal, wherever it lies and whatever is around it", "[table_hash]") {
    const TableHash hash(key_a);
    for (std::size_t size = 0; size != 40; ++size) {
        std::string text(size, '\0');
        for (std::size_t i = 0; i != size; ++i) text[i] = static_cast<char>('a' + i);
        const auto expected = hash(text);
        for (std::size_t shift = 0; shift != 9; ++shift) {
            // No byte beyond the text's own may be read: the heap's checkers see it.
            const auto exact = std::make_unique<char[]>(shift + size);
            text.copy(exact.get() + shift, size);
            CHECK(hash(std::string_view(exact.get() + shift, size)) == expected);
            const std::string other = std::string(shift, '\xff') + text + "\xff\xff";
            CHECK(hash(std::string_view(other).substr(shift, size)) == expected);
        }
    }
}

TEST_CASE("section 5 table hash: texts that differ in their length, a byte or a NUL at the end differ", "[table_hash]") {
    const TableHash hash(key_a);
    std::set<std::uint64_t> hashes;
    std::set<std::string> texts;
    const auto add = [&](const std::string &text) {
        texts.insert(text);
        hashes.insert(hash(text));
    };
    for (std::size_t size = 0; size != 40; ++size) {
        add(std::string(size, '\0'));
        if (size != 0) add(std::string(size, 'x'));
        for (std::size_t i = 0; i != size; ++i) {
            std::string text(size, 'x');
            text[i] = 'y';
            add(text);
            text[i] = '\0';
            add(text);
        }
    }
    // Sizes that could be mistaken for bytes, and bytes for sizes.
    add("gbcdef");
    add(std::string("abcdef\0", 7));
    add(std::string("abcdef\1", 7));
    add("abcdef");
    CHECK(hashes.size() == texts.size());
}

TEST_CASE("section 5 table hash: numbers differ in every bit", "[table_hash]") {
    const TableHash hash(key_a);
    std::set<std::uint64_t> hashes = {hash(std::uint64_t{0})};
    for (unsigned bit = 0; bit != 64; ++bit) hashes.insert(hash(std::uint64_t{1} << bit));
    // Two numbers that are equal modulo 2^61-1, and one more than each.
    for (const std::uint64_t number : {std::uint64_t{5}, std::uint64_t{5} + (std::uint64_t{1} << 61) - 1})
        for (const std::uint64_t more : {std::uint64_t{0}, std::uint64_t{1}}) hashes.insert(hash(number + more));
    CHECK(hashes.size() == 69);
}

TEST_CASE("section 5 table hash: words that are equal modulo 2^61-1 do not collide", "[table_hash]") {
    const TableHash hash(key_a);
    const std::uint64_t prime = (std::uint64_t{1} << 61) - 1;
    const auto text_of = [](std::uint64_t word) {
        std::string text;
        for (unsigned i = 0; i != 8; ++i) text += static_cast<char>(word >> (8 * i) & 0xff);
        return text;
    };
    std::set<std::uint64_t> hashes;
    for (std::uint64_t multiple = 0; multiple != 8; ++multiple) hashes.insert(hash(text_of(11 + multiple * prime) + "abc"));
    CHECK(hashes.size() == 8);
}

TEST_CASE("section 5 table hash: another key gives another order", "[table_hash]") {
    std::size_t turned = 0;
    constexpr std::size_t pairs = 1000;
    for (std::size_t i = 0; i != pairs; ++i) {
        const auto one = name_of(2 * i), other = name_of(2 * i + 1);
        const bool under_a = TableHash(key_a)(one) < TableHash(key_a)(other);
        const bool under_b = TableHash(key_b)(one) < TableHash(key_b)(other);
        turned += under_a != under_b ? 1 : 0;
    }
    CHECK(turned > 400);
    CHECK(turned < 600);
}

TEST_CASE("section 5 table hash: names that collide under one key do not under another", "[table_hash]") {
    const auto names = colliding_under(key_a, 256);
    REQUIRE(buckets_of(names, key_a) == 1);
    // 256 names in 1,024 buckets use about 226 of them.
    CHECK(buckets_of(names, key_b) > 200);
    // Each secret matters alone.
    for (std::uint64_t TableHashKey::*part : {&TableHashKey::point, &TableHashKey::mask, &TableHashKey::multiplier}) {
        TableHashKey mixed = key_a;
        mixed.*part = key_b.*part;
        mixed.square = TableHashKey::square_of(mixed.point);
        CHECK(buckets_of(names, mixed) > 200);
    }
}

TEST_CASE("section 5 table hash: each bit of a text changes each bit of the hash about half the times", "[table_hash]") {
    std::mt19937_64 random(1);
    constexpr int rounds = 400;
    for (const std::size_t size : std::vector<std::size_t>{1, 5, 7, 8, 14, 23}) {
        for (std::size_t changed = 0; changed != 8 * size; ++changed) {
            int flips[64] = {};
            for (int round = 0; round != rounds; ++round) {
                // Another key each time: with one key, many texts share the bits that a change depends on.
                const TableHashKey key(HashKey{random(), random()});
                std::string text;
                while (text.size() != size) text += static_cast<char>(random() & 0xff);
                const auto before = TableHash(key)(text);
                text[changed / 8] = static_cast<char>(text[changed / 8] ^ (1 << changed % 8));
                const auto change = before ^ TableHash(key)(text);
                for (unsigned bit = 0; bit != 64; ++bit) flips[bit] += change >> bit & 1 ? 1 : 0;
            }
            // The standard deviation is 10.
            for (const int count : flips) REQUIRE((count > rounds / 2 - 70 && count < rounds / 2 + 70));
        }
    }
}

TEST_CASE("section 5 table hash: a process has one secret, made of its key, but not the key", "[table_hash]") {
    const TableHashKey &key = process_table_key();
    const TableHashKey made(process_hash_key());
    CHECK((key.point == made.point && key.mask == made.mask && key.multiplier == made.multiplier));
    CHECK((key.point >> 60 == 0 && key.square >> 60 == 0));
    CHECK(key.square == TableHashKey::square_of(key.point));
    CHECK((key.point % 2 == 1 && key.multiplier % 2 == 1));
    CHECK((key.point != key.mask && key.mask != key.multiplier && key.mask != process_hash_key().first));
    CHECK(table_hash(std::string_view("a")) == static_cast<std::size_t>(TableHash(key)("a")));
    CHECK(table_hash(std::uint64_t{7}) == static_cast<std::size_t>(TableHash(key)(std::uint64_t{7})));
}

TEST_CASE("section 5 table hash: two coefficients in a step are the same polynomial as one after the other", "[table_hash]") {
    constexpr std::uint64_t prime = (std::uint64_t{1} << 61) - 1;
    const auto times = [](std::uint64_t a, std::uint64_t b) {
        std::uint64_t product = 0;
        for (; b != 0; b >>= 1, a = (a + a) % prime)
            if ((b & 1) != 0) product = (product + a) % prime;
        return product;
    };
    for (std::uint64_t number = 1; number < prime / 2; number = number * 3 + 1)
        REQUIRE(TableHashKey::square_of(number) == times(number, number));
    // With a mask of 0 and a multiplier of 1 the hash is the value, which is not reduced further than to 63 bits.
    TableHashKey key = key_a;
    key.mask = 0;
    key.multiplier = 1;
    for (std::size_t size = 0; size != 60; ++size) {
        std::string text;
        while (text.size() != size) text += static_cast<char>(0xff - text.size());
        std::uint64_t value = 1;
        for (std::string_view left = text;;) {
            const auto bytes = left.size() > 7 ? left.substr(0, 7) : left;
            std::uint64_t coefficient = left.size() > 7 ? 0 : std::uint64_t{1} << (8 * bytes.size());
            for (std::size_t i = 0; i != bytes.size(); ++i) coefficient |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
            value = times((value + coefficient) % prime, key.point);
            if (left.size() <= 7) break;
            left.remove_prefix(7);
        }
        INFO(size);
        const auto hash = TableHash(key)(text);
        CHECK(hash % prime == value);
        CHECK(hash >> 63 == 0);
    }
}

TEST_CASE("section 5 table hash: a wide product is the same in parts", "[table_hash]") {
    std::mt19937_64 random(2);
    const std::uint64_t most = ~std::uint64_t{0};
    std::vector<std::uint64_t> numbers = {0, 1, most, most - 1, 0xffffffff, 0x100000000};
    for (int i = 0; i != 50; ++i) numbers.push_back(random() >> (i % 64));
    for (const std::uint64_t a : numbers) {
        for (const std::uint64_t b : numbers) {
            const auto product = wide_product(a, b), parts = product_in_parts(a, b);
            REQUIRE((product.low == parts.low && product.high == parts.high));
        }
    }
    const auto largest = product_in_parts(most, most);
    CHECK((largest.low == 1 && largest.high == most - 1));
}

}
