// SPDX-License-Identifier: MIT
#pragma once
#include "object_fields.hpp"
#include "parameters.hpp"
#include "step.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace comoq::ietf {

/// At the beginning of the stream of a fetch.
struct FetchHeader {
    std::uint64_t request_id = 0;

    friend bool operator==(const FetchHeader &, const FetchHeader &) = default;
};

/// What stands before an object's payload on such a stream; or the end of a range, which is included, and of which no object
/// comes.
struct FetchedObject {
    enum class Kind : std::uint8_t {
        Object,
        NonExistent,  ///< the track has no such objects
        Unknown,      ///< nobody here knows
        TimedOut,     ///< they did not come in time: from draft 20 on
    };

    Kind kind = Kind::Object;
    Location location{};
    /// An object that was a datagram has none.
    std::optional<std::uint64_t> subgroup = 0;
    std::uint8_t priority = 0;
    Pairs properties;
    std::uint64_t payload_size = 0;

    friend bool operator==(const FetchedObject &, const FetchedObject &) = default;
};

namespace detail {

inline constexpr std::uint64_t fetch_mode = 0x03, fetch_object_bit = 0x04, fetch_group_bit = 0x08;
inline constexpr std::uint64_t fetch_priority_bit = 0x10, fetch_properties_bit = 0x20, fetch_datagram_bit = 0x40;
inline constexpr std::uint64_t fetch_flags_end = 0x80;
inline constexpr std::uint64_t fetch_non_existent = 0x8c, fetch_unknown = 0x10c, fetch_timed_out = 0x20c;

}  // namespace detail

/// Counts the objects on the stream of a fetch, of either direction: each has in common with the one before it what it does
/// not say.
class FetchObjects {
public:
    FetchObjects(GroupOrder order, Draft draft) noexcept : dialect_(&dialect_of(draft)), order_(order) {}

    /// What is at the beginning of the bytes. A payload comes after it, and then the next.
    Step<FetchedObject> read(std::span<const std::byte> input) {
        FieldReader from(input, *dialect_);
        FetchedObject object;
        const std::uint64_t flags = from.number();
        if (from.ok() && flags >= detail::fetch_flags_end)
            read_range(from, flags, object);
        else if (from.ok())
            read_object(from, flags, object);
        if (from.ok()) {
            is_ordered_ = is_ordered_ && comes_after(object.location);
            advance(object);
        }
        return detail::step_of(from, std::move(object));
    }
    /// Appends it. Throws Encode, and counts nothing, for an object that cannot come next.
    void write(const FetchedObject &object, std::vector<std::byte> &to) {
        FieldWriter::need(comes_after(object.location));
        detail::append_whole(to, *dialect_, [&](FieldWriter &writer) {
            if (object.kind != FetchedObject::Kind::Object)
                write_range(writer, object);
            else
                write_object(writer, object);
        });
        advance(object);
    }

    /// Every object, and every end of a range, that was read has come after the one before it, in the order of the fetch.
    /// One that has not makes the track malformed, and the session goes on. From draft 18 on groups cannot be written out of
    /// their order.
    bool is_ordered() const noexcept { return is_ordered_; }

private:
    bool comes_after(const Location &location) const noexcept {
        if (!location_) return true;
        if (location.group == location_->group) return location.object > location_->object;
        return (order_ == GroupOrder::Ascending) == (location.group > location_->group);
    }
    void read_range(FieldReader &from, std::uint64_t flags, FetchedObject &range) const noexcept {
        using Kind = FetchedObject::Kind;
        range.kind = flags == detail::fetch_non_existent ? Kind::NonExistent
                     : flags == detail::fetch_unknown    ? Kind::Unknown
                                                         : Kind::TimedOut;
        const bool is_known = range.kind != Kind::TimedOut || (dialect_->ranges && flags == detail::fetch_timed_out);
        from.fail_unless(is_known);
        range.location = from.location();
    }
    void read_object(FieldReader &from, std::uint64_t flags, FetchedObject &object) {
        const bool has_group = (flags & detail::fetch_group_bit) != 0, has_object = (flags & detail::fetch_object_bit) != 0;
        from.fail_unless(location_ || (has_group && has_object));
        if (!from.ok()) return;
        const Location before = location_.value_or(Location{});
        object.location.group = !has_group ? before.group : read_group(from);
        object.subgroup = read_subgroup(from, flags);
        if (!has_object)
            object.location.object = from.ok() ? next_object(from, before) : 0;
        else
            object.location.object = has_group || !dialect_->fetch_deltas ? from.number() : from.sum(before.object);
        if ((flags & detail::fetch_priority_bit) != 0)
            object.priority = from.byte();
        else if (priority_)
            object.priority = *priority_;
        else
            from.fail_unless(!from.ok());
        if ((flags & detail::fetch_properties_bit) != 0) object.properties = detail::read_properties(from);
        object.payload_size = from.number();
    }
    std::uint64_t read_group(FieldReader &from) const noexcept {
        if (!location_ || !dialect_->fetch_deltas) return from.number();
        const std::uint64_t before = location_->group;
        const std::uint64_t delta = from.number();
        if (!from.ok()) return 0;
        const bool ascends = order_ == GroupOrder::Ascending;
        from.fail_unless(delta < (ascends ? std::numeric_limits<std::uint64_t>::max() - before : before));
        return ascends ? before + delta + 1 : before - delta - 1;
    }
    std::optional<std::uint64_t> read_subgroup(FieldReader &from, std::uint64_t flags) const noexcept {
        if ((flags & detail::fetch_datagram_bit) != 0) return std::nullopt;
        const std::uint64_t mode = flags & detail::fetch_mode;
        if (mode == 0) return 0;
        if (mode == 3) return from.number();
        const bool one_more = mode == 2;
        if (from.ok()) from.fail_unless(subgroup_ && !(one_more && *subgroup_ == std::numeric_limits<std::uint64_t>::max()));
        return from.ok() ? *subgroup_ + (one_more ? 1 : 0) : 0;
    }
    static std::uint64_t next_object(FieldReader &from, const Location &before) noexcept {
        from.fail_unless(before.object != std::numeric_limits<std::uint64_t>::max());
        return before.object + 1;
    }

