// SPDX-License-Identifier: MIT
#pragma once
#include "../time.hpp"

namespace comoq {

COMOQ_DECL std::string to_string(Timestamp timestamp) {
    const auto units = timestamp.scale().units_per_second();
    std::uint64_t parts = 1;
    std::size_t digits = 0;
    for (; digits < 9 && parts < units; ++digits) parts *= 10;
    std::string text = std::to_string(timestamp.value() / units);
    if (digits != 0) {
        const Timestamp rest(timestamp.value() % units, timestamp.scale());
        const std::string fraction = std::to_string(rest.convert(Timescale(parts)).value());
        text += '.' + std::string(digits - fraction.size(), '0') + fraction;
    }
    return text += 's';
}

}  // namespace comoq
