// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"
#include "../detail/wait/failure.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace comoq::websocket {

/// The most fields in a head: each is two strings.
inline constexpr std::size_t max_fields = 128;

namespace detail {

// Which bytes are allowed where (RFC 9110, section 5).

/// A tab, or anything except a control character.
constexpr bool is_text(char one) noexcept { return one == '\t' || (static_cast<unsigned char>(one) >= ' ' && one != '\x7f'); }

constexpr bool is_value(std::string_view text) noexcept { return std::ranges::all_of(text, is_text); }

constexpr bool is_token(std::string_view text) noexcept {
    const auto is_of_token = [](char one) {
        return (one >= 'a' && one <= 'z') || (one >= 'A' && one <= 'Z') || (one >= '0' && one <= '9') ||
               std::string_view("!#$%&'*+-.^_`|~").find(one) != std::string_view::npos;
    };
    return !text.empty() && std::ranges::all_of(text, is_of_token);
}

/// Without leading and trailing spaces and tabs.
constexpr std::string_view trimmed(std::string_view text) noexcept {
    const auto first = std::min(text.find_first_not_of(" \t"), text.size());
    text.remove_prefix(first);
    return text.substr(0, text.find_last_not_of(" \t") + 1);
}

/// Equal except for the case of ASCII letters.
constexpr bool same_text(std::string_view left, std::string_view right) noexcept {
    const auto folded = [](char one) { return one >= 'A' && one <= 'Z' ? static_cast<char>(one - 'A' + 'a') : one; };
    return std::ranges::equal(left, right, {}, folded, folded);
}

}  // namespace detail

/// A field of a head: `name: value`.
struct Field {
    std::string name;   ///< As it was written; compared without regard to case.
    std::string value;  ///< Without the spaces around it.
};

/// The fields of a head, in their order. Names are compared without regard to case.
class Fields {
public:
    /// Appends a field. Nothing is checked here: `to_text` refuses what cannot be sent.
    void add(std::string_view name, std::string_view value) { all_.push_back({std::string(name), std::string(value)}); }
    /// The fields in their order. Valid until this object is changed or destroyed.
    const std::vector<Field> &all() const & noexcept { return all_; }
    void all() && = delete;  // a loop over it would outlive it

    /// How many fields have that name.
    std::size_t count(std::string_view name) const noexcept;
    /// The value of the only field with that name; nothing if there is none, or more than one. It points into this
    /// object.
    std::optional<std::string_view> only(std::string_view name) const noexcept;
    /// The values of all fields with that name, joined by commas. For fields that are lists this means the same.
    std::string joined(std::string_view name) const;
    /// Whether the list with that name contains the token, in any case.
    bool lists(std::string_view name, std::string_view token) const;

private:
    std::vector<Field> all_;
};

}  // namespace comoq::websocket

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/websocket/http_fields.ipp"
#endif
