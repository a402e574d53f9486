#include <comoq/time.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>
#include <system_error>
#include <type_traits>

#include "support/catch.hpp"
#include "support/error_of.hpp"

namespace time_durations_tests {

using namespace comoq;
using namespace std::chrono_literals;
using comoq::test::error_of;

using Ticks = std::chrono::duration<std::int64_t, std::ratio<1, 90'000>>;
using Thirds = std::chrono::duration<std::int64_t, std::ratio<2, 3>>;

static_assert(WholeDuration<std::chrono::nanoseconds> && WholeDuration<std::chrono::hours> && WholeDuration<Ticks>);
static_assert(!WholeDuration<Thirds> && !WholeDuration<std::chrono::duration<double>> && !WholeDuration<int>);
static_assert(!std::is_convertible_v<std::chrono::milliseconds, Timestamp>, "a duration is not a point of time by accident");
static_assert(Timestamp(40ms).value() == 40 && Timestamp(40ms).scale() == Timescale(1000));

TEST_CASE("durations: a timestamp has the units of its duration", "[time]") {
    CHECK(Timestamp(1'500'000us).value() == 1'500'000);
    CHECK(Timestamp(1'500'000us).scale() == Timescale(1'000'000));
    CHECK(Timestamp(3ns).scale() == Timescale(1'000'000'000));
    CHECK(Timestamp(2min).value() == 120);
    CHECK(Timestamp(2h).scale() == Timescale(1));
    CHECK(Timestamp(Ticks(3003)).value() == 3003);
    CHECK(Timestamp(Ticks(3003)).scale() == Timescale(90'000));
    CHECK(Timestamp(std::chrono::duration<unsigned char>(7)) == Timestamp(7, Timescale(1)));
}

TEST_CASE("durations: a negative one and a huge one are out of bounds", "[time]") {
    CHECK(error_of([] { return Timestamp(-1ms); }) == Error::BoundsExceeded);
    CHECK(error_of([] { return Timestamp(std::chrono::nanoseconds::max()); }) == Error::BoundsExceeded);
    CHECK(error_of([] { return Timestamp(std::chrono::hours(std::numeric_limits<std::int32_t>::max())); }) == std::error_code());
    CHECK(error_of([] { return Timestamp(std::chrono::duration<std::uint64_t, std::ratio<3600>>(1ull << 61)); }) ==
          Error::BoundsExceeded);
}

TEST_CASE("durations: a scale is exact or refused, and convert rounds down instead", "[time]") {
    CHECK(Timestamp(40ms, Timescale(90'000)).value() == 3600);
    CHECK(Timestamp(40ms, Timescale(90'000)).scale() == Timescale(90'000));
    CHECK(Timestamp(2s, Timescale(30)).value() == 60);
    CHECK(error_of([] { return Timestamp(1ms, Timescale(30)); }) == Error::TimestampMismatch);
    CHECK(error_of([] { return Timestamp(33'333us, Timescale(90'000)); }) == Error::TimestampMismatch);
    CHECK(Timestamp(33'333us).convert(Timescale(90'000)).value() == 2999);
    CHECK(error_of([] { return Timestamp(1ms, Timescale(0)); }) == Error::TimestampMismatch);
}

TEST_CASE("durations: a timestamp becomes a duration exactly or not, and floor rounds down", "[time]") {
    const Timestamp frame(3003, Timescale(90'000));
    CHECK(frame.to<Ticks>() == Ticks(3003));
    // 149 years: as nanoseconds they are more units than a timestamp may have, and fit into the duration.
    const Timestamp late(4'700'000'000'000'000, Timescale(1'000'000));
    CHECK(late.to<std::chrono::nanoseconds>() == std::chrono::microseconds(4'700'000'000'000'000));
    CHECK(error_of([&] { return frame.to<std::chrono::milliseconds>().count(); }) == Error::TimestampMismatch);
    CHECK(error_of([&] { return frame.to<std::chrono::nanoseconds>().count(); }) == Error::TimestampMismatch);
    CHECK(frame.floor<std::chrono::milliseconds>() == 33ms);
    CHECK(frame.floor<std::chrono::nanoseconds>() == 33'366'666ns);
    CHECK(Timestamp(3600, Timescale(90'000)).to<std::chrono::microseconds>() == 40ms);
    CHECK(Timestamp(119'999, Timescale(1000)).floor<std::chrono::minutes>() == 1min);
    CHECK(Timestamp(120, Timescale(1)).to<std::chrono::minutes>() == 2min);
    CHECK(Timestamp().to<std::chrono::nanoseconds>() == 0ns);
    CHECK(frame.to<std::chrono::duration<double>>().count() == Approx(0.0333666667));
    CHECK(frame.to<std::chrono::duration<double, std::milli>>().count() == Approx(33.3666667));
}

TEST_CASE("durations: a timestamp that a duration cannot hold is refused", "[time]") {
    const Timestamp last(Timestamp::max_value, Timescale(1));
    CHECK(error_of([&] { return last.floor<std::chrono::nanoseconds>().count(); }) == Error::TimestampMismatch);
    CHECK(error_of([&] { return last.to<std::chrono::milliseconds>().count(); }) == Error::TimestampMismatch);
    CHECK(last.to<std::chrono::seconds>().count() == static_cast<std::int64_t>(Timestamp::max_value));
    CHECK(error_of([] { return Timestamp(200s).floor<std::chrono::duration<signed char>>().count(); }) ==
          Error::TimestampMismatch);
}

}  // namespace time_durations_tests
