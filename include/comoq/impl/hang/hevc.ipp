// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/hang/bit_reader.hpp"
#include "../../detail/hang/nal_units.hpp"
#include "../../hang/hevc.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace comoq::hang {

namespace detail {

/// What an hvcC repeats of a sequence parameter set (ISO 23008-2, 7.3.2.2).
struct HevcProfile {
    std::array<std::byte, 12> general;  // profile, compatibility, constraints and level
    unsigned layers = 1, is_nested = 0;
    unsigned chroma = 0, luma_depth = 0, chroma_depth = 0;  // the depths less 8
};

/// A unit without the bytes that keep start codes out of it. Only its beginning is read here.
inline std::vector<std::byte> unescaped(std::span<const std::byte> unit) {
    constexpr std::size_t enough = 1024;
    std::vector<std::byte> plain;
    std::size_t zeros = 0;
    for (const std::byte byte : unit.first(std::min(unit.size(), enough))) {
        if (zeros >= 2 && byte == std::byte{3}) {
            zeros = 0;
            continue;
        }
        zeros = byte == std::byte{0} ? zeros + 1 : 0;
        plain.push_back(byte);
    }
    return plain;
}

/// An Exp-Golomb number, of at most 32 bits.
inline std::uint32_t golomb(BitReader &in) {
    unsigned zeros = 0;
    while (zeros != 32 && in.ok() && in.bits(1) == 0) ++zeros;
    return zeros >= 32 ? 0 : (std::uint32_t{1} << zeros) - 1 + in.bits(zeros);
}

inline std::optional<HevcProfile> hevc_profile(std::span<const std::byte> sequence_set) {
    const auto plain = unescaped(sequence_set);
    BitReader in(plain);
    HevcProfile profile;
    in.bits(16);  // the unit's header
    in.bits(4);
    const unsigned sub_layers = in.bits(3);
    profile.layers = sub_layers + 1;
    profile.is_nested = in.bits(1);
    for (auto &byte : profile.general) byte = static_cast<std::byte>(in.bits(8));
    std::array<std::pair<bool, bool>, 8> has{};
    for (unsigned i = 0; i != sub_layers; ++i) {
        has[i].first = in.bits(1) != 0;
        has[i].second = in.bits(1) != 0;
    }
    if (sub_layers != 0) in.bits(2 * (8 - sub_layers));
    for (unsigned i = 0; i != sub_layers; ++i) {
        for (unsigned skipped = 0; has[i].first && skipped != 11; ++skipped) in.bits(8);
        if (has[i].second) in.bits(8);
    }
    golomb(in);  // its number
    profile.chroma = golomb(in);
    if (profile.chroma == 3) in.bits(1);
    golomb(in);  // width and height
    golomb(in);
    if (in.bits(1) != 0) {
        for (int side = 0; side != 4; ++side) golomb(in);
    }
    profile.luma_depth = golomb(in);
    profile.chroma_depth = golomb(in);
    if (!in.ok() || sub_layers > 6 || profile.chroma > 3 || profile.luma_depth > 7 || profile.chroma_depth > 7) return std::nullopt;
    return profile;
}

}  // namespace detail

COMOQ_DECL HevcFrame hevc_from_annex_b(std::span<const std::byte> frame) {
    using namespace detail;
    constexpr unsigned first_set = 32;  // of the video; then of the sequence, and of the picture
    // As many as the numbers of the sets allow.
    constexpr std::array<std::size_t, 3> most = {16, 16, 64};
    std::array<std::vector<std::span<const std::byte>>, 3> sets;
    std::vector<std::byte> payload;
    for (const auto unit : units_of(frame)) {
        const unsigned type = at(unit, 0) >> 1 & 63u;
        const bool is_set = type >= first_set && type < first_set + sets.size() && unit.size() < 65536;
        if (is_set && sets[type - first_set].size() != most[type - first_set])
            sets[type - first_set].push_back(unit);
        else
            put_unit(payload, unit, 4);
    }
    HevcFrame result;
    result.payload = Bytes(std::move(payload));
    for (const auto &kind : sets)
        if (kind.empty()) return result;
    const auto profile = hevc_profile(sets[1].front());
    if (!profile) return result;
    std::vector<std::byte> hvcc = {std::byte{1}};
    put(hvcc, profile->general);
    put_big_endian(hvcc, 0xf000, 2);  // no word on segments
    put_big_endian(hvcc, 0xfc, 1);    // nor on parallel decoding
    put_big_endian(hvcc, 0xfc | profile->chroma, 1);
    put_big_endian(hvcc, 0xf8 | profile->luma_depth, 1);
    put_big_endian(hvcc, 0xf8 | profile->chroma_depth, 1);
    put_big_endian(hvcc, 0, 2);  // nor on the frame rate
    put_big_endian(hvcc, profile->layers << 3 | profile->is_nested << 2 | 3u, 1);  // and lengths of four bytes
    put_big_endian(hvcc, sets.size(), 1);
    for (unsigned kind = 0; kind != sets.size(); ++kind) {
        put_big_endian(hvcc, 0x80u | (first_set + kind), 1);  // all of them
        put_big_endian(hvcc, sets[kind].size(), 2);
        for (const auto unit : sets[kind]) put_unit(hvcc, unit, 2);
    }
    result.hvcc = Bytes(std::move(hvcc));
    return result;
}

}  // namespace comoq::hang
