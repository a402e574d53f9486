# SPDX-License-Identifier: MIT
"""Sessions with others."""

from __future__ import annotations

import asyncio
import os
from types import TracebackType
from typing import Any, List, Optional, Type, Union

from ._errors import Closed, Error, check, code_of
from ._handle import Handle, Text, make, text_of
from ._loop import queue
from ._native import ffi, lib
from ._origin import Announcements, BroadcastConsumer, BroadcastProducer, OriginConsumer, OriginDynamic, OriginProducer
from ._stats import ConnectionStats, stats_result


class Runtime(Handle):
    """A thread of the library's, on which sessions run. `Client` and `Server` share one unless they are given another."""

    __slots__ = ()

    def __init__(self) -> None:
        out = ffi.new("comoq_runtime *")
        check(lib.comoq_runtime_create(out))
        super().__init__(int(out[0]))


_usual: Optional[Runtime] = None


def _runtime(given: Optional[Runtime]) -> Runtime:
    global _usual
    if given is not None:
        return given
    if _usual is None:
        _usual = Runtime()
    return _usual


def close_runtime() -> None:
    """Ends the shared thread and all that runs on it. The next session makes a new one."""
    global _usual
    if _usual is not None:
        _usual.close()
        _usual = None


_of_parents: List[Optional[Runtime]] = []


def _leave_to_parent() -> None:
    """In the child of a fork: the thread is the parent's, and the next session here makes one of its own."""
    global _usual
    _of_parents.append(_usual)
    _usual = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)


class _Config:
    """A comoq_session_config, and the texts and origins that it refers to. Without an origin, one of its own is both."""

    def __init__(
        self,
        publish: "Optional[Union[OriginProducer, OriginConsumer]]",
        subscribe: Optional[OriginProducer],
        tls_roots: Optional[str],
        tls_cert: Optional[str],
        tls_key: Optional[str],
        tls_disable_verify: bool,
    ) -> None:
        self.texts: List[Text] = []
        if publish is None and subscribe is None:
            publish = subscribe = OriginProducer()
        # Kept: the caller may have no other name for them. Closed ones are found out by the call.
        self.publish, self.subscribe = publish, subscribe
        self._config = ffi.new("comoq_session_config *", {"struct_size": ffi.sizeof("comoq_session_config")})
        self._config.flags = lib.COMOQ_ACCEPT_ANY_CERTIFICATE if tls_disable_verify else 0
        for field, text in (("authorities_file", tls_roots), ("certificate_file", tls_cert), ("key_file", tls_key)):
            if text is not None:
                self.texts.append(Text(text))
                setattr(self._config, field, self.texts[-1].value)

    @property
    def config(self) -> Any:
        """For a call that begins now."""
        for field, origin in (("publish", self.publish), ("subscribe", self.subscribe)):
            if origin is not None and origin.is_closed_here:
                raise Closed(lib.COMOQ_CLOSED)
            setattr(self._config, field, origin._handle if origin is not None else 0)
        return self._config


class Session(Handle):
    """A session. Closed, it ends in peace."""

    __slots__ = ()

    @property
    def protocol(self) -> str:
        """What both sides speak, such as "moq-lite-05"."""
        out = ffi.new("comoq_string *")
        check(lib.comoq_session_protocol(self._handle, out))
        return text_of(out[0])

    def stats(self) -> ConnectionStats:
        """What it has now, and has done so far; and what its connection knows. Any thread."""
        out = ffi.new("comoq_session_stats *", {"struct_size": ffi.sizeof("comoq_session_stats")})
        check(lib.comoq_session_get_stats(self._handle, out))
        return stats_result(out)

    async def closed(self) -> None:
        """Returns when it has ended in peace; raises the reason of any other end."""
        await queue().ask(lib.comoq_session_closed, self._handle)

    def shutdown(self, reason: Union[None, int, Error] = None) -> None:
        """Ends it, in peace or with a reason that the peer is told."""
        check(lib.comoq_session_end(self._handle, 0 if reason is None else code_of(reason)))


def _writer(origin: "Optional[Union[OriginProducer, OriginConsumer]]") -> OriginProducer:
    if not isinstance(origin, OriginProducer):
        raise TypeError("this has no OriginProducer to publish at")
    return origin


def _reader(origin: Optional[OriginProducer]) -> OriginConsumer:
    if origin is None:
        raise TypeError("this has no origin to subscribe at")
    return origin.consume()


