// SPDX-License-Identifier: MIT
#pragma once
#include "../wait/failure.hpp"
#include "../containers/sequence_set.hpp"
#include "../../error.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace comoq::detail {

/// The sequence numbers of a track: the used ones, the next one, and their end. Guarded by the track's lock.
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

    /// The given number, or the next one. Throws BoundsExceeded, or Closed past the final one.
    std::uint64_t choose(std::optional<std::uint64_t> given) const {
        const std::uint64_t number = given.value_or(next_);
        if (number > highest) throw_error(make_error_code(Error::BoundsExceeded));
        if (past_final(number)) throw_error(make_error_code(Error::Closed));
        return number;
    }

    /// True if the number is known to be used: below a gap that was given up (see `SequenceSet`), nothing is known.
    bool has_used(std::uint64_t number) const noexcept { return number >= seen_.exact_from() && seen_.contains(number); }

    /// The lowest number from there on that was neither used nor declared missing.
    std::uint64_t next_open(std::uint64_t from) const noexcept { return seen_.next_missing(from); }

    /// Makes sure that `use` finds memory, once.
    void reserve() { seen_.reserve(); }
    void use(std::uint64_t number) {
        seen_.insert(number);
        next_ = std::max(next_, number + 1);
    }

    /// The missing numbers from `first` to `last` will not come. They still may: the declaration does not forbid it.
    void skip(std::uint64_t first, std::uint64_t last) { seen_.insert(first, std::min(last, highest)); }

    /// What a source is asked for: groups from `floor` on, or without one the newest, of up to that age.
    struct Asked {
        static constexpr auto any_age = std::chrono::milliseconds::max();

        std::optional<std::uint64_t> floor;
        std::chrono::milliseconds age = any_age;

        bool covers(std::uint64_t from, std::chrono::milliseconds of_age) const noexcept {
            return floor && *floor <= from && age >= of_age;
        }
    };

    /// The lowest number that a peer gives which is the track's source, by its own word, and what it was asked for.
    /// Nothing for a track that is made here, and until the peer has said it.
    struct SourceStart {
        std::uint64_t first;
        Asked asked;
    };
    const std::optional<SourceStart> &source_start() const noexcept { return source_start_; }
    void set_source_start(std::uint64_t first, const Asked &asked) noexcept { source_start_ = SourceStart{first, asked}; }

    /// All that the source has been asked for, while it can be asked for more: a reader that wants older groups waits
    /// until it has been asked for them.
    void set_asked(const std::optional<Asked> &asked) noexcept { asked_ = asked; }

    /// A reader with a start takes the numbers from `first` on one after the other, until this is called with nothing:
    /// their source gives them in any order.
    void keep_order(std::optional<std::uint64_t> first) noexcept { in_order_from_ = first; }
    bool keeps_order() const noexcept { return in_order_from_.has_value(); }
    /// True if a reader at `next`, with a start and that age, must wait before it takes `number`.
    bool is_early(std::uint64_t number, std::uint64_t next, std::chrono::milliseconds age) const noexcept {
        if (asked_ && !asked_->covers(next, age)) return !seen_.covers(next, number);
        return in_order_from_ && *in_order_from_ < number && !seen_.covers(std::max(next, *in_order_from_), number);
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
    std::optional<SourceStart> source_start_;
    std::optional<Asked> asked_;
    std::optional<std::uint64_t> in_order_from_;
    SequenceSet seen_;
};

}  // namespace comoq::detail
