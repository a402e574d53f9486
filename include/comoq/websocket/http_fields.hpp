#pragma once
#include "../detail/failure.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace comoq::websocket {

/// No head has more: each is two strings.
inline constexpr std::size_t max_fields = 128;

namespace detail {

// Which bytes may stand where (RFC 9110, section 5).

/// A tab, or anything that is no control character.
constexpr bool is_text(char one) noexcept { return one == '\t' || (static_cast<unsigned char>(one) >= ' ' && one != '\x7f'); }

constexpr bool is_value(std::string_view text) noexcept { return std::ranges::all_of(text, is_text); }

constexpr bool is_token(std::string_view text) noexcept {
    const auto is_of_token = [](char one) {
        return (one >= 'a' && one <= 'z') || (one >= 'A' && one <= 'Z') || (one >= '0' && one <= '9') ||
               std::string_view("!#$%&'*+-.^_`|~").find(one) != std::string_view::npos;
    };
    return !text.empty() && std::ranges::all_of(text, is_of_token);
}

/// Without spaces and tabs around it.
constexpr std::string_view trimmed(std::string_view text) noexcept {
    const auto first = std::min(text.find_first_not_of(" \t"), text.size());
    text.remove_prefix(first);
    return text.substr(0, text.find_last_not_of(" \t") + 1);
}

/// But for the case of ASCII's letters.
constexpr bool same_text(std::string_view left, std::string_view right) noexcept {
    const auto folded = [](char one) { return one >= 'A' && one <= 'Z' ? static_cast<char>(one - 'A' + 'a') : one; };
    return std::ranges::equal(left, right, {}, folded, folded);
}

}  // namespace detail

struct Field {
    std::string name, value;
};

/// The fields of a head, in their order. Names are the same in whatever case they are written.
class Fields {
public:
    void add(std::string_view name, std::string_view value) { all_.push_back({std::string(name), std::string(value)}); }
    const std::vector<Field> &all() const & noexcept { return all_; }
    void all() && = delete;  // a loop over it would outlive it

    std::size_t count(std::string_view name) const noexcept {
        const auto is_it = [name](const Field &field) { return detail::same_text(field.name, name); };
        return static_cast<std::size_t>(std::ranges::count_if(all_, is_it));
    }
    /// The value of the only field of that name; nothing if there is none, or more than one. It points into this.
    std::optional<std::string_view> only(std::string_view name) const noexcept {
        std::optional<std::string_view> found;
        for (const Field &field : all_) {
            if (!detail::same_text(field.name, name)) continue;
            if (found) return std::nullopt;
            found = field.value;
        }
        return found;
    }
    /// The values of all fields of that name, with commas between them: for fields that are lists, which is the same.
    std::string joined(std::string_view name) const {
        std::string all;
        for (const Field &field : all_) {
            if (!detail::same_text(field.name, name)) continue;
            if (!all.empty()) all += ", ";
            all += field.value;
        }
        return all;
    }
    /// Whether the list of that name has the token, in whatever case.
    bool lists(std::string_view name, std::string_view token) const {
        const auto all = joined(name);
        for (std::string_view rest = all; !rest.empty();) {
            const auto comma = std::min(rest.find(','), rest.size());
            if (detail::same_text(detail::trimmed(rest.substr(0, comma)), token)) return true;
            rest.remove_prefix(std::min(comma + 1, rest.size()));
        }
        return false;
    }

private:
    std::vector<Field> all_;
};

}  // namespace comoq::websocket
