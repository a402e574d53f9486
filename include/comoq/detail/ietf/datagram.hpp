// SPDX-License-Identifier: MIT
#pragma once
#include "object_fields.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

namespace comoq::ietf {

/// An object in a datagram, as it is read: the payload is a part of the bytes that it was read from.
struct ObjectDatagram {
    std::uint64_t alias = 0;
    Location location{};
    /// Without one it is the track's.
    std::optional<std::uint8_t> priority;
    Pairs properties;
    /// The group has no larger object.
    bool end_of_group = false;
    /// Instead of a payload.
    std::optional<ObjectStatus> status;
    std::span<const std::byte> payload{};
};

/// Bytes that mean nothing.
struct PaddingDatagram {};

/// A datagram, or what to close the session with.
using DecodedDatagram = std::variant<ObjectDatagram, PaddingDatagram, CloseCode>;

namespace detail {

inline constexpr std::uint64_t datagram_properties_bit = 0x01, datagram_end_bit = 0x02, datagram_no_object_bit = 0x04;
inline constexpr std::uint64_t datagram_default_priority_bit = 0x08, datagram_status_bit = 0x20, datagram_bits = 0x2f;
inline constexpr std::uint64_t padding_datagram = 0x132b3e29;

constexpr bool is_object_datagram(std::uint64_t type) noexcept {
    const std::uint64_t both = datagram_status_bit | datagram_end_bit;
    return (type & ~datagram_bits) == 0 && (type & both) != both;
}
inline ObjectDatagram read_object_datagram(FieldReader &from, std::uint64_t type) {
    ObjectDatagram datagram;
    datagram.end_of_group = (type & datagram_end_bit) != 0;
    datagram.alias = from.number();
    datagram.location.group = from.number();
    if ((type & datagram_no_object_bit) == 0) datagram.location.object = from.number();
    if ((type & datagram_default_priority_bit) == 0) datagram.priority = from.byte();
    if ((type & datagram_properties_bit) != 0) {
        datagram.properties = read_properties(from);
        if (from.ok()) from.fail_unless(!datagram.properties.empty());
    }
    if ((type & datagram_status_bit) == 0) {
        datagram.payload = from.rest_bytes();
        return datagram;
    }
    datagram.status = read_status(from, datagram.properties);
    if (from.ok()) from.fail_unless(from.empty());
    return datagram;
}

}  // namespace detail

inline DecodedDatagram decode_datagram(std::span<const std::byte> input, Draft draft) {
    FieldReader from(input, dialect_of(draft));
    const std::uint64_t type = from.number();
    if (from.ok() && type == detail::padding_datagram && from.dialect().padding) return PaddingDatagram{};
    if (from.ok()) from.fail_unless(detail::is_object_datagram(type));
    ObjectDatagram datagram = from.ok() ? detail::read_object_datagram(from, type) : ObjectDatagram();
    if (from.ok()) return datagram;
    // What is cut does not go on: a datagram comes as a whole.
    return from.cut() ? CloseCode::ProtocolViolation : from.code();
}

/// Appends a datagram. Throws Encode for one that the drafts forbid. The caller checks its size.
inline void encode(const ObjectDatagram &datagram, Draft draft, std::vector<std::byte> &to) {
    using namespace detail;
    FieldWriter::need(!datagram.status || (!datagram.end_of_group && datagram.payload.empty()));
    std::uint64_t type = 0;
    if (!datagram.properties.empty()) type |= datagram_properties_bit;
    if (datagram.end_of_group) type |= datagram_end_bit;
    if (datagram.location.object == 0) type |= datagram_no_object_bit;
    if (!datagram.priority) type |= datagram_default_priority_bit;
    if (datagram.status) type |= datagram_status_bit;
    append_whole(to, dialect_of(draft), [&](FieldWriter &writer) {
        writer.number(type);
        writer.number(datagram.alias);
        writer.number(datagram.location.group);
        if (datagram.location.object != 0) writer.number(datagram.location.object);
        if (datagram.priority) writer.byte(*datagram.priority);
        if (!datagram.properties.empty()) write_properties(writer, datagram.properties);
        if (datagram.status)
            write_status(writer, *datagram.status, datagram.properties);
        else
            writer.bytes(datagram.payload);
    });
}

}  // namespace comoq::ietf
