#!/usr/bin/env python3
"""The relay and the programs with the relay of the Rust implementation, the crate moq-relay.

    python3 rust_relay.py --moq-relay PROGRAM --relay PROGRAM --publish PROGRAM --subscribe PROGRAM --clip FILE [--only REGEX]

Programs of this project are clients of that relay, and the relays form chains of two, over WebSocket and over TCP: either of them
dials the other, and either end has the publisher. The package `moq-rs` is at the other end. Neither the package nor that relay
must log a warning, except where a scenario means it.

It is not part of the checks of a change, because moq-relay takes long to build:

    cargo install moq-relay --version 0.17.10 --locked --debug --no-default-features --features websocket

Where the registry has no webpki-roots 1.0.11, build its source with 1.0.10 in Cargo.lock.

Habits of 0.17.10:
* Its web endpoint pairs versions with qmux-01 only, and its order decides: moq-lite-06 is chosen.
* Its sockets are without TCP_NODELAY, and so are the package's: over tcp each question takes some 40 ms.
* It asks no other relay for a path that nobody announced: that is Unroutable (0x36), and our relay passes it on as it is. Ours says
  NotFound (0x33) of what it does not know, if it has nobody to ask.
* A subscription that comes after a FETCH of another peer often lacks the groups up to the one that was fetched. This is so without
  any relay of ours, in 9 of 25 runs. Here the FETCH comes last.
* To the package, END and the newest group are the end of a track, even if older groups are still under way. Of a track that ends
  when its subscription begins, 74 of 120 runs lacked groups through that relay alone; through ours 18 of 1,063.
  Here a track ends when its groups are there.
* It holds the next price of a route for 0.3 s.
* It warns when a session ends, of the package's as of ours, and says so in several ways. These warnings are left out here.
"""
import asyncio
import collections
import json
import re
import socket
import time
import urllib.request

import moq

import rust_peers
from rust_peers import SCHEMES, broadcast_of, check, output_of, protocol_error, scenario_over, soon, write

PROTOCOL_BY = {"ws": "qmux-01.moq-lite-06", "tcp": "moq-lite-06"}


def free_address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % free.getsockname()[1]


class TheirRelay(rust_peers.Server):
    # Sessions that end, the package's as well. Over TCP the close and the end of the bytes race in it, while media flow.
    usual = (r"connection closed err=(no error|internal error|transport: unexpected end of file)|"
             r"websocket: error=transport: connection closed|Sending after closing is not allowed|"
             + rust_peers.Scene.usual)

    def __init__(self, program, *arguments, ws="127.0.0.1:0", tcp="127.0.0.1:0"):
        self.internal = free_address()  # it does not say where that one listens
        super().__init__(program, "--auth-public", "**", "--web-http-listen", ws, "--listen-tcp-bind", tcp,
                         "--internal-listen", self.internal, "--log-level", "info", *arguments)

    def listens_at(self, text):
        found = {}
        for line in text.splitlines():
            if address := re.search(r"listening.* addr=(\S+)", line):
                found["ws" if "http" in line else "tcp"] = address[1]
        return {scheme: f"{scheme}://{address}" for scheme, address in found.items()}

    def protocols(self, scheme):
        """What is spoken in the sessions that it has accepted."""
        if scheme == "tcp":
            return set(re.findall(r"negotiated version=(\S+)", self.text()))
        with urllib.request.urlopen(f"http://{self.internal}/sessions", timeout=5) as answer:
            return {each["alpn"] for each in json.load(answer)["sessions"]}


class Scene(rust_peers.Scene):
    # A session of the package with that relay, when either ends it. Neither occurs with ours alone.
    usual = rust_peers.Scene.usual + "|publisher: (probe|control) stream error err=cancelled"

    def theirs(self, *arguments, **addresses):
        return self.has(TheirRelay(self.options.moq_relay, *arguments, **addresses))


