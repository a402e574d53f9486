// SPDX-License-Identifier: MIT
/// \file
/// Frames that were compressed together: what a track has whose name ends in `.z`.
#pragma once
#include "../bytes.hpp"
#include "../config.hpp"

#include <cstddef>
#include <memory>
#include <span>

namespace comoq::hang {

/// Compresses the frames of a group, in order: raw DEFLATE, a window for the whole group, flushed after each frame, without the
/// four bytes 00 00 ff ff that each flush ends with. Throws `std::bad_alloc`. Memory: some 260 KiB.
class Deflater {
public:
    /// At the beginning of a group. Throws `std::bad_alloc`.
    Deflater();
    /// The next frame, compressed.
    Bytes next(std::span<const std::byte> frame);

private:
    struct State;
    std::shared_ptr<State> state_;
};

/// The reverse. Memory: some 45 KiB, and the frame that it gives.
class Inflater {
public:
    /// At the beginning of a group. Throws `std::bad_alloc`.
    Inflater();
    /// The next frame as it was.
    /// Throws `std::system_error`: Decode if it is not such a frame, or an earlier one was not, BoundsExceeded if there are more
    /// than `most` bytes in it. At most that much is allocated, whatever the frame says.
    Bytes next(std::span<const std::byte> frame, std::size_t most);

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace comoq::hang

#if !defined(COMOQ_SEPARATE_COMPILATION)
#include "../impl/hang/deflate.ipp"
#endif
