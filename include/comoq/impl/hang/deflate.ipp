// SPDX-License-Identifier: MIT
#pragma once
#include "../../error.hpp"
#include "../../hang/deflate.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <system_error>
#include <utility>
#include <vector>
#include <zlib.h>

namespace comoq::hang {

namespace detail {

/// What Z_SYNC_FLUSH ends a frame with.
inline constexpr std::array<std::byte, 4> end_of_flush = {std::byte{0}, std::byte{0}, std::byte{0xff}, std::byte{0xff}};

inline void set_input(z_stream &stream, std::span<const std::byte> input) {
    // zlib takes it as not const, and does not write.
    stream.next_in = const_cast<Bytef *>(reinterpret_cast<const Bytef *>(input.data()));
    stream.avail_in = static_cast<uInt>(input.size());
}

inline void set_output(z_stream &stream, std::span<std::byte> output) {
    stream.next_out = reinterpret_cast<Bytef *>(output.data());
    stream.avail_out = static_cast<uInt>(output.size());
}

/// Frames are far shorter than what zlib takes at once.
inline constexpr std::size_t most_at_once = std::size_t{1} << 30;

}  // namespace detail

struct Deflater::State {
    State() {
        if (::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
    }
    State(const State &) = delete;
    State &operator=(const State &) = delete;
    ~State() { ::deflateEnd(&stream); }
    z_stream stream{};
};

COMOQ_DECL Deflater::Deflater() : state_(std::make_shared<State>()) {}

COMOQ_DECL Bytes Deflater::next(std::span<const std::byte> frame) {
    if (frame.size() > detail::most_at_once) throw std::system_error(make_error_code(Error::FrameTooLarge));
    // There is nothing to flush.
    if (frame.empty()) return {};
    auto &stream = state_->stream;
    detail::set_input(stream, frame);
    std::vector<std::byte> out;
    std::size_t used = 0;
    do {
        out.resize(used + std::max<std::size_t>(256, frame.size() / 2));
        detail::set_output(stream, std::span(out).subspan(used));
        ::deflate(&stream, Z_SYNC_FLUSH);
        used = out.size() - stream.avail_out;
    } while (stream.avail_out == 0);
    out.resize(used - detail::end_of_flush.size());
    return Bytes(std::move(out));
}

struct Inflater::State {
    State() {
        if (::inflateInit2(&stream, -15) != Z_OK) throw std::bad_alloc();
    }
    State(const State &) = delete;
    State &operator=(const State &) = delete;
    ~State() { ::inflateEnd(&stream); }
    z_stream stream{};
    bool is_broken = false;
};

COMOQ_DECL Inflater::Inflater() : state_(std::make_shared<State>()) {}

COMOQ_DECL Bytes Inflater::next(std::span<const std::byte> frame, std::size_t most) {
    auto &stream = state_->stream;
    if (state_->is_broken || frame.size() > detail::most_at_once) throw std::system_error(make_error_code(Error::Decode), "comoq::hang::Inflater");
    if (frame.empty()) return {};
    // Until it has worked.
    state_->is_broken = true;
    std::vector<std::byte> out;
    std::size_t used = 0;
    for (const auto piece : {frame, std::span<const std::byte>(detail::end_of_flush)}) {
        detail::set_input(stream, piece);
        do {
            if (used == out.size()) out.resize(std::min(most + 1, std::max<std::size_t>(1024, 2 * out.size())));
            detail::set_output(stream, std::span(out).subspan(used));
            const int result = ::inflate(&stream, Z_SYNC_FLUSH);
            used = out.size() - stream.avail_out;
            if (used > most) throw std::system_error(make_error_code(Error::BoundsExceeded), "comoq::hang::Inflater");
            // Without room or input it has nothing to do, and says so by Z_BUF_ERROR. The end of the stream is not expected.
            if (result != Z_OK && result != Z_BUF_ERROR) throw std::system_error(make_error_code(Error::Decode), "comoq::hang::Inflater");
        } while (stream.avail_in != 0 || stream.avail_out == 0);
    }
    state_->is_broken = false;
    out.resize(used);
    return Bytes(std::move(out));
}

}  // namespace comoq::hang
