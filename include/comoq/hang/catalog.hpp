// SPDX-License-Identifier: MIT
/// \file
/// The catalog of a hang broadcast: which tracks it has, and how to decode them.
#pragma once
#include "../bytes.hpp"
#include "../config.hpp"
#include "codec.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace comoq::hang {

/// How the frames of a track are packed.
enum class ContainerKind : std::uint8_t {
    Legacy,  // a QUIC varint of microseconds, and the sample
    Loc,     // properties with the time, and the sample (draft-ietf-moq-loc)
    Cmaf,    // a moof and an mdat of one track
    Unknown  // another one: the rendition is kept, and cannot be read
};

struct Container {
    ContainerKind kind = ContainerKind::Legacy;
    Bytes init;         // of Cmaf: ftyp and moov of this track alone
    std::string other;  // of Unknown: the JSON object

    friend bool operator==(const Container &, const Container &) = default;
};

/// What video and audio have in common. What is not known is left out.
struct Rendition {
    std::string codec;
    /// As `DecoderConfig::description`, where decoders take it apart from the frames.
    std::optional<Bytes> description;
    Container container;
    std::optional<std::uint64_t> bitrate;  // bits a second
    std::optional<double> jitter;          // milliseconds that a frame may wait before it is sent
    std::optional<std::string> broadcast;  // the path, relative to this one's, of another broadcast that has the track
    /// The members that are not known here: a JSON object, or empty.
    std::string other;

    friend bool operator==(const Rendition &, const Rendition &) = default;
};

struct VideoRendition : Rendition {
    std::optional<std::uint32_t> width, height;  // coded, in pixels
    std::optional<double> framerate;

    friend bool operator==(const VideoRendition &, const VideoRendition &) = default;
};

struct AudioRendition : Rendition {
    std::uint32_t sample_rate = 0;
    std::uint32_t channels = 0;

    friend bool operator==(const AudioRendition &, const AudioRendition &) = default;
};

/// The tracks by name. An empty map is a section that is not there, unless it has other members.
struct Catalog {
    std::map<std::string, VideoRendition> video;
    std::map<std::string, AudioRendition> audio;
    // The members of the sections, and of the catalog, that are not known here: JSON objects, or empty. They are written again.
    std::string video_other, audio_other, other;

    friend bool operator==(const Catalog &, const Catalog &) = default;
};

/// A catalog may have this many bytes, and as many objects and lists in one another. Reading costs at most some forty times the bytes.
inline constexpr std::size_t max_catalog_size = std::size_t{1} << 20;
inline constexpr std::size_t max_catalog_depth = 32;

/// Reads a catalog as `@moq/hang` does. Throws `std::system_error` with Decode, and a reason, where it is not JSON, or a member has
/// another type, or one is missing that must be there: `renditions` of a section, `codec`, `sampleRate` and `numberOfChannels` of
/// audio, `init` of cmaf. Above the limits it throws BoundsExceeded.
Catalog parse_catalog(std::string_view json);

/// The catalog as JSON. Throws `std::system_error` with Encode where `other` is not a JSON object or a text is not UTF-8.
std::string to_json(const Catalog &catalog);

/// A document with a merge patch (RFC 7396) applied. Throws as `parse_catalog` does, also where the result is above the limits.
std::string merge_patched(std::string_view document, std::string_view patch);

/// What a catalog says of a track: `description` only where decoders take it apart from the frames (avc1, hvc1, AAC).
VideoRendition video_rendition(const DecoderConfig &config);
AudioRendition audio_rendition(const DecoderConfig &config);
DecoderConfig decoder_config(const VideoRendition &rendition);
DecoderConfig decoder_config(const AudioRendition &rendition);

}  // namespace comoq::hang

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/hang/catalog.ipp"
#include "../impl/hang/catalog_text.ipp"
#endif
