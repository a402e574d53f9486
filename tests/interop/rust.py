#!/usr/bin/env python3
"""The relay between peers of the Rust implementation, as its Python package `moq-rs` brings it.

    python3 rust.py --relay PROGRAM [--publish PROGRAM --subscribe PROGRAM --clip FILE] [--protocol NAME] [--only REGEX]

Each scenario starts relays of its own and plays with publishers and subscribers of the package, over WebSocket and over TCP.
`--protocol` is what the peers and the relay have to agree on (moq-lite-06). The package must not log a warning in any of them.
Exit code: 0 all went well, 1 not. `requirements.txt` names the version of the package.
"""
import argparse
import asyncio
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
import traceback

import moq

PATIENCE = 15
SCHEMES = ("ws", "tcp")
# Of these it warns, too: a WebSocket that it could not have had as QUIC, what the scenarios leave open, the system's limits.
WARNING = r"\b(WARN|ERROR)\b(?!.*(using WebSocket fallback|dropped without finish|subscribed error .* err=dropped|buffer is smaller than requested))"


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


class Relay:
    """A relay that listens on both transports, until the end of the scenario."""

    def __init__(self, program, *arguments):
        self.log = tempfile.NamedTemporaryFile("w+", suffix=".log")
        command = [program, "--listen", "ws://127.0.0.1:0", "--listen", "tcp://127.0.0.1:0", *arguments]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        self.urls = {}
        until = time.monotonic() + PATIENCE
        while len(self.urls) < 2:
            for scheme, rest in re.findall(r"event=listening url=(ws|tcp)(://[^\s/]+)", self.text()):
                self.urls[scheme] = scheme + rest
            check(self.process.poll() is None, "the relay ended: " + self.text())
            check(time.monotonic() < until, "the relay does not listen")
            time.sleep(0.02)

    def text(self):
        with open(self.log.name) as log:
            return log.read()

    def url(self, scheme, path=""):
        return self.urls[scheme] + "/" + path

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failed("the relay did not end") from None
        check(self.process.returncode == 0, f"the relay ended with {self.process.returncode}")


class Scene:
    def __init__(self, options):
        self.options = options
        self.stack = contextlib.AsyncExitStack()
        self.relays = []
        self.warns_of = None  # what the package is to warn of

    def relay(self, *arguments):
        relay = Relay(self.options.relay, *arguments)
        self.stack.callback(relay.close)
        self.relays.append(relay)
        return relay

    async def client(self, url):
        return await self.stack.enter_async_context(moq.Client(url, reconnect=False))

    def start(self, *command):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

        def stop():
            if process.poll() is None:
                process.kill()
            process.communicate()

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
        check(details is not None, f"{what}: {error!r} is no protocol error")
        return details.code, details.kind.name
    raise Failed(f"{what}: no failure")


# ---- the scenarios; a docstring is a title

SCENARIOS = []


def scenario(play):
    SCENARIOS.append(play)
    return play


@scenario
async def through(scene, scheme):
    """what one publishes the other gets: announcement, groups, FETCH, the end"""
    relay = scene.relay()
    publisher, subscriber = await scene.client(relay.url(scheme)), await scene.client(relay.url(scheme))
    made = publisher.create_broadcast("room/alice")
    track = made.publish_track("video", moq.TrackInfo(max_age_us=60_000_000))
    for number in range(3):
        write(track, number)
    made.announce()
    got = await broadcast_of(subscriber, "room/alice")
    reader = await soon(got.subscribe_track("video", moq.Subscription(max_age_us=60_000_000)), "the track")
    # By another one: whoever has fetched a group gets it no more from a subscription.
    other = await broadcast_of(await scene.client(relay.url(scheme)), "room/alice")
    fetched = await soon(other.fetch_group("video", 1), "the group that is fetched")
    check(await soon(frames_of(fetched), "its frames") == groups_of(1, 3), "another group was fetched")
    seen = []
    for number in range(3, 5):
        write(track, number)
    # As they arrive: by number, the package skips what comes after a newer one. moq-lite-06 asks for all of the last minute.
    wanted = set(range(5)) if relay_speaks_06(scene) else {4}
    while not wanted <= set(seen):
        group = await soon(reader.recv_group(), f"a group after {seen}")
        check(group is not None, f"the track has ended after {seen}")
        check(await soon(frames_of(group), "frames") == groups_of(group.sequence, 3), f"group {group.sequence} is another one")
        seen.append(group.sequence)
    check(len(set(seen)) == len(seen), f"groups {seen}")
    track.finish()
    while (group := await soon(reader.recv_group(), "the end")) is not None:
        check(group.sequence < 4, f"group {group.sequence} comes after the end")
    info = reader.info()
    check(info.max_age_us == 60_000_000, f"the info says {info}")
    agreed = scene.options.protocol
    check(relay.text().count(agreed) >= 2, f"{agreed} is not in the relay's log:\n" + relay.text())


