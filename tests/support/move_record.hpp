/// \file Two qmux connections without a channel between them: a test moves their records.
#pragma once

#include <cstddef>
#include <vector>

#include <comoq/qmux/connection.hpp>

namespace comoq::test {

/// Moves one record, if there is one. False if there is none.
inline bool move_record(qmux::Connection &from, qmux::Connection &to) {
    qmux::OutgoingRecord record;
    if (!from.output(record)) {
        return false;
    }
    std::vector<std::byte> bytes;
    for (const auto &buffer : record.buffers()) {
        const auto *begin = static_cast<const std::byte *>(buffer.data());
        bytes.insert(bytes.end(), begin, begin + buffer.size());
    }
    to.input(bytes);
    return true;
}

}  // namespace comoq::test
