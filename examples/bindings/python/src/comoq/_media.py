# SPDX-License-Identifier: MIT
"""Tracks, groups and frames."""

from __future__ import annotations

from typing import Any, AsyncIterator, Iterable, List, Optional, Tuple, Union

from ._errors import check, code_of, error_of
from ._errors import Error as ComoqError
from ._handle import Handle, Text, make, text_of
from ._loop import queue
from ._native import ffi, lib
from ._wishes import Subscription, TrackInfo, info_argument, wishes_argument, wishes_result

Buffer = Union[bytes, bytearray, memoryview]
_BATCH = 64


class _Batch(Handle):
    """Frames that were read together, and stay in memory together."""

    __slots__ = ("frames",)

    def __init__(self, handle: int) -> None:
        super().__init__(handle)
        count = int(lib.comoq_frames_view(handle, ffi.NULL, 0))
        self.frames = ffi.new("comoq_frame[]", count)
        lib.comoq_frames_view(handle, self.frames, count)

    def kept(self, pointer: Any) -> None:
        """Keeps this batch while a view refers to it: the view has this bound method."""


class Frame:
    """A payload and its timestamp. `payload` is a view of the library's own memory, without a copy; it keeps the frames that were
    read with it. `bytes(frame)` is a copy, which keeps nothing."""

    __slots__ = ("_batch", "_index", "timestamp", "number")

    def __init__(self, batch: _Batch, index: int) -> None:
        self._batch = batch
        self._index = index
        frame = batch.frames[index]
        self.timestamp: int = frame.timestamp
        self.number: int = frame.number

    @property
    def payload(self) -> memoryview:
        """The bytes, which cannot be changed. The view may outlive everything."""
        frame = self._batch.frames[self._index]
        if frame.size == 0:
            return memoryview(b"")
        owned = ffi.gc(ffi.cast("uint8_t *", frame.data), self._batch.kept)
        return memoryview(ffi.buffer(owned, frame.size)).toreadonly()

    def __bytes__(self) -> bytes:
        frame = self._batch.frames[self._index]
        return bytes(ffi.buffer(frame.data, frame.size)) if frame.size else b""

    def __len__(self) -> int:
        return int(self._batch.frames[self._index].size)


def frames_of(handle: int) -> List[Frame]:
    batch = _Batch(handle)
    return [Frame(batch, i) for i in range(len(batch.frames))]


class FrameReader(Handle):
    """Reads a frame while it is being written: `async for chunk in frame`."""

    __slots__ = ()

    @property
    def size(self) -> int:
        """In bytes, as declared by the writer."""
        out = ffi.new("uint64_t *")
        check(lib.comoq_frame_reader_view(self._handle, out, ffi.NULL))
        return int(out[0])

    async def read_chunk(self) -> Optional[bytes]:
        """The next bytes as soon as they are written; None at the frame's end."""
        handle, end = await queue().ask(lib.comoq_frame_reader_chunk, self._handle)
        return None if end else _bytes_of(handle)

    async def read_all(self) -> bytes:
        """The rest of the frame in one piece, once it is complete."""
        return _bytes_of((await queue().ask(lib.comoq_frame_reader_all, self._handle))[0])

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (chunk := await self.read_chunk()) is not None:
            yield chunk


def _bytes_of(handle: int) -> bytes:
    data, size = ffi.new("uint8_t **"), ffi.new("size_t *")
    try:
        check(lib.comoq_bytes_data(handle, ffi.cast("const uint8_t **", data), size))
        return bytes(ffi.buffer(data[0], size[0])) if size[0] else b""
    finally:
        lib.comoq_close(handle)


class GroupConsumer(Handle):
    """Reads a group: `async for frame in group`."""

    __slots__ = ("_there",)

    def __init__(self, handle: int) -> None:
        super().__init__(handle)
        self._there: List[Frame] = []

    @property
    def sequence(self) -> int:
        """The group's number in its track."""
        out = ffi.new("uint64_t *")
        check(lib.comoq_reader_sequence(self._handle, out))
        return int(out[0])

    async def read_frames(self, most: int = _BATCH) -> List[Frame]:
        """All frames that are there, at least one and at most `most`; an empty list at the group's end."""
        if self._there and most > 0:
            there = self._there[: -most - 1 : -1]
            del self._there[-len(there) :]
            return there
        handle, end = await queue().ask(lib.comoq_reader_read, self._handle, most)
        return [] if end else frames_of(handle)

    async def read_frame(self) -> Optional[Frame]:
        """The next frame; None at the group's end."""
        if self._there:
            return self._there.pop()
        frames = await self.read_frames()
        # Another call may have read meanwhile: what that left comes first.
        self._there[:0] = frames[:0:-1]
        return frames[0] if frames else None

    async def next_frame(self) -> Optional[FrameReader]:
        """The next frame as soon as it is begun; None at the group's end. Not after `read_frame`, which reads ahead."""
        handle, end = await queue().ask(lib.comoq_reader_frame, self._handle)
        return None if end else FrameReader(handle)

    async def __aiter__(self) -> AsyncIterator[Frame]:
        while (frame := await self.read_frame()) is not None:
            yield frame


