#!/usr/bin/env python3
"""The relay of the examples over QUIC and WebTransport against the Rust implementation.

    python3 rust_relay.py RELAY

Publishers and subscribers of the package `moq-rs` meet at the relay, by moq-lite and by drafts of MoQ Transport, and the relay
connects, as a client, to a server of the package. Exit code: 0 all went well, 1 not.
"""
import asyncio
import subprocess
import sys

import moq

from rust import PATIENCE, check, frames_of, play, soon, write

DRAFTS = ("moqt-16", "moqt-18", "moqt-20", "moqt-22")


class Relay:
    """At an upstream, or without one. Of a protocol, or of all."""

    def __init__(self, upstream=None, fingerprint=None, protocol=None):
        arguments = ["--listen", "https://127.0.0.1:0", "--tls-generate", "localhost", "--tls-generate", "127.0.0.1"]
        if upstream:
            arguments += ["--upstream", upstream, "--pin", f"sha256:{fingerprint}"]
        if protocol:
            arguments += ["--protocol", protocol]
        self.process = subprocess.Popen([sys.argv[1], *arguments], stderr=subprocess.PIPE, text=True)
        self.text = ""
        while "event=listening" not in self.text:
            line = self.process.stderr.readline()
            check(line, "the relay does not listen:\n" + self.text)
            self.text += line
        self.fingerprint = self.text.split("event=certificate sha256=")[1].split()[0]
        self.port = self.text.split("url=https://127.0.0.1:")[1].split()[0].rstrip("/")

    def client(self, scheme):
        return moq.Client(f"{scheme}://127.0.0.1:{self.port}", tls_fingerprints=[self.fingerprint], reconnect=False)

    def end(self):
        self.process.terminate()
        _, text = self.process.communicate(timeout=PATIENCE)
        check(self.process.returncode == 0, f"the relay ends with {self.process.returncode}:\n{text}")
        return self.text + text


NAMES = {"moqt": "protocol=moq-lite-06", "https": "protocol=h3.moq-lite-06"}


async def through_relay(of_publisher, of_subscriber):
    relay = Relay()
    try:
        async with relay.client(of_publisher) as publisher, relay.client(of_subscriber) as subscriber:
            print(f"{of_publisher} to {of_subscriber}:", await play(publisher, subscriber), "groups")
    finally:
        text = relay.end()
    for scheme in (of_publisher, of_subscriber):
        check(NAMES[scheme] in text, f"no session by {scheme}:\n{text}")
    check(text.count("event=session_opened") == 2, text)


async def play_draft(publisher, subscriber):
    """Announced, subscribed, refused, ended. Fetching by drafts is for tests/interop/rust_ietf.py."""
    made = publisher.create_broadcast("room/alice")
    track = made.publish_track("video")
    # On moqt-18 this peer does not get to the end of a group that has ended before it subscribes.
    first = track.append_group()
    first.write_frame(b"0.0 " + bytes(100), 0)
    made.announce()
    got = await soon(subscriber.announced_broadcast("room/alice").available(), "the announcement")
    reader = await soon(got.subscribe_track("video"), "the track")
    for number in range(20):
        if number:
            write(track, number, 20_000)
        group = await soon(reader.recv_group(), f"group {number}")
        check(group is not None and group.sequence == number, f"another group than {number}")
        if number == 0:
            for each in (1, 2):
                first.write_frame(f"0.{each} ".encode() + bytes(100), each)
            first.finish()
        frames = await soon(frames_of(group), "frames")
        sizes = [len(f"{number}.{each} ") + (20_000 if number else 100) for each in range(3)]
        check([len(frame) for frame in frames] == sizes, f"other frames of group {number}")
    try:
        await soon(got.subscribe_track("nothing"), "a refusal")
        check(False, "a track that nobody has")
    except moq.Error as error:
        check("NotFound" in repr(error), f"a track that nobody has: {error!r}")
    track.finish()
    check(await soon(reader.recv_group(), "the end") is None, "a group after the end")


async def by_draft(draft, of_publisher, of_subscriber):
    relay = Relay(protocol=draft)
    try:
        async with relay.client(of_publisher) as publisher, relay.client(of_subscriber) as subscriber:
            await play_draft(publisher, subscriber)
            print(f"{draft}, {of_publisher} to {of_subscriber}: 20 groups")
    finally:
        text = relay.end()
    for scheme in (of_publisher, of_subscriber):
        name = NAMES[scheme].replace("moq-lite-06", draft)
        check(name in text, f"no session by {name}:\n{text}")


async def from_server(upstream):
    origin = moq.OriginProducer()
    async with moq.Server("127.0.0.1:0", tls_generate=["localhost", "127.0.0.1"], publish=origin, subscribe=origin) as server:
        serving = asyncio.create_task(server.serve())
        port = str(server.local_addr).rsplit(":", 1)[1]
        relay = Relay(f"{upstream}://127.0.0.1:{port}", server.cert_fingerprints()[0])
        try:
            async with relay.client("moqt") as subscriber:
                print(f"from a server, {upstream}:", await play(server, subscriber), "groups")
        finally:
            text = relay.end()
            serving.cancel()
    check(text.count("event=upstream_connected") == 1, text)


if __name__ == "__main__":
    for each in (("moqt", "moqt"), ("moqt", "https"), ("https", "moqt"), ("https", "https")):
        asyncio.run(through_relay(*each))
    for draft in DRAFTS:
        for each in (("moqt", "moqt"), ("moqt", "https"), ("https", "moqt"), ("https", "https")):
            asyncio.run(by_draft(draft, *each))
    for scheme in ("moql", "https"):
        asyncio.run(from_server(scheme))
