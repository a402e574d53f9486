// SPDX-License-Identifier: MIT
#pragma once
#include "../../../detail/hang/boxes.hpp"

#include <fmt/format.h>

namespace comoq::hang::detail {

COMOQ_DECL std::string box_name(std::uint32_t type) {
    std::string name;
    for (const int shift : {24, 16, 8, 0}) {
        const char c = static_cast<char>(type >> shift & 255);
        name += c >= ' ' && c <= '~' ? c : '.';
    }
    return name;
}

COMOQ_DECL std::optional<BoxHeader> read_box_header(std::span<const std::byte> input, std::uint64_t position) {
    if (input.size() < 8) return std::nullopt;
    BoxFields fields(0, input);
    BoxHeader box;
    box.size = fields.u32();
    box.type = fields.u32();
    if (box.size == 0) return box;
    if (box.size == 1) {
        if (input.size() < 16) return std::nullopt;
        box.header = 16;
        box.size = fields.u64();
    }
    if (box.size < box.header) {
        throw Mp4Error(fmt::format("is damaged: box '{}' at {} says it is {} bytes long", box_name(box.type), position, box.size));
    }
    return box;
}

COMOQ_DECL void check_first_box(const std::optional<BoxHeader> &first) {
    if (first && (first->type == fourcc("ftyp") || first->type == fourcc("styp"))) return;
    throw Mp4Error("is not an MP4 file: it does not begin with an ftyp box");
}

COMOQ_DECL void fail_truncated(std::span<const std::byte> rest, std::uint64_t position) {
    const auto header = read_box_header(rest, position);
    if (!header) throw Mp4Error(fmt::format("is truncated: the last {} bytes are too few for a box", rest.size()));
    throw Mp4Error(fmt::format("is truncated: box '{}' at {} should have {} bytes and has {}", box_name(header->type), position, header->size,
                               rest.size()));
}

COMOQ_DECL void BoxFields::too_short() const {
    throw Mp4Error(fmt::format("is damaged: box '{}' ends too early", box_name(type_)));
}

COMOQ_DECL std::vector<Box> boxes_in(std::uint32_t parent, std::span<const std::byte> row) {
    constexpr std::size_t most = 65536;
    std::vector<Box> boxes;
    // Old writers end a row with four zero bytes.
    while (row.size() >= 8) {
        const auto header = read_box_header(row, 0);
        const auto size = !header ? 0 : header->size == 0 ? row.size() : header->size;
        if (!header || size > row.size() || boxes.size() == most) {
            throw Mp4Error(fmt::format("is damaged: a box in '{}' has a size that does not fit", box_name(parent)));
        }
        const auto whole = row.first(static_cast<std::size_t>(size));
        boxes.push_back({header->type, whole.subspan(header->header)});
        row = row.subspan(whole.size());
    }
    return boxes;
}

COMOQ_DECL std::optional<Box> find_box(const std::vector<Box> &boxes, std::uint32_t type) {
    for (const Box &box : boxes) {
        if (box.type == type) return box;
    }
    return std::nullopt;
}

COMOQ_DECL Box need_box(std::uint32_t parent, const std::vector<Box> &boxes, std::uint32_t type) {
    if (const auto found = find_box(boxes, type)) return *found;
    throw Mp4Error(fmt::format("is damaged: box '{}' has no '{}'", box_name(parent), box_name(type)));
}

}  // namespace comoq::hang::detail
