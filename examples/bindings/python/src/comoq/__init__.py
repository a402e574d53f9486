# SPDX-License-Identifier: MIT
"""comoq: broadcasts by path, announced or made on demand, with asyncio.

    import comoq

    origin = comoq.OriginProducer()
    async with comoq.Client("wss://relay.example.com", subscribe=origin):
        broadcast = await origin.consume().request_broadcast("live/alice")
        async with await broadcast.subscribe_track("video") as track:
            async for group in track:
                async for frame in group:
                    show(frame.payload)

Every wait belongs to the task that awaits it: cancelling the task withdraws that wait, and no other. Objects may be used in any
thread that has a loop of its own."""

from ._errors import (
    AppError,
    Cancelled,
    Closed,
    Dropped,
    Duplicate,
    Error,
    InvalidPath,
    Lagged,
    NotFound,
    Unauthorized,
)
from ._handle import live_handles
from ._media import (
    Frame,
    FrameProducer,
    FrameReader,
    GroupConsumer,
    GroupProducer,
    GroupRequest,
    TrackConsumer,
    TrackDynamic,
    TrackProducer,
)
from ._origin import (
    Announcement,
    Announcements,
    BroadcastConsumer,
    BroadcastDynamic,
    BroadcastProducer,
    BroadcastRequest,
    Guard,
    OriginConsumer,
    OriginDynamic,
    OriginProducer,
    TrackRequest,
)
from ._session import Client, Runtime, Server, Session, close_runtime, mirror, proxy
from ._stats import ConnectionStats
from ._wishes import Subscription, TrackInfo

__all__ = [
    "Announcement",
    "Announcements",
    "AppError",
    "BroadcastConsumer",
    "BroadcastDynamic",
    "BroadcastProducer",
    "BroadcastRequest",
    "Cancelled",
    "Client",
    "Closed",
    "ConnectionStats",
    "Dropped",
    "Duplicate",
    "Error",
    "Frame",
    "FrameProducer",
    "FrameReader",
    "GroupConsumer",
    "GroupProducer",
    "GroupRequest",
    "Guard",
    "InvalidPath",
    "Lagged",
    "NotFound",
    "OriginConsumer",
    "OriginDynamic",
    "OriginProducer",
    "Runtime",
    "Server",
    "Session",
    "Subscription",
    "TrackConsumer",
    "TrackDynamic",
    "TrackInfo",
    "TrackProducer",
    "TrackRequest",
    "Unauthorized",
    "close_runtime",
    "live_handles",
    "mirror",
    "proxy",
]
