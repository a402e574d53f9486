"""What the scripts with peers of the Rust implementation play, and how scenarios are run."""
import argparse
import asyncio
import os
import re
import sys
import tempfile
import time
import traceback

import moq
from rust_scene import (
    PATIENCE, SCHEMES, Failed, Scene, Server, broadcast_of, check, frames_of, groups_of, protocol_error, soon,
    without_colours, write,
)

WARNING = r"\b(WARN|ERROR)\b"


def relay_speaks_06(scene):
    return scene.options.protocol == "moq-lite-06"


# ---- acts: what is played between a URL where somebody publishes and one where others watch
async def play_media(scene, there, here, fetch_early):
    """Announcement, groups, FETCH, the end. Returns the publisher's broadcast."""
    publisher, subscriber = await scene.client(there), await scene.client(here)
    made = publisher.create_broadcast("room/alice")
    track = made.publish_track("video", moq.TrackInfo(max_age_us=60_000_000))
    for number in range(3):
        write(track, number)
    made.announce()
    got = await broadcast_of(subscriber, "room/alice")
    reader = await soon(got.subscribe_track("video", moq.Subscription(max_age_us=60_000_000)), "the track")

    async def fetch():
        # By another one: whoever has fetched a group gets it no more from a subscription.
        other = await broadcast_of(await scene.client(here), "room/alice")
        fetched = await soon(other.fetch_group("video", 1), "the group that is fetched")
        check(await soon(frames_of(fetched), "its frames") == groups_of(1, 3), "another group was fetched")
    if fetch_early:
        await fetch()
    for number in range(3, 5):
        write(track, number)
    seen = []
    # As they arrive: by number, the package skips what comes after a newer one. moq-lite-06 asks for all of the last minute.
    wanted = set(range(5)) if relay_speaks_06(scene) else {4}
    while not wanted <= set(seen):
        group = await soon(reader.recv_group(), f"a group after {seen}")
        check(group is not None, f"the track has ended after {seen}")
        check(await soon(frames_of(group), "frames") == groups_of(group.sequence, 3), f"group {group.sequence} is another one")
        seen.append(group.sequence)
    check(len(set(seen)) == len(seen), f"groups {seen}")
    if not fetch_early:
        await fetch()
    # Now: for the package, END and the newest group are the end of the track, even if older groups are still under way.
    track.finish()
    while (group := await soon(reader.recv_group(), "the end")) is not None:
        check(group.sequence < 4, f"group {group.sequence} comes after the end")
    info = reader.info()
    check(info.max_age_us == 60_000_000, f"the info says {info}")
    return made


async def play_refusals(scene, there, here):
    """Failures keep their numbers."""
    publisher, subscriber = await scene.client(there), await scene.client(here)
    made = publisher.create_broadcast("room/alice")
    video = made.publish_track("video")
    write(video, 0)
    made.announce()
    got = await broadcast_of(subscriber, "room/alice")
    check(await protocol_error(got.subscribe_track("none"), "an unknown track") == (0x33, "NOT_FOUND"), "an unknown track is not NotFound")
    scene.warns_of = "track info (error|failed).*not found|subscribed? error.*(app code|not found)"
    # The package asks again when a track fails: what it says in the end is the second answer.
    reader = await soon(got.subscribe_track("video"), "the track")
    await soon(reader.next_group(), "a group")
    video.abort(401)

    async def rest():
        while await reader.next_group() is not None:
            pass

    code, kind = await protocol_error(rest(), "the end of the track")
    check((code, kind) in ((64 + 401, "APP"), (0x33, "NOT_FOUND")), f"401 came as {code} ({kind})")


async def play_restarts(scene, there, here, count):
    """The publisher starts again and again, its sessions linger: the new one is served within a second."""
    await scene.client(here)  # it hears of each one
    for each in range(count):
        publisher = await scene.client(there)
        made = publisher.create_broadcast("room/alice")
        track = made.publish_track("video")
        track.write_frame(b"publisher %d" % each)
        made.announce()
        scene.kept += [made, track]
        until = time.monotonic() + 1
        while True:
            probe = await scene.client(here)
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


async def play_prefixes(scene, url):
    """A handler announces a prefix, and a subscriber asks for a path below it."""
    publisher, subscriber = await scene.client(url), await scene.client(url)
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


async def play_prices(scene, there, here, count):
    """A live route has new prices: the track goes on. Returns the first price that is heard of 10/20."""
    publisher, subscriber = await scene.client(there), await scene.client(here)
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
    scene.kept += [track]
    scene.stack.callback(reader.cancel)
    # A relay may end before the package has taken its subscription back. If the track failed earlier, a group would not come.
    scene.usual += "|subscribe error .*err=(internal error|cancelled)"
    await soon(reader.next_group(), "a group")
    for each in range(1, count + 1):
        made.announce(moq.Route(cost=10 + each, cold=20 + each))
        write(track, each)
        group = await soon(reader.next_group(), f"group {each}")
        check(group.sequence == each, f"group {group.sequence} instead of {each}")
    while (await soon(updates.__anext__(), "the last price")).route.cost != price[0] + count:
        pass
    return price


