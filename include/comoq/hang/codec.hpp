// SPDX-License-Identifier: MIT
/// \file
/// The names that WebCodecs has for codecs, and the configurations of decoders.
#pragma once
#include "../bytes.hpp"
#include "../config.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace comoq::hang {

/// What a track carries.
enum class MediaKind : std::uint8_t {
    Other,  ///< neither of the following
    Video,  ///< pictures
    Audio,  ///< sound
};

/// What a decoder has to know of a track before the first frame.
struct DecoderConfig {
    /// Pictures or sound.
    MediaKind kind = MediaKind::Other;
    /// As in WebCodecs: `avc1.64001f`, `hvc1.1.6.L93.b0`, `av01.0.04M.08`, `vp09.00.10.08`, `vp8`, `mp4a.40.2`, `mp3`, `opus`.
    std::string codec;
    /// The contents of the box that MP4 has for it: avcC, hvcC, av1C, vpcC (behind version and flags), the AudioSpecificConfig of
    /// AAC, dOps. Empty where the codec does without, or has it in its frames (`avc3`, `hev1`).
    Bytes description;
    /// Of video, in pixels.
    std::uint32_t width = 0;
    /// Of video, in pixels.
    std::uint32_t height = 0;
    /// Of audio, in a second.
    std::uint32_t sample_rate = 0;
    /// Of audio.
    std::uint32_t channels = 0;

    friend bool operator==(const DecoderConfig &, const DecoderConfig &) = default;
};

/// The name of H.264, from the contents of its box. Nothing if those are too short or of another version.
/// `name` is the sample entry, `avc1` or `avc3`.
std::optional<std::string> avc_codec(std::string_view name, std::span<const std::byte> avcc);
/// The same of HEVC; `name` is `hvc1` or `hev1`.
std::optional<std::string> hevc_codec(std::string_view name, std::span<const std::byte> hvcc);
/// The same of AV1.
std::optional<std::string> av1_codec(std::span<const std::byte> av1c);
/// The same of VP9, without the version and the flags of the box.
std::optional<std::string> vp9_codec(std::span<const std::byte> vpcc);

/// The reverse, for players that need the box where only the name came: what the name says, and 4:2:0 for the rest. Nothing if it
/// is not a name of AV1.
std::optional<Bytes> av1_box_of(std::string_view codec);
/// The same of VP9, and of `vp8`.
std::optional<Bytes> vp9_box_of(std::string_view codec);

/// What an AudioSpecificConfig of AAC (ISO 14496-3) says. It is right where the sample entry of an MP4 contradicts it.
struct AacConfig {
    /// 2 is AAC-LC, 5 with spectral band replication, 29 with parametric stereo.
    std::uint32_t object_type = 0;
    /// Of the output.
    std::uint32_t sample_rate = 0;
    /// 0: in a program config element, which is not read here.
    std::uint32_t channels = 0;

    friend bool operator==(const AacConfig &, const AacConfig &) = default;
};
/// Reads it. Nothing if it is too short, or has values that are reserved.
std::optional<AacConfig> aac_config(std::span<const std::byte> audio_specific_config);

/// What dOps, the box of Opus, says.
struct OpusConfig {
    /// How many there are.
    std::uint32_t channels = 2;
    /// Samples of 48 kHz at the beginning that are not heard.
    std::uint32_t pre_skip = 0;
    /// Of the input of the encoder; decoders give 48 kHz.
    std::uint32_t sample_rate = 48000;

    friend bool operator==(const OpusConfig &, const OpusConfig &) = default;
};
/// Reads it. Nothing if it is too short or of another version.
std::optional<OpusConfig> opus_config(std::span<const std::byte> dops);
/// The box for one or two channels.
Bytes opus_box_of(const OpusConfig &config);

/// H.264 with its parameter sets in the frames (`avc3`, Annex B), as browsers encode it: the avcC of the parameter sets in a key
/// frame, and the frame with lengths in place of start codes and without them. `avcc` is empty if the frame has none of them.
/// The result is a copy, at most twice the size of the frame.
struct AvcFrame {
    /// Empty if the frame has no parameter sets.
    Bytes avcc;
    /// With lengths of four bytes.
    Bytes payload;
};
/// Makes it.
AvcFrame avc_from_annex_b(std::span<const std::byte> frame);

/// Bytes as hexadecimal digits.
std::string to_hex(std::span<const std::byte> bytes);
/// The reverse; nothing for a character that is not one of them, or an odd number of them.
std::optional<Bytes> from_hex(std::string_view digits);
/// Base64 with padding.
std::string to_base64(std::span<const std::byte> bytes);
/// The reverse; nothing for anything else.
std::optional<Bytes> from_base64(std::string_view text);

}  // namespace comoq::hang

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/hang/codec.ipp"
#include "../impl/hang/text_of_bytes.ipp"
#endif
