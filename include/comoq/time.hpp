// SPDX-License-Identifier: MIT
/// \file
/// When to show a frame, and the current time.
#pragma once

#include "config.hpp"
#include "detail/text/printed.hpp"

#include <chrono>
#include <compare>
#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <ratio>
#include <string>
#include <type_traits>

#include <comoq/detail/wait/failure.hpp>

namespace comoq {

/// The library's source of time. Programs and tests can supply their own. Called from any thread, under no lock. It
/// must not throw.
using Clock = std::function<std::chrono::steady_clock::time_point()>;

/// The units of a timestamp: how many make a second.
///
/// A timescale of 0 units can be constructed, but a timestamp cannot have it.
class Timescale {
public:
    /// `units_per_second` units make a second: 1,000 for milliseconds, 90,000 for MPEG's clock.
    explicit constexpr Timescale(std::uint64_t units_per_second) : units_(units_per_second) {}
    /// How many units make a second.
    constexpr std::uint64_t units_per_second() const noexcept { return units_; }
    friend bool operator==(Timescale, Timescale) = default;

private:
    std::uint64_t units_;
};

namespace detail {

template <class T> inline constexpr bool is_whole_duration = false;
/// A duration in whole units, of which a whole number make a second, or which are whole seconds.
template <std::integral Rep, class Period>
inline constexpr bool is_whole_duration<std::chrono::duration<Rep, Period>> = Period::num == 1 || Period::den == 1;

}  // namespace detail

/// A duration of `std::chrono` in whole units: nanoseconds, microseconds, milliseconds, seconds, minutes, or of a period
/// such as `std::ratio<1, 90000>`.
template <class T>
concept WholeDuration = detail::is_whole_duration<T>;

/// A point of media time: a number of units of a timescale, at most 2^62-1 of them.
///
/// Timestamps compare exactly, as the times that they represent: 1 of 1 and 90000 of 90000 are both a second.
class Timestamp {
public:
    static constexpr std::uint64_t max_value = (std::uint64_t{1} << 62) - 1;

    /// Zero, in milliseconds. Zero is the same at every scale.
    constexpr Timestamp() noexcept = default;

    /// Throws `std::system_error`: `Error::BoundsExceeded` for a value above 2^62-1, `Error::TimestampMismatch` for a
    /// scale of 0 units.
    constexpr Timestamp(std::uint64_t value, Timescale scale) : value_(value), scale_(scale) {
        if (value > max_value) {
            detail::throw_error(Error::BoundsExceeded);
        }
        if (scale.units_per_second() == 0) {
            detail::throw_error(Error::TimestampMismatch);
        }
    }

    /// The time since zero, with the duration's own units as the timescale: `Timestamp(40ms)` is 40 of 1,000. Nothing is
    /// rounded. Throws `std::system_error` with `Error::BoundsExceeded` for a negative duration or above 2^62-1 units.
    template <WholeDuration Duration>
    explicit constexpr Timestamp(Duration time) : Timestamp(units_in(time), Timescale(Duration::period::den)) {}

    /// The same at `scale`. Throws `Error::TimestampMismatch` where that is not exact, as 1 ms at 30 units a second is not;
    /// `Timestamp(time).convert(scale)` rounds down instead.
    template <WholeDuration Duration>
    constexpr Timestamp(Duration time, Timescale scale) : Timestamp(Timestamp(time).convert(scale)) {
        if (*this != Timestamp(time)) detail::throw_error(Error::TimestampMismatch);
    }

    /// The number of units.
    constexpr std::uint64_t value() const noexcept { return value_; }
    /// The unit.
    constexpr Timescale scale() const noexcept { return scale_; }

    /// The same time at another scale, rounded down to whole units. Throws `std::system_error` with
    /// `Error::TimestampMismatch` if it would be above 2^62-1, or `scale` has 0 units.
    constexpr Timestamp convert(Timescale scale) const {
        if (scale == scale_) {
            return *this;
        }
        const Wide converted = times(scale) / scale_.units_per_second();
        if (converted > max_value || scale.units_per_second() == 0) {
            detail::throw_error(Error::TimestampMismatch);
        }
        return {static_cast<std::uint64_t>(converted), scale};
    }

    /// The same without exceptions: `ec` gets the code, a false one after success, and the result is zero after a failure.
    Timestamp convert(Timescale scale, std::error_code &ec) const noexcept {
        ec.clear();
        if (scale == scale_) return *this;
        const Wide converted = times(scale) / scale_.units_per_second();
        if (converted <= max_value && scale.units_per_second() != 0) return {static_cast<std::uint64_t>(converted), scale};
        ec = make_error_code(Error::TimestampMismatch);
        return {};
    }

    /// The time since zero as a duration. Throws `std::system_error` with `Error::TimestampMismatch` where that is not exact,
    /// as 1 of 90,000 in microseconds is not: `floor` rounds. A duration in floating point is rounded.
    template <class Duration> constexpr Duration to() const {
        if constexpr (std::chrono::treat_as_floating_point_v<typename Duration::rep>) {
            using Rep = typename Duration::rep;
            return Duration(static_cast<Rep>(value_) / static_cast<Rep>(scale_.units_per_second()) *
                            static_cast<Rep>(Duration::period::den) / static_cast<Rep>(Duration::period::num));
        } else {
            const auto time = floor<Duration>();
            const Wide units = Wide{static_cast<std::uint64_t>(time.count())} * Duration::period::num;
            if (units * scale_.units_per_second() != times(Timescale(Duration::period::den)))
                detail::throw_error(Error::TimestampMismatch);
            return time;
        }
    }

    /// The same, rounded down to whole units. Throws `Error::TimestampMismatch` if the duration cannot hold it.
    template <WholeDuration Duration> constexpr Duration floor() const {
        const Wide time = times(Timescale(Duration::period::den)) / scale_.units_per_second() / Duration::period::num;
        if (time > static_cast<std::uint64_t>(std::numeric_limits<typename Duration::rep>::max()))
            detail::throw_error(Error::TimestampMismatch);
        return Duration(static_cast<typename Duration::rep>(time));
    }

    friend constexpr bool operator==(Timestamp left, Timestamp right) noexcept {
        return left.times(right.scale_) == right.times(left.scale_);
    }
    friend constexpr std::strong_ordering operator<=>(Timestamp left, Timestamp right) noexcept {
        return left.times(right.scale_) <=> right.times(left.scale_);
    }

private:
    // A value below 2^62 times units below 2^64 does not overflow 128 bits.
    __extension__ using Wide = unsigned __int128;

    /// The units of 1/den seconds in a duration whose period is num/den.
    template <class Duration> static constexpr std::uint64_t units_in(Duration time) {
        if (time < Duration::zero()) detail::throw_error(Error::BoundsExceeded);
        const Wide units = Wide{static_cast<std::uint64_t>(time.count())} * Duration::period::num;
        if (units > max_value) detail::throw_error(Error::BoundsExceeded);
        return static_cast<std::uint64_t>(units);
    }

    constexpr Wide times(Timescale scale) const noexcept { return Wide{value_} * scale.units_per_second(); }

    std::uint64_t value_ = 0;
    Timescale scale_{1000};
};

/// The seconds as a decimal number, such as "1.500s": with as many digits as the timescale needs, at most nine, and rounded
/// down. It is what fmt and streams print.
std::string to_string(Timestamp timestamp);

}  // namespace comoq

COMOQ_PRINTED(comoq::Timestamp);

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "impl/time.ipp"
#endif
