# SPDX-License-Identifier: MIT
"""What a publisher says of a track, and what a subscriber wants of it."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

from ._native import ffi, lib


class TrackInfo(NamedTuple):
    """A publisher's description of a track. Timestamps count `timescale` units a second."""

    priority: int = 0
    ordered: bool = False
    max_latency_ms: int = 5000
    timescale: int = 1000


class Subscription(NamedTuple):
    """A subscriber's wishes. Without `start` a subscriber begins at the newest group."""

    priority: int = 0
    ordered: bool = False
    max_latency_ms: int = 0
    start: Optional[int] = None
    end: Optional[int] = None


def info_argument(info: Optional[TrackInfo]) -> Any:
    if info is None:
        return ffi.NULL
    return ffi.new(
        "comoq_track_info *",
        {
            "struct_size": ffi.sizeof("comoq_track_info"),
            "priority": info.priority,
            "ordered": info.ordered,
            "max_latency_ms": info.max_latency_ms,
            "timescale": info.timescale,
        },
    )


def info_result(view: Any) -> TrackInfo:
    return TrackInfo(int(view.priority), view.ordered != 0, int(view.max_latency_ms), int(view.timescale))


def wishes_argument(wishes: Optional[Subscription]) -> Any:
    if wishes is None:
        return ffi.NULL
    flags = (lib.COMOQ_HAS_START if wishes.start is not None else 0) | (lib.COMOQ_HAS_END if wishes.end is not None else 0)
    return ffi.new(
        "comoq_subscription *",
        {
            "struct_size": ffi.sizeof("comoq_subscription"),
            "priority": wishes.priority,
            "ordered": wishes.ordered,
            "flags": flags,
            "max_latency_ms": wishes.max_latency_ms,
            "start": wishes.start or 0,
            "end": wishes.end or 0,
        },
    )


def wishes_result(view: Any) -> Subscription:
    start = int(view.start) if view.flags & lib.COMOQ_HAS_START else None
    end = int(view.end) if view.flags & lib.COMOQ_HAS_END else None
    return Subscription(int(view.priority), view.ordered != 0, int(view.max_latency_ms), start, end)
