#include <comoq/detail/qmux/stream_header.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include <comoq/detail/qmux/codec.hpp>

#include "detail/qmux/octets.hpp"
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/seed.hpp"

namespace stream_header_tests {

using namespace comoq;
using namespace comoq::test;

namespace {

constexpr std::uint64_t most = comoq::detail::max_varint;

Octets encoded(const qmux::StreamHeader &header) {
    Octets octets;
    qmux::encode(header, octets);
    return octets;
}

/// The same by trying each length.
std::optional<std::uint64_t> naive_longest_payload(std::uint64_t id, std::uint64_t offset, std::uint64_t room) {
    for (std::uint64_t length = room + 1; length-- != 0;) {
        const qmux::StreamHeader header{id, offset, length, false};
        if (qmux::fits_stream(offset, length) && header.encoded_size() + length <= room) {
            return length;
        }
    }
    return std::nullopt;
}

}  // namespace

TEST_CASE("wire 6 STREAM: a header is the encoded frame without its payload", "[qmux]") {
    CHECK(encoded({4, 5, 2, false}) == of_hex("0e040502"));
    CHECK(encoded({0, 70'000, 0, true}) == of_hex("0f008001117000"));
    const auto payload = of_hex("6869");
    Octets whole;
    qmux::encode(qmux::Stream{4, 5, payload, false}, whole);
    CHECK(joined({encoded({4, 5, 2, false}), payload}) == whole);
}

TEST_CASE("wire 6 STREAM: the size of a header is known before it is encoded", "[qmux]") {
    const std::vector<std::uint64_t> numbers = {0, 63, 64, 16'383, 16'384, (1u << 30) - 1, 1u << 30, most / 4};
    for (const auto id : numbers) {
        for (const auto offset : numbers) {
            for (const auto length : numbers) {
                for (const bool fin : {false, true}) {
                    const qmux::StreamHeader header{id, offset, length, fin};
                    CHECK(header.encoded_size() == encoded(header).size());
                }
            }
        }
    }
}

TEST_CASE("wire 6 STREAM: a header beyond the stream's end, or with an id of more than 62 bits, is not encoded", "[qmux]") {
    CHECK(encoded({most, most - 5, 5, true}).size() == 18);
    CHECK(error_of([] { return encoded({0, most - 5, 6, true}); }) == Error::Encode);
    CHECK(error_of([] { return encoded({0, 0, most + 1, true}); }) == Error::Encode);
    CHECK(error_of([] { return encoded({0, most + 1, 0, true}); }) == Error::Encode);
    CHECK(error_of([] { return encoded({0, ~std::uint64_t{0}, ~std::uint64_t{0}, true}); }) == Error::Encode);
    CHECK(error_of([] { return encoded({most + 1, 0, 0, true}); }) == Error::Encode);
}

TEST_CASE("wire 6 STREAM: the longest payload fills a record, except for a byte where lengths grow", "[qmux]") {
    CHECK(qmux::longest_payload(0, 0, 16'382) == 16'382 - 5);
    CHECK(qmux::longest_payload(0, 0, 4) == 0);
    CHECK_FALSE(qmux::longest_payload(0, 0, 3));
    CHECK(qmux::longest_payload(0, 0, 4 + 63) == 63);
    CHECK(qmux::longest_payload(0, 0, 4 + 64) == 63);
    CHECK(qmux::longest_payload(0, 0, 4 + 65) == 64);
    for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{64}, most - 70, most}) {
        for (std::uint64_t room = 0; room < 300; ++room) {
            CHECK(qmux::longest_payload(70'000, offset, room) == naive_longest_payload(70'000, offset, room));
        }
    }
    for (std::uint64_t room = 16'380; room < 16'400; ++room) {
        CHECK(qmux::longest_payload(4, 4, room) == naive_longest_payload(4, 4, room));
    }
    std::mt19937_64 random(seed("qmux longest payload"));
    for (int times = 0; times < 10'000; ++times) {
        const std::uint64_t id = random() >> (2 + random() % 62);
        const std::uint64_t offset = random() >> (2 + random() % 62);
        const std::uint64_t room = random() >> (2 + random() % 62);
        const auto length = qmux::longest_payload(id, offset, room);
        qmux::StreamHeader header{id, offset, length.value_or(0), false};
        REQUIRE(length.has_value() == (header.encoded_size() <= room));
        if (length) {
            REQUIRE(header.encoded_size() + *length <= room);
            ++header.length;
            REQUIRE((!qmux::fits_stream(offset, header.length) || header.encoded_size() + header.length > room));
        }
    }
}

}