class Link(collections.namedtuple("Link", "scheme dialler publisher")):
    """A chain of two relays: which of them dials the other, and at which the publisher is."""

    def __str__(self):
        return f"{self.scheme}, {self.dialler} dial, {self.publisher} have the publisher"

    def relays(self, scene, query=""):
        if self.dialler == "ours":
            theirs = scene.theirs()
            ours = scene.relay("--upstream", theirs.url(self.scheme))
        else:
            ours = scene.relay()
            theirs = scene.theirs("--cluster-connect", ours.url(self.scheme) + query)
        return ours, theirs

    def ends(self, ours, theirs):
        """The URLs of the publisher's end and of the other one."""
        ends = ours.url(self.scheme), theirs.url(self.scheme)
        return ends if self.publisher == "ours" else ends[::-1]


SIDES = ("ours", "theirs")
CHAINS = [Link(scheme, dialler, publisher) for scheme in SCHEMES for dialler in SIDES for publisher in SIDES]
as_clients = scenario_over(SCHEMES)
in_chains = scenario_over(CHAINS)


@as_clients
async def clients(scene, scheme):
    """our programs publish and watch there, on moq-lite-06, and the package at the other end"""
    theirs = scene.theirs()
    await rust_peers.play_clip(scene, theirs.url(scheme), theirs.url(scheme))
    spoken = theirs.protocols(scheme)
    check(spoken == {PROTOCOL_BY[scheme]}, f"it speaks {spoken}")
    await rust_peers.play_to_program(scene, theirs.url(scheme), theirs.url(scheme))
    both = scene.start(scene.options.subscribe, theirs.url(scheme), "live/clip", "video", "--strict", "--groups", "2")
    out, err = await output_of(both, "subscribe")
    check(both.returncode == 0 and len(out) > 1000, f"subscribe wrote {len(out)} bytes: {err.decode()}")


@in_chains
async def media(scene, link):
    """announcement, groups, FETCH, the end, and the end of the announcement, on moq-lite-06"""
    ours, theirs = link.relays(scene)
    there, here = link.ends(ours, theirs)
    made = await rust_peers.play_media(scene, there, here, fetch_early=False)
    watcher = (await scene.client(here)).announced("room")
    check((await soon(watcher.__anext__(), "the announcement")).active, "it comes as an end")
    made.unannounce()
    check(not (await soon(watcher.__anext__(), "the end of the announcement")).active, "another announcement comes")
    spoken = theirs.protocols(link.scheme)
    check(spoken == {PROTOCOL_BY[link.scheme]}, f"it speaks {spoken}")
    others = set(re.findall(r"protocol=(\S+)", ours.text())) - {"moq-lite-06", "qmux-02.moq-lite-06", "qmux-01.moq-lite-06"}
    check(not others, f"ours speaks {others}")


@in_chains
async def programs(scene, link):
    """publish at one end, and the package and subscribe at the other"""
    there, here = link.ends(*link.relays(scene))
    await rust_peers.play_clip(scene, there, here)
    await rust_peers.play_to_program(scene, there, here)
    watching = scene.start(scene.options.subscribe, here, "live/clip", "video", "--strict", "--groups", "2")
    out, err = await output_of(watching, "subscribe")
    check(watching.returncode == 0 and len(out) > 1000, f"subscribe wrote {len(out)} bytes: {err.decode()}")


@in_chains
async def refusals(scene, link):
    """an unknown track is NotFound at the other end, and a number of an application stays that number"""
    ours, theirs = link.relays(scene)
    await rust_peers.play_refusals(scene, *link.ends(ours, theirs))
    theirs.warns_of = scene.warns_of + "|no route can serve the rest of this group.*code=401"


