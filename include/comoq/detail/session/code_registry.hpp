// SPDX-License-Identifier: MIT
#pragma once
#include "../../config.hpp"
#include "../../error.hpp"

#include <asio/error.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace comoq::detail {

// A registry gives numbers to errors: of streams, or of sessions, in one protocol. A protocol's tables are made of
// these parts.

/// A number, and the error that it stands for.
struct CodeRow {
    std::uint64_t number;
    Error error;
};

/// The first row decides.
constexpr std::optional<std::uint64_t> number_in(std::span<const CodeRow> table, Error error) noexcept {
    for (const CodeRow &row : table)
        if (row.error == error) return row.number;
    return std::nullopt;
}
constexpr std::optional<Error> error_in(std::span<const CodeRow> table, std::uint64_t number) noexcept {
    for (const CodeRow &row : table)
        if (row.number == number) return row.error;
    return std::nullopt;
}

/// The category of numbers that have no meaning here. Such a number is the value of the code, so that it can be sent on
/// in the same registry, and equals no `Error`. Registries differ in their names; modules that hide their symbols may
/// have a category each for one name.
class COMOQ_VISIBLE UnknownCodes final : public std::error_category {
public:
    /// `name` must live as long as the category.
    explicit constexpr UnknownCodes(const char *name) noexcept : name_(name) {}

    const char *name() const noexcept override { return name_; }
    std::string message(int value) const override {
        return std::string(name_) + ' ' + std::to_string(static_cast<std::uint32_t>(value));
    }

    /// The number behind a code of this registry; nothing for any other code.
    std::optional<std::uint64_t> number_of(std::error_code code) const noexcept {
        if (std::string_view(code.category().name()) != name_) return std::nullopt;
        return static_cast<std::uint32_t>(code.value());
    }
    /// The code of a number, which must not be 0: a code of value 0 would mean success. A number of more than 32 bits
    /// counts as the largest one of 32 bits.
    std::error_code code_of(std::uint64_t number) const noexcept {
        constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
        return {static_cast<int>(static_cast<std::uint32_t>(std::min(number, most))), *this};
    }

private:
    const char *const name_;
};

/// The number of an application's error; nothing for any other code.
inline std::optional<std::uint64_t> app_number(std::error_code code) noexcept {
    const auto value = static_cast<std::uint32_t>(code.value());
    if (!ErrorCategory::is_same(code.category()) || value < first_app_code || is_local_value(value)) return std::nullopt;
    return app_code_of_value(value);
}

/// The code of a number that is not in a table: an application's error, if it has that number, or else an unknown code.
inline std::error_code error_beyond(std::uint64_t number, const UnknownCodes &unknown) noexcept {
    if (number < first_app_code || number > std::numeric_limits<std::uint32_t>::max()) return unknown.code_of(number);
    const auto code = app_error(static_cast<std::uint32_t>(number - first_app_code));
    // There are 16 numbers that an application's error cannot have.
    return app_number(code) == number ? code : unknown.code_of(number);
}

/// The number of a code that is sent: `both` is read as well, `sent` is not. Any other code has the number `internal`.
inline std::uint64_t number_of(std::error_code code, std::span<const CodeRow> both, std::span<const CodeRow> sent,
                               const UnknownCodes &unknown, std::uint64_t internal) noexcept {
    if (const auto number = unknown.number_of(code)) return *number;
    if (const auto number = app_number(code)) return *number;
    if (!ErrorCategory::is_same(code.category())) return internal;
    const auto error = static_cast<Error>(code.value());
    const auto own = number_in(both, error);
    return own ? *own : number_in(sent, error).value_or(internal);
}
/// The code of a number that has come.
inline std::error_code error_of(std::uint64_t number, std::span<const CodeRow> rows, const UnknownCodes &unknown) noexcept {
    if (const auto error = error_in(rows, number)) return make_error_code(*error);
    return error_beyond(number, unknown);
}
/// Nothing is wrong: the peer is left, or a wait was cancelled here.
inline bool is_cancelled(std::error_code code) noexcept { return !code || code == asio::error::operation_aborted; }

}  // namespace comoq::detail
