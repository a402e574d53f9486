/// \file
/// When to show a frame, and the current time.
#pragma once

#include "config.hpp"

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>

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
    explicit constexpr Timescale(std::uint64_t units_per_second) : units_(units_per_second) {}
    constexpr std::uint64_t units_per_second() const noexcept { return units_; }
    friend bool operator==(Timescale, Timescale) = default;

private:
    std::uint64_t units_;
};

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

    constexpr std::uint64_t value() const noexcept { return value_; }
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

    friend constexpr bool operator==(Timestamp left, Timestamp right) noexcept {
        return left.times(right.scale_) == right.times(left.scale_);
    }
    friend constexpr std::strong_ordering operator<=>(Timestamp left, Timestamp right) noexcept {
        return left.times(right.scale_) <=> right.times(left.scale_);
    }

private:
    // A value below 2^62 times units below 2^64 does not overflow 128 bits.
    __extension__ using Wide = unsigned __int128;

    constexpr Wide times(Timescale scale) const noexcept { return Wide{value_} * scale.units_per_second(); }

    std::uint64_t value_ = 0;
    Timescale scale_{1000};
};

}  // namespace comoq
