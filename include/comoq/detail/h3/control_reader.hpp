// SPDX-License-Identifier: MIT
#pragma once
#include "../wire/varint.hpp"
#include "block_reader.hpp"
#include "codes.hpp"
#include "settings.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace comoq::h3 {

/// The peer's control stream (RFC 9114, section 6.2.1), whose settings come first and once.
class ControlReader {
public:
    explicit ControlReader(bool by_client) noexcept : by_client_(by_client) {}

    /// The connection ends with the code, unless it is None.
    Code read(std::span<const std::byte> input) { return blocks_.read(input, *this); }
    /// Nothing until they have come.
    const std::optional<Settings> &settings() const noexcept { return settings_; }
    /// The peer wants no more requests.
    bool goes_away() const noexcept { return last_.has_value(); }

    // For the reader of blocks.

    Code begins(std::uint64_t type, std::uint64_t size, BlockForm &form) noexcept {
        if (!settings_ && type != settings_frame) return Code::MissingSettings;
        switch (type) {
        case settings_frame:
            if (settings_) return Code::FrameUnexpected;
            if (size > largest_settings) return Code::ExcessiveLoad;
            form = BlockForm::Whole;
            return Code::None;
        case goaway_frame:
        case cancel_push:
            form = BlockForm::Whole;
            return size > 8 ? Code::FrameError : Code::None;
        case max_push_id:
            form = BlockForm::Whole;
            if (!by_client_) return Code::FrameUnexpected;
            return size > 8 ? Code::FrameError : Code::None;
        case data_frame:
        case headers_frame:
        case push_promise:
        case 0x02:
        case 0x06:
        case 0x08:
        case 0x09:
            // The last four are HTTP/2's.
            return Code::FrameUnexpected;
        case webtransport_stream:
            return Code::FrameError;
        default:
            return Code::None;
        }
    }
    Code whole(std::uint64_t type, std::span<const std::byte> contents) {
        if (type == settings_frame) {
            Settings read;
            const Code code = read_settings(contents, read);
            if (code == Code::None) settings_ = read;
            return code;
        }
        const auto id = comoq::detail::read_varint(contents);
        if (!id || id->size != contents.size()) return Code::FrameError;
        // Nobody pushes here.
        if (type == cancel_push) return Code::IdError;
        // Of pushes, too: it does not decrease.
        if (type == max_push_id) {
            if (id->value < pushes_) return Code::IdError;
            pushes_ = id->value;
            return Code::None;
        }
        const bool is_request = id->value % 4 == 0;
        if ((!by_client_ && !is_request) || (last_ && id->value > *last_)) return Code::IdError;
        last_ = id->value;
        return Code::None;
    }
    Code part(std::span<const std::byte>) noexcept { return Code::None; }

private:
    static constexpr std::uint64_t cancel_push = 0x03, push_promise = 0x05, max_push_id = 0x0d, webtransport_stream = 0x41;

    const bool by_client_;
    BlockReader blocks_;
    std::optional<Settings> settings_;
    std::optional<std::uint64_t> last_;
    std::uint64_t pushes_ = 0;
};

}  // namespace comoq::h3
