// SPDX-License-Identifier: MIT
#pragma once
#include "../../../detail/hang/fragment_box.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace comoq::hang::detail {

COMOQ_DECL std::int64_t in_microseconds(std::int64_t units, std::uint32_t timescale) {
    __extension__ using Wide = __int128;
    const Wide all = Wide{units} * 1'000'000;
    const Wide whole = all / timescale - (all % timescale < 0 ? 1 : 0);
    constexpr Wide most = std::int64_t{1} << 61;
    return static_cast<std::int64_t>(std::clamp(whole, -most, most));
}

/// What samples of a track fragment have if a run does not say otherwise.
struct FragmentHead {
    std::size_t track = 0;
    std::uint64_t base = 0;
    std::uint32_t duration = 0, size = 0, flags = 0;
};

inline constexpr std::uint32_t is_not_sync = 0x10000;
inline constexpr std::size_t most_samples = 65536;
inline constexpr std::int64_t latest_time = std::numeric_limits<std::int64_t>::max() / 4;

/// Nothing for a track that cannot be played, or is not there.
inline std::optional<FragmentHead> read_head(const Box &tfhd, std::uint64_t moof, std::uint64_t end_of_last, const std::vector<MovieTrack> &tracks) {
    BoxFields in = tfhd.fields();
    const auto flags = in.full().flags;
    const auto id = in.u32();
    const auto found = std::ranges::find(tracks, id, &MovieTrack::id);
    if (found == tracks.end() || found->config.kind == MediaKind::Other) return std::nullopt;
    FragmentHead head{static_cast<std::size_t>(found - tracks.begin()), end_of_last, found->duration, found->size, found->flags};
    // The bytes are counted from the file's beginning, from this moof's, or from where those of the last track end.
    if ((flags & 0x20000u) != 0) head.base = moof;
    if ((flags & 0x1u) != 0) head.base = in.u64();
    const bool is_first_description = (flags & 0x2u) == 0 || in.u32() == 1;
    // Where no description was read, none matters.
    if (!is_first_description && !found->config.codec.empty()) {
        throw Mp4Error("cannot be played: box 'tfhd' names another sample description than the first one");
    }
    if ((flags & 0x8u) != 0) head.duration = in.u32();
    if ((flags & 0x10u) != 0) head.size = in.u32();
    if ((flags & 0x20u) != 0) head.flags = in.u32();
    return head;
}

/// Appends the samples of a run, the first of which is at `time` and `position`; both become their ends.
inline void read_run(const Box &trun, const FragmentHead &head, bool is_audio, std::int64_t &time, std::uint64_t &position,
                     std::vector<FragmentSample> &samples) {
    BoxFields in = trun.fields();
    const auto [version, flags] = in.full();
    const auto count = in.u32();
    if (count > most_samples - samples.size()) throw Mp4Error(fmt::format("has a fragment of more than {} samples (box 'trun')", most_samples));
    if ((flags & 0x1u) != 0) {
        const auto offset = static_cast<std::int32_t>(in.u32());
        position = head.base + static_cast<std::uint64_t>(std::int64_t{offset});
    }
    std::uint32_t first_flags = head.flags;
    if ((flags & 0x4u) != 0) first_flags = in.u32();
    for (std::uint32_t i = 0; i != count; ++i) {
        FragmentSample sample;
        sample.track = head.track;
        sample.duration = (flags & 0x100u) != 0 ? in.u32() : head.duration;
        sample.size = (flags & 0x200u) != 0 ? in.u32() : head.size;
        const auto own_flags = (flags & 0x400u) != 0 ? in.u32() : i == 0 ? first_flags : head.flags;
        sample.is_key = is_audio || (own_flags & is_not_sync) == 0;
        if ((flags & 0x800u) != 0) {
            const auto offset = in.u32();
            sample.offset_to_shown = version == 0 ? std::int64_t{offset} : std::int64_t{static_cast<std::int32_t>(offset)};
        }
        sample.decode_time = time;
        sample.position = position;
        time += sample.duration;
        position += sample.size;
        if (time > latest_time) throw Mp4Error("is damaged: box 'tfdt' has a time that is too late");
        samples.push_back(sample);
    }
}

COMOQ_DECL std::vector<FragmentSample> read_fragment(std::span<const std::byte> moof, std::uint64_t position, const std::vector<MovieTrack> &tracks,
                                                     DecodeTimes &next) {
    std::vector<FragmentSample> samples;
    std::uint64_t end_of_last = position;
    for (const Box &traf : boxes_in(fourcc("moof"), moof)) {
        if (traf.type != fourcc("traf")) continue;
        const auto boxes = boxes_in(traf.type, traf.contents);
        const auto head = read_head(need_box(traf.type, boxes, fourcc("tfhd")), position, end_of_last, tracks);
        if (!head) continue;
        std::int64_t &time = next[head->track];
        // Without a time, it goes on where the last fragment has ended.
        if (const auto tfdt = find_box(boxes, fourcc("tfdt"))) {
            BoxFields in = tfdt->fields();
            const auto begin = in.number(in.full().version == 1 ? 8 : 4);
            if (begin > static_cast<std::uint64_t>(latest_time)) in.fail("has a time that is too late");
            time = static_cast<std::int64_t>(begin);
        }
        std::uint64_t at = head->base;
        const bool is_audio = tracks[head->track].config.kind == MediaKind::Audio;
        for (const Box &box : boxes) {
            if (box.type == fourcc("trun")) read_run(box, *head, is_audio, time, at, samples);
        }
        end_of_last = at;
    }
    return samples;
}

}  // namespace comoq::hang::detail
