// SPDX-License-Identifier: MIT
#pragma once
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace comoq::ietf {

// What fields and messages are made of. Names are bytes, and need not be text.

/// The fields of a namespace, of a prefix of one, or of what comes after such a prefix. None of them is empty.
using Namespace = std::vector<std::string>;

/// The highest number of a group or an object that a track here can have.
inline constexpr std::uint64_t highest_number = (std::uint64_t{1} << 62) - 1;
inline constexpr std::size_t most_fields = 32;
/// Of a namespace and a name together, in bytes.
inline constexpr std::size_t longest_full_name = 4096;
inline constexpr std::size_t longest_reason = 1024;
inline constexpr std::size_t longest_uri = 8192;

/// The numbers of relays that something came through, the publisher's first. None is there twice, except 0 for an unknown one.
using HopPath = std::vector<std::uint64_t>;
inline constexpr std::size_t most_hops = 32;  // 8 bytes for each, of which a peer may have sent one

struct FullName {
    Namespace space;
    std::string name;

    friend bool operator==(const FullName &, const FullName &) = default;
};

struct Location {
    std::uint64_t group = 0;
    std::uint64_t object = 0;

    friend auto operator<=>(const Location &, const Location &) = default;
};

/// The end of a range, included. Without an object it is the whole group.
struct RangeEnd {
    std::uint64_t group = 0;
    std::optional<std::uint64_t> object;

    friend bool operator==(const RangeEnd &, const RangeEnd &) = default;
};

/// The right to do something, by itself or by a number that stands for it.
struct Token {
    enum class Form : std::uint8_t { Delete, Register, UseAlias, UseValue };

    Form form = Form::UseValue;
    std::uint64_t alias = 0;  // not for UseValue
    std::uint64_t type = 0;   // Register, UseValue
    std::string value;        // Register, UseValue

    friend bool operator==(const Token &, const Token &) = default;
};

/// The part of a track that a subscription, or from draft 20 on a fetch, wants.
struct Filter {
    enum class Kind : std::uint8_t {
        Everything,  ///< from draft 20 on
        NextObject,  ///< what comes after the largest object
        Relative,    ///< from the beginning of the next group, or `groups` before it: from draft 20 on
        Absolute,    ///< from `start` to the end of the track, or of `end`
    };

    Kind kind = Kind::NextObject;
    std::uint64_t groups = 0;
    Location start{};
    std::optional<RangeEnd> end;  // with an object from draft 20 on

    friend bool operator==(const Filter &, const Filter &) = default;
};

}  // namespace comoq::ietf
