// SPDX-License-Identifier: MIT
#pragma once
#include "../../config.hpp"
#include "../../hang/mp4_error.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace comoq::hang::detail {

/// The type of a box: its four characters as a number.
constexpr std::uint32_t fourcc(const char (&name)[5]) noexcept {
    std::uint32_t type = 0;
    for (std::size_t i = 0; i != 4; ++i) type = type << 8 | static_cast<unsigned char>(name[i]);
    return type;
}

/// The four characters, with a dot for each that is not printable: they come from others.
std::string box_name(std::uint32_t type);

/// What stands before the contents of a box.
struct BoxHeader {
    std::uint32_t type = 0;
    std::size_t header = 8;  // bytes
    std::uint64_t size = 0;  // with the header; 0: to the end of the file
};
/// The header at the beginning of `input`; nothing if there are too few bytes. Throws Mp4Error for a size that is less than
/// the header. `position` is for the message.
std::optional<BoxHeader> read_box_header(std::span<const std::byte> input, std::uint64_t position);

/// Throws Mp4Error unless a file begins with this box.
void check_first_box(const std::optional<BoxHeader> &first);
/// Throws Mp4Error: a file ends with `rest`, at `position`, which is not a whole box.
[[noreturn]] void fail_truncated(std::span<const std::byte> rest, std::uint64_t position);

/// The fields of a box, in order. Each throws Mp4Error, with the name of the box, if the box ends before it.
class BoxFields {
public:
    BoxFields(std::uint32_t type, std::span<const std::byte> contents) noexcept : type_(type), rest_(contents) {}

    std::span<const std::byte> bytes(std::uint64_t count) {
        if (count > rest_.size()) too_short();
        const auto taken = rest_.first(static_cast<std::size_t>(count));
        rest_ = rest_.subspan(taken.size());
        return taken;
    }
    std::uint64_t number(std::size_t size) {
        std::uint64_t value = 0;
        for (const std::byte byte : bytes(size)) value = value << 8 | std::to_integer<std::uint64_t>(byte);
        return value;
    }
    std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t u64() { return number(8); }
    void skip(std::size_t count) { bytes(count); }
    std::span<const std::byte> rest() const noexcept { return rest_; }
    std::uint32_t type() const noexcept { return type_; }
    [[noreturn]] void fail(const std::string &why) const { throw Mp4Error("is damaged: box '" + box_name(type_) + "' " + why); }

    /// A full box begins with a version and 24 flags.
    struct Full {
        std::uint8_t version;
        std::uint32_t flags;
    };
    Full full() {
        const auto both = u32();
        return {static_cast<std::uint8_t>(both >> 24), both & 0xffffffu};
    }

private:
    [[noreturn]] void too_short() const;

    std::uint32_t type_;
    std::span<const std::byte> rest_;
};

/// A box in another one.
struct Box {
    std::uint32_t type = 0;
    std::span<const std::byte> contents;
    BoxFields fields() const noexcept { return {type, contents}; }
};
/// The boxes in a row that fills a box of type `parent`. Throws Mp4Error if one has a wrong size, and above 65,536 of them.
std::vector<Box> boxes_in(std::uint32_t parent, std::span<const std::byte> row);
/// The first one of a type, or nothing.
std::optional<Box> find_box(const std::vector<Box> &boxes, std::uint32_t type);
/// The first one of a type; throws Mp4Error if `parent` has none.
Box need_box(std::uint32_t parent, const std::vector<Box> &boxes, std::uint32_t type);

}  // namespace comoq::hang::detail

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../../impl/detail/hang/boxes.ipp"
#endif
