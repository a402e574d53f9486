// SPDX-License-Identifier: MIT
#pragma once
#include "../wire/varint.hpp"
#include "block_reader.hpp"
#include "codes.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace comoq::h3 {

inline constexpr std::uint64_t data_frame = 0x00, headers_frame = 0x01, settings_frame = 0x04, goaway_frame = 0x07;

/// The flow control of a session, as one side wishes it: a session has it if both sides wish it (draft-ietf-webtrans-http3,
/// section 5.1).
struct SessionLimits {
    std::uint64_t uni = 0, bidi = 0, data = 0;
    bool any() const noexcept { return uni != 0 || bidi != 0 || data != 0; }
};

/// What one side tells of itself at the beginning. Each draft of WebTransport has a number of its own for that, and each
/// implementation looks for the one that it knows.
struct Settings {
    bool connect = false;       // extended CONNECT (RFC 9220)
    bool datagrams = false;     // RFC 9297, or its draft
    bool webtransport = false;  // any draft
    SessionLimits limits;
};

/// The identifiers. Others are ignored.
namespace setting {
inline constexpr std::uint64_t max_field_section_size = 0x06, connect = 0x08, datagrams = 0x33, datagrams_of_draft_4 = 0xffd277;
inline constexpr std::uint64_t webtransport_2 = 0x2b603742, sessions_2 = 0x2b603743, sessions_7 = 0xc671706a;
inline constexpr std::uint64_t sessions_13 = 0x14e9cd29, webtransport_15 = 0x2c7cf000;
inline constexpr std::uint64_t limit_uni = 0x2b64, limit_bidi = 0x2b65, limit_data = 0x2b61;
}  // namespace setting

/// The largest block of fields that is read, in bytes: packed, and unpacked.
inline constexpr std::size_t largest_head = 16 * 1024;
/// The most settings of a peer that are read, and the bytes of the largest frame of them.
inline constexpr std::size_t most_settings = 64, largest_settings = most_settings * 16;

/// The contents of a SETTINGS frame.
inline Code read_settings(std::span<const std::byte> contents, Settings &to) {
    std::array<std::uint64_t, most_settings> seen;
    std::size_t count = 0;
    while (!contents.empty()) {
        const auto id = comoq::detail::read_varint(contents);
        const auto value = id ? comoq::detail::read_varint(contents.subspan(id->size)) : std::nullopt;
        if (!value) return Code::FrameError;
        contents = contents.subspan(id->size + value->size);
        if (count == most_settings) return Code::ExcessiveLoad;
        if (std::find(seen.begin(), seen.begin() + static_cast<std::ptrdiff_t>(count), id->value) !=
            seen.begin() + static_cast<std::ptrdiff_t>(count))
            return Code::SettingsError;
        seen[count++] = id->value;
        switch (id->value) {
        case 0x00:
        case 0x02:
        case 0x03:
        case 0x04:
        case 0x05:
            // HTTP/2's.
            return Code::SettingsError;
        case setting::connect:
            if (value->value > 1) return Code::SettingsError;
            to.connect = value->value == 1;
            break;
        case setting::datagrams:
            if (value->value > 1) return Code::SettingsError;
            to.datagrams = to.datagrams || value->value == 1;
            break;
        case setting::datagrams_of_draft_4:
            to.datagrams = to.datagrams || value->value != 0;
            break;
        case setting::webtransport_2:
        case setting::sessions_7:
        case setting::sessions_13:
        case setting::webtransport_15:
            to.webtransport = to.webtransport || value->value != 0;
            break;
        case setting::limit_uni:
            to.limits.uni = value->value;
            break;
        case setting::limit_bidi:
            to.limits.bidi = value->value;
            break;
        case setting::limit_data:
            to.limits.data = value->value;
            break;
        default:
            break;
        }
    }
    return Code::None;
}

/// Appends the SETTINGS frame of this side: every peer finds its own draft in it.
inline void write_settings(const SessionLimits &limits, std::vector<std::byte> &to) {
    std::vector<std::byte> contents;
    const auto put = [&contents](std::uint64_t id, std::uint64_t value) { begin_block(id, value, contents); };
    put(setting::max_field_section_size, largest_head);
    put(setting::connect, 1);
    put(setting::datagrams, 1);
    put(setting::datagrams_of_draft_4, 1);
    put(setting::webtransport_2, 1);
    put(setting::webtransport_15, 1);
    put(setting::sessions_2, 1);
    put(setting::sessions_7, 1);
    put(setting::sessions_13, 1);
    if (limits.any()) {
        put(setting::limit_uni, limits.uni);
        put(setting::limit_bidi, limits.bidi);
        put(setting::limit_data, limits.data);
    }
    begin_block(settings_frame, contents.size(), to);
    to.insert(to.end(), contents.begin(), contents.end());
}

}  // namespace comoq::h3