def relay_speaks_06(scene):
    return scene.options.protocol == "moq-lite-06"


@scenario
async def refusals(scene, scheme):
    """failures keep their numbers"""
    relay = scene.relay()
    publisher, subscriber = await scene.client(relay.url(scheme)), await scene.client(relay.url(scheme))
    made = publisher.create_broadcast("room/alice")
    video = made.publish_track("video")
    write(video, 0)
    made.announce()
    got = await broadcast_of(subscriber, "room/alice")
    check(await protocol_error(got.subscribe_track("none"), "an unknown track") == (0x33, "NOT_FOUND"), "an unknown track is not NotFound")
    scene.warns_of = "track info (error|failed).*not found|subscribed? error.*app code"
    # The package asks again when a track fails: what it says in the end is the second answer.
    reader = await soon(got.subscribe_track("video"), "the track")
    await soon(reader.next_group(), "a group")
    video.abort(401)

    async def rest():
        while await reader.next_group() is not None:
            pass

    code, kind = await protocol_error(rest(), "the end of the track")
    check((code, kind) in ((64 + 401, "APP"), (0x33, "NOT_FOUND")), f"401 came as {code} ({kind})")


@scenario
async def restarts(scene, scheme):
    """a hundred restarts of a publisher, whose sessions linger: the new one is served within a second"""
    relay = scene.relay()
    subscriber = await scene.client(relay.url(scheme))
    kept = []
    for each in range(100):
        publisher = await scene.client(relay.url(scheme))
        made = publisher.create_broadcast("room/alice")
        track = made.publish_track("video")
        track.write_frame(b"publisher %d" % each)
        made.announce()
        kept.append((publisher, made, track))
        until = time.monotonic() + 1
        while True:
            probe = await scene.client(relay.url(scheme))
            got = await broadcast_of(probe, "room/alice")
            payload = None
            try:
                reader = await soon(got.subscribe_track("video"), "the track")
                group = await soon(reader.next_group(), "a group")
                payload = (await soon(frames_of(group), "its frame"))[0]
            except moq.Error as error:
                # The package has just been told of another publisher.
                if moq.protocol_error(error).kind.name != "UNROUTABLE":
                    raise
            probe.session.shutdown()
            if payload == b"publisher %d" % each:
                break
            check(time.monotonic() < until, f"publisher {each} started, and {payload!r} is served")
    del subscriber


@scenario
async def prices(scene, scheme):
    """a hundred new prices of a live route: the track goes on, and nobody subscribes again"""
    if not relay_speaks_06(scene):
        return
    relay = scene.relay()
    publisher, subscriber = await scene.client(relay.url(scheme)), await scene.client(relay.url(scheme))
    made = publisher.create_broadcast("room/alice")
    track = made.publish_track("video")
    write(track, 0)
    made.announce(moq.Route(cost=10, cold=20))
    updates = subscriber.announced("room")
    first = await soon(updates.__anext__(), "the announcement")
    price = first.route.cost, first.route.cold
    check(price[0] > 10 and price[1] - price[0] == 10, f"10/20 came as {price}")
    got = await broadcast_of(subscriber, "room/alice")
    reader = await soon(got.subscribe_track("video"), "the track")
    await soon(reader.next_group(), "a group")
    for each in range(1, 101):
        made.announce(moq.Route(cost=10 + each, cold=20 + each))
        write(track, each)
        group = await soon(reader.next_group(), f"group {each}")
        check(group.sequence == each, f"group {group.sequence} instead of {each}")
    while (await soon(updates.__anext__(), "the last price")).route.cost != price[0] + 100:
        pass
    subscribed = len(re.findall(r"event=subscribed", relay.text()))
    check(subscribed <= 2, f"{subscribed} subscriptions:\n" + relay.text())


@scenario
async def prefixes(scene, scheme):
    """a request below a prefix that a handler announces is asked of it"""
    relay = scene.relay()
    publisher, subscriber = await scene.client(relay.url(scheme)), await scene.client(relay.url(scheme))
    handler = publisher._require_publisher().dynamic("dyn")

    async def serve():
        kept = []
        async for request in handler:
            made = moq.BroadcastProducer()
            track = made.publish_track("video")
            track.write_frame(request.path.encode())
            request.accept(made)
            kept.append((made, track))

    serving = asyncio.create_task(serve())
    try:
        updates = subscriber.announced()
        await soon(updates.__anext__(), "the announcement of dyn")
        got = await soon(subscriber.request_broadcast("dyn/some/one"), "the broadcast below dyn")
        reader = await soon(got.subscribe_track("video"), "its track")
        group = await soon(reader.next_group(), "a group")
        payload = (await soon(frames_of(group), "its frame"))[0]
        check(payload.endswith(b"some/one"), f"{payload!r} was asked for")
    finally:
        serving.cancel()
        handler.cancel()


