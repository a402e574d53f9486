// SPDX-License-Identifier: MIT
#pragma once
#include "../../config.hpp"
#include "../../hang/codec.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace comoq::hang::detail {

/// Appends boxes to a buffer. A box is open from `begin` to `end`, and others go into it.
class BoxWriter {
public:
    void number(std::uint64_t value, unsigned bytes) {
        while (bytes-- != 0) bytes_.push_back(static_cast<std::byte>(value >> (8 * bytes) & 255));
    }
    void u8(std::uint64_t value) { number(value, 1); }
    void u16(std::uint64_t value) { number(value, 2); }
    void u32(std::uint64_t value) { number(value, 4); }
    void u64(std::uint64_t value) { number(value, 8); }
    void zeros(std::size_t count) { bytes_.insert(bytes_.end(), count, std::byte{0}); }
    void bytes(std::span<const std::byte> value) { bytes_.insert(bytes_.end(), value.begin(), value.end()); }
    void text(std::string_view value) { bytes(std::as_bytes(std::span(value))); }
    void unity_matrix() {
        for (const std::uint32_t value : {0x10000u, 0u, 0u, 0u, 0x10000u, 0u, 0u, 0u, 0x40000000u}) u32(value);
    }

    std::size_t begin(std::string_view type) {
        const auto at = bytes_.size();
        u32(0);
        text(type);
        return at;
    }
    std::size_t begin(std::string_view type, std::uint32_t version_and_flags) {
        const auto at = begin(type);
        u32(version_and_flags);
        return at;
    }
    void end(std::size_t at) { patch(at, bytes_.size() - at); }
    /// Writes a number of 32 bits over what is there.
    void patch(std::size_t at, std::uint64_t value) {
        for (unsigned i = 0; i != 4; ++i) bytes_[at + i] = static_cast<std::byte>(value >> (24 - 8 * i) & 255);
    }
    std::size_t size() const noexcept { return bytes_.size(); }
    std::vector<std::byte> take() { return std::move(bytes_); }

private:
    std::vector<std::byte> bytes_;
};

/// Appends the entry of `stsd` for a track. Throws Mp4Error for a codec that is not known here, or lacks its description.
void write_sample_entry(BoxWriter &out, const DecoderConfig &config);

}  // namespace comoq::hang::detail

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../../impl/detail/hang/box_writer.ipp"
#endif
