// SPDX-License-Identifier: MIT
#pragma once
#include "field_reader.hpp"
#include "field_writer.hpp"
#include "pairs.hpp"

#include <cstddef>
#include <cstdint>

namespace comoq::ietf {

// What objects have in common on the streams of subgroups and fetches, and in datagrams.

enum class ObjectStatus : std::uint64_t {
    Normal = 0,
    EndOfGroup = 3,  ///< no object of the group has this number or a larger one
    EndOfTrack = 4,  ///< no object of the track has this location or a larger one
};

/// Of an object, all together, in bytes. The drafts have no limit, but an object is read once all of its header is there:
/// this is the most that a peer can make this side keep of an unfinished one. They are counted as they are on the wire. Those
/// of draft 16 are kept in a form that has at most a quarter more: its integers of 1, 2, 4 and 8 bytes have at most 1, 2, 5
/// and 9 there.
inline constexpr std::size_t longest_properties = 65'535;

namespace detail {

/// With their length before them.
inline Pairs read_properties(FieldReader &from) {
    const std::uint64_t size = from.number();
    if (from.ok() && size > longest_properties) from.fail(CloseCode::InternalError);
    if (!from.ok()) return Pairs();
    const auto block = from.bytes(size);
    return from.ok() ? Pairs::read(block, from) : Pairs();
}
inline void write_properties(FieldWriter &to, const Pairs &properties) { properties.write_sized(to, longest_properties); }

/// Only a normal object has properties.
inline ObjectStatus read_status(FieldReader &from, const Pairs &properties) noexcept {
    const std::uint64_t number = from.number();
    if (!from.ok()) return ObjectStatus::Normal;
    const auto status = static_cast<ObjectStatus>(number);
    const bool ends = status == ObjectStatus::EndOfGroup || status == ObjectStatus::EndOfTrack;
    from.fail_unless(ends ? properties.empty() : status == ObjectStatus::Normal);
    return status;
}
inline void write_status(FieldWriter &to, ObjectStatus status, const Pairs &properties) {
    FieldWriter::need(status == ObjectStatus::Normal || properties.empty());
    to.number(static_cast<std::uint64_t>(status));
}

}  // namespace detail

}  // namespace comoq::ietf
