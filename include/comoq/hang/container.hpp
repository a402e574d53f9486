// SPDX-License-Identifier: MIT
/// \file
/// How the frames of media tracks are packed.
#pragma once
#include "../bytes.hpp"
#include "../config.hpp"
#include "../time.hpp"
#include "catalog.hpp"
#include "mp4_reader.hpp"
#include "mp4_writer.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace comoq::hang {

/// A picture, or some sound, as a codec makes it.
struct MediaFrame {
    /// When to show it.
    Timestamp timestamp;
    /// As the codec makes it.
    Bytes payload;
    /// True if decoding may begin with it.
    bool is_key = true;
    /// When to decode it: where the container says it, which is Cmaf.
    std::optional<std::chrono::microseconds> decode_time = std::nullopt;
    /// How long it lasts: where the container says it, else 0.
    std::chrono::microseconds duration{0};
};

/// Packs frames. It makes what stands before the payload, which goes behind it as it is.
class Packer {
public:
    /// Of Cmaf: for a track with that configuration. Throws Mp4Error where an MP4 cannot have the codec, and
    /// `std::system_error` with Unsupported for Unknown.
    Packer(ContainerKind kind, const DecoderConfig &config);

    /// For the catalog.
    Container container() const;
    /// What stands before the payload. Times are in microseconds there, rounded down.
    Bytes head_of(const MediaFrame &frame);

private:
    ContainerKind kind_;
    std::optional<Mp4Writer> writer_;
};

/// Unpacks frames: payloads are slices of what came.
class Unpacker {
public:
    /// Throws `std::system_error`: Unsupported for Unknown, Decode for a Cmaf whose `init` cannot be read or has not one track.
    explicit Unpacker(const Container &container);

    /// The frames in one of the track's; more than one only of Cmaf. `is_first` is true for the first frame of a group, with which
    /// decoding begins. A frame without a payload marks the end of something, and gives nothing. Throws `std::system_error` with Decode
    /// for what is not of the container.
    std::vector<MediaFrame> unpack(const Bytes &packed, bool is_first);

private:
    void begin();

    ContainerKind kind_;
    Bytes init_;
    std::optional<Mp4Reader> reader_;
};

}  // namespace comoq::hang

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/hang/container.ipp"
#endif
