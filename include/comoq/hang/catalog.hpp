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
    Legacy,   ///< a QUIC varint of microseconds, and the sample
    Loc,      ///< properties with the time, and the sample (draft-ietf-moq-loc)
    Cmaf,     ///< a moof and an mdat of one track
    Unknown,  ///< another one: the rendition is kept, and cannot be read
};

/// The member `container` of a rendition.
struct Container {
    /// Legacy where the catalog does not say.
    ContainerKind kind = ContainerKind::Legacy;
    /// Of Cmaf: ftyp and moov of this track alone.
    Bytes init;
    /// Of Unknown: the JSON object.
    std::string other;

    friend bool operator==(const Container &, const Container &) = default;
};

/// What video and audio have in common. What is not known is left out.
struct Rendition {
    /// As `DecoderConfig::codec`.
    std::string codec;
    /// As `DecoderConfig::description`, where decoders take it apart from the frames.
    std::optional<Bytes> description;
    /// How the track's frames are packed.
    Container container;
    /// Bits a second, up to 2^53 - 1.
    std::optional<std::uint64_t> bitrate;
    /// Milliseconds that a frame may wait before it is sent. Whole ones are written and read: a part counts as one.
    std::optional<double> jitter;
    /// The path, relative to this one's, of another broadcast that has the track.
    std::optional<std::string> broadcast;
    /// The members that are not known here: a JSON object, or empty.
    std::string other;

    friend bool operator==(const Rendition &, const Rendition &) = default;
};

/// A video track.
struct VideoRendition : Rendition {
    /// Coded, in pixels.
    std::optional<std::uint32_t> width;
    /// Coded, in pixels.
    std::optional<std::uint32_t> height;
    /// Pictures a second.
    std::optional<double> framerate;

    friend bool operator==(const VideoRendition &, const VideoRendition &) = default;
};

/// An audio track.
struct AudioRendition : Rendition {
    /// Samples a second.
    std::uint32_t sample_rate = 0;
    /// How many there are.
    std::uint32_t channels = 0;

    friend bool operator==(const AudioRendition &, const AudioRendition &) = default;
};

/// The tracks by name. An empty map is a section that is not there, unless it has other members.
struct Catalog {
    /// By the names of their tracks.
    std::map<std::string, VideoRendition> video;
    /// By the names of their tracks.
    std::map<std::string, AudioRendition> audio;
    /// The members of the section `video` that are not known here: a JSON object, or empty. They are written again.
    std::string video_other;
    /// The same of the section `audio`.
    std::string audio_other;
    /// The same of the catalog.
    std::string other;

    friend bool operator==(const Catalog &, const Catalog &) = default;
};

/// A catalog may have this many bytes. Reading costs at most some forty times the bytes.
inline constexpr std::size_t max_catalog_size = std::size_t{1} << 20;
/// It may have this many objects and lists in one another.
inline constexpr std::size_t max_catalog_depth = 32;

/// Reads a catalog as `@moq/hang` does, also of before renditions had names, where `track` and `config` stood side by side. A member
/// that is null is like one that is not there. Throws `std::system_error` with Decode, and a reason, where it is not JSON, or a member has
/// another type, or one is missing that must be there: `renditions` of a section, `codec`, `sampleRate` and `numberOfChannels` of
/// audio, `init` of cmaf. Above the limits it throws BoundsExceeded.
Catalog parse_catalog(std::string_view json);

/// The catalog as JSON. Throws `std::system_error` with Encode where `other` is not a JSON object or a text is not UTF-8, and for
/// numbers for which readers refuse the whole catalog: a `bitrate` or `jitter` above 2^53 - 1 or below 0, a `framerate` that is not finite.
std::string to_json(const Catalog &catalog);

/// A document with a merge patch (RFC 7396) applied. Throws as `parse_catalog` does, also where the result is above the limits.
std::string merge_patched(std::string_view document, std::string_view patch);

/// What a catalog says of a track: `description` only where decoders take it apart from the frames (avc1, hvc1, AAC).
VideoRendition video_rendition(const DecoderConfig &config);
/// The same of an audio track.
AudioRendition audio_rendition(const DecoderConfig &config);
/// The reverse. Where a container has an `init`, that says more.
DecoderConfig decoder_config(const VideoRendition &rendition);
/// The same of an audio track.
DecoderConfig decoder_config(const AudioRendition &rendition);

}  // namespace comoq::hang

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/hang/catalog.ipp"
#include "../impl/hang/catalog_text.ipp"
#endif
