// SPDX-License-Identifier: MIT
#pragma once
#include "../text/utf8.hpp"
#include "../wire/varint.hpp"
#include "block_reader.hpp"
#include "codes.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace comoq::h3 {

// The capsules of a session (draft-ietf-webtrans-http3, sections 4.7 and 5.6).

namespace capsule {
inline constexpr std::uint64_t close = 0x2843, drain = 0x78ae;
inline constexpr std::uint64_t max_data = 0x190b4d3d, max_bidi = 0x190b4d3f, max_uni = 0x190b4d40;
}  // namespace capsule

/// In bytes, of the reason for a close.
inline constexpr std::size_t longest_reason = 1024;

/// How a session was closed.
struct SessionEnd {
    std::uint32_t number = 0;
    std::string reason;
};

/// What the peer says of the session, on the stream of its CONNECT.
class CapsuleReader {
public:
    Code read(std::span<const std::byte> input) {
        // Nothing follows the end.
        if (end_ && !input.empty()) return Code::MessageError;
        return blocks_.read(input, *this);
    }
    /// Nothing while it goes on.
    const std::optional<SessionEnd> &end() const noexcept { return end_; }
    /// The peer wants no more streams: the session is to end soon.
    bool drains() const noexcept { return drains_; }
    /// The peer's limits as capsules have raised them; 0 where none has.
    std::uint64_t max_data() const noexcept { return max_data_; }
    std::uint64_t max_bidi() const noexcept { return max_bidi_; }
    std::uint64_t max_uni() const noexcept { return max_uni_; }
    /// The stream may end here.
    bool is_between() const noexcept { return blocks_.is_between(); }

    // For the reader of blocks.

    Code begins(std::uint64_t type, std::uint64_t size, BlockForm &form) noexcept {
        if (end_) return Code::MessageError;
        switch (type) {
        case capsule::close:
            form = BlockForm::Whole;
            return size < 4 || size > 4 + longest_reason ? Code::MessageError : Code::None;
        case capsule::drain:
            form = BlockForm::Whole;
            return size != 0 ? Code::MessageError : Code::None;
        case capsule::max_data:
        case capsule::max_bidi:
        case capsule::max_uni:
            form = BlockForm::Whole;
            return size == 0 || size > 8 ? Code::MessageError : Code::None;
        default:
            // Of any size: nothing of it is kept.
            return Code::None;
        }
    }
    Code whole(std::uint64_t type, std::span<const std::byte> contents) {
        if (type == capsule::drain) {
            drains_ = true;
            return Code::None;
        }
        if (type == capsule::close) return closed(contents);
        const auto limit = comoq::detail::read_varint(contents);
        if (!limit || limit->size != contents.size()) return Code::MessageError;
        auto &known = type == capsule::max_data ? max_data_ : type == capsule::max_bidi ? max_bidi_ : max_uni_;
        const bool is_count = type != capsule::max_data;
        // A limit never goes back, and a number of streams must be one that ids can have.
        if (limit->value < known || (is_count && limit->value > most_streams)) return Code::FlowControlError;
        known = limit->value;
        return Code::None;
    }
    Code part(std::span<const std::byte>) noexcept { return Code::None; }

private:
    static constexpr std::uint64_t most_streams = std::uint64_t{1} << 60;

    Code closed(std::span<const std::byte> contents) {
        SessionEnd end;
        for (const std::byte each : contents.first(4)) end.number = end.number << 8 | std::to_integer<std::uint32_t>(each);
        const auto text = contents.subspan(4);
        end.reason.assign(reinterpret_cast<const char *>(text.data()), text.size());
        if (!comoq::detail::is_utf8(end.reason)) return Code::MessageError;
        end_ = std::move(end);
        return Code::None;
    }

    BlockReader blocks_;
    std::optional<SessionEnd> end_;
    bool drains_ = false;
    std::uint64_t max_data_ = 0, max_bidi_ = 0, max_uni_ = 0;
};

/// Appends the capsule that closes a session. A reason that is too long, or not UTF-8, is left out.
inline void write_close(std::uint32_t number, std::string_view reason, std::vector<std::byte> &to) {
    if (reason.size() > longest_reason || !comoq::detail::is_utf8(reason)) reason = {};
    begin_block(capsule::close, 4 + reason.size(), to);
    for (int shift = 24; shift >= 0; shift -= 8) to.push_back(static_cast<std::byte>(number >> shift & 0xff));
    const auto text = std::as_bytes(std::span(reason));
    to.insert(to.end(), text.begin(), text.end());
}
/// Appends a capsule that raises a limit.
inline void write_limit(std::uint64_t type, std::uint64_t limit, std::vector<std::byte> &to) {
    const auto written = comoq::detail::write_varint(limit);
    begin_block(type, written.size, to);
    const auto bytes = written.span();
    to.insert(to.end(), bytes.begin(), bytes.end());
}

}  // namespace comoq::h3
