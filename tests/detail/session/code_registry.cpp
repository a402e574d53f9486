// The parts of a protocol's tables of numbers for errors.
#include <comoq/detail/session/code_registry.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <system_error>

#include "support/catch.hpp"

namespace code_registry_tests {

using comoq::app_error;
using comoq::Error;
using comoq::detail::app_number;
using comoq::detail::CodeRow;
using comoq::detail::error_beyond;
using comoq::detail::error_in;
using comoq::detail::number_in;
using comoq::detail::UnknownCodes;

namespace {

constexpr CodeRow table[] = {{7, Error::Old}, {8, Error::Timeout}, {9, Error::Timeout}, {8, Error::Lagged}};
constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();

}  // namespace

TEST_CASE("code registry: the first row with an error, or a number, decides", "[session][codes]") {
    CHECK(number_in(table, Error::Old) == 7u);
    CHECK(number_in(table, Error::Timeout) == 8u);
    CHECK(number_in(table, Error::Lagged) == 8u);
    CHECK_FALSE(number_in(table, Error::Closed));
    CHECK(error_in(table, 8) == Error::Timeout);
    CHECK(error_in(table, 9) == Error::Timeout);
    CHECK_FALSE(error_in(table, 0));
    CHECK_FALSE(error_in(table, (std::uint64_t{1} << 32) + 7));
}

TEST_CASE("code registry: an unknown number is the value of its code, equals no Error, and is known by its registry only",
          "[session][codes]") {
    const UnknownCodes here("here"), here_too("here"), elsewhere("elsewhere");
    for (const std::uint64_t number : {std::uint64_t{1}, std::uint64_t{13}, std::uint64_t{63}, most - 1, most}) {
        CAPTURE(number);
        const auto code = here.code_of(number);
        CHECK(code);
        CHECK(here.number_of(code) == number);
        CHECK_FALSE(elsewhere.number_of(code));
        CHECK(code != Error(static_cast<int>(number)));
        CHECK(code.message() == "here " + std::to_string(number));
        // A module that hides its symbols has its own category.
        CHECK(here_too.number_of(code) == number);
    }
    CHECK_FALSE(here.number_of(make_error_code(Error::NotFound)));
    CHECK_FALSE(here.number_of(std::make_error_code(std::errc::io_error)));
}

TEST_CASE("code registry: an unknown number of more than 32 bits counts as the largest one", "[session][codes]") {
    const UnknownCodes here("here");
    CHECK(here.number_of(here.code_of(most + 1)) == most);
    CHECK(here.number_of(error_beyond((std::uint64_t{1} << 62) - 1, here)) == most);
}

TEST_CASE("code registry: a number from 64 on is an application's error, and every number of 32 bits can be told again",
          "[session][codes]") {
    const UnknownCodes here("here");
    CHECK(error_beyond(64, here) == app_error(0));
    CHECK(error_beyond(468, here) == app_error(404));
    CHECK(error_beyond(most, here) == app_error(static_cast<std::uint32_t>(most - 64)));
    CHECK_FALSE(app_number(make_error_code(Error::Cancelled)));
    CHECK_FALSE(app_number(make_error_code(Error::MalformedTrack)));
    CHECK_FALSE(app_number(std::error_code(64, std::generic_category())));
    const auto survives = [&here](std::uint64_t number) {
        const auto code = error_beyond(number, here);
        const auto app = app_number(code);
        return code && (app ? *app : here.number_of(code)) == number;
    };
    for (const std::uint64_t begin : {std::uint64_t{1}, std::uint64_t{0x1'0000 - 32}, std::uint64_t{0x8000'ffe0},
                                      std::uint64_t{0x8001'0000 - 32}, most - 63}) {
        for (std::uint64_t number = begin; number < begin + 64; ++number) {
            CAPTURE(number);
            CHECK(survives(number));
        }
    }
}

}
