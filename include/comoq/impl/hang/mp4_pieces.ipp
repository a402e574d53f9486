// SPDX-License-Identifier: MIT
#pragma once
#include "../../hang/mp4_pieces.hpp"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace comoq::hang {

namespace detail {

/// A box with its real size in front, where it said that it goes on to the end.
inline Bytes with_its_size(const Bytes &box) {
    std::string whole(box.view());
    for (std::size_t i = 0; i != 4; ++i) whole[i] = static_cast<char>(box.size() >> (24 - 8 * i) & 255);
    return Bytes(std::move(whole));
}

/// Collects boxes into fragments, and those into pieces.
class PieceCutter {
public:
    explicit PieceCutter(const Mp4PieceLimits &limits) : limits_(limits) {}

    void add(const BoxHeader &header, const Bytes &box, std::uint64_t position) {
        const bool is_moof = header.type == fourcc("moof");
        const bool is_mdat = header.type == fourcc("mdat");
        if ((has_mdat_ && !is_mdat) || (has_moof_ && is_moof)) close();
        if (is_mdat && !has_moof_) {
            throw Mp4Error(fmt::format("is damaged: the box 'mdat' at {} has no 'moof' before it", position));
        }
        const auto contents = box.span().subspan(header.header);
        if (header.type == fourcc("moov")) add_movie(contents, position);
        if (is_moof) add_fragment(contents, position);
        has_moof_ = has_moof_ || is_moof;
        has_mdat_ = has_mdat_ || is_mdat;
        bytes_ += box.size();
        fragment_.boxes.push_back(header.size == 0 && is_mdat ? with_its_size(box) : box);
        if (bytes_ > limits_.bytes || fragment_.boxes.size() > limits_.boxes) {
            throw Mp4Error(fmt::format("has a {} that is too large for one group: more than {} bytes or {} boxes, at {}",
                                       is_beginning_ ? "beginning" : "fragment", limits_.bytes, limits_.boxes, position));
        }
    }

    bool has_movie() const noexcept { return !movie_.tracks.empty(); }
    bool has_fragment() const noexcept { return has_moof_ || !pieces_.empty(); }
    /// What was added belongs to no fragment: it is the beginning of the file.
    void begin_after_movie() {
        fragment_ = {};
        bytes_ = 0;
        is_beginning_ = false;
    }

    /// The pieces. `rest` gets what belongs to none of them.
    std::vector<Mp4Piece> finish(std::vector<Bytes> &rest) {
        if (has_moof_ && !has_mdat_) throw Mp4Error("is truncated: it ends after a moof box, whose mdat box is missing");
        if (has_mdat_) close();
        rest = std::move(fragment_.boxes);
        return std::move(pieces_);
    }

private:
    void add_movie(std::span<const std::byte> moov, std::uint64_t position) {
        auto movie = read_movie(moov, MovieUse::Times);
        if (!movie.is_fragmented) {
            throw Mp4Error("is not fragmented: its box 'moov' has no 'mvex' (ffmpeg -movflags frag_keyframe+empty_moov makes one)");
        }
        if (movie.tracks.empty()) throw Mp4Error("cannot be played: its box 'moov' has no track");
        if (has_movie() && movie.tracks != movie_.tracks) {
            throw Mp4Error(fmt::format("cannot be played: the box 'moov' at {} has other tracks than the first one", position));
        }
        is_new_file_ = has_movie();
        movie_ = std::move(movie);
        next_times_.resize(movie_.tracks.size());
        has_video_ = std::ranges::any_of(movie_.tracks, [](const auto &track) { return track.config.kind == MediaKind::Video; });
    }

    std::chrono::microseconds time_of(const FragmentSample &sample, std::int64_t units) const {
        return std::chrono::microseconds(in_microseconds(units, movie_.tracks[sample.track].timescale));
    }