class FrameProducer(Handle):
    """Writes a frame of a declared size in chunks. Closed before `finish()`, it fails its group."""

    __slots__ = ()

    def write(self, chunk: Buffer) -> None:
        """The next bytes, copied."""
        data = ffi.from_buffer(chunk)
        check(lib.comoq_frame_writer_write(self._handle, data, len(data)))

    def finish(self) -> None:
        """Completes the frame."""
        check(lib.comoq_frame_writer_finish(self._handle))


class GroupProducer(Handle):
    """Writes a group. Closed before `finish()`, it fails with Dropped, after its complete frames."""

    __slots__ = ()

    @property
    def sequence(self) -> int:
        """The group's number in its track."""
        out = ffi.new("uint64_t *")
        check(lib.comoq_group_sequence(self._handle, out))
        return int(out[0])

    def write_frame(self, payload: Buffer, timestamp: int = 0) -> None:
        """Appends a frame, whose payload is copied."""
        data = ffi.from_buffer(payload)
        code = lib.comoq_group_write(self._handle, data, len(data), timestamp)
        if code < 0:
            raise error_of(code)

    def write_frames(self, frames: Iterable[Tuple[Buffer, int]]) -> None:
        """Appends many, each a payload and a timestamp, with one call. Those before a failure are written."""
        kept = [(ffi.from_buffer(payload), timestamp) for payload, timestamp in frames]
        array = ffi.new("comoq_frame[]", [(ffi.cast("uint8_t *", data), len(data), timestamp, 0) for data, timestamp in kept])
        written = check(lib.comoq_group_write_many(self._handle, array, len(kept)))
        while written < len(kept):
            check(lib.comoq_group_write(self._handle, kept[written][0], len(kept[written][0]), kept[written][1]))
            written += 1

    def create_frame(self, size: int, timestamp: int = 0) -> FrameProducer:
        """Begins a frame that is written in chunks."""
        return make(FrameProducer, lib.comoq_group_open, self._handle, size, timestamp)

    def consume(self) -> GroupConsumer:
        """A reader of it."""
        return make(GroupConsumer, lib.comoq_group_consume, self._handle)

    def finish(self) -> None:
        """No more frames will come."""
        check(lib.comoq_group_finish(self._handle))

    def abort(self, reason: Union[int, ComoqError]) -> None:
        """Fails the group with an application's number, or with an error's code."""
        check(lib.comoq_group_abort(self._handle, code_of(reason)))


class TrackConsumer(Handle):
    """Reads a track: `async for group in track`. It counts as a subscriber until it is closed."""

    __slots__ = ()

    async def next_group(self) -> Optional[GroupConsumer]:
        """The group with the lowest number above the last one; None at the track's end."""
        handle, end = await queue().ask(lib.comoq_subscriber_next, self._handle)
        return None if end else GroupConsumer(handle)

    async def recv_group(self) -> Optional[GroupConsumer]:
        """The next group in the order of arrival; None at the track's end."""
        handle, end = await queue().ask(lib.comoq_subscriber_receive, self._handle)
        return None if end else GroupConsumer(handle)

    async def read_frame(self) -> Optional[Frame]:
        """The next frame of the track, group after group; None at the track's end."""
        handle, end = await queue().ask(lib.comoq_subscriber_read_frame, self._handle)
        return None if end else frames_of(handle)[0]

    async def recv_datagram(self) -> Optional[Frame]:
        """The next datagram, whose `number` is set; None at the track's end."""
        handle, end = await queue().ask(lib.comoq_subscriber_datagram, self._handle)
        return None if end else frames_of(handle)[0]

    def update(self, wishes: Subscription) -> None:
        """New wishes, which the publisher sees."""
        check(lib.comoq_subscriber_update(self._handle, wishes_argument(wishes)))

    async def finished(self) -> int:
        """The first number that will never come, once the publisher has declared it."""
        return (await queue().ask(lib.comoq_subscriber_finished, self._handle, gives_handle=False))[0]

    async def __aiter__(self) -> AsyncIterator[GroupConsumer]:
        while (group := await self.next_group()) is not None:
            yield group


