// SPDX-License-Identifier: MIT
#pragma once
#include "../config.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace comoq::quic {

/// The SHA-256 of a certificate in its binary form (DER), by which a client can recognise it.
using Fingerprint = std::array<std::byte, 32>;

/// 64 hexadecimal digits, in lower case.
std::string to_string(const Fingerprint &fingerprint);
/// Reads 64 hexadecimal digits, in either case, with or without "sha256:" before them. Empty for anything else.
std::optional<Fingerprint> fingerprint_from(std::string_view text);

}  // namespace comoq::quic

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/quic/fingerprint.ipp"
#endif
