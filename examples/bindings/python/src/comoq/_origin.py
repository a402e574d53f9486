# SPDX-License-Identifier: MIT
"""Origins, broadcasts, and requests for them."""

from __future__ import annotations

from typing import AsyncIterator, Optional, Union

from ._errors import Error, check, code_of, error_of
from ._handle import Handle, Text, make, shared, text_of
from ._loop import queue
from ._media import (
    GroupConsumer,
    TrackConsumer,
    TrackDynamic,
    TrackProducer,
)
from ._native import ffi, lib
from ._wishes import Subscription, TrackInfo, info_argument, info_result, wishes_argument, wishes_result


class BroadcastConsumer(Handle):
    """Reads a broadcast."""

    __slots__ = ()

    async def subscribe_track(self, name: str, wishes: Optional[Subscription] = None) -> TrackConsumer:
        """Subscribes to the track of that name, which a handler may make. It misses no group that is made after the call."""
        text = Text(name)
        handle, _ = await queue().ask(lib.comoq_consumer_subscribe, self._handle, text.value, wishes_argument(wishes))
        return TrackConsumer(handle)

    async def fetch_group(self, name: str, sequence: int, priority: int = 0) -> GroupConsumer:
        """A group of a track by its number, from the cache or from a handler."""
        text = Text(name)
        handle, _ = await queue().ask(lib.comoq_consumer_fetch, self._handle, text.value, sequence, priority)
        return GroupConsumer(handle)

    async def track_info(self, name: str) -> TrackInfo:
        """The publisher's description of a track."""
        text = Text(name)
        handle, _ = await queue().ask(lib.comoq_consumer_track_info, self._handle, text.value)
        with Handle(handle) as info:
            out = ffi.new("comoq_track_info *", {"struct_size": ffi.sizeof("comoq_track_info")})
            check(lib.comoq_info_view(info._handle, out))
            return info_result(out)

    @property
    def is_closed(self) -> bool:
        """Whether the broadcast has ended."""
        return check(lib.comoq_consumer_is_closed(self._handle)) != 0

    async def closed(self) -> None:
        """Returns when the broadcast has ended well; raises the reason of any other end."""
        await queue().ask(lib.comoq_consumer_closed, self._handle)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BroadcastConsumer):
            return NotImplemented
        return bool(lib.comoq_consumer_same(self._handle, other._handle) == lib.COMOQ_READY)

    __hash__ = None  # type: ignore[assignment]


class TrackRequest(Handle):
    """A request for a track that is not there. Closed without an answer, it answers NotFound."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name that is asked for."""
        out = ffi.new("comoq_string *")
        check(lib.comoq_track_request_name(self._handle, out))
        return text_of(out[0])

    @property
    def subscription(self) -> Optional[Subscription]:
        """The wishes of those who wait to subscribe; None if nobody does."""
        out = ffi.new("comoq_subscription *", {"struct_size": ffi.sizeof("comoq_subscription")})
        return wishes_result(out) if check(lib.comoq_track_request_subscription(self._handle, out)) else None

    def accept(self, info: Optional[TrackInfo] = None) -> TrackProducer:
        """Makes the track live, for all who wait."""
        return make(TrackProducer, lib.comoq_track_request_accept, self._handle, info_argument(info))

    def reject(self, reason: Union[int, Error]) -> bool:
        """Refuses with an application's number, or an error's code. True if this call settled the request."""
        return check(lib.comoq_track_request_reject(self._handle, code_of(reason))) != 0

    def dynamic(self) -> TrackDynamic:
        """A handler for the track's groups, also before it is accepted."""
        return make(TrackDynamic, lib.comoq_track_request_dynamic, self._handle)

    async def abandoned(self) -> None:
        """Returns once nobody waits for the answer any more."""
        await queue().ask(lib.comoq_track_request_abandoned, self._handle)


