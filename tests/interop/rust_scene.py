"""Relays, scenes and media of the scripts with peers of the Rust implementation."""
import asyncio
import contextlib
import re
import signal
import subprocess
import tempfile
import time

import moq

PATIENCE = 15
SCHEMES = ("ws", "tcp")


class Failed(Exception):
    pass


def check(holds, what):
    if not holds:
        raise Failed(what)


async def soon(awaitable, what, seconds=PATIENCE):
    try:
        return await asyncio.wait_for(awaitable, seconds)
    except asyncio.TimeoutError:
        raise Failed(f"nothing came: {what}") from None


def without_colours(text):
    return re.sub(r"\x1b\[\d*m", "", text)


class Server:
    """A program that listens on both transports, until the end of the scenario."""

    usual = "^$"  # lines that are not warnings
    warns_of = None

    def __init__(self, *command):
        self.log = tempfile.NamedTemporaryFile("w+", suffix=".log")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        until = time.monotonic() + PATIENCE
        self.urls = {}
        while len(self.urls) < len(SCHEMES):
            self.urls = self.listens_at(self.text())
            check(self.process.poll() is None, f"{command[0]} ended: {self.text()}")
            check(time.monotonic() < until, f"{command[0]} does not listen")
            time.sleep(0.02)

    def text(self):
        with open(self.log.name) as log:
            return without_colours(log.read())

    def url(self, scheme, path=""):
        return self.urls[scheme] + "/" + path

    def count(self, pattern):
        return len(re.findall(pattern, self.text()))

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failed("the relay did not end") from None
        check(self.process.returncode == 0, f"the relay ended with {self.process.returncode}")


class Relay(Server):
    def __init__(self, program, *arguments):
        super().__init__(program, "--listen", "ws://127.0.0.1:0", "--listen", "tcp://127.0.0.1:0", *arguments)

    def listens_at(self, text):
        return {scheme: scheme + rest for scheme, rest in re.findall(r"event=listening url=(ws|tcp)(://[^\s/]+)", text)}


class Scene:
    # The package warns of a WebSocket that it could not have had as QUIC, what scenarios leave open, the system's limits.
    usual = "using WebSocket fallback|dropped without finish|subscribed error .* err=dropped|buffer is smaller than requested"

    def __init__(self, options):
        self.options = options
        self.stack = contextlib.AsyncExitStack()
        self.relays = []
        self.warns_of = None  # what the package is to warn of
        self.kept = []  # what is not to end before the scene

    def has(self, relay):
        self.stack.callback(relay.close)
        self.relays.append(relay)
        return relay

    def relay(self, *arguments):
        return self.has(Relay(self.options.relay, *arguments))

    async def client(self, url):
        return await self.stack.enter_async_context(moq.Client(url, reconnect=False))

    def start(self, *command):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

        def stop():
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            try:
                process.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                raise Failed(f"{command[0]} did not end") from None

        self.stack.callback(stop)
        return process


def groups_of(number, count):
    return [f"group {number} frame {each}".encode() for each in range(count)]


def write(track, number, count=3, finished=True):
    group = track.append_group()
    for each, payload in enumerate(groups_of(number, count)):
        group.write_frame(payload, 1_000_000 * number + 20_000 * each)
    if finished:
        group.finish()
    return group


async def frames_of(group):
    return [frame.payload async for frame in group]


async def broadcast_of(client, path):
    return await soon(client.announced_broadcast(path).available(), f"the announcement of {path}")


async def protocol_error(awaitable, what):
    """The number and the name of the failure."""
    try:
        await soon(awaitable, what)
    except moq.Error as error:
        details = moq.protocol_error(error)
        check(details is not None, f"{what}: {error!r} is not a protocol error")
        return details.code, details.kind.name
    raise Failed(f"{what}: no failure")
