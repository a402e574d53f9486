#include <comoq/time.hpp>

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>
#include <random>
#include <type_traits>
#include <vector>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/seed.hpp"

namespace time_tests {

using comoq::Error;
using comoq::Timescale;
using comoq::Timestamp;
using comoq::test::error_of;

static_assert(std::is_nothrow_default_constructible_v<Timestamp>);
static_assert(std::is_trivially_copyable_v<Timestamp>);
static_assert(std::is_same_v<decltype(Timestamp() <=> Timestamp()), std::strong_ordering>);
static_assert(!std::is_convertible_v<std::uint64_t, Timescale>);
static_assert(Timescale(90'000).units_per_second() == 90'000);

namespace {

constexpr std::uint64_t max_value = (std::uint64_t{1} << 62) - 1;
constexpr std::uint64_t max_units = std::numeric_limits<std::uint64_t>::max();

// Compares a/b with c/d as one would by hand: whole parts first, then the inverted fractions. Never beyond 64 bits.
std::strong_ordering compare(std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d) {
    if (const auto whole = a / b <=> c / d; std::is_neq(whole)) {
        return whole;
    }
    const auto left = a % b;
    const auto right = c % d;
    if (left == 0 || right == 0) {
        return left <=> right;
    }
    return compare(d, right, b, left);
}

std::uint64_t random_value(std::mt19937_64 &random) { return (random() & max_value) >> random() % 62; }

std::uint64_t random_units(std::mt19937_64 &random) {
    static const std::vector<std::uint64_t> usual = {
        1,      2,      3,      25,     60,        1000,          1001,      24'000,
        30'000, 44'100, 48'000, 90'000, 1'000'000, 1'000'000'000, max_units, max_units - 1};
    return random() % 2 == 0 ? usual[random() % usual.size()] : (random() >> random() % 64) | 1;
}

}  // namespace

TEST_CASE("section 6 time: a timestamp is a value at a timescale", "[time]") {
    const Timestamp timestamp(4'500, Timescale(90'000));
    CHECK(timestamp.value() == 4'500);
    CHECK(timestamp.scale() == Timescale(90'000));
    CHECK(timestamp.scale() != Timescale(1'000));
}

TEST_CASE("section 6 time: values go to 2^62-1", "[time]") {
    CHECK(Timestamp(max_value, Timescale(1)).value() == max_value);
    CHECK(error_of([] { return Timestamp(max_value + 1, Timescale(1)); }) == Error::BoundsExceeded);
    CHECK(error_of([] { return Timestamp(max_units, Timescale(1)); }) == Error::BoundsExceeded);
    CHECK(Timestamp::max_value == max_value);
}

TEST_CASE("section 6 time: the default is zero, and equals zero at every scale", "[time]") {
    const Timestamp zero;
    CHECK(zero.value() == 0);
    for (const std::uint64_t units : {std::uint64_t{1}, std::uint64_t{1'000}, std::uint64_t{90'000}, max_units}) {
        CHECK(zero == Timestamp(0, Timescale(units)));
        CHECK(std::is_eq(zero <=> Timestamp(0, Timescale(units))));
        CHECK(zero < Timestamp(1, Timescale(units)));
        CHECK(zero.convert(Timescale(units)).value() == 0);
        CHECK(zero.convert(Timescale(units)).scale() == Timescale(units));
    }
}

TEST_CASE("section 6 time: timestamps compare exactly across scales", "[time]") {
    CHECK(Timestamp(1, Timescale(1)) == Timestamp(90'000, Timescale(90'000)));
    CHECK(Timestamp(1'000, Timescale(1'000)) == Timestamp(1, Timescale(1)));
    CHECK(Timestamp(1, Timescale(1)) != Timestamp(1, Timescale(1'000)));
    CHECK(Timestamp(1, Timescale(3)) > Timestamp(333, Timescale(1'000)));
    CHECK(Timestamp(1, Timescale(3)) < Timestamp(334, Timescale(1'000)));
    CHECK((Timestamp(2, Timescale(3)) <=> Timestamp(4, Timescale(6))) == std::strong_ordering::equal);
    // Neither 64 bits nor a double can tell these apart.
    CHECK(Timestamp(max_value, Timescale(max_units)) < Timestamp(max_value, Timescale(max_units - 1)));
    CHECK(Timestamp(max_value, Timescale(max_units)) > Timestamp(max_value - 1, Timescale(max_units)));
    CHECK(Timestamp(max_value, Timescale(max_units)) == Timestamp(max_value, Timescale(max_units)));
    CHECK(Timestamp(max_value, Timescale(1)) > Timestamp(max_value, Timescale(max_units)));
}

TEST_CASE("section 6 time: conversion truncates", "[time]") {
    const auto converted = [](std::uint64_t value, std::uint64_t from, std::uint64_t to) {
        return Timestamp(value, Timescale(from)).convert(Timescale(to)).value();
    };
    CHECK(converted(1, 1, 90'000) == 90'000);
    CHECK(converted(89'999, 90'000, 1) == 0);
    CHECK(converted(90'000, 90'000, 1) == 1);
    CHECK(converted(1'001, 30'000, 1'000) == 33);
    CHECK(converted(2, 3, 1'000) == 666);
    CHECK(converted(12'345, 48'000, 48'000) == 12'345);
    CHECK(converted(max_value, max_units, max_units - 1) == max_value - 1);
    CHECK(converted(max_value, max_units, 1) == 0);
    CHECK(Timestamp(7, Timescale(1'000)).convert(Timescale(48'000)).scale() == Timescale(48'000));
}

TEST_CASE("section 6 time: a value that does not fit after conversion is TimestampMismatch", "[time]") {
    CHECK(Timestamp(max_value / 2, Timescale(1)).convert(Timescale(2)).value() == max_value - 1);
    CHECK(Timestamp(max_value / 3, Timescale(1)).convert(Timescale(3)).value() == max_value);
    CHECK(error_of([] { return Timestamp(max_value / 3 + 1, Timescale(1)).convert(Timescale(3)); }) ==
          Error::TimestampMismatch);
    CHECK(error_of([] { return Timestamp(max_value / 2 + 1, Timescale(1)).convert(Timescale(2)); }) ==
          Error::TimestampMismatch);
    CHECK(error_of([] { return Timestamp(max_value, Timescale(1)).convert(Timescale(2)); }) ==
          Error::TimestampMismatch);
    CHECK(error_of([] { return Timestamp(max_value, Timescale(1)).convert(Timescale(max_units)); }) ==
          Error::TimestampMismatch);
    // 2^62 * 4 is 0 in 64 bits.
    CHECK(error_of([] { return Timestamp(max_value / 2 + 1, Timescale(1)).convert(Timescale(8)); }) ==
          Error::TimestampMismatch);
}

TEST_CASE("section 6 time: a timescale of zero is TimestampMismatch", "[time]") {
    const Timescale none(0);
    CHECK(none.units_per_second() == 0);
    CHECK(error_of([&] { return Timestamp(0, none); }) == Error::TimestampMismatch);
    CHECK(error_of([&] { return Timestamp(5, none); }) == Error::TimestampMismatch);
    CHECK(error_of([&] { return Timestamp().convert(none); }) == Error::TimestampMismatch);
    CHECK(error_of([&] { return Timestamp(5, Timescale(1)).convert(none); }) == Error::TimestampMismatch);
    CHECK(error_of([&] { return Timestamp(max_units, none); }) == Error::BoundsExceeded);
}

TEST_CASE("section 6 time: comparison and conversion are exact for random values", "[time]") {
    std::mt19937_64 random(comoq::test::seed("time"));
    int overflows = 0;
    int equals = 0;
    for (int round = 0; round < 50'000; ++round) {
        const auto value = random_value(random);
        const auto from = random_units(random);
        const auto to = random_units(random);
        const Timestamp left(value, Timescale(from));
        auto other = random_value(random);
        const bool fits = std::is_gt(compare(max_value + 1, to, value, from));
        CAPTURE(round, value, from, to, other);
        if (fits) {
            const auto converted = left.convert(Timescale(to));
            // The greatest that is not later.
            REQUIRE(std::is_lteq(compare(converted.value(), to, value, from)));
            REQUIRE(std::is_gt(compare(converted.value() + 1, to, value, from)));
            REQUIRE(converted <= left);
            other = random() % 2 == 0 ? converted.value() : other;
        } else {
            ++overflows;
            REQUIRE(error_of([&] { return left.convert(Timescale(to)); }) == Error::TimestampMismatch);
        }
        const Timestamp right(other, Timescale(to));
        const auto expected = compare(value, from, other, to);
        equals += std::is_eq(expected);
        REQUIRE((left <=> right) == expected);
        REQUIRE((right <=> left) == 0 <=> expected);
        REQUIRE((left == right) == std::is_eq(expected));
    }
    CHECK(overflows > 500);
    CHECK(equals > 500);
}

TEST_CASE("section 6 time: a clock can be any callable", "[time]") {
    const std::chrono::steady_clock::time_point noon{std::chrono::hours(12)};
    const comoq::Clock clock = [noon] { return noon; };
    CHECK(clock() == noon);
    CHECK_FALSE(comoq::Clock());
}

}
