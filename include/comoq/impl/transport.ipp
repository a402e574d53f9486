// SPDX-License-Identifier: MIT
#pragma once
#include "../detail/text/json.hpp"
#include "../transport.hpp"

namespace comoq {

COMOQ_DECL std::string to_json(const TransportStats &stats) {
    std::optional<std::uint64_t> round_trip;
    if (stats.round_trip) round_trip = static_cast<std::uint64_t>(stats.round_trip->count());
    return detail::json_object({
        {"round_trip_us", round_trip},
        {"bandwidth", stats.bandwidth},
        {"received_bytes", stats.received_bytes},
        {"sent_bytes", stats.sent_bytes},
        {"received_packets", stats.received_packets},
        {"sent_packets", stats.sent_packets},
    });
}

}  // namespace comoq
