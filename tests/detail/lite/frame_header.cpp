#include <comoq/detail/lite/frame_header.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <comoq/error.hpp>

#include "support/catch.hpp"
#include "support/error_of.hpp"

namespace frame_header_tests {

using namespace comoq;
using comoq::test::error_of;

TEST_CASE("wire 3 FRAME: the timestamp's difference is a zigzag, whatever its sign, and the size follows", "[lite]") {
    const std::int64_t most = (std::int64_t{1} << 61) - 1;
    for (const std::int64_t delta : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1}, std::int64_t{-2}, std::int64_t{33},
                                     std::int64_t{-70'000}, most, -most - 1}) {
        for (const std::uint64_t size : {0u, 63u, 64u, 5'000'000u}) {
            std::vector<std::byte> octets;
            lite::encode(lite::FrameHeader{delta, size}, octets);
            const auto read = lite::read_frame_header(octets);
            REQUIRE(read);
            CHECK(read->header == lite::FrameHeader{delta, size});
            CHECK(read->size == octets.size());
            for (std::size_t part = 0; part < octets.size(); ++part) {
                CHECK_FALSE(lite::read_frame_header(std::span(octets).first(part)));
            }
        }
    }
    std::vector<std::byte> octets;
    lite::encode(lite::FrameHeader{-1, 2}, octets);
    CHECK(octets == std::vector<std::byte>{std::byte{1}, std::byte{2}});
    for (const auto too_much : {most + 1, -most - 2, std::numeric_limits<std::int64_t>::min()}) {
        CHECK(error_of([&] { lite::encode(lite::FrameHeader{too_much, 0}, octets); }) == Error::Encode);
    }
}

}
