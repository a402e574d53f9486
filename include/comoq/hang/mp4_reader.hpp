// SPDX-License-Identifier: MIT
/// \file
/// A fragmented MP4, read as it comes: from a file or from an encoder's pipe.
#pragma once
#include "../bytes.hpp"
#include "../config.hpp"
#include "../detail/hang/fragment_box.hpp"
#include "../time.hpp"
#include "codec.hpp"
#include "mp4_error.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace comoq::hang {

/// A track of a movie.
struct Mp4Track {
    /// Its number in the file.
    std::uint32_t id = 0;
    /// What its decoder needs.
    DecoderConfig config;
};

/// A frame of a track: a picture, or some sound.
struct Mp4Sample {
    /// The track's place in `Mp4Reader::tracks()`.
    std::size_t track = 0;
    /// When to decode it. Less than zero for the first ones where pictures are shown in another order.
    std::chrono::microseconds decode_time{0};
    /// When to show it, in microseconds, rounded down.
    Timestamp timestamp;
    /// How long it lasts.
    std::chrono::microseconds duration{0};
    /// True if decoding may begin with it.
    bool is_key = true;
    /// Never empty: samples without bytes are left out.
    Bytes payload;
};

/// Takes a fragmented MP4 (ISO 14496-12, CMAF) in pieces of any size, and gives its samples.
///
/// What it takes: any number of tracks; fragments of a part of a group of pictures; several `traf`, `trun` and `mdat`; bytes that are
/// counted from the fragment, from the track before or from the file's beginning; fragments without `tfdt`, which go on where the
/// last one ended; pictures in another order than they are decoded in; edit lists of a pause and one piece; sizes of 64 bits, and an
/// `mdat` to the end of the file; `sidx`, `styp`, `emsg`, `prft`, `free`, `mfra` and unknown boxes, which it passes over; files that were
/// put together of several: each goes on where the last one ended if its times begin again. Tracks that are neither video nor audio
/// are left out.
///
/// Times: an edit list may begin before the first sample that is shown (the lead-in of AAC, the delay of B-frames). Everything is then
/// shown later by that, in all tracks alike: no time is less than zero.
///
/// Everything else throws Mp4Error, which names the box; the samples before it can still be taken, and it gives no more.
///
/// Memory: a box that matters is held until it is whole, at most `max_box` bytes, and only what has come. A sample is a slice of the
/// piece that it came in if its `mdat` lay within that piece, else of the `mdat`: nothing else is copied. At most 65,536 samples of a
/// fragment, 64 tracks.
class Mp4Reader {
public:
    /// 256 MiB.
    static constexpr std::size_t default_max_box = std::size_t{256} << 20;

    /// At the beginning of a file.
    explicit Mp4Reader(std::size_t max_box = default_max_box) : max_box_(max_box) {}

    /// The next bytes. Throws Mp4Error.
    void push(Bytes piece);
    /// There are no more bytes. Throws Mp4Error if the file is not whole, or not a fragmented MP4.
    void finish();

    /// True when `tracks()` are known, which do not change any more.
    bool has_movie() const noexcept { return has_movie_; }
    /// Those with a codec, in the order of the file.
    const std::vector<Mp4Track> &tracks() const noexcept { return tracks_; }
    /// The next sample that is whole, in the order of decoding; nothing if more bytes are needed.
    std::optional<Mp4Sample> next();

private:
    void take(const Bytes &box, const detail::BoxHeader &header);
    void take_movie(const Bytes &box, const detail::BoxHeader &header);
    void take_fragment(const Bytes &box, const detail::BoxHeader &header);
    void take_data(const Bytes &box, const detail::BoxHeader &header);
    void parse(Bytes &input, bool at_end);
    void check_nothing_is_owed() const;
    std::chrono::microseconds time_of(const detail::MovieTrack &track, std::int64_t units) const;
    std::chrono::microseconds decode_time_of(const detail::FragmentSample &read) const;
    Mp4Sample sample_of(const detail::FragmentSample &read, Bytes payload);

    std::size_t max_box_;
    std::uint64_t position_ = 0;  // of what is not parsed yet
    std::uint64_t file_begin_ = 0;
    std::uint64_t skip_ = 0;  // bytes of a box that does not matter
    bool skips_to_end_ = false, has_movie_ = false, has_fragment_ = false, is_new_file_ = false;
    std::vector<std::byte> pending_;
    std::optional<std::uint64_t> wanted_;  // bytes until `pending_` is a box

    std::vector<detail::MovieTrack> movie_;
    std::vector<std::size_t> places_;  // of a movie's track in `tracks_`
    std::vector<Mp4Track> tracks_;
    detail::DecodeTimes next_times_;
    std::chrono::microseconds shift_{0};  // for edit lists
    std::chrono::microseconds begin_{0};  // of a file that was put behind another
    std::chrono::microseconds end_{0};    // of everything so far
    std::uint64_t fragment_ = 0;          // its position
    std::deque<detail::FragmentSample> owed_;  // by position
    std::deque<Mp4Sample> ready_;
};

}  // namespace comoq::hang

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/hang/mp4_reader.ipp"
#endif
