#include <comoq/detail/wire/vi64.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "support/catch.hpp"
#include "support/hex.hpp"

namespace vi64_tests {

using namespace comoq::detail;
using comoq::test::hex_of;
using comoq::test::of_hex;

namespace {

struct Known {
    std::string_view hex;
    std::uint64_t value;
};
// From the text of draft 18, and from an encoder that was written from it.
constexpr Known shortest[] = {
    {"00", 0},
    {"25", 37},
    {"40", 64},
    {"7f", 127},
    {"8080", 128},
    {"bbbd", 15293},
    {"bfff", 16383},
    {"c04000", 16384},
    {"ed7f3e7d", 226442877},
    {"efffffff", 268435455},
    {"f010000000", 268435456},
    {"faa1a0e403d8", 2893212287960},
    {"fbffffffffff", 4398046511103},
    {"fc8998abc66bc0", 151288809941952},
    {"fefa318fa8e3ca11", 70423237261249041},
    {"feffffffffffffff", 72057594037927935},
    {"ff0100000000000000", 72057594037927936},
    {"ff4000000000000000", 4611686018427387904},
    {"ffffffffffffffffff", 18446744073709551615u},
};
constexpr Known longer[] = {{"8025", 37}, {"c00005", 5}, {"f000000005", 5}, {"f80000000005", 5}, {"ff0000000000000005", 5}};

}  // namespace

TEST_CASE("ietf 1: an integer is written in the fewest bytes, and is read back", "[ietf]") {
    for (const auto &[hex, value] : shortest) {
        INFO(hex);
        CHECK(hex_of(write_vi64(value).span()) == hex);
        CHECK(vi64_size(value) == hex.size() / 2);
        const auto read = read_vi64(of_hex(hex));
        REQUIRE(read);
        CHECK(read->value == value);
        CHECK(read->size == hex.size() / 2);
    }
}

TEST_CASE("ietf 1: an integer may be longer than it needs to be, and what follows it stays", "[ietf]") {
    for (const auto &[hex, value] : longer) {
        auto octets = of_hex(hex);
        octets.push_back(std::byte{0xff});
        const auto read = read_vi64(octets);
        REQUIRE(read);
        CHECK(read->value == value);
        CHECK(read->size == hex.size() / 2);
    }
}

TEST_CASE("ietf 1: an integer that is cut is none", "[ietf]") {
    for (const auto &[hex, value] : shortest) {
        const auto octets = of_hex(hex);
        for (std::size_t size = 0; size < octets.size(); ++size) CHECK_FALSE(read_vi64(std::span(octets).first(size)));
    }
}

TEST_CASE("ietf 1: every number of bits comes back", "[ietf]") {
    for (int bits = 0; bits < 64; ++bits)
        for (const std::uint64_t value : {std::uint64_t{1} << bits, (std::uint64_t{1} << bits) - 1}) {
            const auto written = write_vi64(value);
            const auto read = read_vi64(written.span());
            REQUIRE(read);
            CHECK(read->value == value);
            CHECK(read->size == written.size);
        }
}

}  // namespace vi64_tests
