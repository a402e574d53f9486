// SPDX-License-Identifier: MIT
#pragma once
#include "../../../detail/hang/movie_box.hpp"
#include "../../../detail/hang/sample_entry.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace comoq::hang::detail {

/// The timescale of `mvhd` or `mdhd`, which have it in the same place.
inline std::uint32_t timescale_of(const Box &header) {
    BoxFields in = header.fields();
    in.skip(in.full().version == 1 ? 16 : 8);
    return in.u32();
}

inline void read_edits(MovieTrack &track, const Box &list, std::uint32_t movie_timescale) {
    BoxFields in = list.fields();
    const bool wide = in.full().version == 1;
    const auto count = in.u32();
    bool has_begun = false;
    for (std::uint32_t i = 0; i != count; ++i) {
        const auto duration = in.number(wide ? 8 : 4);
        const auto begin = wide ? static_cast<std::int64_t>(in.u64()) : std::int64_t{static_cast<std::int32_t>(in.u32())};
        const auto rate = in.u32();
        if (begin == -1 && !has_begun) {
            // Ten years are enough, and do not overflow.
            const auto pause = static_cast<long double>(duration) / static_cast<long double>(movie_timescale) * 1e6L;
            if (movie_timescale == 0 || pause > 3e14L) in.fail("has a pause that is too long");
            track.pause += static_cast<std::int64_t>(pause);
            if (track.pause > 300'000'000'000'000) in.fail("has pauses that are too long");
            continue;
        }
        if (has_begun || rate != 0x10000 || begin < 0 || begin > std::numeric_limits<std::int64_t>::max() / 4) {
            throw Mp4Error("cannot be played: box 'elst' has several pieces, or another speed");
        }
        track.media_begin = begin;
        has_begun = true;
    }
}

inline MediaKind kind_of(const Box &handler) {
    BoxFields in = handler.fields();
    in.skip(8);
    const auto type = in.u32();
    return type == fourcc("vide") ? MediaKind::Video : type == fourcc("soun") ? MediaKind::Audio : MediaKind::Other;
}

inline MovieTrack read_track(const Box &trak, std::uint32_t movie_timescale, MovieUse use) {
    MovieTrack track;
    const auto boxes = boxes_in(trak.type, trak.contents);
    BoxFields header = need_box(trak.type, boxes, fourcc("tkhd")).fields();
    header.skip(header.full().version == 1 ? 16 : 8);
    track.id = header.u32();
    const auto mdia = need_box(trak.type, boxes, fourcc("mdia"));
    const auto media = boxes_in(mdia.type, mdia.contents);
    track.timescale = timescale_of(need_box(mdia.type, media, fourcc("mdhd")));
    if (track.timescale == 0) throw Mp4Error("is damaged: box 'mdhd' has a timescale of 0");
    track.config.kind = kind_of(need_box(mdia.type, media, fourcc("hdlr")));
    if (use == MovieUse::Times) {
        if (track.config.kind == MediaKind::Other) track.config.kind = MediaKind::Audio;
        return track;
    }
    if (track.config.kind == MediaKind::Other) return track;
    if (const auto edts = find_box(boxes, fourcc("edts"))) {
        const auto edits = boxes_in(edts->type, edts->contents);
        if (const auto list = find_box(edits, fourcc("elst"))) read_edits(track, *list, movie_timescale);
    }
    const auto minf = need_box(mdia.type, media, fourcc("minf"));
    const auto stbl = need_box(minf.type, boxes_in(minf.type, minf.contents), fourcc("stbl"));
    BoxFields entries = need_box(stbl.type, boxes_in(stbl.type, stbl.contents), fourcc("stsd")).fields();
    entries.skip(8);
    const auto list = boxes_in(fourcc("stsd"), entries.rest());
    if (list.size() != 1) throw Mp4Error(fmt::format("cannot be played: box 'stsd' has {} entries", list.size()));
    track.config = read_sample_entry(track.config.kind, list.front());
    return track;
}

COMOQ_DECL MovieBox read_movie(std::span<const std::byte> moov, MovieUse use) {
    constexpr std::size_t most = 64;
    const auto boxes = boxes_in(fourcc("moov"), moov);
    const auto head = find_box(boxes, fourcc("mvhd"));
    const auto timescale = head ? timescale_of(*head) : 0;
    MovieBox movie;
    for (const Box &box : boxes) {
        if (box.type != fourcc("trak")) continue;
        if (movie.tracks.size() == most) throw Mp4Error(fmt::format("cannot be played: box 'moov' has more than {} tracks", most));
        auto track = read_track(box, timescale, use);
        if (std::ranges::any_of(movie.tracks, [&](const MovieTrack &other) { return other.id == track.id; })) {
            throw Mp4Error(fmt::format("is damaged: two boxes 'tkhd' have the track number {}", track.id));
        }
        movie.tracks.push_back(std::move(track));
    }
    if (const auto mvex = find_box(boxes, fourcc("mvex"))) {
        movie.is_fragmented = true;
        for (const Box &box : boxes_in(mvex->type, mvex->contents)) {
            if (box.type != fourcc("trex")) continue;
            BoxFields in = box.fields();
            in.full();
            const auto id = in.u32();
            in.skip(4);
            for (MovieTrack &track : movie.tracks) {
                if (track.id != id) continue;
                track.duration = in.u32();
                track.size = in.u32();
                track.flags = in.u32();
                break;
            }
        }
    }
    return movie;
}

}  // namespace comoq::hang::detail