@scenario
async def roots(scene, scheme):
    """the path of the URL is the root of the session"""
    relay = scene.relay()
    inside, outside = await scene.client(relay.url(scheme, "a")), await scene.client(relay.url(scheme, "b"))
    above = await scene.client(relay.url(scheme))
    made = inside.create_broadcast("alice")
    track = made.publish_track("video")
    write(track, 0)
    made.announce()
    await broadcast_of(above, "a/alice")
    code = None
    try:
        await soon(outside.request_broadcast("alice"), "a refusal")
    except moq.Error as error:
        code = error
    check(code is not None, "the other room has the broadcast, too")
    with contextlib.suppress(asyncio.TimeoutError):
        update = await asyncio.wait_for(outside.announced().__anext__(), 0.5)
        raise Failed(f"the other room is told of {update.prefix}")


@scenario
async def programs(scene, scheme):
    """the programs publish and subscribe on one side, the package on the other"""
    options = scene.options
    if options.publish is None:
        return
    relay = scene.relay()
    subscriber = await scene.client(relay.url(scheme))
    scene.start(options.publish, relay.url(scheme), "live/clip", options.clip, "--loop")
    got = await broadcast_of(subscriber, "live/clip")
    reader = await soon(got.subscribe_track("video"), "the clip")
    for _ in range(2):
        group = await soon(reader.next_group(), "a group of the clip")
        check(await soon(group.read_frame(), "a frame") is not None, "the group is empty")
    publisher = await scene.client(relay.url(scheme))
    made = publisher.create_broadcast("room/alice")
    track = made.publish_track("data")
    made.announce()
    program = scene.start(options.subscribe, relay.url(scheme), "room/alice", "data", "--strict", "--announced")
    await soon(track.used(), "the program's subscription")
    for number in range(3):
        write(track, number)
        await asyncio.sleep(0.05)
    track.finish()
    until = time.monotonic() + PATIENCE
    while program.poll() is None:
        check(time.monotonic() < until, "subscribe did not end")
        await asyncio.sleep(0.02)
    out, err = program.communicate()
    check(program.returncode == 0, f"subscribe: {err.decode()}")
    check(out == b"".join(b"".join(groups_of(number, 3)) for number in range(3)), f"subscribe wrote {out!r}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--relay", required=True)
    parser.add_argument("--publish")
    parser.add_argument("--subscribe")
    parser.add_argument("--clip")
    parser.add_argument("--protocol", default="moq-lite-06")
    parser.add_argument("--only", default="")
    options = parser.parse_args()

    # The package writes its log to this process's standard output or error.
    log = tempfile.TemporaryFile("w+")
    said = os.dup(1)
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    moq.log_level("info")

    def say(line):
        os.write(said, (line + "\n").encode())

    async def play(one, scheme):
        scene = Scene(options)
        from_here = log.seek(0, os.SEEK_END)
        try:
            async with scene.stack:
                await one(scene, scheme)
            log.seek(from_here)
            # Without the colours.
            lines = [re.sub(r"\x1b\[\d*m", "", line) for line in log.read().splitlines()]
            warnings = [line for line in lines if re.search(WARNING, line)]
            if scene.warns_of is not None:
                check(any(re.search(scene.warns_of, line) for line in warnings), "the package does not warn")
                warnings = [line for line in warnings if not re.search(scene.warns_of, line)]
            check(not warnings, f"the package warns {len(warnings)} times:\n" + "\n".join(warnings[:10]))
        except BaseException as error:
            details = moq.protocol_error(error)
            if details is not None:
                error = Failed(f"number {details.code}, {details.kind.name}: {details.message}")
            for relay in scene.relays:
                say(f"the relay's log, its last lines:\n{relay.text()[-4000:]}")
            raise error

    failed = 0
    ran = 0
    begin = time.monotonic()
    for one in SCENARIOS:
        for scheme in SCHEMES:
            title = f"{one.__name__} over {scheme}: {one.__doc__}"
            if not re.search(options.only, title):
                continue
            ran += 1
            try:
                asyncio.run(play(one, scheme))
                say(f"ok      {title}")
            except Failed as error:
                failed += 1
                say(f"FAILED  {title}\n{error}")
            except Exception:
                failed += 1
                lines = traceback.format_exc().splitlines()
                say("\n".join([f"FAILED  {title}", *(line for line in lines if "rust.py" in line), lines[-1]]))
    say(f"{ran - failed} passed, {failed} failed, {time.monotonic() - begin:.0f} s")
    sys.stdout.flush()
    os._exit(1 if failed or not ran else 0)


if __name__ == "__main__":
    main()
