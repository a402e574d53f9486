// SPDX-License-Identifier: MIT
#pragma once
#include "block_reader.hpp"
#include "codes.hpp"
#include "settings.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace comoq::h3 {

/// A request, or a response (RFC 9114, section 4.1): a block of fields, then data. Fields after that, trailers, are read past.
class MessageReader {
public:
    /// Takes what is read. A code that is not None ends the reading.
    class Receiver {
    public:
        virtual ~Receiver() = default;
        /// The packed fields of the head.
        virtual Code head(std::span<const std::byte> fields) = 0;
        virtual Code data(std::span<const std::byte> bytes) = 0;
    };

    /// The receiver must live as long.
    explicit MessageReader(Receiver &receiver) noexcept : receiver_(receiver) {}

    Code read(std::span<const std::byte> input) { return blocks_.read(input, *this); }
    /// The head was an interim one: a response of the class 1xx. Another one follows.
    void expect_another() noexcept { begun_ = false; }
    /// The stream may end here.
    bool is_between() const noexcept { return blocks_.is_between(); }

    // For the reader of blocks.

    Code begins(std::uint64_t type, std::uint64_t size, BlockForm &form) noexcept {
        switch (type) {
        case data_frame:
            if (!begun_ || over_) return Code::FrameUnexpected;
            form = BlockForm::Parts;
            return Code::None;
        case headers_frame:
            if (over_) return Code::FrameUnexpected;
            if (size > largest_head) return Code::ExcessiveLoad;
            if (begun_) {
                over_ = true;
                return Code::None;
            }
            form = BlockForm::Whole;
            return Code::None;
        case settings_frame:
        case goaway_frame:
        case 0x03:
        case 0x05:
        case 0x0d:
        case 0x02:
        case 0x06:
        case 0x08:
        case 0x09:
            // Of a control stream, of pushes, which nobody allowed, and of HTTP/2.
            return Code::FrameUnexpected;
        case 0x41:
            // A stream of a session says so with its first bytes.
            return Code::FrameError;
        default:
            return Code::None;
        }
    }
    Code whole(std::uint64_t, std::span<const std::byte> contents) {
        begun_ = true;
        return receiver_.head(contents);
    }
    Code part(std::span<const std::byte> bytes) { return receiver_.data(bytes); }

private:
    Receiver &receiver_;
    BlockReader blocks_;
    bool begun_ = false;
    bool over_ = false;
};

}  // namespace comoq::h3
