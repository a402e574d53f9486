// SPDX-License-Identifier: MIT
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <system_error>

namespace comoq::detail {

/// The text without the message that a std::system_error adds to its own.
inline std::string without_end(std::string_view what, std::error_code code) noexcept {
    try {
        const auto message = code ? code.message() : std::string();
        if (code && what == message) return {};
        if (code && what.ends_with(": " + message)) what.remove_suffix(message.size() + 2);
        return std::string(what);
    } catch (...) {
        // Of a foreign category.
        return {};
    }
}

/// What the failure says beyond its code; empty without memory for it.
inline std::string words_of(const std::exception_ptr &failure) noexcept {
    try {
        std::rethrow_exception(failure);
    } catch (const std::system_error &error) {
        return without_end(error.what(), error.code());
    } catch (const std::exception &error) {
        return without_end(error.what(), {});
    } catch (...) {
        return {};
    }
}

}  // namespace comoq::detail