@in_chains
async def unknown(scene, link):
    """a broadcast that nobody has is refused by both relays, each with its number"""
    ours, theirs = link.relays(scene)
    there, here = link.ends(ours, theirs)
    # So that the chain stands.
    made = (await scene.client(there)).create_broadcast("room/alice")
    track = made.publish_track("video")
    write(track, 0)
    made.announce()
    subscriber = await scene.client(here)
    await broadcast_of(subscriber, "room/alice")

    async def ask():
        got = await subscriber.request_broadcast("room/nobody")
        await got.subscribe_track("video")

    answer = await protocol_error(ask(), "an unknown broadcast")
    program = scene.start(scene.options.subscribe, here, "room/nobody", "video")
    _, err = await output_of(program, "subscribe")
    out = err.decode().strip()
    alone = link.dialler == "theirs" and link.publisher == "theirs"  # ours is asked, and has nobody to ask
    check(answer == (0x36, "UNROUTABLE"), f"an unknown broadcast is {answer}")
    end = "not found" if alone else "no route"
    check(program.returncode == 1 and out.startswith("subscribe: ") and out.endswith(end), f"subscribe says {out}")
    theirs.usual += "|track info error .*room/nobody .*err=unroutable"


@in_chains
async def restarts(scene, link):
    """ten restarts of a publisher, whose sessions linger: the new one is served at the other end within a second"""
    ours, theirs = link.relays(scene)
    await rust_peers.play_restarts(scene, *link.ends(ours, theirs), 10)
    # The package's sessions end abruptly. It and that relay reset what they do not want any more with 0.
    theirs.usual += "|Broken pipe|Connection reset|err=internal error"
    scene.usual += "|(subscribed|subscribe) error .*err=internal error|track info failed .*err=no error"


@in_chains
async def prices(scene, link):
    """twenty new prices of a live route: the track goes on, and neither relay subscribes again"""
    ours, theirs = link.relays(scene)
    await rust_peers.play_prices(scene, *link.ends(ours, theirs), 20)
    counts = ours.count("event=subscribed"), theirs.count(r"subscribed started"), theirs.count(r"subscribe started")
    check(max(counts) <= 2, f"subscriptions: {counts}")


@scenario_over([link for link in CHAINS if link.dialler == "theirs"])
async def link_cost(scene, link):
    """a link at which 7 is the price turns 10/20 into 17/27, whichever end sets it"""
    ours, theirs = link.relays(scene, "?cost=7")
    there, here = link.ends(ours, theirs)
    publisher = await scene.client(there)
    made = publisher.create_broadcast("room/alice")
    made.announce(moq.Route(cost=10, cold=20))
    heard = []
    for url in (there, here):
        client = await scene.client(url)
        route = (await soon(client.announced("room").__anext__(), "the announcement")).route
        heard.append((route.cost, route.cold))
    (warm, cold), far = heard
    check(cold - warm == 10 and far == (warm + 7, cold + 7), f"the prices are {heard}")


class Ring:
    """Ours dials one of theirs, that dials another one, and that dials ours. Each has a publisher."""

    def __init__(self, scene, scheme):
        self.scene, self.scheme = scene, scheme
        address = free_address()  # where the first one is, when the last one is there
        self.ours = scene.relay("--upstream", f"{scheme}://{address}", "--stats", "1")
        last = scene.theirs("--cluster-connect", self.ours.url(scheme))
        first = scene.theirs("--cluster-connect", last.url(scheme), **{scheme: address})
        self.relays = [self.ours, first, last]
        self.urls = [relay.url(scheme) for relay in self.relays]

    async def stands(self):
        """Each hears of what the others have. Returns a broadcast of each."""
        self.made = []
        for each, url in enumerate(self.urls):
            made = (await self.scene.client(url)).create_broadcast(f"room/{each}")
            made.announce()
            self.made.append(made)
        for url in self.urls:
            client = await self.scene.client(url)
            for each in range(len(self.urls)):
                await broadcast_of(client, f"room/{each}")


