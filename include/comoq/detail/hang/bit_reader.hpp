// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace comoq::hang::detail {

/// Reads fields of single bits, the most significant first. Beyond the end everything is 0, and `ok` is false.
class BitReader {
public:
    explicit BitReader(std::span<const std::byte> input) noexcept : input_(input) {}

    /// At most 32 bits.
    std::uint32_t bits(unsigned count) noexcept {
        std::uint32_t value = 0;
        for (; count != 0; --count, ++at_) {
            const std::size_t byte = at_ / 8;
            if (byte >= input_.size()) {
                ok_ = false;
                return 0;
            }
            value = value << 1 | (std::to_integer<std::uint32_t>(input_[byte]) >> (7 - at_ % 8) & 1u);
        }
        return value;
    }
    bool ok() const noexcept { return ok_; }

private:
    std::span<const std::byte> input_;
    std::size_t at_ = 0;  // in bits
    bool ok_ = true;
};

}  // namespace comoq::hang::detail
