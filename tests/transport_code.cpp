// The numbers with which streams and connections end, as codes.
#include <comoq/transport_code.hpp>

#include <cstdint>
#include <limits>
#include <system_error>

#include <comoq/error.hpp>

#include "support/catch.hpp"

namespace transport_code_tests {

using comoq::connection_end_number;
using comoq::connection_ended;
using comoq::stream_end_number;
using comoq::stream_ended;

namespace {

constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();

}  // namespace

TEST_CASE("transport codes: every number of 32 bits is told again, a larger one as the largest of them", "[transport][codes]") {
    for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{13}, std::uint64_t{0x7fff'ffff},
                                       std::uint64_t{0x8000'0000}, most - 1, most, most + 1, comoq::max_end_number}) {
        CAPTURE(number);
        const auto told = number < most ? number : most;
        CHECK(stream_end_number(stream_ended(number)) == told);
        CHECK(connection_end_number(connection_ended(number)) == told);
    }
}

TEST_CASE("transport codes: a stream that ended with 0 has failed, a connection that ended with 0 has not", "[transport][codes]") {
    CHECK(stream_ended(0));
    CHECK(connection_ended(0) == std::error_code());
    CHECK(connection_end_number({}) == 0u);
}

TEST_CASE("transport codes: a number equals no Error, and is of one kind", "[transport][codes]") {
    CHECK(stream_ended(13) != comoq::Error::NotFound);
    CHECK(connection_ended(13) != comoq::Error::NotFound);
    CHECK(stream_ended(13) != connection_ended(13));
    CHECK_FALSE(connection_end_number(stream_ended(13)));
    CHECK_FALSE(connection_end_number(stream_ended(0)));
    CHECK_FALSE(stream_end_number(connection_ended(13)));
    CHECK_FALSE(stream_end_number({}));
    for (const std::error_code other : {make_error_code(comoq::Error::NotFound), std::make_error_code(std::errc::io_error)}) {
        CHECK_FALSE(stream_end_number(other));
        CHECK_FALSE(connection_end_number(other));
    }
}

TEST_CASE("transport codes: their messages have the number", "[transport][codes]") {
    CHECK(stream_ended(0).message() == "the stream ended with 0");
    CHECK(stream_ended(51).message() == "the stream ended with 51");
    CHECK(connection_ended(most).message() == "the connection ended with 4294967295");
}

}