class BroadcastDynamic(Handle):
    """Serves tracks that are asked for and not there: `async for request in handler`."""

    __slots__ = ()

    async def requested_track(self) -> Optional[TrackRequest]:
        """The next request; None when the broadcast has ended."""
        handle, end = await queue().ask(lib.comoq_track_handler_next, self._handle)
        return None if end else TrackRequest(handle)

    async def __aiter__(self) -> AsyncIterator[TrackRequest]:
        while (request := await self.requested_track()) is not None:
            yield request


class BroadcastProducer(Handle):
    """Writes a broadcast. Closed, it ends, with its announcement: with Dropped unless `finish()` was called."""

    __slots__ = ()

    def publish_track(self, name: str, info: Optional[TrackInfo] = None) -> TrackProducer:
        """A new live track."""
        text = Text(name)
        return make(TrackProducer, lib.comoq_broadcast_track, self._handle, text.value, info_argument(info))

    def remove_track(self, name: str) -> None:
        """Removes a track; readers that have it keep it."""
        text = Text(name)
        check(lib.comoq_broadcast_remove(self._handle, text.value))

    def dynamic(self) -> BroadcastDynamic:
        """A handler for tracks that are asked for and not there."""
        return make(BroadcastDynamic, lib.comoq_broadcast_dynamic, self._handle)

    def consume(self) -> BroadcastConsumer:
        """A reader of it."""
        return make(BroadcastConsumer, lib.comoq_broadcast_consume, self._handle)

    async def used(self) -> None:
        """Returns once somebody uses it."""
        await queue().ask(lib.comoq_broadcast_used, self._handle)

    async def unused(self) -> None:
        """Returns once nobody uses it."""
        await queue().ask(lib.comoq_broadcast_unused, self._handle)

    def finish(self) -> None:
        """Ends it well."""
        check(lib.comoq_broadcast_finish(self._handle))

    def abort(self, reason: Union[int, Error]) -> None:
        """Ends it with an application's number, or with an error's code."""
        check(lib.comoq_broadcast_abort(self._handle, code_of(reason)))


class BroadcastRequest(Handle):
    """A request for a broadcast that nobody announced. Closed without an answer, it answers NotFound."""

    __slots__ = ()

    @property
    def path(self) -> str:
        """The path that is asked for, below the handler's root."""
        out = ffi.new("comoq_string *")
        check(lib.comoq_request_path(self._handle, out, ffi.NULL))
        return text_of(out[0])

    def accept(self, broadcast: Union[BroadcastProducer, BroadcastConsumer]) -> bool:
        """Answers all who wait. True if this call settled the request."""
        return check(lib.comoq_request_accept(self._handle, broadcast._handle)) != 0

    def reject(self, reason: Union[int, Error]) -> bool:
        """Refuses with an application's number, or an error's code. True if this call settled the request."""
        return check(lib.comoq_request_reject(self._handle, code_of(reason))) != 0

    abort = reject

    async def abandoned(self) -> None:
        """Returns once nobody waits for the answer any more."""
        await queue().ask(lib.comoq_request_abandoned, self._handle)


class OriginDynamic(Handle):
    """Serves broadcasts that nobody announced: `async for request in handler`."""

    __slots__ = ()

    async def requested_broadcast(self) -> Optional[BroadcastRequest]:
        """The next request; None when the origin is gone."""
        handle, end = await queue().ask(lib.comoq_handler_next, self._handle)
        return None if end else BroadcastRequest(handle)

    async def __aiter__(self) -> AsyncIterator[BroadcastRequest]:
        while (request := await self.requested_broadcast()) is not None:
            yield request


class Announcement(Handle):
    """A change of the announcements at one path."""

    __slots__ = ("path", "event")

    def __init__(self, handle: int) -> None:
        super().__init__(handle)
        event, path = ffi.new("uint32_t *"), ffi.new("comoq_string *")
        check(lib.comoq_record_view(handle, event, path))
        self.path: str = text_of(path[0])
        #: "active", "restart" or "ended"
        self.event: str = ("active", "restart", "ended")[event[0]]

    @property
    def active(self) -> bool:
        """Whether the path has a broadcast now."""
        return self.event != "ended"

    @property
    def broadcast(self) -> BroadcastConsumer:
        """The very broadcast that this tells of. Raises NotFound for an end."""
        return make(BroadcastConsumer, lib.comoq_record_broadcast, self._handle)


