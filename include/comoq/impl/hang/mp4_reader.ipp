// SPDX-License-Identifier: MIT
#pragma once
#include "../../hang/mp4_reader.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>
#include <utility>

namespace comoq::hang {

namespace detail {

inline bool matters(std::uint32_t type) { return type == fourcc("moov") || type == fourcc("moof") || type == fourcc("mdat"); }

}  // namespace detail

COMOQ_DECL void Mp4Reader::push(Bytes piece) {
    if (skips_to_end_) {
        position_ += piece.size();
        return;
    }
    if (skip_ != 0) {
        const auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, piece.size()));
        skip_ -= skipped;
        position_ += skipped;
        piece = piece.slice(skipped);
    }
    if (pending_.empty()) {
        parse(piece, false);
        pending_.assign(piece.span().begin(), piece.span().end());
        return;
    }
    pending_.insert(pending_.end(), piece.span().begin(), piece.span().end());
    // Until the box is whole, there is nothing to look at.
    if (wanted_ && pending_.size() < *wanted_) {
        return;
    }
    Bytes all(std::move(pending_));
    pending_.clear();
    parse(all, false);
    pending_.assign(all.span().begin(), all.span().end());
}

// Takes the whole boxes from the front of `input`.
COMOQ_DECL void Mp4Reader::parse(Bytes &input, bool at_end) {
    wanted_.reset();
    while (!input.empty()) {
        const auto header = detail::read_box_header(input.span(), position_);
        if (!header) return;
        const auto name = detail::box_name(header->type);
        if (position_ == 0) detail::check_first_box(header);
        const auto size = header->size == 0 && at_end ? input.size() : header->size;
        if (!detail::matters(header->type)) {
            if (header->type == detail::fourcc("ftyp")) file_begin_ = position_;
            skips_to_end_ = header->size == 0;
            const auto now = skips_to_end_ ? input.size() : static_cast<std::size_t>(std::min<std::uint64_t>(size, input.size()));
            skip_ = skips_to_end_ ? 0 : size - now;
            position_ += now;
            input = input.slice(now);
            continue;
        }
        if (std::max<std::uint64_t>(size, size == 0 ? input.size() : 0) > max_box_) {
            throw Mp4Error(fmt::format("has a box '{}' at {} of more than {} bytes", name, position_, max_box_));
        }
        if (size == 0 || size > input.size()) {
            wanted_ = size == 0 ? std::uint64_t{max_box_} + 1 : size;
            return;
        }
        const Bytes box = input.slice(0, static_cast<std::size_t>(size));
        input = input.slice(box.size());
        take(box, *header);
    }
}

COMOQ_DECL void Mp4Reader::take(const Bytes &box, const detail::BoxHeader &header) {
    if (header.type == detail::fourcc("moov")) {
        take_movie(box, header);
    } else if (header.type == detail::fourcc("moof")) {
        if (!has_movie_) throw Mp4Error("is damaged: a moof box comes before the moov box");
        take_fragment(box, header);
    } else {
        take_data(box, header);
    }
    position_ += box.size();
}

COMOQ_DECL void Mp4Reader::take_movie(const Bytes &box, const detail::BoxHeader &header) {
    check_nothing_is_owed();
    auto movie = detail::read_movie(box.span().subspan(header.header));
    if (!movie.is_fragmented) {
        throw Mp4Error("is not fragmented: its box 'moov' has no 'mvex' (ffmpeg -movflags frag_keyframe+empty_moov makes one)");
    }
    if (has_movie_) {
        if (movie.tracks != movie_) {
            throw Mp4Error(fmt::format("cannot be played: the box 'moov' before {} has other tracks than the first one", position_));
        }
        is_new_file_ = true;
        return;
    }
    movie_ = std::move(movie.tracks);
    next_times_.assign(movie_.size(), 0);
    for (const auto &track : movie_) {
        places_.push_back(tracks_.size());
        if (track.config.kind == MediaKind::Other) continue;
        tracks_.push_back({track.id, track.config});
        const auto early = -detail::in_microseconds(-track.media_begin, track.timescale) - track.pause;
        shift_ = std::max(shift_, std::chrono::microseconds(early));
    }
    if (tracks_.empty()) throw Mp4Error("cannot be played: its box 'moov' has neither video nor audio");
    has_movie_ = true;
}

