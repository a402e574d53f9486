// SPDX-License-Identifier: MIT
#pragma once
#include "../../websocket/http_fields.hpp"

namespace comoq::websocket {

COMOQ_DECL std::size_t Fields::count(std::string_view name) const noexcept {
    const auto is_it = [name](const Field &field) { return detail::same_text(field.name, name); };
    return static_cast<std::size_t>(std::ranges::count_if(all_, is_it));
}

COMOQ_DECL std::optional<std::string_view> Fields::only(std::string_view name) const noexcept {
    std::optional<std::string_view> found;
    for (const Field &field : all_) {
        if (!detail::same_text(field.name, name)) continue;
        if (found) return std::nullopt;
        found = field.value;
    }
    return found;
}

COMOQ_DECL std::string Fields::joined(std::string_view name) const {
    std::string all;
    for (const Field &field : all_) {
        if (!detail::same_text(field.name, name)) continue;
        if (!all.empty()) all += ", ";
        all += field.value;
    }
    return all;
}

COMOQ_DECL bool Fields::lists(std::string_view name, std::string_view token) const {
    const auto all = joined(name);
    for (std::string_view rest = all; !rest.empty();) {
        const auto comma = std::min(rest.find(','), rest.size());
        if (detail::same_text(detail::trimmed(rest.substr(0, comma)), token)) return true;
        rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    return false;
}

}  // namespace comoq::websocket
