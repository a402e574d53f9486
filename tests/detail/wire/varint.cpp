#include <comoq/detail/wire/varint.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace varint_tests {

using namespace comoq::detail;

namespace {

std::string hex(std::span<const std::byte> octets) {
    std::string text;
    for (const auto octet : octets) {
        text += "0123456789abcdef"[std::to_integer<unsigned>(octet) >> 4];
        text += "0123456789abcdef"[std::to_integer<unsigned>(octet) & 15];
    }
    return text;
}

}  // namespace

TEST_CASE("wire 1: integers are encoded as by the real peer, and are read back", "[lite]") {
    const std::vector<std::pair<std::uint64_t, std::string>> known = {
        {0, "00"},           {63, "3f"},          {64, "4040"},
        {16383, "7fff"},     {16384, "80004000"}, {1073741823, "bfffffff"},
        {1073741824, "c000000040000000"}, {4611686018427387903, "ffffffffffffffff"}};
    for (const auto &[value, text] : known) {
        const auto written = write_varint(value);
        CHECK(hex(written.span()) == text);
        CHECK(varint_size(value) == written.size);
        const auto read = read_varint(written.span());
        REQUIRE(read);
        CHECK(read->value == value);
        CHECK(read->size == written.size);
        for (std::size_t part = 0; part < written.size; ++part) {
            CHECK_FALSE(read_varint(written.span().first(part)));
        }
    }
}

TEST_CASE("wire 1: an integer may be encoded longer than necessary", "[lite]") {
    const std::vector<std::byte> long_one = {std::byte{0x40}, std::byte{0x01}, std::byte{0xff}};
    const auto read = read_varint(long_one);
    REQUIRE(read);
    CHECK(read->value == 1);
    CHECK(read->size == 2);
}

}