@scenario_over(SCHEMES)
async def ring_unknown(scene, scheme):
    """ours in a ring with two of theirs: what nobody has is refused within a second, wherever it is asked for, and nothing is left"""
    ring = Ring(scene, scheme)
    await ring.stands()
    clients = [await scene.client(url) for url in ring.urls]
    refusals = {(0x33, "NOT_FOUND"), (0x36, "UNROUTABLE")}

    async def ask(client, path):
        got = await client.request_broadcast(path)
        await got.subscribe_track("video")

    async def refused(client, path):
        begin = time.monotonic()
        answer = await protocol_error(ask(client, path), path)
        took = time.monotonic() - begin
        check(answer in refusals and took < 1, f"{path} is {answer}, after {took:.2f} s")

    for each, client in enumerate(clients):
        await refused(client, f"nobody/{each}")
    # At all of them at the same time.
    await asyncio.gather(*(refused(client, "nobody/all") for client in clients))
    for url in ring.urls:
        program = scene.start(scene.options.subscribe, url, "nobody/program", "video")
        _, err = await output_of(program, "subscribe")
        check(program.returncode == 1 and re.search("(not found|no route)$", err.decode().strip()), f"subscribe says {err.decode()}")
    for client in clients:
        client.session.shutdown()
    for relay in ring.relays[1:]:
        relay.usual += "|track info error .*nobody/.*err=unroutable"
    before = [relay.count("nobody/") for relay in ring.relays]
    await asyncio.sleep(2.5)
    check([relay.count("nobody/") for relay in ring.relays] == before, "what was refused is still asked for")
    last = re.findall("event=stats .*", ring.ours.text())[-1]
    check(re.search(r"\bserved=0 pending=0\b", last), f"ours keeps {last}")


@scenario_over(SCHEMES)
async def ring_withdrawal(scene, scheme):
    """ours in a ring with two of theirs: a broadcast that is withdrawn ends once at each relay, wherever it was, and does not come again"""
    ring = Ring(scene, scheme)
    await ring.stands()
    watchers = [(await scene.client(url)).announced("stage") for url in ring.urls]
    heard = [[] for _ in watchers]

    async def listen(watcher, to):
        async for update in watcher:
            to.append((update.prefix, update.active))

    listening = [asyncio.create_task(listen(*each)) for each in zip(watchers, heard)]
    try:
        paths = []
        for each, url in enumerate(ring.urls):
            # Where it was withdrawn a moment ago, it comes again: a relay of theirs may hold a worse route for two seconds.
            for path in (f"stage/{each}", f"stage/{each}", "stage/all"):
                made = (await scene.client(url)).create_broadcast(path)
                made.announce()
                paths.append(path)
                await until_all(heard, paths, True)
                made.unannounce()
                await until_all(heard, paths, False)
        # Longer than an update is held, and than a route is in quarantine.
        await asyncio.sleep(2.5)
        for each in heard:
            check_ends(each, paths)
    finally:
        for each in listening:
            each.cancel()


def ends_of(heard):
    """How often each path was announced after it was not there, and how often it was ended."""
    came, went, present = collections.Counter(), collections.Counter(), set()
    for path, active in heard:
        path = "stage/" + path.removeprefix("stage/")
        if not active:
            went[path] += 1
            check(path in present, f"{path} ends twice: {heard}")
            present.discard(path)
        elif path not in present:
            came[path] += 1
            present.add(path)
    return came, went


async def until_all(all_heard, paths, active):
    wanted = collections.Counter(paths)
    until = time.monotonic() + 5
    while any(ends_of(heard)[0 if active else 1] != wanted for heard in all_heard):
        check(time.monotonic() < until, f"{paths[-1]} {'comes' if active else 'ends'} not everywhere: {all_heard}")
        await asyncio.sleep(0.02)


def check_ends(heard, paths):
    wanted = collections.Counter(paths)
    check(ends_of(heard) == (wanted, wanted), f"of {paths} one hears {heard}")


def main():
    parser = rust_peers.parser_of(__doc__)
    parser.add_argument("--moq-relay", required=True)
    options = parser.parse_args()
    if not (options.publish and options.subscribe and options.clip):
        parser.error("--publish, --subscribe and --clip are needed")
    rust_peers.run(options, Scene)


if __name__ == "__main__":
    main()
