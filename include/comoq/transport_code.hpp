// SPDX-License-Identifier: MIT
#pragma once
#include "config.hpp"
#include "detail/wire/varint.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace comoq {

// Streams, and connections, end with numbers. A transport carries them, and does not know what they mean: that is up to
// the protocol above it. These codes say that something ended with a number, whoever ended it, so that a transport can
// fail with it.

/// The largest number that can be sent.
inline constexpr std::uint64_t max_end_number = detail::max_varint;

namespace detail {

/// Modules that hide their symbols may have a category each: all with the same name are the same.
class COMOQ_VISIBLE EndCategory final : public std::error_category {
public:
    explicit constexpr EndCategory(const char *name) noexcept : name_(name) {}
    const char *name() const noexcept override { return name_; }
    /// Each name says what ended, up to "with".
    std::string message(int value) const override {
        const bool is_zero = name_ == std::string_view(reset_with_zero);
        return std::string(name_) + (is_zero ? "" : ' ' + std::to_string(static_cast<std::uint32_t>(value)));
    }

    static constexpr const char *reset_with = "the stream ended with";
    // A code of value 0 would mean success.
    static constexpr const char *reset_with_zero = "the stream ended with 0";
    static constexpr const char *closed_with = "the connection ended with";

private:
    const char *const name_;
};

COMOQ_VISIBLE inline const EndCategory &stream_ends() noexcept {
    static const EndCategory category(EndCategory::reset_with);
    return category;
}
COMOQ_VISIBLE inline const EndCategory &stream_ends_with_zero() noexcept {
    static const EndCategory category(EndCategory::reset_with_zero);
    return category;
}
COMOQ_VISIBLE inline const EndCategory &connection_ends() noexcept {
    static const EndCategory category(EndCategory::closed_with);
    return category;
}

inline int end_value(std::uint64_t number) noexcept {
    constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
    return static_cast<int>(static_cast<std::uint32_t>(std::min(number, most)));
}

}  // namespace detail

/// A stream was reset, or stopped, with this number. Never false. A number of more than 32 bits counts as the largest
/// one of 32 bits.
inline std::error_code stream_ended(std::uint64_t number) noexcept {
    if (number == 0) return {1, detail::stream_ends_with_zero()};
    return {detail::end_value(number), detail::stream_ends()};
}
/// The connection was closed with this number: false for 0, with which every protocol says that all is well. A large
/// number counts as above.
inline std::error_code connection_ended(std::uint64_t number) noexcept {
    if (number == 0) return {};
    return {detail::end_value(number), detail::connection_ends()};
}

/// The number in such a code; nothing for any other code.
inline std::optional<std::uint64_t> stream_end_number(std::error_code code) noexcept {
    const std::string_view category = code.category().name();
    if (category == detail::EndCategory::reset_with_zero) return 0;
    if (category != detail::EndCategory::reset_with) return std::nullopt;
    return static_cast<std::uint32_t>(code.value());
}
/// The same; 0 for a false code of any category.
inline std::optional<std::uint64_t> connection_end_number(std::error_code code) noexcept {
    if (!code) return 0;
    if (code.category().name() != std::string_view(detail::EndCategory::closed_with)) return std::nullopt;
    return static_cast<std::uint32_t>(code.value());
}

}  // namespace comoq
