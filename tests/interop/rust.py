#!/usr/bin/env python3
"""The relay between peers of the Rust implementation, as its Python package `moq-rs` brings it.

    python3 rust.py --relay PROGRAM [--publish PROGRAM --subscribe PROGRAM --clip FILE] [--protocol NAME] [--only REGEX]

Each scenario starts relays of its own and plays with publishers and subscribers of the package, over WebSocket and over TCP.
`--protocol` is what the peers and the relay have to agree on (moq-lite-06). The package must not log a warning in any of them.
Exit code: 0 all went well, 1 not. `requirements.txt` names the version of the package.
"""
import asyncio
import contextlib

import moq

import rust_peers
from raw_publisher import RawPublisher
from rust_peers import SCHEMES, Failed, broadcast_of, check, protocol_error, relay_speaks_06, scenario_over, soon, write

scenario = scenario_over(SCHEMES)


@scenario
async def through(scene, scheme):
    """what one publishes the other gets: announcement, groups, FETCH, the end"""
    relay = scene.relay()
    await rust_peers.play_media(scene, relay.url(scheme), relay.url(scheme), fetch_early=True)
    agreed = scene.options.protocol
    check(relay.text().count(agreed) >= 2, f"{agreed} is not in the relay's log:\n" + relay.text())


@scenario
async def refusals(scene, scheme):
    """failures keep their numbers"""
    relay = scene.relay()
    await rust_peers.play_refusals(scene, relay.url(scheme), relay.url(scheme))


@scenario
async def numbers(scene, scheme):
    """numbers with which a publisher refuses a track come through the relay as they are"""
    if not relay_speaks_06(scene):
        return
    relay = scene.relay()
    publisher = RawPublisher("room/raw")
    await publisher.begin(relay.url("tcp"))
    scene.stack.push_async_callback(publisher.end)
    subscriber = await scene.client(relay.url(scheme))
    got = await broadcast_of(subscriber, "room/raw")
    # The package warns of what it is told.
    scene.usual += "|(track info|subscribed?) (error|failed)"

    names = {0x33: "NOT_FOUND", 0x36: "UNROUTABLE", 0x34: "OLD", 1: "CANCEL", 5: "TOO_FAR_BEHIND", 64 + 401: "APP"}
    heard = {code: await protocol_error(got.subscribe_track(f"refuse-{code}"), f"a refusal with {code}") for code in names}
    check(heard == {code: (code, name) for code, name in names.items()}, f"{heard}")


@scenario
async def repeated_hops(scene, scheme):
    """a chain with a repeated hop is not passed on, and ends no session of others"""
    if not relay_speaks_06(scene):
        return
    relay = scene.relay()
    subscriber = await scene.client(relay.url(scheme))
    updates = subscriber.announced("room")
    # A chain that is malformed, and one that would be if its sender stood behind it.
    for hop, hops in ((0, (7, 7)), (7, (7,))):
        publisher = RawPublisher("room/raw", hop, hops)
        await publisher.begin(relay.url("tcp"))
        scene.stack.push_async_callback(publisher.end)
        await soon(publisher.announced.wait(), "the question for announcements")
    made = (await scene.client(relay.url(scheme))).create_broadcast("room/alice")
    track = made.publish_track("video")
    write(track, 0)
    made.announce()
    scene.kept += [made, track]
    first = await soon(updates.__anext__(), "an announcement")
    check(first.active and first.prefix.endswith("alice"), f"{first.prefix} is announced")
    got = await broadcast_of(subscriber, "room/alice")
    reader = await soon(got.subscribe_track("video"), "the track")
    await soon(reader.next_group(), "a group")
    scene.stack.callback(reader.cancel)
    scene.usual += "|subscribe error .*err=(internal error|cancelled)"  # when the relay ends first


@scenario
async def unannounced(scene, scheme):
    """a broadcast that nobody has is refused with a number of its own"""
    relay = scene.relay()
    subscriber = await scene.client(relay.url(scheme))

    async def ask():
        got = await subscriber.request_broadcast("room/nobody")
        await got.subscribe_track("video")

    answer = await protocol_error(ask(), "an unknown broadcast")
    check(answer in ((0x33, "NOT_FOUND"), (0x36, "UNROUTABLE")), f"an unknown broadcast is {answer}")


@scenario
async def restarts(scene, scheme):
    """a hundred restarts of a publisher, whose sessions linger: the new one is served within a second"""
    relay = scene.relay()
    await rust_peers.play_restarts(scene, relay.url(scheme), relay.url(scheme), 100)


@scenario
async def prices(scene, scheme):
    """a hundred new prices of a live route: the track goes on, and nobody subscribes again"""
    if not relay_speaks_06(scene):
        return
    relay = scene.relay()
    await rust_peers.play_prices(scene, relay.url(scheme), relay.url(scheme), 100)
    subscribed = relay.count("event=subscribed")
    check(subscribed <= 2, f"{subscribed} subscriptions:\n" + relay.text())


@scenario
async def prefixes(scene, scheme):
    """a request below a prefix that a handler announces is asked of it"""
    relay = scene.relay()
    await rust_peers.play_prefixes(scene, relay.url(scheme))


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
    if scene.options.publish is None:
        return
    relay = scene.relay()
    await rust_peers.play_clip(scene, relay.url(scheme), relay.url(scheme))
    await rust_peers.play_to_program(scene, relay.url(scheme), relay.url(scheme))


if __name__ == "__main__":
    rust_peers.run(rust_peers.parser_of(__doc__).parse_args())