async def play_clip(scene, there, here):
    """The program publish plays, and the package watches."""
    subscriber = await scene.client(here)
    scene.start(scene.options.publish, there, "live/clip", scene.options.clip, "--loop")
    got = await broadcast_of(subscriber, "live/clip")
    reader = await soon(got.subscribe_track("video"), "the clip")
    for _ in range(2):
        group = await soon(reader.next_group(), "a group of the clip")
        check(await soon(group.read_frame(), "a frame") is not None, "the group is empty")
    scene.stack.callback(reader.cancel)  # until the scene ends, and before the program does


async def output_of(process, what):
    until = time.monotonic() + PATIENCE
    while process.poll() is None:
        check(time.monotonic() < until, f"{what} did not end")
        await asyncio.sleep(0.02)
    return process.communicate()


async def play_to_program(scene, there, here):
    """The package publishes, and the program subscribe watches."""
    publisher = await scene.client(there)
    made = publisher.create_broadcast("room/alice")
    track = made.publish_track("data")
    made.announce()
    program = scene.start(scene.options.subscribe, here, "room/alice", "data", "--strict", "--announced")
    await soon(track.used(), "the program's question")
    # So far it has asked for the track, and subscribes next. The package's TCP holds small writes back for some 40 ms.
    await asyncio.sleep(0.3)
    for number in range(3):
        write(track, number)
        await asyncio.sleep(0.05)
    track.finish()
    out, err = await output_of(program, "subscribe")
    check(program.returncode == 0, f"subscribe: {err.decode()}")
    check(out == b"".join(b"".join(groups_of(number, 3)) for number in range(3)), f"subscribe wrote {out!r}")


# ---- the scenarios; a docstring is a title

SCENARIOS = []


def scenario_over(variants):
    def add(play):
        SCENARIOS.append((play, variants))
        return play

    return add


def parser_of(text):
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--relay", required=True)
    for name in ("--publish", "--subscribe", "--clip"):
        parser.add_argument(name)
    parser.add_argument("--protocol", default="moq-lite-06")
    parser.add_argument("--only", default="")
    return parser


def run(options, scene_type=Scene):
    """Plays what was added, says how it went, and ends the process."""
    # The package writes its log to this process's standard output or error.
    log = tempfile.TemporaryFile("w+")
    said = os.dup(1)
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    moq.log_level("info")

    def say(line):
        os.write(said, (line + "\n").encode())

    def check_warnings(text, usual, expected, who):
        warnings = [line for line in text.splitlines() if re.search(WARNING, line) and not re.search(usual, line)]
        if expected is not None:
            check(any(re.search(expected, line) for line in warnings), f"{who} does not warn")
            warnings = [line for line in warnings if not re.search(expected, line)]
        check(not warnings, f"{who} warns {len(warnings)} times:\n" + "\n".join(warnings[:10]))

    async def play(one, variant):
        scene = scene_type(options)
        from_here = log.seek(0, os.SEEK_END)
        try:
            async with scene.stack:
                await one(scene, variant)
                # Not what they say of an end in any order.
                said_by_relays = [relay.text() for relay in scene.relays]
            log.seek(from_here)
            check_warnings(without_colours(log.read()), scene.usual, scene.warns_of, "the package")
            for relay, text in zip(scene.relays, said_by_relays):
                check_warnings(text, relay.usual, relay.warns_of, type(relay).__name__)
        except BaseException as error:
            details = moq.protocol_error(error)
            if details is not None:
                error = Failed(f"number {details.code}, {details.kind.name}: {details.message}")
            for relay in scene.relays:
                say(f"the log of {type(relay).__name__}, its last lines:\n{relay.text()[-4000:]}")
            raise error

    ran = failed = 0
    begin = time.monotonic()
    for one, variants in SCENARIOS:
        for variant in variants:
            title = f"{one.__name__} over {variant}: {one.__doc__}"
            if not re.search(options.only, title):
                continue
            ran += 1
            try:
                asyncio.run(play(one, variant))
                say(f"ok      {title}")
            except Failed as error:
                failed += 1
                say(f"FAILED  {title}\n{error}")
            except Exception:
                failed += 1
                lines = traceback.format_exc().splitlines()
                say("\n".join([f"FAILED  {title}", *(line for line in lines if "/rust" in line), lines[-1]]))
    say(f"{ran - failed} passed, {failed} failed, {time.monotonic() - begin:.0f} s")
    sys.stdout.flush()
    os._exit(1 if failed or not ran else 0)