    void add_fragment(std::span<const std::byte> moof, std::uint64_t position) {
        const auto before = next_times_;
        const auto samples = read_fragment(moof, position, movie_.tracks, next_times_);
        begins_with_key_ = !has_video_;
        fragment_.begin = fragment_.end = end_;
        if (samples.empty()) return;
        const auto is_picture = [&](const auto &sample) { return movie_.tracks[sample.track].config.kind == MediaKind::Video; };
        const auto picture = std::ranges::find_if(samples, is_picture);
        begins_with_key_ = has_video_ ? picture != samples.end() && picture->is_key : true;
        auto first = time_of(samples.front(), samples.front().decode_time), last = first;
        for (const auto &sample : samples) {
            first = std::min(first, time_of(sample, sample.decode_time));
            last = std::max(last, time_of(sample, sample.decode_time + sample.duration));
        }
        // The times of a file that was put behind another go on, or begin again.
        if (!begin_) begin_ = -first;
        if (is_new_file_ && samples.front().decode_time < before[samples.front().track]) begin_ = end_ - first;
        is_new_file_ = false;
        fragment_.begin = std::max(first + *begin_, latest_begin_);
        fragment_.end = std::max(last + *begin_, fragment_.begin);
        latest_begin_ = fragment_.begin;
        end_ = std::max(end_, fragment_.end);
    }

    void close() {
        const bool fits = !pieces_.empty() && bytes_of_piece_ + bytes_ <= limits_.bytes &&
                          pieces_.back().boxes.size() + fragment_.boxes.size() <= limits_.boxes;
        if (begins_with_key_ || !fits) {
            pieces_.push_back(std::move(fragment_));
            bytes_of_piece_ = bytes_;
        } else {
            auto &piece = pieces_.back();
            std::ranges::move(fragment_.boxes, std::back_inserter(piece.boxes));
            piece.end = std::max(piece.end, fragment_.end);
            bytes_of_piece_ += bytes_;
        }
        fragment_ = {};
        bytes_ = 0;
        has_moof_ = has_mdat_ = false;
    }

    const Mp4PieceLimits limits_;
    MovieBox movie_;
    DecodeTimes next_times_;
    std::vector<Mp4Piece> pieces_;
    std::size_t bytes_of_piece_ = 0;  // of the last one
    Mp4Piece fragment_;               // so far
    std::size_t bytes_ = 0;           // of it
    bool is_beginning_ = true, has_video_ = false, has_moof_ = false, has_mdat_ = false, begins_with_key_ = false, is_new_file_ = false;
    std::optional<std::chrono::microseconds> begin_;  // what is added to the times of the file
    std::chrono::microseconds latest_begin_{0}, end_{0};
};

}  // namespace detail

COMOQ_DECL Mp4Pieces cut_mp4(const Bytes &file, const Mp4PieceLimits &limits) {
    if (file.empty()) throw Mp4Error("is empty");
    Mp4Pieces cut;
    detail::PieceCutter cutter(limits);
    for (std::size_t at = 0; at != file.size();) {
        const auto left = file.span().subspan(at);
        const auto header = detail::read_box_header(left, at);
        if (at == 0) detail::check_first_box(header);
        const auto size = header && header->size == 0 ? left.size() : header ? header->size : 0;
        if (!header || size > left.size()) detail::fail_truncated(left, at);
        const bool is_moof = header->type == detail::fourcc("moof");
        if (is_moof && !cutter.has_movie()) throw Mp4Error("is damaged: a moof box comes before the moov box");
        if (header->type == detail::fourcc("mdat") && !cutter.has_movie()) {
            throw Mp4Error("is not fragmented: its box 'mdat' comes before any 'moov' (ffmpeg -movflags frag_keyframe+empty_moov makes one)");
        }
        const bool had_movie = cutter.has_movie();
        cutter.add(*header, file.slice(at, static_cast<std::size_t>(size)), at);
        at += static_cast<std::size_t>(size);
        if (!had_movie && cutter.has_movie()) {
            cut.init = file.slice(0, at);
            cutter.begin_after_movie();
        }
    }
    if (!cutter.has_movie()) throw Mp4Error("has no moov box, so it is truncated or not a movie");
    if (!cutter.has_fragment()) throw Mp4Error("is not fragmented: no moof box (ffmpeg -movflags frag_keyframe+empty_moov makes one)");
    std::vector<Bytes> rest;
    cut.pieces = cutter.finish(rest);
    std::size_t length = 0;
    for (const auto &box : rest) length += box.size();
    cut.rest = file.slice(file.size() - length);
    return cut;
}

}  // namespace comoq::hang