class GroupRequest(Handle):
    """A request for a group that is not there. Closed without an answer, it answers NotFound."""

    __slots__ = ()

    @property
    def sequence(self) -> int:
        """The number that is asked for."""
        out = ffi.new("uint64_t *")
        check(lib.comoq_group_request_view(self._handle, out, ffi.NULL))
        return int(out[0])

    def accept(self, info: Optional[TrackInfo] = None) -> GroupProducer:
        """A group for all who wait, to be written now."""
        return make(GroupProducer, lib.comoq_group_request_accept, self._handle, info_argument(info))

    def reject(self, reason: Union[int, ComoqError]) -> bool:
        """Refuses. True if this call settled the request."""
        return check(lib.comoq_group_request_reject(self._handle, code_of(reason))) != 0

    async def abandoned(self) -> None:
        """Returns once nobody waits for the answer any more."""
        await queue().ask(lib.comoq_group_request_abandoned, self._handle)


class TrackDynamic(Handle):
    """Serves groups that are asked for by number: `async for request in handler`."""

    __slots__ = ()

    async def requested_group(self) -> Optional[GroupRequest]:
        """The next request; None when the track has ended."""
        handle, end = await queue().ask(lib.comoq_group_handler_next, self._handle)
        return None if end else GroupRequest(handle)

    async def __aiter__(self) -> AsyncIterator[GroupRequest]:
        while (request := await self.requested_group()) is not None:
            yield request


class TrackProducer(Handle):
    """Writes a track. Closed before `finish()`, it ends with Dropped."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """Its name in its broadcast."""
        out = ffi.new("comoq_string *")
        check(lib.comoq_track_name(self._handle, out))
        return text_of(out[0])

    def append_group(self) -> GroupProducer:
        """A group with the next number."""
        return make(GroupProducer, lib.comoq_track_group, self._handle)

    def create_group(self, sequence: int) -> GroupProducer:
        """A group with that number."""
        return make(GroupProducer, lib.comoq_track_group_at, self._handle, sequence)

    def write_frame(self, payload: Buffer, timestamp: int = 0) -> int:
        """A finished group of one frame. Returns its number."""
        out = ffi.new("uint64_t *")
        data = ffi.from_buffer(payload)
        check(lib.comoq_track_write(self._handle, data, len(data), timestamp, out))
        return int(out[0])

    def append_datagram(self, payload: Buffer, timestamp: int = 0) -> int:
        """A datagram of at most 1,200 bytes. Returns its number."""
        out = ffi.new("uint64_t *")
        data = ffi.from_buffer(payload)
        check(lib.comoq_track_datagram(self._handle, data, len(data), timestamp, out))
        return int(out[0])

    async def used(self) -> None:
        """Returns once somebody subscribes."""
        await queue().ask(lib.comoq_track_used, self._handle)

    async def unused(self) -> None:
        """Returns once nobody subscribes."""
        await queue().ask(lib.comoq_track_unused, self._handle)

    @property
    def subscription(self) -> Optional[Subscription]:
        """What all subscribers together want; None without any."""
        out = ffi.new("comoq_subscription *", {"struct_size": ffi.sizeof("comoq_subscription")})
        return wishes_result(out) if check(lib.comoq_track_subscription(self._handle, out)) else None

    def dynamic(self) -> TrackDynamic:
        """A handler for groups that are asked for and not there."""
        return make(TrackDynamic, lib.comoq_track_dynamic, self._handle)

    def finish(self) -> None:
        """No number after the latest will come."""
        check(lib.comoq_track_finish(self._handle))

    def finish_at(self, sequence: int) -> None:
        """No number from `sequence` on will come."""
        check(lib.comoq_track_finish_at(self._handle, sequence))

    def abort(self, reason: Union[int, ComoqError]) -> None:
        """Ends the track with an application's number, or with an error's code."""
        check(lib.comoq_track_abort(self._handle, code_of(reason)))


__all__ = ["Buffer", "Text"]
