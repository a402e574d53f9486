// SPDX-License-Identifier: MIT
#pragma once
#include "../detail/text/json.hpp"
#include "../session_stats.hpp"

namespace comoq {

COMOQ_DECL std::string to_json(const SessionStats &stats) {
    std::optional<std::uint64_t> round_trip;
    if (stats.round_trip) round_trip = static_cast<std::uint64_t>(stats.round_trip->count());
    return detail::json_object({
        {"streams", stats.streams},
        {"subscriptions", stats.subscriptions},
        {"tracks", stats.tracks},
        {"announced", stats.announced},
        {"announcements_left_out", stats.announcements_left_out},
        {"announcements_not_told", stats.announcements_not_told},
        {"announcements_told", stats.announcements_told},
        {"groups_in_flight", stats.groups_in_flight},
        {"groups_sent", stats.groups_sent},
        {"groups_given_up", stats.groups_given_up},
        {"media_bytes", stats.media_bytes},
        {"unsent_bytes", stats.unsent_bytes},
        {"round_trip_us", round_trip},
        {"bandwidth", stats.bandwidth},
        {"received_bytes", stats.received_bytes},
        {"sent_bytes", stats.sent_bytes},
        {"received_packets", stats.received_packets},
        {"sent_packets", stats.sent_packets},
    });
}

}  // namespace comoq
