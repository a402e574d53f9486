// SPDX-License-Identifier: MIT
#pragma once
#include "fetch_objects.hpp"
#include "message_type.hpp"
#include "step.hpp"
#include "subgroup.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

namespace comoq::ietf {

/// The peer's control messages come on this stream. Its type is that of the first one, and is not taken from the bytes.
struct ControlStream {};
/// The bytes on this stream mean nothing.
struct PaddingStream {};

/// What a stream of one direction is for, by its first bytes.
using UniStream = std::variant<SubgroupHeader, FetchHeader, ControlStream, PaddingStream>;

namespace detail {

/// A stream that requests share is shown as two, of which each has one direction and the same first message.
constexpr bool begins_control(MessageType type, const Dialect &dialect) noexcept {
    if (!dialect.shared_stream) return type == MessageType::Setup;
    return type == MessageType::ClientSetup || type == MessageType::ServerSetup;
}

inline constexpr std::uint64_t fetch_stream = 0x05, padding_stream = 0x132b3e28;

}  // namespace detail

/// A type that the draft does not have ends the session.
inline Step<UniStream> read_uni_stream(std::span<const std::byte> input, Draft draft) noexcept {
    const Dialect &dialect = dialect_of(draft);
    FieldReader from(input, dialect);
    const std::uint64_t type = from.number();
    if (!from.ok()) return Step<UniStream>{};
    if (detail::begins_control(static_cast<MessageType>(type), dialect))
        return Step<UniStream>{ControlStream{}, 0, CloseCode::None};
    if (dialect.padding && type == detail::padding_stream) return detail::step_of(from, UniStream(PaddingStream{}));
    if (type == detail::fetch_stream) {
        const FetchHeader header{from.number()};
        return detail::step_of(from, UniStream(header));
    }
    from.fail_unless(detail::is_subgroup(type, dialect));
    const auto header = from.ok() ? detail::read_subgroup_header(from, type) : SubgroupHeader();
    return detail::step_of(from, UniStream(header));
}

/// Appends a header, with its type before it.
inline void encode(const FetchHeader &header, Draft draft, std::vector<std::byte> &to) {
    detail::append_whole(to, dialect_of(draft), [&](FieldWriter &writer) {
        writer.number(detail::fetch_stream);
        writer.number(header.request_id);
    });
}

}  // namespace comoq::ietf