class Announcements(Handle):
    """Follows the announcements, ends included: `async for announcement in announcements`."""

    __slots__ = ()

    async def next(self) -> Optional[Announcement]:
        """The next change; None when the origin is gone."""
        handle, end = await queue().ask(lib.comoq_watch_next, self._handle)
        return None if end else Announcement(handle)

    async def __aiter__(self) -> AsyncIterator[Announcement]:
        while (announcement := await self.next()) is not None:
            yield announcement


class _View(Handle):
    """A part of an origin. The origin is gone when all its handles are closed."""

    __slots__ = ()

    @property
    def id(self) -> int:
        """The origin's hop id."""
        out = ffi.new("uint64_t *")
        check(lib.comoq_origin_id(self._handle, out))
        return int(out[0])


class OriginConsumer(_View):
    """Reads an origin: watches, looks up and requests."""

    __slots__ = ()

    def with_root(self, prefix: str) -> OriginConsumer:
        """The part below a prefix, which all paths then leave out."""
        text = Text(prefix)
        return make(OriginConsumer, lib.comoq_origin_with_root, self._handle, text.value)

    def announced(self, prefix: str = "") -> Announcements:
        """Follows what is announced below a prefix, beginning with what is active."""
        text = Text(prefix)
        return make(Announcements, lib.comoq_origin_announced, self._handle, text.value)

    async def announced_broadcast(self, path: str) -> BroadcastConsumer:
        """The broadcast that is announced at exactly this path, now or later."""
        text = Text(path)
        return BroadcastConsumer((await queue().ask(lib.comoq_origin_announced_broadcast, self._handle, text.value))[0])

    async def request_broadcast(self, path: str) -> BroadcastConsumer:
        """The broadcast at a path, made on demand if necessary. Raises NotFound where nobody makes it, and what a handler
        refused it with. Cancelling the task withdraws the request, and no one else's."""
        text = Text(path)
        return BroadcastConsumer((await queue().ask(lib.comoq_origin_request, self._handle, text.value))[0])


class Guard(Handle):
    """Keeps a broadcast announced until it is closed."""

    __slots__ = ()


class OriginProducer(_View):
    """Writes an origin: announces, and serves on demand. `OriginProducer()` is a new one."""

    __slots__ = ()

    def __init__(self, handle: int = 0) -> None:
        if handle == 0:
            out = ffi.new("comoq_origin *")
            code = lib.comoq_origin_create(ffi.NULL, out)
            if code < 0:
                super().__init__(0)
                raise error_of(code)
            handle = int(out[0])
        super().__init__(handle)

    def consume(self) -> OriginConsumer:
        """A reader of the same part."""
        return shared(OriginConsumer, self)

    def with_root(self, prefix: str) -> OriginProducer:
        """The part below a prefix, which all paths then leave out."""
        text = Text(prefix)
        return make(OriginProducer, lib.comoq_origin_with_root, self._handle, text.value)

    def create_broadcast(self, path: str) -> BroadcastProducer:
        """Makes a broadcast and announces it until it is closed."""
        text = Text(path)
        return make(BroadcastProducer, lib.comoq_origin_publish, self._handle, text.value, ffi.NULL)

    def make_broadcast(self) -> BroadcastProducer:
        """Makes a broadcast that is not announced: for a handler to serve."""
        return make(BroadcastProducer, lib.comoq_origin_make, self._handle, ffi.NULL)

    def announce(self, path: str, broadcast: Union[BroadcastProducer, BroadcastConsumer]) -> Guard:
        """Announces a broadcast until the guard is closed."""
        text = Text(path)
        return make(Guard, lib.comoq_origin_announce, self._handle, text.value, broadcast._handle)

    def dynamic(self) -> OriginDynamic:
        """A handler for requests that no announcement answers."""
        return make(OriginDynamic, lib.comoq_origin_dynamic, self._handle)
