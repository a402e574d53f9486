#include <comoq/detail/containers/keyed_hash.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "support/catch.hpp"

namespace keyed_hash_tests {

using comoq::detail::HashKey;
using comoq::detail::keyed_hash;
using comoq::detail::process_hash_key;
using comoq::detail::SipHash13;

TEST_CASE("section 5 keyed hash: SipHash-1-3 as another program computes it, with the key 0", "[keyed_hash]") {
    // CPython 3.11 with PYTHONHASHSEED=0: hash(b"...").
    const auto hash = [](std::string_view text) { return SipHash13(HashKey{})(text); };
    CHECK(hash("a") == 0x407448d2b89b1813);
    CHECK(hash("12345678") == 0x3489982430560a87);
    CHECK(hash("room/42/alice") == 0xbad088be1d5958f0);
    CHECK(hash("0123456789abcdef") == 0x1d42b30f7e060c24);
    CHECK(hash(std::string(31, 'x')) == 0x003e6ede9d87d836);
    CHECK(SipHash13(HashKey{})(std::uint64_t{0x0102030405060708}) == hash({"\x08\x07\x06\x05\x04\x03\x02\x01", 8}));
}

TEST_CASE("section 5 keyed hash: every bit of the key matters", "[keyed_hash]") {
    std::set<std::uint64_t> hashes = {SipHash13(HashKey{})("room/42")};
    for (unsigned bit = 0; bit != 64; ++bit) {
        hashes.insert(SipHash13(HashKey{std::uint64_t{1} << bit, 0})("room/42"));
        hashes.insert(SipHash13(HashKey{0, std::uint64_t{1} << bit})("room/42"));
    }
    CHECK(hashes.size() == 129);
}

TEST_CASE("section 5 keyed hash: a process has one key, which is not 0", "[keyed_hash]") {
    const HashKey key = process_hash_key();
    CHECK((key.first != 0 && key.second != 0));
    CHECK(keyed_hash(std::string_view("a")) == static_cast<std::size_t>(SipHash13(key)("a")));
    CHECK(keyed_hash(std::uint64_t{7}) == static_cast<std::size_t>(SipHash13(key)(std::uint64_t{7})));
}

TEST_CASE("section 5 keyed hash: names whose std::hash values end in the same bits do not collide", "[keyed_hash]") {
    constexpr std::size_t names = 256, buckets = 1024;
    std::set<std::size_t> used;
    std::size_t found = 0;
    for (std::uint64_t i = 0; found < names; ++i) {
        const auto name = "x" + std::to_string(i);
        if (std::hash<std::string_view>()(name) % buckets != 0) {
            continue;
        }
        ++found;
        used.insert(keyed_hash(std::string_view(name)) % buckets);
    }
    // 256 names in 1,024 buckets use about 226 of them.
    CHECK(used.size() > 150);
}

}
