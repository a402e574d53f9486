// SPDX-License-Identifier: MIT
#pragma once
#include "../wait/failure.hpp"
#include "varint.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace comoq::detail {

/// Appends a message to a buffer.
class WireWriter {
public:
    explicit WireWriter(std::vector<std::byte> &to) noexcept : to_(to) {}

    void byte(std::uint8_t value) { to_.push_back(std::byte{value}); }
    void boolean(bool value) { byte(value ? 1 : 0); }
    /// Throws Encode above `max_varint`.
    void varint(std::uint64_t value) {
        if (value > max_varint) throw_error(make_error_code(Error::Encode));
        bytes(write_varint(value).span());
    }
    void bytes(std::span<const std::byte> value) { to_.insert(to_.end(), value.begin(), value.end()); }
    /// With its length before it.
    void text(std::string_view value) {
        varint(value.size());
        bytes(std::as_bytes(std::span(value)));
    }

private:
    std::vector<std::byte> &to_;
};

}  // namespace comoq::detail
