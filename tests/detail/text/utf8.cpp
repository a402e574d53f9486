#include <comoq/detail/text/utf8.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "support/catch.hpp"

namespace utf8_tests {

using comoq::detail::is_printable_utf8;
using comoq::detail::printable_sequence;
using namespace std::string_literals;

namespace {

// The bits as UTF-8 defines them, also for surrogates and numbers that are too large.
std::string encoded(std::uint32_t point, std::size_t length) {
    if (length == 1) {
        return std::string(1, static_cast<char>(point));
    }
    std::string bytes;
    for (std::size_t i = 1; i < length; ++i) {
        bytes.insert(bytes.begin(), static_cast<char>(0x80 | (point & 0x3f)));
        point >>= 6;
    }
    const std::uint32_t lead = 0xf00u >> length & 0xff;
    bytes.insert(bytes.begin(), static_cast<char>(lead | point));
    return bytes;
}

std::size_t shortest(std::uint32_t point) { return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4; }

bool control(std::uint32_t point) { return point < 0x20 || (point >= 0x7f && point <= 0x9f); }

}  // namespace

TEST_CASE("section 3: every code point is valid except controls and surrogates", "[utf8]") {
    std::size_t wrong = 0;
    std::uint32_t first_wrong = 0;
    for (std::uint32_t point = 0; point <= 0x10ffff; ++point) {
        const bool good = !control(point) && !(point >= 0xd800 && point <= 0xdfff);
        const auto bytes = encoded(point, shortest(point));
        if (is_printable_utf8(bytes) != good || printable_sequence(bytes) != (good ? bytes.size() : 0)) {
            first_wrong = wrong++ == 0 ? point : first_wrong;
        }
    }
    CAPTURE(first_wrong);
    CHECK(wrong == 0);
}

TEST_CASE("section 3: nothing above U+10FFFF is valid", "[utf8]") {
    std::size_t accepted = 0;
    for (std::uint32_t point = 0x110000; point < 0x200000; point += 0x3f) {
        accepted += is_printable_utf8(encoded(point, 4));
    }
    CHECK(accepted == 0);
    CHECK_FALSE(is_printable_utf8("\xf4\x90\x80\x80"));
    CHECK_FALSE(is_printable_utf8("\xf5\x80\x80\x80"));
    CHECK_FALSE(is_printable_utf8("\xf8\x88\x80\x80\x80"));
}

TEST_CASE("section 3: overlong forms are not valid", "[utf8]") {
    std::size_t accepted = 0;
    for (std::uint32_t point = 0; point < 0x10000; ++point) {
        for (std::size_t length = shortest(point) + 1; length <= 4; ++length) {
            accepted += is_printable_utf8(encoded(point, length));
        }
    }
    CHECK(accepted == 0);
}

TEST_CASE("section 3: a sequence that is cut short is not valid, whatever follows", "[utf8]") {
    for (const auto &whole : {"\xc3\xa9"s, "\xe2\x82\xac"s, "\xf0\x9f\x98\x80"s}) {
        REQUIRE(is_printable_utf8(whole));
        for (std::size_t kept = 1; kept < whole.size(); ++kept) {
            CHECK_FALSE(is_printable_utf8(whole.substr(0, kept)));
            CHECK_FALSE(is_printable_utf8(whole.substr(0, kept) + "a"));
            CHECK_FALSE(is_printable_utf8(whole.substr(0, kept) + whole));
            // Bytes behind the end must not be read.
            CHECK(printable_sequence(std::string_view(whole).substr(0, kept)) == 0);
        }
        CHECK_FALSE(is_printable_utf8(whole.substr(1)));
        CHECK(is_printable_utf8("a" + whole + "b" + whole));
    }
}

TEST_CASE("section 3: bytes that no sequence begins with are not valid", "[utf8]") {
    for (unsigned byte = 0x80; byte <= 0xff; ++byte) {
        const std::string alone(1, static_cast<char>(byte));
        CHECK_FALSE(is_printable_utf8(alone));
        CHECK_FALSE(is_printable_utf8("a" + alone + "z"));
    }
    CHECK(is_printable_utf8(""));
    CHECK(is_printable_utf8(" ~"));
    CHECK_FALSE(is_printable_utf8("a\0b"s));
}

}
