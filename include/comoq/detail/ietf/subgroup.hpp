// SPDX-License-Identifier: MIT
#pragma once
#include "object_fields.hpp"
#include "step.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace comoq::ietf {

/// At the beginning of a stream: what all its objects have in common.
struct SubgroupHeader {
    std::uint64_t alias = 0;
    std::uint64_t group = 0;
    /// Without one it is the number of the first object on the stream.
    std::optional<std::uint64_t> subgroup = 0;
    /// Without one it is the track's.
    std::optional<std::uint8_t> priority;
    /// Each object says which properties it has.
    bool has_properties = false;
    /// Once the stream ends in peace, the group has no larger object than the last one on it.
    bool end_of_group = false;
    /// The stream begins with the first object of the subgroup. False in draft 16, which cannot say it.
    bool first_object = false;

    friend bool operator==(const SubgroupHeader &, const SubgroupHeader &) = default;
};

namespace detail {

inline constexpr std::uint64_t subgroup_bit = 0x10, subgroup_properties_bit = 0x01, subgroup_mode = 0x06;
inline constexpr std::uint64_t subgroup_first_id = 0x02, subgroup_explicit = 0x04, subgroup_end_bit = 0x08;
inline constexpr std::uint64_t subgroup_default_priority_bit = 0x20, subgroup_first_object_bit = 0x40;

constexpr bool is_subgroup(std::uint64_t type, const Dialect &dialect) noexcept {
    const std::uint64_t beyond = dialect.first_object_bit ? 0x80 : 0x40;
    return type < beyond && (type & subgroup_bit) != 0 && (type & subgroup_mode) != subgroup_mode;
}
/// What comes after a type for which `is_subgroup` is true.
inline SubgroupHeader read_subgroup_header(FieldReader &from, std::uint64_t type) noexcept {
    SubgroupHeader header;
    header.has_properties = (type & subgroup_properties_bit) != 0;
    header.end_of_group = (type & subgroup_end_bit) != 0;
    header.first_object = (type & subgroup_first_object_bit) != 0;
    header.alias = from.number();
    header.group = from.number();
    if ((type & subgroup_mode) == subgroup_explicit) header.subgroup = from.number();
    if ((type & subgroup_mode) == subgroup_first_id) header.subgroup.reset();
    if ((type & subgroup_default_priority_bit) == 0) header.priority = from.byte();
    return header;
}

}  // namespace detail

/// Appends a header, with its type before it. Draft 16 cannot say that the first object comes, and leaves it out.
inline void encode(const SubgroupHeader &header, Draft draft, std::vector<std::byte> &to) {
    using namespace detail;
    const Dialect &dialect = dialect_of(draft);
    std::uint64_t type = subgroup_bit;
    if (header.has_properties) type |= subgroup_properties_bit;
    if (header.end_of_group) type |= subgroup_end_bit;
    if (header.first_object && dialect.first_object_bit) type |= subgroup_first_object_bit;
    if (!header.priority) type |= subgroup_default_priority_bit;
    const bool is_explicit = header.subgroup.value_or(0) != 0;
    type |= !header.subgroup ? subgroup_first_id : is_explicit ? subgroup_explicit : 0;
    append_whole(to, dialect, [&](FieldWriter &writer) {
        writer.number(type);
        writer.number(header.alias);
        writer.number(header.group);
        if (is_explicit) writer.number(*header.subgroup);
        if (header.priority) writer.byte(*header.priority);
    });
}

/// What stands before an object's payload.
struct ObjectHeader {
    std::uint64_t id = 0;
    Pairs properties;
    ObjectStatus status = ObjectStatus::Normal;  // another one has no payload
    std::uint64_t payload_size = 0;

    friend bool operator==(const ObjectHeader &, const ObjectHeader &) = default;
};

/// Counts the objects on the stream of a subgroup, of either direction: each is numbered from the one before it.
class SubgroupObjects {
public:
    SubgroupObjects(const SubgroupHeader &header, Draft draft) noexcept
        : dialect_(&dialect_of(draft)), has_properties_(header.has_properties) {}

    /// The header at the beginning of the bytes. Its payload comes after it, and then the next header.
    Step<ObjectHeader> read(std::span<const std::byte> input) {
        FieldReader from(input, *dialect_);
        ObjectHeader object;
        object.id = next_ ? from.sum(*next_) : from.number();
        if (from.ok()) from.fail_unless(!is_full_);
        if (has_properties_) object.properties = detail::read_properties(from);
        object.payload_size = from.number();
        if (from.ok() && object.payload_size == 0) object.status = detail::read_status(from, object.properties);
        if (from.ok()) advance(object.id);
        return detail::step_of(from, std::move(object));
    }
    /// Appends a header. Throws Encode, and counts nothing, for an object that cannot come next, or that has properties on a
    /// stream that has none.
    void write(const ObjectHeader &object, std::vector<std::byte> &to) {
        FieldWriter::need(!is_full_ && (has_properties_ || object.properties.empty()));
        FieldWriter::need(object.payload_size == 0 || object.status == ObjectStatus::Normal);
        detail::append_whole(to, *dialect_, [&](FieldWriter &writer) {
            writer.difference(object.id, next_.value_or(0));
            if (has_properties_) detail::write_properties(writer, object.properties);
            writer.number(object.payload_size);
            if (object.payload_size == 0) detail::write_status(writer, object.status, object.properties);
        });
        advance(object.id);
    }

private:
    void advance(std::uint64_t id) noexcept {
        is_full_ = id == std::numeric_limits<std::uint64_t>::max();
        next_ = is_full_ ? id : id + 1;
    }

    const Dialect *dialect_;
    std::optional<std::uint64_t> next_;
    /// The last number there is was used.
    bool is_full_ = false;
    bool has_properties_;
};

}  // namespace comoq::ietf
