// SPDX-License-Identifier: MIT
#pragma once
#include "../text/utf8.hpp"
#include "varint.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace comoq::detail {

/// Parses a message. After the first missing or wrong field all later ones fail as well, so that a caller needs only
/// one check, at the end. Results point into the input.
class WireReader {
public:
    explicit WireReader(std::span<const std::byte> input) noexcept : rest_(input) {}

    bool ok() const noexcept { return ok_; }
    /// Everything was well, and nothing is left.
    bool complete() const noexcept { return ok_ && rest_.empty(); }
    void fail() noexcept {
        ok_ = false;
        rest_ = {};
    }

    std::uint8_t byte() noexcept {
        const auto one = bytes(1);
        return one.empty() ? std::uint8_t{0} : std::to_integer<std::uint8_t>(one.front());
    }
    /// 0 or 1, and nothing else.
    bool boolean() noexcept {
        const auto value = byte();
        if (value > 1) fail();
        return value == 1;
    }
    std::uint64_t varint() noexcept {
        const auto varint = read_varint(rest_);
        if (!varint) {
            fail();
            return 0;
        }
        rest_ = rest_.subspan(varint->size);
        return varint->value;
    }
    /// Exactly `count` bytes.
    std::span<const std::byte> bytes(std::uint64_t count) noexcept {
        if (count > rest_.size()) {
            fail();
            return {};
        }
        const auto taken = rest_.first(static_cast<std::size_t>(count));
        rest_ = rest_.subspan(taken.size());
        return taken;
    }
    std::span<const std::byte> rest() noexcept { return bytes(rest_.size()); }

    /// With its length before it, in valid UTF-8.
    std::string_view text() noexcept { return text_of(bytes(varint())); }
    /// The whole rest, in valid UTF-8.
    std::string_view rest_as_text() noexcept { return text_of(rest()); }

private:
    std::string_view text_of(std::span<const std::byte> bytes) noexcept {
        const std::string_view text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
        if (is_utf8(text)) return text;
        fail();
        return {};
    }

    std::span<const std::byte> rest_;
    bool ok_ = true;
};

}  // namespace comoq::detail