class Client:
    """A connection to a relay that is made again whenever it is lost:

        async with comoq.Client(url, subscribe=origin): ...

    What `publish` has can be seen there; what the relay announces appears in `subscribe`, and requests there go to the relay.
    With neither of them, one origin of the client's own is both. `connect()` is for a single session."""

    def __init__(
        self,
        url: str,
        *,
        publish: "Optional[Union[OriginProducer, OriginConsumer]]" = None,
        subscribe: Optional[OriginProducer] = None,
        tls_roots: Optional[str] = None,
        tls_cert: Optional[str] = None,
        tls_key: Optional[str] = None,
        tls_verify: bool = True,
        tls_disable_verify: bool = False,
        runtime: Optional[Runtime] = None,
    ) -> None:
        self._url = url
        self._config = _Config(publish, subscribe, tls_roots, tls_cert, tls_key, tls_disable_verify or not tls_verify)
        self._runtime = runtime
        self._running: "Optional[asyncio.Task[int]]" = None

    async def connect(self) -> Session:
        """One session, up to the relay's answer."""
        url = Text(self._url)
        handle, _ = await queue().ask(lib.comoq_connect, _runtime(self._runtime)._handle, url.value, self._config.config)
        return Session(handle)

    async def run(self) -> None:
        """Connects, and again whenever the connection is lost, until the task is cancelled."""
        url = Text(self._url)
        await queue().begin(lib.comoq_keep_connected, _runtime(self._runtime)._handle, url.value, self._config.config)

    def create_broadcast(self, path: str) -> BroadcastProducer:
        """Makes a broadcast and announces it at `publish` until it is closed."""
        return _writer(self._config.publish).create_broadcast(path)

    def announced(self, prefix: str = "") -> Announcements:
        """Follows what is announced at `subscribe` below a prefix."""
        return _reader(self._config.subscribe).announced(prefix)

    async def announced_broadcast(self, path: str) -> BroadcastConsumer:
        """The broadcast that is announced at exactly this path of `subscribe`, now or later."""
        return await _reader(self._config.subscribe).announced_broadcast(path)

    async def request_broadcast(self, path: str) -> BroadcastConsumer:
        """The broadcast at a path of `subscribe`, made on demand if necessary."""
        return await _reader(self._config.subscribe).request_broadcast(path)

    async def __aenter__(self) -> Client:
        running = self._running = asyncio.ensure_future(self._run())
        try:
            await asyncio.sleep(0)
            if running.done():
                running.result()
        except BaseException:
            # Nobody calls `__aexit__` now.
            self._running = None
            running.cancel()
            raise
        return self

    async def _run(self) -> int:
        await self.run()
        return 0

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        running, self._running = self._running, None
        if running is None:
            return
        running.cancel()
        # A cancellation that comes here is the caller's.
        await asyncio.wait({running})
        if not running.cancelled() and running.exception() is not None and not isinstance(running.exception(), Error):
            running.result()


class Server(Handle):
    """Serves everyone who connects, until it is closed. `url` has the port that is used. Without `publish` and `subscribe`, one origin of
    its own is both: a relay, in which the server can publish, too."""

    __slots__ = ("url", "_config")

    def __init__(
        self,
        url: str,
        *,
        publish: "Optional[Union[OriginProducer, OriginConsumer]]" = None,
        subscribe: Optional[OriginProducer] = None,
        tls_cert: Optional[str] = None,
        tls_key: Optional[str] = None,
        runtime: Optional[Runtime] = None,
    ) -> None:
        super().__init__(0)
        self._config = config = _Config(publish, subscribe, None, tls_cert, tls_key, False)
        text, out, string = Text(url), ffi.new("comoq_listener *"), ffi.new("comoq_string *")
        check(lib.comoq_listen(_runtime(runtime)._handle, text.value, config.config, out))
        self._handle = int(out[0])
        check(lib.comoq_listener_url(self._handle, string))
        self.url: str = text_of(string[0])

    def create_broadcast(self, path: str) -> BroadcastProducer:
        """Makes a broadcast and announces it at `publish` until it is closed."""
        return _writer(self._config.publish).create_broadcast(path)

    async def serve(self) -> None:
        """Waits until the task is cancelled: clients are served without it."""
        await asyncio.get_running_loop().create_future()


async def proxy(source: OriginConsumer, to: OriginProducer, handler: OriginDynamic, runtime: Optional[Runtime] = None) -> None:
    """Answers all requests of a handler of `to` from the same paths at `source`, until the task is cancelled."""
    await queue().begin(lib.comoq_proxy, _runtime(runtime)._handle, source._handle, to._handle, handler._handle)


async def mirror(source: OriginConsumer, to: OriginProducer, runtime: Optional[Runtime] = None) -> None:
    """Announces at `to` what is announced at `source`, until the task is cancelled."""
    await queue().begin(lib.comoq_mirror, _runtime(runtime)._handle, source._handle, to._handle)


__all__: List[Any] = []
