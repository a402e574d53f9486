// SPDX-License-Identifier: MIT
#pragma once
#include "field_reader.hpp"
#include "field_writer.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace comoq::ietf::detail {

/// Reads a value that has its length before it; `wrong` is for one that is longer, or shorter.
template <class Read>
auto read_within(FieldReader &from, std::span<const std::byte> bytes, CloseCode wrong, const Read &read) {
    FieldReader inner(bytes, from.dialect());
    auto value = read(inner);
    if (inner.cut() || (inner.ok() && !inner.empty()))
        from.fail(wrong);
    else if (!inner.ok())
        from.fail(inner.code());
    return value;
}
/// Writes such a value.
template <class Write> void write_within(FieldWriter &to, const Write &write) {
    std::vector<std::byte> bytes;
    FieldWriter inner(bytes, to.dialect());
    write(inner);
    to.sized(bytes);
}

inline Token read_token(FieldReader &from) {
    Token token;
    const std::uint64_t form = from.number();
    if (form > 3) from.fail(CloseCode::KeyValueFormatting);
    if (!from.ok()) return token;
    token.form = static_cast<Token::Form>(form);
    if (token.form != Token::Form::UseValue) token.alias = from.number();
    if (token.form == Token::Form::Register || token.form == Token::Form::UseValue) {
        token.type = from.number();
        token.value = from.rest();
    }
    return token;
}
inline Token read_token(FieldReader &from, std::span<const std::byte> bytes) {
    return read_within(from, bytes, CloseCode::KeyValueFormatting, [](FieldReader &inner) { return read_token(inner); });
}
inline void write_token(FieldWriter &to, const Token &token) {
    to.number(static_cast<std::uint64_t>(token.form));
    if (token.form != Token::Form::UseValue) to.number(token.alias);
    if (token.form == Token::Form::Register || token.form == Token::Form::UseValue) {
        to.number(token.type);
        to.bytes(token.value);
    }
}

inline bool is_hop_path(const HopPath &path) noexcept {
    if (path.empty() || path.size() > most_hops) return false;
    for (auto hop = path.begin(); hop != path.end(); ++hop)
        if (*hop != 0 && std::find(path.begin(), hop, *hop) != hop) return false;
    return true;
}
/// Numbers to the end of the value. A number that is there twice, no number, and too many of them break a rule; 0 stands for an
/// unknown relay.
inline HopPath read_hop_path(FieldReader &from) {
    return read_within(from, from.sized(9 * most_hops), CloseCode::ProtocolViolation, [](FieldReader &inner) {
        HopPath path;
        while (inner.ok() && !inner.empty() && path.size() <= most_hops) path.push_back(inner.number());
        if (inner.ok()) inner.fail_unless(is_hop_path(path));
        return path;
    });
}
inline void write_hop_path(FieldWriter &to, const HopPath &path) {
    FieldWriter::need(is_hop_path(path));
    write_within(to, [&](FieldWriter &inner) {
        for (const std::uint64_t hop : path) inner.number(hop);
    });
}

inline Filter absolute(const Location &start) { return Filter{Filter::Kind::Absolute, 0, start, {}}; }
inline Filter relative(std::uint64_t groups) { return Filter{Filter::Kind::Relative, groups, {}, {}}; }

/// Up to draft 18. The type may be one that older drafts have.
inline Filter read_filter_by_type(FieldReader &from, bool delta_end) {
    const std::uint64_t type = from.number();
    from.fail_unless(type >= 1 && type <= 4);
    if (!from.ok() || type == 2) return Filter{};
    if (type == 1) return relative(0);
    Filter filter = absolute(from.location());
    if (type == 4) filter.end = RangeEnd{delta_end ? from.sum(filter.start.group) : from.number(), {}};
    return filter;
}
/// Draft 20: the number of integers says what they are.
inline Filter read_filter_by_count(FieldReader &from) {
    if (from.empty()) return Filter{Filter::Kind::Everything, 0, {}, {}};
    const std::uint64_t group = from.number();
    if (from.empty()) return relative(group);
    Filter filter = absolute(Location{group, from.number()});
    if (from.empty() && filter.start == Location{}) return Filter{};
    if (!from.empty()) filter.end = RangeEnd{from.sum(group), {}};
    if (!from.empty()) filter.end->object = from.number();
    return filter;
}
/// Draft 22.
inline Filter read_typed_filter(FieldReader &from) {
    const std::uint64_t type = from.number();
    from.fail_unless(type <= 5);
    if (!from.ok() || type == 5) return Filter{};
    if (type == 0) return Filter{Filter::Kind::Everything, 0, {}, {}};
    if (type == 1) return relative(from.number());
    Filter filter = absolute(from.location());
    if (type >= 3) filter.end = RangeEnd{from.sum(filter.start.group), {}};
    if (type == 4) filter.end->object = from.number();
    return filter;
}
inline Filter read_filter(FieldReader &from) {
    const FilterForm form = from.dialect().filter;
    if (form == FilterForm::Typed) return read_typed_filter(from);
    return read_within(from, from.sized(), CloseCode::ProtocolViolation, [form](FieldReader &inner) {
        return form == FilterForm::Counted ? read_filter_by_count(inner)
                                           : read_filter_by_type(inner, form == FilterForm::DeltaEnd);
    });
}

inline void write_old_filter(FieldWriter &to, const Filter &filter, bool delta_end) {
    FieldWriter::need(filter.kind != Filter::Kind::Everything && filter.groups == 0);
    FieldWriter::need(!filter.end || !filter.end->object);
    if (filter.kind != Filter::Kind::Absolute) return to.number(filter.kind == Filter::Kind::Relative ? 1 : 2);
    to.number(filter.end ? 4 : 3);
    to.location(filter.start);
    if (!filter.end) return;
    if (delta_end)
        to.difference(filter.end->group, filter.start.group);
    else
        to.number(filter.end->group);
}
/// The integers of an absolute range, as they are from draft 20 on.
inline void write_range(FieldWriter &to, const Filter &filter) {
    to.location(filter.start);
    if (!filter.end) return;
    to.difference(filter.end->group, filter.start.group);
    if (filter.end->object) to.number(*filter.end->object);
}
inline void write_counted_filter(FieldWriter &to, const Filter &filter) {
    switch (filter.kind) {
        case Filter::Kind::Everything: return;
        case Filter::Kind::NextObject: return to.location(Location{});
        case Filter::Kind::Relative: return to.number(filter.groups);
        case Filter::Kind::Absolute:
            // From the first object on, without an end, is everything; two zeros would mean the next object.
            if (filter.end || filter.start != Location{}) write_range(to, filter);
    }
}
inline void write_typed_filter(FieldWriter &to, const Filter &filter) {
    switch (filter.kind) {
        case Filter::Kind::Everything: return to.number(0);
        case Filter::Kind::NextObject: return to.number(5);
        case Filter::Kind::Relative: to.number(1); return to.number(filter.groups);
        case Filter::Kind::Absolute:
            to.number(!filter.end ? 2 : filter.end->object ? 4 : 3);
            write_range(to, filter);
    }
}
inline void write_filter(FieldWriter &to, const Filter &filter) {
    const FilterForm form = to.dialect().filter;
    if (form == FilterForm::Typed) return write_typed_filter(to, filter);
    write_within(to, [&](FieldWriter &inner) {
        if (form == FilterForm::Counted) return write_counted_filter(inner, filter);
        write_old_filter(inner, filter, form == FilterForm::DeltaEnd);
    });
}

}  // namespace comoq::ietf::detail
