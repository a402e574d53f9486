# SPDX-License-Identifier: MIT
"""The counters of a session."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

from ._native import lib


class ConnectionStats(NamedTuple):
    """What a session has now, and what it has done since it began. comoq/session_stats.hpp says what each number counts. What the
    connection does not know is None, not 0."""

    streams: int
    subscriptions: int
    tracks: int
    announced: int
    announcements_left_out: int
    announcements_not_told: int
    announcements_told: int
    groups_in_flight: int
    groups_sent: int
    groups_given_up: int
    media_bytes: int
    unsent_bytes: int
    rtt_us: Optional[int]
    estimated_send_rate_bps: Optional[int]
    bytes_received: Optional[int]
    bytes_sent: Optional[int]
    packets_received: Optional[int]
    packets_sent: Optional[int]


def stats_result(view: Any) -> ConnectionStats:
    def known(value: Any) -> Optional[int]:
        return None if value == lib.COMOQ_UNKNOWN else int(value)

    return ConnectionStats(
        streams=int(view.streams),
        subscriptions=int(view.subscriptions),
        tracks=int(view.tracks),
        announced=int(view.announced),
        announcements_left_out=int(view.announcements_left_out),
        announcements_not_told=int(view.announcements_not_told),
        announcements_told=int(view.announcements_told),
        groups_in_flight=int(view.groups_in_flight),
        groups_sent=int(view.groups_sent),
        groups_given_up=int(view.groups_given_up),
        media_bytes=int(view.media_bytes),
        unsent_bytes=int(view.unsent_bytes),
        rtt_us=known(view.round_trip_us),
        estimated_send_rate_bps=known(view.bandwidth),
        bytes_received=known(view.received_bytes),
        bytes_sent=known(view.sent_bytes),
        packets_received=known(view.received_packets),
        packets_sent=known(view.sent_packets),
    )
