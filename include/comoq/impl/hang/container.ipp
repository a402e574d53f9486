// SPDX-License-Identifier: MIT
#pragma once
#include "../../detail/wire/wire_reader.hpp"
#include "../../detail/wire/wire_writer.hpp"
#include "../../error.hpp"
#include "../../hang/container.hpp"

#include <algorithm>
#include <limits>
#include <system_error>
#include <utility>

namespace comoq::hang {

namespace detail {

/// The properties of LOC that matter here. Odd ones have bytes with a length, even ones a number.
inline constexpr std::uint64_t loc_timestamp = 0x10, loc_timestamp_of_draft_03 = 0x06, loc_timescale = 0x08;

[[noreturn]] inline void bad_frame(const char *what) { throw std::system_error(make_error_code(Error::Decode), what); }

inline MediaFrame unpack_legacy(const Bytes &packed) {
    const auto time = comoq::detail::read_varint(packed.span());
    if (!time) bad_frame("comoq::hang: a frame without a time");
    MediaFrame frame;
    frame.timestamp = Timestamp(time->value, Timescale(1'000'000));
    frame.payload = packed.slice(time->size);
    return frame;
}

inline MediaFrame unpack_loc(const Bytes &packed) {
    comoq::detail::WireReader in(packed.span());
    comoq::detail::WireReader properties(in.bytes(in.varint()));
    std::uint64_t type = 0, scale = 1'000'000;
    std::optional<std::uint64_t> time;
    while (properties.ok() && !properties.complete()) {
        type += properties.varint();
        if (type % 2 != 0) {
            properties.bytes(properties.varint());
            continue;
        }
        const auto value = properties.varint();
        if (type == loc_timestamp || (type == loc_timestamp_of_draft_03 && !time)) time = value;
        if (type == loc_timescale) scale = value;
    }
    if (!in.ok() || !properties.ok() || !time || scale == 0) bad_frame("comoq::hang: not a frame of LOC");
    MediaFrame frame;
    std::error_code too_large;
    frame.timestamp = Timestamp(*time, Timescale(scale)).convert(Timescale(1'000'000), too_large);
    if (too_large) bad_frame("comoq::hang: not a time of LOC");
    frame.payload = packed.slice(packed.size() - in.rest().size());
    return frame;
}

}  // namespace detail

COMOQ_DECL Packer::Packer(ContainerKind kind, const DecoderConfig &config) : kind_(kind) {
    if (kind == ContainerKind::Unknown) throw std::system_error(make_error_code(Error::Unsupported), "comoq::hang::Packer");
    if (kind == ContainerKind::Cmaf) writer_.emplace(std::vector<DecoderConfig>{config});
}

COMOQ_DECL Container Packer::container() const {
    Container container;
    container.kind = kind_;
    if (writer_) container.init = writer_->init();
    return container;
}

COMOQ_DECL Bytes Packer::head_of(const MediaFrame &frame) {
    const auto time = frame.timestamp.convert(Timescale(1'000'000)).value();
    std::vector<std::byte> head;
    comoq::detail::WireWriter out(head);
    switch (kind_) {
    case ContainerKind::Legacy: out.varint(time); break;
    case ContainerKind::Loc:
        out.varint(1 + comoq::detail::varint_size(time));
        out.varint(detail::loc_timestamp);
        out.varint(time);
        break;
    default: {
        const auto shown = static_cast<std::int64_t>(time);
        const auto decoded = std::max<std::int64_t>(0, frame.decode_time ? frame.decode_time->count() : shown);
        const auto narrow = [](std::int64_t value, std::int64_t least, std::int64_t most) { return std::clamp(value, least, most); };
        Mp4OutputSample sample;
        sample.size = static_cast<std::uint32_t>(std::min<std::size_t>(frame.payload.size(), std::numeric_limits<std::uint32_t>::max()));
        sample.duration = static_cast<std::uint32_t>(narrow(frame.duration.count(), 0, std::numeric_limits<std::uint32_t>::max()));
        sample.offset_to_shown =
            static_cast<std::int32_t>(narrow(shown - decoded, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()));
        sample.is_key = frame.is_key;
        return writer_->fragment(0, static_cast<std::uint64_t>(decoded), std::span(&sample, 1));
    }
    }
    return Bytes(std::move(head));
}

COMOQ_DECL Unpacker::Unpacker(const Container &container) : kind_(container.kind) {
    if (kind_ == ContainerKind::Unknown) throw std::system_error(make_error_code(Error::Unsupported), "comoq::hang::Unpacker");
    if (kind_ != ContainerKind::Cmaf) return;
    init_ = container.init;
    begin();
}

COMOQ_DECL void Unpacker::begin() {
    reader_.emplace();
    try {
        reader_->push(init_);
    } catch (const Mp4Error &error) {
        throw std::system_error(make_error_code(Error::Decode), std::string("the init of a track ") + error.what());
    }
    if (reader_->tracks().size() != 1) detail::bad_frame("the init of a track does not have one track");
}

COMOQ_DECL std::vector<MediaFrame> Unpacker::unpack(const Bytes &packed, bool is_first) {
    std::vector<MediaFrame> frames;
    if (kind_ != ContainerKind::Cmaf) {
        if (packed.empty()) return frames;
        frames.push_back(kind_ == ContainerKind::Loc ? detail::unpack_loc(packed) : detail::unpack_legacy(packed));
        frames.back().is_key = is_first;
        if (frames.back().payload.empty()) frames.clear();
        return frames;
    }
    // What a group left behind that broke off is not of this one.
    if (is_first) begin();
    try {
        reader_->push(packed);
    } catch (const Mp4Error &error) {
        throw std::system_error(make_error_code(Error::Decode), std::string("a fragment ") + error.what());
    }
    while (auto sample = reader_->next()) {
        MediaFrame frame;
        frame.timestamp = sample->timestamp;
        frame.payload = std::move(sample->payload);
        frame.is_key = sample->is_key;
        frame.decode_time = sample->decode_time;
        frame.duration = sample->duration;
        frames.push_back(std::move(frame));
    }
    return frames;
}

}  // namespace comoq::hang
