// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The only header that includes nghttp3. Of it the library uses QPACK alone; 0.8 (Debian 12) and 1.x differ there in a const.

#include <nghttp3/nghttp3.h>

#include <cstdint>
#include <string_view>

namespace comoq::h3::detail {

/// The texts must outlive the field.
inline nghttp3_nv field_of(std::string_view name, std::string_view value) noexcept {
    nghttp3_nv field{};
    // 0.8 has no const here, and does not write.
    field.name = const_cast<std::uint8_t *>(reinterpret_cast<const std::uint8_t *>(name.data()));
    field.value = const_cast<std::uint8_t *>(reinterpret_cast<const std::uint8_t *>(value.data()));
    field.namelen = name.size();
    field.valuelen = value.size();
    field.flags = NGHTTP3_NV_FLAG_NONE;
    return field;
}

}  // namespace comoq::h3::detail
