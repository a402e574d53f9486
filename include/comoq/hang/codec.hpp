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

enum class MediaKind : std::uint8_t { Other, Video, Audio };

/// What a decoder has to know of a track before the first frame.
struct DecoderConfig {
    MediaKind kind = MediaKind::Other;
    /// As in WebCodecs: `avc1.64001f`, `hvc1.1.6.L93.b0`, `av01.0.04M.08`, `vp09.00.10.08`, `vp8`, `mp4a.40.2`, `mp3`, `opus`.
    std::string codec;
    /// The contents of the box that MP4 has for it: avcC, hvcC, av1C, vpcC (behind version and flags), the AudioSpecificConfig of
    /// AAC, dOps. Empty where the codec does without, or has it in its frames (`avc3`).
    Bytes description;
    std::uint32_t width = 0, height = 0;          // of video, in pixels
    std::uint32_t sample_rate = 0, channels = 0;  // of audio

    friend bool operator==(const DecoderConfig &, const DecoderConfig &) = default;
};

/// The names of codecs, from the contents of their boxes. Nothing if those are too short or of another version.
/// `name` is the sample entry: `avc1` or `avc3`, `hvc1` or `hev1`.
std::optional<std::string> avc_codec(std::string_view name, std::span<const std::byte> avcc);
std::optional<std::string> hevc_codec(std::string_view name, std::span<const std::byte> hvcc);
std::optional<std::string> av1_codec(std::span<const std::byte> av1c);
std::optional<std::string> vp9_codec(std::span<const std::byte> vpcc);

/// The reverse, for players that need the box where only the name came: what the name says, and 4:2:0 for the rest. Nothing if it
/// is not a name of that codec.
std::optional<Bytes> av1_box_of(std::string_view codec);
/// Also for `vp8`.
std::optional<Bytes> vp9_box_of(std::string_view codec);

/// What an AudioSpecificConfig of AAC (ISO 14496-3) says. It is right where the sample entry of an MP4 contradicts it.
struct AacConfig {
    std::uint32_t object_type = 0;
    std::uint32_t sample_rate = 0;
    std::uint32_t channels = 0;  // 0: in a program config element, which is not read here

    friend bool operator==(const AacConfig &, const AacConfig &) = default;
};
std::optional<AacConfig> aac_config(std::span<const std::byte> audio_specific_config);

/// What dOps, the box of Opus, says.
struct OpusConfig {
    std::uint32_t channels = 2;
    std::uint32_t pre_skip = 0;        // samples of 48 kHz
    std::uint32_t sample_rate = 48000; // of the input of the encoder; decoders give 48 kHz

    friend bool operator==(const OpusConfig &, const OpusConfig &) = default;
};
std::optional<OpusConfig> opus_config(std::span<const std::byte> dops);
/// The box for one or two channels.
Bytes opus_box_of(const OpusConfig &config);

/// H.264 with its parameter sets in the frames (`avc3`, Annex B), as browsers encode it: the avcC of the parameter sets in a key
/// frame, and the frame with lengths in place of start codes and without them. `avcc` is empty if the frame has none of them.
/// The result is a copy, at most twice the size of the frame.
struct AvcFrame {
    Bytes avcc;
    Bytes payload;
};
AvcFrame avc_from_annex_b(std::span<const std::byte> frame);

/// Bytes as hexadecimal digits and back; nothing for a character that is none, or an odd number of them.
std::string to_hex(std::span<const std::byte> bytes);
std::optional<Bytes> from_hex(std::string_view digits);
/// Base64 with padding, and back; nothing for anything else.
std::string to_base64(std::span<const std::byte> bytes);
std::optional<Bytes> from_base64(std::string_view text);

}  // namespace comoq::hang

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/hang/codec.ipp"
#include "../impl/hang/text_of_bytes.ipp"
#endif
