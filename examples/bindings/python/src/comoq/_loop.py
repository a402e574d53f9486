# SPDX-License-Identifier: MIT
"""Waiting: one queue for each event loop."""

from __future__ import annotations

import asyncio
import weakref
from typing import Any, Callable, Dict, Tuple

from ._errors import check, error_of
from ._native import ffi, lib

_READY: int = lib.COMOQ_READY


class Queue:
    """The queue of a loop, and the futures that wait for its events."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        out = ffi.new("comoq_queue *")
        check(lib.comoq_queue_create(out))
        self.handle = int(out[0])
        # The future of each wait, and whether its value is a handle.
        self._pending: Dict[int, Tuple[asyncio.Future[Tuple[int, int, int]], bool]] = {}
        self._next_user = 1
        self._events = ffi.new("comoq_event[64]")
        self._now = ffi.new("comoq_event *")
        self._op = ffi.new("comoq_op *")
        descriptor = ffi.new("int *")
        check(lib.comoq_queue_fd(self.handle, descriptor))
        # Not a cycle through the loop: the queue ends with it.
        this = weakref.ref(self)

        def readable() -> None:
            queue = this()
            if queue is not None:
                queue._take()

        loop.add_reader(int(descriptor[0]), readable)

    def __del__(self) -> None:
        lib.comoq_close(self.handle)

    def _take(self) -> None:
        events = self._events
        count = lib.comoq_queue_next(self.handle, events, 64, 0)
        for i in range(count):
            event = events[i]
            # A wait that was withdrawn has no event.
            waiting = self._pending.pop(int(event.user), None)
            if waiting is None:
                continue
            future, gives_handle = waiting
            outcome = (int(event.code), int(event.value), int(event.flags))
            if future.cancelled():
                if gives_handle:
                    _close_outcome(outcome)
            else:
                future.set_result(outcome)

    async def ask(self, call: Callable[..., int], *arguments: Any, gives_handle: bool = True) -> Tuple[int, bool]:
        """The value of a call that may wait, and whether it is the end of a stream. The task that waits may be cancelled: a value
        that is a handle and that nobody gets is closed."""
        now = self._now
        user = self._next_user
        code = call(*arguments, self.handle, user, now, self._op)
        if code == _READY:
            if now.code < 0:
                raise error_of(int(now.code))
            return int(now.value), now.flags != 0
        return await self._wait(code, gives_handle)

    async def begin(self, call: Callable[..., int], *arguments: Any) -> int:
        """The same for a call that never has its outcome at once."""
        return (await self._wait(call(*arguments, self.handle, self._next_user, self._op), False))[0]

    async def _wait(self, code: int, gives_handle: bool) -> Tuple[int, bool]:
        check(code)
        user, op = self._next_user, int(self._op[0])
        self._next_user += 1
        future: asyncio.Future[Tuple[int, int, int]] = asyncio.get_running_loop().create_future()
        self._pending[user] = (future, gives_handle)
        try:
            outcome = await future
        except BaseException:
            if lib.comoq_close(op) == 0:
                self._pending.pop(user, None)
            # The event may have come meanwhile.
            if gives_handle and future.done() and not future.cancelled():
                _close_outcome(future.result())
            raise
        if outcome[0] < 0:
            raise error_of(outcome[0])
        return outcome[1], outcome[2] != 0


def _close_outcome(outcome: Tuple[int, int, int]) -> None:
    if outcome[0] == 0 and outcome[1] != 0:
        lib.comoq_close(outcome[1])


_queues: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Queue]" = weakref.WeakKeyDictionary()


def queue() -> Queue:
    """The queue of the running loop."""
    loop = asyncio.get_running_loop()
    found = _queues.get(loop)
    if found is None:
        # A loop that was closed while something waited would stay for ever: its futures refer to it, and its queue to them.
        for reference in _queues.keyrefs():
            other = reference()
            if other is not None and other.is_closed():
                _queues.pop(other, None)
        found = _queues[loop] = Queue(loop)
    return found
