#!/usr/bin/env python3
"""comoq's QUIC against the Rust implementation, as the package `moq-rs` of PyPI brings it.

    python3 rust.py PROGRAM

PROGRAM is the relay of this directory. Publishers and subscribers of the package meet there, over bare QUIC, over WebTransport, and
one over each; and the relay connects, as a client, to a server of the package, over both. Exit code: 0 all went well, 1 not.
"""
import asyncio
import subprocess
import sys

import moq

PATIENCE = 10


async def soon(awaitable, what):
    try:
        return await asyncio.wait_for(awaitable, PATIENCE)
    except asyncio.TimeoutError:
        raise SystemExit(f"nothing came: {what}") from None


def check(truth, what):
    if not truth:
        raise SystemExit(f"wrong: {what}")


async def frames_of(group):
    return [frame.payload async for frame in group]


def write(track, number, size):
    group = track.append_group()
    for each in range(3):
        group.write_frame(f"{number}.{each} ".encode() + bytes(size), 1000 * number + each)
    group.finish()


class Relay:
    def __init__(self, *arguments):
        self.process = subprocess.Popen([sys.argv[1], *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port, self.fingerprint = self.process.stdout.readline().split()

    def client(self, scheme):
        return moq.Client(f"{scheme}://127.0.0.1:{self.port}", tls_fingerprints=[self.fingerprint], reconnect=False)

    def end(self):
        text, _ = self.process.communicate("\n", timeout=PATIENCE)
        return text


async def play(publisher, subscriber):
    """Announced, subscribed, fetched, refused, asked for on demand."""
    info = moq.TrackInfo(max_age_us=60_000_000)
    made = publisher.create_broadcast("room/alice")
    track = made.publish_track("video", info)
    write(track, 0, 100)
    made.announce()
    got = await soon(subscriber.announced_broadcast("room/alice").available(), "the announcement")
    reader = await soon(got.subscribe_track("video", moq.Subscription(max_age_us=60_000_000)), "the track")
    for number in range(1, 60):
        write(track, number, 20_000)
    seen = set()
    while 59 not in seen:
        group = await soon(reader.recv_group(), f"a group after {len(seen)}")
        check(group is not None, f"the track ended after {sorted(seen)}")
        frames = await soon(frames_of(group), "frames")
        check(len(frames) == 3 and frames[2].startswith(f"{group.sequence}.2 ".encode()), f"group {group.sequence}")
        seen.add(group.sequence)
    fetched = await soon(got.fetch_group("video", 7), "the group that is fetched")
    check((await soon(frames_of(fetched), "its frames"))[1].startswith(b"7.1 "), "another group was fetched")
    try:
        await soon(got.subscribe_track("nothing"), "a refusal")
        check(False, "a track that nobody has")
    except moq.Error as error:
        details = moq.protocol_error(error)
        print("refused:", details.kind.name if details else error)
    return len(seen)


NAMES = {"moqt": "QUIC", "https": "WebTransport"}


def check_sessions(text, *schemes):
    wanted = sorted(NAMES[scheme] for scheme in schemes)
    seen = sorted(line.split()[2] for line in text.splitlines() if line.startswith("session moq-lite-0"))
    check(seen == wanted, f"the sessions are not {wanted}: {text}")


async def through_relay(of_publisher, of_subscriber):
    relay = Relay()
    try:
        async with relay.client(of_publisher) as publisher, relay.client(of_subscriber) as subscriber:
            print(f"{of_publisher} to {of_subscriber}:", await play(publisher, subscriber), "groups")
    finally:
        text = relay.end()
    check_sessions(text, of_publisher, of_subscriber)
    print(text.strip())


async def from_server(scheme):
    origin = moq.OriginProducer()
    async with moq.Server("127.0.0.1:0", tls_generate=["localhost", "127.0.0.1"], publish=origin, subscribe=origin) as server:
        serving = asyncio.create_task(server.serve())
        port = str(server.local_addr).rsplit(":", 1)[1]
        relay = Relay(scheme, port, server.cert_fingerprints()[0])
        try:
            async with relay.client(scheme) as subscriber:
                print(f"from a server, {scheme}:", await play(server, subscriber), "groups")
        finally:
            text = relay.end()
            serving.cancel()
    check_sessions(text, scheme, scheme)
    print(text.strip())


if __name__ == "__main__":
    for pair in (("moqt", "moqt"), ("https", "https"), ("https", "moqt"), ("moqt", "https")):
        asyncio.run(through_relay(*pair))
    for scheme in NAMES:
        asyncio.run(from_server(scheme))