    void write_range(FieldWriter &to, const FetchedObject &range) const {
        using Kind = FetchedObject::Kind;
        FieldWriter::need(range.kind != Kind::TimedOut || dialect_->ranges);
        to.number(range.kind == Kind::NonExistent ? detail::fetch_non_existent
                  : range.kind == Kind::Unknown   ? detail::fetch_unknown
                                                  : detail::fetch_timed_out);
        to.location(range.location);
    }
    void write_object(FieldWriter &to, const FetchedObject &object) const {
        const bool has_group = !location_ || object.location.group != location_->group;
        const bool is_next = !has_group && location_->object != std::numeric_limits<std::uint64_t>::max() &&
                             object.location.object == location_->object + 1;
        const std::uint64_t mode = mode_of(object.subgroup);
        std::uint64_t flags = object.subgroup ? mode : detail::fetch_datagram_bit;
        if (has_group) flags |= detail::fetch_group_bit;
        if (!is_next) flags |= detail::fetch_object_bit;
        if (object.priority != priority_) flags |= detail::fetch_priority_bit;
        if (!object.properties.empty()) flags |= detail::fetch_properties_bit;
        to.number(flags);
        if (has_group) write_group(to, object.location.group);
        if (object.subgroup && mode == 3) to.number(*object.subgroup);
        if (!is_next) {
            if (has_group || !dialect_->fetch_deltas)
                to.number(object.location.object);
            else
                to.difference(object.location.object, location_->object);
        }
        if (object.priority != priority_) to.byte(object.priority);
        if (!object.properties.empty()) detail::write_properties(to, object.properties);
        to.number(object.payload_size);
    }
    void write_group(FieldWriter &to, std::uint64_t group) const {
        if (!location_ || !dialect_->fetch_deltas) return to.number(group);
        const std::uint64_t before = location_->group;
        const bool ascends = order_ == GroupOrder::Ascending;
        FieldWriter::need(ascends ? group > before : group < before);
        to.number((ascends ? group - before : before - group) - 1);
    }
    std::uint64_t mode_of(const std::optional<std::uint64_t> &subgroup) const noexcept {
        if (!subgroup || *subgroup == 0) return 0;
        // Readers do not agree on what the subgroup before a datagram is: some keep it, some have none.
        if (!subgroup_ || after_datagram_) return 3;
        return *subgroup == *subgroup_ ? 1 : *subgroup - 1 == *subgroup_ ? 2 : 3;
    }
    /// After a range the next object counts from its end, and has the subgroup and priority of the last object before it.
    void advance(const FetchedObject &object) noexcept {
        location_ = object.location;
        if (object.kind != FetchedObject::Kind::Object) return;
        priority_ = object.priority;
        after_datagram_ = !object.subgroup;
        if (object.subgroup) subgroup_ = object.subgroup;
    }

    const Dialect *dialect_;
    GroupOrder order_;
    std::optional<Location> location_;
    std::optional<std::uint64_t> subgroup_;
    std::optional<std::uint8_t> priority_;
    bool after_datagram_ = false;
    bool is_ordered_ = true;
};

}  // namespace comoq::ietf
