// SPDX-License-Identifier: MIT
/// \file
/// Pictures and sound as the tracks of a broadcast.
#pragma once
#include "../broadcast.hpp"
#include "../config.hpp"
#include "../group.hpp"
#include "../track_producer.hpp"
#include "../track_subscriber.hpp"
#include "container.hpp"

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <system_error>
#include <utility>

namespace comoq::hang {

/// What media tracks are made with: microseconds, kept for 30 s, sound before pictures.
TrackInfo media_track_info(MediaKind kind);

/// Writes a media track. Video: a group for each key frame and what follows it. Sound: a group for each 100 ms.
class [[nodiscard]] MediaProducer {
public:
    /// Throws as `Packer` does.
    MediaProducer(TrackProducer track, ContainerKind container, const DecoderConfig &config);

    /// The next frame, in the order of decoding. Its payload is shared, not copied. Video before the first key frame is left
    /// out: nobody can decode it. Throws as `GroupProducer::create_frame` does.
    void write(const MediaFrame &frame);
    /// The end of the track.
    void finish();

    /// For the catalog.
    Container container() const { return packer_.container(); }
    /// The track that it writes.
    const TrackProducer &track() const noexcept { return track_; }

private:
    TrackProducer track_;
    Packer packer_;
    MediaKind kind_;
    GroupProducer group_;
    std::optional<Timestamp> group_begin_;
};

/// What a `MediaConsumer` has had so far.
struct MediaStats {
    /// Frames that `read` has given.
    std::uint64_t frames = 0;
    /// Their payloads.
    std::uint64_t bytes = 0;
    /// Groups that were passed over, wholly or in part, because newer ones were there.
    std::uint64_t late_groups = 0;
    /// Groups that broke off, or never came.
    std::uint64_t lost_groups = 0;
    /// Frames that are not of the container; the rest of such a group is passed over.
    std::uint64_t bad_frames = 0;
};

/// A frame of a media track, and the group that it came in.
struct ReceivedFrame : MediaFrame {
    /// The group's number.
    std::uint64_t group = 0;
    /// True for the first frame of the group.
    bool begins_group = false;
};

/// Reads a media track: the frames in the order of decoding, group after group.
///
/// With a latency, a reader that is behind goes on with a later group: if the newest one begins more than that after the last
/// frame that was read, those that are older than that are passed over. Without one it reads everything that the track has.
///
/// Threads: one reader at a time, on an executor that runs one thing at a time. Memory: what the track holds, and at most 64 groups
/// are looked at in advance.
class MediaConsumer {
public:
    /// Throws as `Unpacker` does.
    MediaConsumer(TrackSubscriber track, const Container &container, std::optional<std::chrono::microseconds> latency = {});

    /// The next frame; empty when the track has ended. Throws what the track fails with. A group that fails does not end the
    /// track: it is counted.
    ///
    /// Cancellation: it takes nothing, and can be called again.
    asio::awaitable<std::optional<ReceivedFrame>> read();

    /// What it has had so far.
    const MediaStats &stats() const noexcept { return stats_; }

private:
    struct Waiting {
        explicit Waiting(GroupConsumer waiting) : group(std::move(waiting)) {}
        GroupConsumer group;
        std::optional<std::chrono::microseconds> begin;  // nothing: it has failed, or its first frame is not here
        bool is_known = false;
    };

    void look_ahead();
    void skip_if_late();
    void begin(GroupConsumer group);
    void take(const Frame &frame);
    void end_of_group(const std::error_code &failure);
    asio::awaitable<void> wait();

    TrackSubscriber track_;
    Unpacker unpacker_;
    std::optional<std::chrono::microseconds> latency_;
    std::optional<GroupConsumer> group_;
    std::size_t frames_of_group_ = 0;
    std::optional<std::uint64_t> next_sequence_;
    std::optional<std::chrono::microseconds> now_;  // of the last frame that was taken
    std::deque<Waiting> waiting_;
    std::deque<ReceivedFrame> ready_;
    bool has_ended_ = false;
    MediaStats stats_;
};

}  // namespace comoq::hang

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/hang/media_track.ipp"
#endif