COMOQ_DECL void Mp4Reader::take_fragment(const Bytes &box, const detail::BoxHeader &header) {
    check_nothing_is_owed();
    fragment_ = position_;
    const auto before = next_times_;
    auto samples = detail::read_fragment(box.span().subspan(header.header), fragment_ - file_begin_, movie_, next_times_);
    if (!samples.empty() && is_new_file_) {
        is_new_file_ = false;
        // Times that go on are right; those that begin again go on where the last file has ended.
        if (samples.front().decode_time < before[samples.front().track]) {
            auto first = decode_time_of(samples.front());
            for (const auto &sample : samples) first = std::min(first, decode_time_of(sample));
            begin_ += end_ - first;
        }
    }
    has_fragment_ = true;
    std::erase_if(samples, [](const auto &sample) { return sample.size == 0; });
    // In the order of their bytes, so that each box of data looks at its own ones only; and each byte is of one sample, so
    // that a small box does not stand for any amount of samples.
    for (auto &sample : samples) sample.position += file_begin_;
    std::ranges::sort(samples, {}, &detail::FragmentSample::position);
    for (std::size_t i = 1; i < samples.size(); ++i) {
        if (samples[i].position - samples[i - 1].position >= samples[i - 1].size) continue;
        throw Mp4Error(fmt::format("is damaged: the box 'moof' at {} has two samples in the same bytes", fragment_));
    }
    owed_.assign(samples.begin(), samples.end());
}

COMOQ_DECL void Mp4Reader::take_data(const Bytes &box, const detail::BoxHeader &header) {
    if (!has_movie_) {
        throw Mp4Error("is not fragmented: its box 'mdat' comes before any 'moov' (ffmpeg -movflags frag_keyframe+empty_moov makes one)");
    }
    const auto begin = position_ + header.header;
    const auto end = position_ + box.size();
    std::vector<Mp4Sample> samples;
    for (; !owed_.empty() && owed_.front().position < end; owed_.pop_front()) {
        const auto &sample = owed_.front();
        if (sample.position < begin || end - sample.position < sample.size) check_nothing_is_owed();
        samples.push_back(sample_of(sample, box.slice(static_cast<std::size_t>(sample.position - position_), sample.size)));
    }
    // The tracks of a fragment are one behind the other in it.
    std::vector<std::size_t> order(samples.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair(samples[i].decode_time, i); });
    for (const auto i : order) ready_.push_back(std::move(samples[i]));
}

COMOQ_DECL std::chrono::microseconds Mp4Reader::time_of(const detail::MovieTrack &track, std::int64_t units) const {
    return std::chrono::microseconds(detail::in_microseconds(units - track.media_begin, track.timescale) + track.pause) + shift_ + begin_;
}

COMOQ_DECL std::chrono::microseconds Mp4Reader::decode_time_of(const detail::FragmentSample &read) const {
    return time_of(movie_[read.track], read.decode_time);
}

COMOQ_DECL Mp4Sample Mp4Reader::sample_of(const detail::FragmentSample &read, Bytes payload) {
    const auto &track = movie_[read.track];
    Mp4Sample sample;
    sample.track = places_[read.track];
    sample.decode_time = decode_time_of(read);
    const auto shown = std::max(time_of(track, read.decode_time + read.offset_to_shown), std::chrono::microseconds(0));
    sample.timestamp = Timestamp(static_cast<std::uint64_t>(shown.count()), Timescale(1'000'000));
    const auto end = time_of(track, read.decode_time + read.duration);
    sample.duration = end - sample.decode_time;
    sample.is_key = read.is_key;
    sample.payload = std::move(payload);
    end_ = std::max(end_, end);
    return sample;
}

COMOQ_DECL void Mp4Reader::check_nothing_is_owed() const {
    if (owed_.empty()) return;
    throw Mp4Error(fmt::format("is damaged: the box 'moof' at {} counts on bytes that are in no 'mdat' before the next one", fragment_));
}

COMOQ_DECL void Mp4Reader::finish() {
    Bytes rest(std::move(pending_));
    pending_.clear();
    parse(rest, true);
    if (position_ == 0 && rest.empty()) throw Mp4Error("is empty");
    if (position_ == 0 && rest.size() < 8) detail::check_first_box(std::nullopt);
    if (skip_ != 0) throw Mp4Error(fmt::format("is truncated: its last box lacks {} bytes", skip_));
    if (!rest.empty()) detail::fail_truncated(rest.span(), position_);
    if (!has_movie_) throw Mp4Error("has no moov box, so it is truncated or not a movie");
    if (!owed_.empty()) throw Mp4Error("is truncated: it ends after a moof box, whose mdat box is missing");
    if (!has_fragment_) throw Mp4Error("is not fragmented: no moof box (ffmpeg -movflags frag_keyframe+empty_moov makes one)");
}

COMOQ_DECL std::optional<Mp4Sample> Mp4Reader::next() {
    if (ready_.empty()) return std::nullopt;
    auto sample = std::move(ready_.front());
    ready_.pop_front();
    return sample;
}

}  // namespace comoq::hang
