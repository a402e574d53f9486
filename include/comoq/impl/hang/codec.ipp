// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/hang/bit_reader.hpp"
#include "../../detail/hang/nal_units.hpp"
#include "../../hang/codec.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <vector>

namespace comoq::hang {

namespace detail {

/// The decimal numbers between the dots behind the name; at most eight.
inline std::vector<unsigned> numbers_behind(std::string_view codec) {
    std::vector<unsigned> numbers;
    for (std::size_t dot = codec.find('.'); dot != std::string_view::npos && numbers.size() != 8; dot = codec.find('.')) {
        codec.remove_prefix(dot + 1);
        unsigned number = 0;
        std::from_chars(codec.data(), codec.data() + codec.size(), number);
        numbers.push_back(number);
    }
    return numbers;
}

}  // namespace detail

COMOQ_DECL std::optional<std::string> avc_codec(std::string_view name, std::span<const std::byte> avcc) {
    using detail::at;
    if (avcc.size() < 7 || at(avcc, 0) != 1) return std::nullopt;
    return fmt::format("{}.{:02x}{:02x}{:02x}", name, at(avcc, 1), at(avcc, 2), at(avcc, 3));
}

COMOQ_DECL std::optional<std::string> hevc_codec(std::string_view name, std::span<const std::byte> hvcc) {
    using detail::at;
    if (hvcc.size() < 23) return std::nullopt;
    constexpr std::array<const char *, 4> spaces = {"", "A", "B", "C"};
    std::uint32_t compatibility = 0;
    // In the string the first flag is the lowest bit.
    for (unsigned bit = 0; bit != 32; ++bit) compatibility |= (at(hvcc, 2 + bit / 8) >> (7 - bit % 8) & 1u) << bit;
    auto text = fmt::format("{}.{}{}.{:x}.{}{}", name, spaces[at(hvcc, 1) >> 6], at(hvcc, 1) & 31u, compatibility,
                            (at(hvcc, 1) & 32u) != 0 ? 'H' : 'L', at(hvcc, 12));
    std::size_t end = 12;
    while (end != 6 && at(hvcc, end - 1) == 0) --end;
    for (std::size_t i = 6; i != end; ++i) text += fmt::format(".{:x}", at(hvcc, i));
    return text;
}

COMOQ_DECL std::optional<std::string> av1_codec(std::span<const std::byte> av1c) {
    using detail::at;
    if (av1c.size() < 4 || at(av1c, 0) != 0x81) return std::nullopt;
    const unsigned flags = at(av1c, 2);
    const unsigned depth = (flags & 0x40u) == 0 ? 8 : (flags & 0x20u) == 0 ? 10 : 12;
    return fmt::format("av01.{}.{:02}{}.{:02}", at(av1c, 1) >> 5, at(av1c, 1) & 31u, (flags & 0x80u) != 0 ? 'H' : 'M', depth);
}

COMOQ_DECL std::optional<Bytes> av1_box_of(std::string_view codec) {
    const auto numbers = detail::numbers_behind(codec);
    if (!codec.starts_with("av01.") || numbers.size() < 3 || numbers[0] > 7 || numbers[1] > 31) return std::nullopt;
    const bool high_tier = codec.find('H') != std::string_view::npos;
    const unsigned depth = numbers[2];
    const bool mono = numbers.size() > 3 && numbers[3] == 1;
    const unsigned flags = (high_tier ? 0x80u : 0u) | (depth > 8 ? 0x40u : 0u) | (depth > 10 ? 0x20u : 0u) | (mono ? 0x10u : 0u) |
                           (numbers[0] == 1 ? 0u : 0x0cu);
    std::vector<std::byte> box;
    for (const unsigned byte : {0x81u, numbers[0] << 5 | numbers[1], flags, 0u}) box.push_back(static_cast<std::byte>(byte));
    return Bytes(std::move(box));
}

COMOQ_DECL std::optional<std::string> vp9_codec(std::span<const std::byte> vpcc) {
    using detail::at;
    if (vpcc.size() < 6) return std::nullopt;
    return fmt::format("vp09.{:02}.{:02}.{:02}.{:02}.{:02}.{:02}.{:02}.{:02}", at(vpcc, 0), at(vpcc, 1), at(vpcc, 2) >> 4,
                       at(vpcc, 2) >> 1 & 7u, at(vpcc, 3), at(vpcc, 4), at(vpcc, 5), at(vpcc, 2) & 1u);
}

COMOQ_DECL std::optional<Bytes> vp9_box_of(std::string_view codec) {
    // Profile, level, depth, 4:2:0, colours of BT.709, no full range.
    std::array<unsigned, 8> field = {0, 10, 8, 1, 1, 1, 1, 0};
    const auto numbers = detail::numbers_behind(codec);
    if (codec != "vp8" && (!codec.starts_with("vp09.") || numbers.size() < 3)) return std::nullopt;
    std::copy(numbers.begin(), numbers.end(), field.begin());
    std::vector<std::byte> box;
    for (const unsigned byte : {field[0], field[1], field[2] << 4 | field[3] << 1 | field[7], field[4], field[5], field[6], 0u, 0u}) {
        box.push_back(static_cast<std::byte>(byte & 255));
    }
    return Bytes(std::move(box));
}

COMOQ_DECL std::optional<AacConfig> aac_config(std::span<const std::byte> audio_specific_config) {
    constexpr std::array<std::uint32_t, 13> rates = {96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350};
    detail::BitReader in(audio_specific_config);
    const auto object_type = [&in] {
        const auto type = in.bits(5);
        return type == 31 ? 32 + in.bits(6) : type;
    };
    const auto rate = [&]() -> std::uint32_t {
        const auto index = in.bits(4);
        return index == 15 ? in.bits(24) : index < rates.size() ? rates[index] : 0;
    };
    AacConfig config;
    config.object_type = object_type();
    config.sample_rate = rate();
    config.channels = in.bits(4);
    if (config.channels == 7) config.channels = 8;
    // With spectral band replication said aloud, the rate is that of the output; with parametric stereo, the channels too.
    if (config.object_type == 5 || config.object_type == 29) config.sample_rate = rate();
    if (config.object_type == 29 && config.channels == 1) config.channels = 2;
    if (!in.ok() || config.object_type == 0 || config.sample_rate == 0 || config.channels > 8) return std::nullopt;
    return config;
}

COMOQ_DECL std::optional<OpusConfig> opus_config(std::span<const std::byte> dops) {
    using detail::at;
    if (dops.size() < 11 || at(dops, 0) != 0 || at(dops, 1) == 0) return std::nullopt;
    return OpusConfig{at(dops, 1), at(dops, 2) << 8 | at(dops, 3),
                      at(dops, 4) << 24 | at(dops, 5) << 16 | at(dops, 6) << 8 | at(dops, 7)};
}

COMOQ_DECL Bytes opus_box_of(const OpusConfig &config) {
    std::vector<std::byte> box = {std::byte{0}, static_cast<std::byte>(config.channels & 255)};
    detail::put_big_endian(box, config.pre_skip, 2);
    detail::put_big_endian(box, config.sample_rate, 4);
    detail::put_big_endian(box, 0, 3);  // gain, and the mapping of one or two channels
    return Bytes(std::move(box));
}

COMOQ_DECL AvcFrame avc_from_annex_b(std::span<const std::byte> frame) {
    using namespace detail;
    constexpr unsigned sequence_set = 7, picture_set = 8;
    std::vector<std::span<const std::byte>> sequences, pictures;
    std::vector<std::byte> payload;
    for (const auto unit : units_of(frame)) {
        const unsigned type = at(unit, 0) & 31u;
        if (type == sequence_set && unit.size() >= 4 && unit.size() < 65536 && sequences.size() != 31) {
            sequences.push_back(unit);
        } else if (type == picture_set && unit.size() < 65536 && pictures.size() != 255) {
            pictures.push_back(unit);
        } else {
            put_unit(payload, unit, 4);
        }
    }
    AvcFrame result;
    result.payload = Bytes(std::move(payload));
    if (sequences.empty() || pictures.empty()) return result;
    std::vector<std::byte> avcc = {std::byte{1}, sequences[0][1], sequences[0][2], sequences[0][3], std::byte{0xff}};
    avcc.push_back(static_cast<std::byte>(0xe0u | sequences.size()));
    for (const auto unit : sequences) put_unit(avcc, unit, 2);
    avcc.push_back(static_cast<std::byte>(pictures.size()));
    for (const auto unit : pictures) put_unit(avcc, unit, 2);
    result.avcc = Bytes(std::move(avcc));
    return result;
}

}  // namespace comoq::hang
