#pragma once
#include "bytes.hpp"
#include "time.hpp"

#include <cstdint>
#include <utility>

namespace comoq {

/// A payload of at most 1,200 bytes that may get lost. It has a number of its track's, as a group has.
struct Datagram {
    std::uint64_t sequence = 0;
    /// In the track's timescale.
    Timestamp timestamp;
    Bytes payload;
};

}  // namespace comoq
