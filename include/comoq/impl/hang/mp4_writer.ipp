// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/hang/box_writer.hpp"
#include "../../hang/mp4_writer.hpp"

#include <utility>

namespace comoq::hang {

namespace detail {

inline constexpr std::uint32_t microseconds = 1'000'000;

inline void write_track(BoxWriter &out, const DecoderConfig &config, std::uint32_t id) {
    const bool is_video = config.kind == MediaKind::Video;
    const auto trak = out.begin("trak");
    const auto tkhd = out.begin("tkhd", 3);
    out.zeros(8);
    out.u32(id);
    out.zeros(8 + 8 + 4);
    out.u16(is_video ? 0 : 0x100);  // volume
    out.u16(0);
    out.unity_matrix();
    out.u32(config.width << 16);
    out.u32(config.height << 16);
    out.end(tkhd);
    const auto mdia = out.begin("mdia");
    const auto mdhd = out.begin("mdhd", 0);
    out.zeros(8);
    out.u32(microseconds);
    out.u32(0);
    out.u16(0x55c4);  // the language is not known
    out.u16(0);
    out.end(mdhd);
    const auto hdlr = out.begin("hdlr", 0);
    out.u32(0);
    out.text(is_video ? "vide" : "soun");
    out.zeros(13);
    out.end(hdlr);
    const auto minf = out.begin("minf");
    const auto head = is_video ? out.begin("vmhd", 1) : out.begin("smhd", 0);
    out.zeros(is_video ? 8 : 4);
    out.end(head);
    const auto dinf = out.begin("dinf");
    const auto dref = out.begin("dref", 0);
    out.u32(1);
    out.end(out.begin("url ", 1));
    out.end(dref);
    out.end(dinf);
    const auto stbl = out.begin("stbl");
    const auto stsd = out.begin("stsd", 0);
    out.u32(1);
    write_sample_entry(out, config);
    out.end(stsd);
    for (const char *table : {"stts", "stsc", "stsz", "stco"}) {
        const auto box = out.begin(table, 0);
        out.zeros(std::string_view(table) == "stsz" ? 8 : 4);
        out.end(box);
    }
    out.end(stbl);
    out.end(minf);
    out.end(mdia);
    out.end(trak);
}

}  // namespace detail

COMOQ_DECL Mp4Writer::Mp4Writer(std::vector<DecoderConfig> tracks) : tracks_(std::move(tracks)) { init(); }

COMOQ_DECL Bytes Mp4Writer::init() const {
    detail::BoxWriter out;
    const auto ftyp = out.begin("ftyp");
    out.text("iso6");
    out.u32(0);
    out.text("iso6mp41cmfc");
    out.end(ftyp);
    const auto moov = out.begin("moov");
    const auto mvhd = out.begin("mvhd", 0);
    out.zeros(8);
    out.u32(1000);
    out.u32(0);
    out.u32(0x10000);  // speed
    out.u16(0x100);    // volume
    out.zeros(10);
    out.unity_matrix();
    out.zeros(24);
    out.u32(tracks_.size() + 1);
    out.end(mvhd);
    for (std::size_t i = 0; i != tracks_.size(); ++i) detail::write_track(out, tracks_[i], static_cast<std::uint32_t>(i + 1));
    const auto mvex = out.begin("mvex");
    for (std::size_t i = 0; i != tracks_.size(); ++i) {
        const auto trex = out.begin("trex", 0);
        out.u32(i + 1);
        out.u32(1);
        out.zeros(12);
        out.end(trex);
    }
    out.end(mvex);
    out.end(moov);
    return Bytes(out.take());
}

COMOQ_DECL Bytes Mp4Writer::fragment(std::size_t track, std::uint64_t decode_time, std::span<const Mp4OutputSample> samples) {
    constexpr std::uint32_t is_key = 0x2000000, is_not_key = 0x1010000;
    detail::BoxWriter out;
    const auto moof = out.begin("moof");
    const auto mfhd = out.begin("mfhd", 0);
    out.u32(++fragments_);
    out.end(mfhd);
    const auto traf = out.begin("traf");
    const auto tfhd = out.begin("tfhd", 0x20000);  // bytes are counted from here
    out.u32(track + 1);
    out.end(tfhd);
    const auto tfdt = out.begin("tfdt", 0x1000000);
    out.u64(decode_time);
    out.end(tfdt);
    if (samples.size() > 65536) throw Mp4Error("cannot have more than 65536 samples in a fragment");
    const auto trun = out.begin("trun", 0x1000f01);
    out.u32(samples.size());
    const auto offset = out.size();
    out.u32(0);
    std::uint64_t size = 8;
    for (const auto &sample : samples) {
        out.u32(sample.duration);
        out.u32(sample.size);
        out.u32(sample.is_key ? is_key : is_not_key);
        out.u32(static_cast<std::uint32_t>(sample.offset_to_shown));
        size += sample.size;
    }
    out.end(trun);
    out.end(traf);
    out.end(moof);
    out.patch(offset, out.size() - moof + 8);
    if (size > 0xffffffff) throw Mp4Error("cannot have more than 4 GiB in a fragment");
    out.u32(size);
    out.text("mdat");
    return Bytes(out.take());
}

}  // namespace comoq::hang
