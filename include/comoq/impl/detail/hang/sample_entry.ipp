// SPDX-License-Identifier: MIT
#pragma once
#include "../../../detail/hang/sample_entry.hpp"

#include <fmt/format.h>

namespace comoq::hang::detail {

/// An `esds` has descriptors in one another, each with a tag and a length of seven bits a byte.
struct ElementaryStream {
    std::uint8_t object_type = 0;
    std::span<const std::byte> specific;
};

inline BoxFields descriptor(BoxFields &in, std::uint8_t wanted) {
    while (true) {
        const auto tag = in.u8();
        std::uint32_t length = 0;
        for (int i = 0; i != 4; ++i) {
            const auto byte = in.u8();
            length = length << 7 | (byte & 127u);
            if (byte < 128) break;
        }
        const BoxFields inner(in.type(), in.bytes(length));
        if (tag == wanted) return inner;
    }
}

inline ElementaryStream read_esds(const Box &esds) {
    BoxFields in = esds.fields();
    in.full();
    BoxFields stream = descriptor(in, 3);
    stream.skip(2);
    const auto flags = stream.u8();
    if ((flags & 0x80u) != 0) stream.skip(2);
    if ((flags & 0x40u) != 0) stream.skip(stream.u8());
    if ((flags & 0x20u) != 0) stream.skip(2);
    BoxFields decoder = descriptor(stream, 4);
    ElementaryStream result;
    result.object_type = decoder.u8();
    decoder.skip(12);
    if (!decoder.rest().empty()) result.specific = descriptor(decoder, 5).rest();
    return result;
}

[[noreturn]] inline void cannot_play(const Box &entry, const std::string &why) {
    throw Mp4Error(fmt::format("cannot be played: box '{}' {}", box_name(entry.type), why));
}

inline void read_video(DecoderConfig &config, const Box &entry) {
    BoxFields in = entry.fields();
    in.skip(24);
    config.width = in.u16();
    config.height = in.u16();
    in.skip(50);
    const auto boxes = boxes_in(entry.type, in.rest());
    const auto name = box_name(entry.type);
    std::optional<std::string> codec;
    if (name == "avc1" || name == "avc3") {
        const auto box = need_box(entry.type, boxes, fourcc("avcC"));
        config.description = Bytes::copy(box.contents);
        codec = avc_codec(name, box.contents);
    } else if (name == "hvc1" || name == "hev1") {
        const auto box = need_box(entry.type, boxes, fourcc("hvcC"));
        config.description = Bytes::copy(box.contents);
        codec = hevc_codec(name, box.contents);
    } else if (name == "av01") {
        const auto box = need_box(entry.type, boxes, fourcc("av1C"));
        config.description = Bytes::copy(box.contents);
        codec = av1_codec(box.contents);
    } else if (name == "vp09" || name == "vp08") {
        BoxFields box = need_box(entry.type, boxes, fourcc("vpcC")).fields();
        box.full();
        config.description = Bytes::copy(box.rest());
        codec = name == "vp08" ? std::optional<std::string>("vp8") : vp9_codec(box.rest());
    } else {
        cannot_play(entry, name == "encv" ? "is encrypted" : "is a codec that is not known here");
    }
    if (!codec) cannot_play(entry, "has a decoder configuration that cannot be read");
    config.codec = *codec;
}

inline void read_audio(DecoderConfig &config, const Box &entry) {
    BoxFields in = entry.fields();
    in.skip(8);
    const auto version = in.u16();
    in.skip(6);
    config.channels = in.u16();
    in.skip(6);
    config.sample_rate = in.u32() >> 16;
    // QuickTime's longer forms.
    if (version == 1) in.skip(16);
    if (version == 2) in.skip(36);
    auto boxes = boxes_in(entry.type, in.rest());
    const auto name = box_name(entry.type);
    if (const auto wave = find_box(boxes, fourcc("wave")); wave && !find_box(boxes, fourcc("esds"))) {
        boxes = boxes_in(wave->type, wave->contents);
    }
    if (name == "mp4a") {
        const auto stream = read_esds(need_box(entry.type, boxes, fourcc("esds")));
        if (stream.object_type == 0x69 || stream.object_type == 0x6b) {
            config.codec = "mp3";
            return;
        }
        const auto aac = stream.object_type == 0x40 ? aac_config(stream.specific) : std::nullopt;
        if (!aac) cannot_play(entry, "has a decoder configuration that cannot be read");
        config.codec = fmt::format("mp4a.40.{}", aac->object_type);
        config.description = Bytes::copy(stream.specific);
        // The entry often says 2 and 44,100, whatever the sound is.
        config.sample_rate = aac->sample_rate;
        if (aac->channels != 0) config.channels = aac->channels;
    } else if (name == "Opus") {
        const auto box = need_box(entry.type, boxes, fourcc("dOps"));
        const auto opus = opus_config(box.contents);
        if (!opus) cannot_play(entry, "has a decoder configuration that cannot be read");
        config.codec = "opus";
        config.description = Bytes::copy(box.contents);
        config.channels = opus->channels;
        config.sample_rate = 48000;
    } else {
        cannot_play(entry, name == "enca" ? "is encrypted" : "is a codec that is not known here");
    }
    if (config.sample_rate == 0 || config.channels == 0) cannot_play(entry, "has no sample rate, or no channels");
}

COMOQ_DECL DecoderConfig read_sample_entry(MediaKind kind, const Box &entry) {
    DecoderConfig config;
    config.kind = kind;
    if (kind == MediaKind::Video) read_video(config, entry);
    if (kind == MediaKind::Audio) read_audio(config, entry);
    return config;
}

}  // namespace comoq::hang::detail
