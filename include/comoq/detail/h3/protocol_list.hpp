// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace comoq::h3 {

// Names of application protocols in fields: a list of strings, or one (RFC 8941, sections 3.1 and 3.3.3). Parameters are read
// past. A field of any other form counts as none (draft-ietf-webtrans-http3, section 3.3).

/// The most names of a list that are read.
inline constexpr std::size_t most_protocols = 64;

namespace detail {

class StructuredText {
public:
    explicit StructuredText(std::string_view text) noexcept : rest_(text) {}

    bool at_end() const noexcept { return rest_.empty(); }
    bool take(char wanted) noexcept {
        if (rest_.empty() || rest_.front() != wanted) return false;
        rest_.remove_prefix(1);
        return true;
    }
    void skip_spaces(bool with_tabs) noexcept {
        while (!rest_.empty() && (rest_.front() == ' ' || (with_tabs && rest_.front() == '\t'))) rest_.remove_prefix(1);
    }
    /// In quotes.
    std::optional<std::string> string() {
        std::string text;
        if (!take('"')) return std::nullopt;
        while (!rest_.empty()) {
            char each = next();
            if (each == '"') return text;
            if (each == '\\') {
                if (rest_.empty()) return std::nullopt;
                each = next();
                if (each != '"' && each != '\\') return std::nullopt;
            }
            if (each < 0x20 || each > 0x7e) return std::nullopt;
            text += each;
        }
        return std::nullopt;
    }
    bool skip_parameters() {
        while (take(';')) {
            skip_spaces(false);
            if (rest_.empty() || !(is_lower(rest_.front()) || rest_.front() == '*')) return false;
            while (!rest_.empty() && (is_lower(rest_.front()) || is_digit(rest_.front()) || is_one_of(rest_.front(), "_-.*"))) next();
            if (take('=') && !skip_bare_item()) return false;
        }
        return true;
    }

private:
    char next() noexcept {
        const char first = rest_.front();
        rest_.remove_prefix(1);
        return first;
    }
    /// A number, a token, a boolean, octets or a string; the exact form of it does not matter.
    bool skip_bare_item() {
        if (rest_.empty()) return false;
        if (rest_.front() == '"') return string().has_value();
        std::size_t size = 0;
        while (size < rest_.size() && rest_[size] > 0x20 && rest_[size] < 0x7f && !is_one_of(rest_[size], ",;\"")) ++size;
        rest_.remove_prefix(size);
        return size != 0;
    }
    static bool is_lower(char each) noexcept { return each >= 'a' && each <= 'z'; }
    static bool is_digit(char each) noexcept { return each >= '0' && each <= '9'; }
    static bool is_one_of(char each, std::string_view set) noexcept { return set.find(each) != set.npos; }

    std::string_view rest_;
};

}  // namespace detail

/// Empty if it is not such a list.
inline std::vector<std::string> read_protocols(std::string_view field) {
    std::vector<std::string> all;
    detail::StructuredText text(field);
    text.skip_spaces(false);
    for (;;) {
        auto name = text.string();
        if (!name || !text.skip_parameters() || all.size() == most_protocols) return {};
        all.push_back(std::move(*name));
        text.skip_spaces(true);
        if (text.at_end()) return all;
        if (!text.take(',')) return {};
        text.skip_spaces(true);
    }
}
/// Nothing if it is not one string.
inline std::optional<std::string> read_protocol(std::string_view field) {
    detail::StructuredText text(field);
    text.skip_spaces(false);
    auto name = text.string();
    if (!name || !text.skip_parameters()) return std::nullopt;
    text.skip_spaces(false);
    return text.at_end() ? std::move(name) : std::nullopt;
}
/// The name in quotes. Nothing if it has a character that a string cannot have.
inline std::optional<std::string> write_protocol(std::string_view name) {
    std::string text = "\"";
    for (const char each : name) {
        if (each < 0x20 || each > 0x7e) return std::nullopt;
        if (each == '"' || each == '\\') text += '\\';
        text += each;
    }
    return text += '"';
}

}  // namespace comoq::h3
