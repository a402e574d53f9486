#pragma once
#include "failure.hpp"
#include "sequence_set.hpp"
#include "../error.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace comoq::detail {

/// The sequence numbers of a track: which have been used, which is next, and where they end. Guarded by the track's lock.
class TrackNumbers {
public:
    // RFC 9000 varints end there, and the wire carries sequences as such.
    static constexpr std::uint64_t highest = (std::uint64_t{1} << 62) - 1;

    std::optional<std::uint64_t> latest() const noexcept {
        return next_ == 0 ? std::nullopt : std::optional(next_ - 1);
    }
    /// The first number that will never come.
    const std::optional<std::uint64_t> &final() const noexcept { return final_; }
    bool past_final(std::uint64_t number) const noexcept { return final_ && number >= *final_; }
    /// True when every number from `number` on has been used, or will never come.
    bool over_from(std::uint64_t number) const noexcept { return final_ && seen_.covers(number, *final_); }

    /// The number that was given, or the next one. Throws BoundsExceeded, or Closed past the final one.
    std::uint64_t choose(std::optional<std::uint64_t> given) const {
        const std::uint64_t number = given.value_or(next_);
        if (number > highest) throw_error(make_error_code(Error::BoundsExceeded));
        if (past_final(number)) throw_error(make_error_code(Error::Closed));
        return number;
    }

    /// Makes sure that `use` finds memory, once.
    void reserve() { seen_.reserve(); }
    void use(std::uint64_t number) {
        seen_.insert(number);
        next_ = std::max(next_, number + 1);
    }

    /// Declares the first number that will never come; without one, the one after the latest. Throws Closed if one was
    /// declared, ProtocolViolation if it is not above the latest, BoundsExceeded.
    void finish(std::optional<std::uint64_t> first_missing) {
        if (final_) throw_error(make_error_code(Error::Closed));
        if (first_missing && *first_missing < next_) throw_error(make_error_code(Error::ProtocolViolation));
        if (first_missing && *first_missing > highest + 1) throw_error(make_error_code(Error::BoundsExceeded));
        final_ = first_missing.value_or(next_);
    }

private:
    std::uint64_t next_ = 0;
    std::optional<std::uint64_t> final_;
    SequenceSet seen_;
};

}  // namespace comoq::detail
