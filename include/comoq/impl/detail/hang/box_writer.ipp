// SPDX-License-Identifier: MIT
#pragma once
#include "../../../detail/hang/box_writer.hpp"
#include "../../../hang/mp4_error.hpp"

#include <fmt/format.h>
#include <optional>
#include <string>

namespace comoq::hang::detail {

/// The names of a codec's entry and of the box in it, and the contents of that box.
struct EntryParts {
    std::string_view entry, box;
    Bytes contents;
    bool is_full = false;
};

inline std::optional<EntryParts> parts_of(const DecoderConfig &config) {
    const std::string_view codec = config.codec;
    const auto own_or = [&](std::optional<Bytes> made) { return config.description.empty() ? made.value_or(Bytes()) : config.description; };
    for (const std::string_view name : {"avc1", "avc3", "hvc1", "hev1"}) {
        if (!codec.starts_with(name) || config.description.empty()) continue;
        return EntryParts{name, name.starts_with("avc") ? "avcC" : "hvcC", config.description};
    }
    if (codec.starts_with("av01.")) return EntryParts{"av01", "av1C", own_or(av1_box_of(codec))};
    if (codec.starts_with("vp09.") || codec == "vp8") {
        return EntryParts{codec == "vp8" ? "vp08" : "vp09", "vpcC", own_or(vp9_box_of(codec)), true};
    }
    if (codec == "opus" && config.channels <= 2) return EntryParts{"Opus", "dOps", own_or(opus_box_of({config.channels, 312, 48000}))};
    if (codec == "opus" && !config.description.empty()) return EntryParts{"Opus", "dOps", config.description};
    if (codec == "mp3") return EntryParts{"mp4a", "esds", {}, true};
    if (codec.starts_with("mp4a.40.") && !config.description.empty()) return EntryParts{"mp4a", "esds", config.description, true};
    return std::nullopt;
}

inline void write_esds(BoxWriter &out, const DecoderConfig &config, const Bytes &specific) {
    // Lengths of a byte are enough for the configurations that there are; longer ones are cut off before.
    const auto inner = specific.empty() ? 0 : 2 + specific.size();
    out.u8(3);
    out.u8(3 + 2 + 13 + inner + 3);
    out.u16(0);
    out.u8(0);
    out.u8(4);
    out.u8(13 + inner);
    out.u8(config.codec == "mp3" ? 0x6b : 0x40);
    out.u8(0x15);  // sound
    out.zeros(11);
    if (!specific.empty()) {
        out.u8(5);
        out.u8(specific.size());
        out.bytes(specific.span());
    }
    out.u8(6);
    out.u8(1);
    out.u8(2);
}

COMOQ_DECL void write_sample_entry(BoxWriter &out, const DecoderConfig &config) {
    const auto parts = parts_of(config);
    if (!parts) throw Mp4Error(fmt::format("cannot be made of the codec '{}'", config.codec));
    if (parts->box == "esds" && parts->contents.size() > 100) throw Mp4Error("cannot be made of a decoder configuration this long");
    const auto entry = out.begin(parts->entry);
    out.zeros(6);
    out.u16(1);  // of the references to data
    if (config.kind == MediaKind::Video) {
        out.zeros(16);
        out.u16(config.width);
        out.u16(config.height);
        out.u32(0x480000);  // 72 dpi
        out.u32(0x480000);
        out.u32(0);
        out.u16(1);
        out.zeros(32);
        out.u16(24);
        out.u16(0xffff);
    } else {
        out.zeros(8);
        out.u16(config.channels);
        out.u16(16);
        out.u32(0);
        // Rates that do not fit are in the configuration.
        out.u32(config.sample_rate < 65536 ? config.sample_rate << 16 : 0);
    }
    const auto box = parts->is_full ? out.begin(parts->box, parts->entry.starts_with("vp") ? 0x1000000 : 0) : out.begin(parts->box);
    if (parts->box == "esds") {
        write_esds(out, config, parts->contents);
    } else {
        out.bytes(parts->contents.span());
    }
    out.end(box);
    out.end(entry);
}

}  // namespace comoq::hang::detail
