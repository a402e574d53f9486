#!/usr/bin/env python3
"""The relay between peers of the Rust implementation that speak MoQ Transport with it, over WebSocket.

    python3 rust_ietf.py --relay PROGRAM [--only REGEX]

Each scenario starts relays of its own, which let peers speak one draft alone, and plays with publishers and subscribers of the
package. Exit code: 0 all went well, 1 not. `requirements.txt` names the version of the package.
"""
import moq

import rust_peers
from rust_peers import Server, broadcast_of, check, frames_of, groups_of, scenario_over, soon, write

DRAFTS = ("moqt-16", "moqt-18", "moqt-20", "moqt-22")
scenario = scenario_over(DRAFTS)


def relay_for(scene, draft, *arguments):
    return scene.relay("--protocol", draft, *arguments)


def check_speaks(relay, draft, sessions):
    check(relay.count(f"protocol=qmux-0[12].{draft} ") >= sessions, f"the peers do not speak {draft}:\n" + relay.text())


@scenario
async def through(scene, draft):
    """what one publishes the other gets: the newest group from its beginning, what follows, the end"""
    relay = relay_for(scene, draft)
    publisher, subscriber = await scene.client(relay.url("ws")), await scene.client(relay.url("ws"))
    made = publisher.create_broadcast("room/alice")
    track = made.publish_track("video")
    write(track, 0)
    group = write(track, 1, count=2, finished=False)
    made.announce()
    got = await broadcast_of(subscriber, "room/alice")
    reader = await soon(got.subscribe_track("video"), "the track")
    first = await soon(reader.next_group(), "the newest group")
    group.write_frame(groups_of(1, 3)[2], 1_040_000)
    group.finish()
    check(first.sequence == 1, f"it begins with group {first.sequence}")
    check(await soon(frames_of(first), "its frames") == groups_of(1, 3), "its frames are others")
    write(track, 2)
    following = await soon(reader.next_group(), "the following group")
    check(await soon(frames_of(following), "its frames") == groups_of(2, 3), "its frames are others")
    track.finish()
    check(await soon(reader.next_group(), "the end") is None, "a group comes after the end")
    check_speaks(relay, draft, 2)


@scenario
async def refused(scene, draft):
    """a track that nobody has is not found, and the session goes on"""
    relay = relay_for(scene, draft)
    publisher, subscriber = await scene.client(relay.url("ws")), await scene.client(relay.url("ws"))
    made = publisher.create_broadcast("room/alice")
    track = made.publish_track("video")
    write(track, 0)
    made.announce()
    scene.warns_of = "."
    got = await broadcast_of(subscriber, "room/alice")
    try:
        await soon(got.subscribe_track("none"), "an unknown track")
        check(False, "an unknown track is there")
    except moq.Error as error:
        check("NotFound" in repr(error), f"an unknown track is {error!r}")
    reader = await soon(got.subscribe_track("video"), "the track")
    await soon(reader.next_group(), "a group")


@scenario
async def fetched(scene, draft):
    """groups by their numbers, of a track that goes on"""
    relay = relay_for(scene, draft)
    publisher, subscriber = await scene.client(relay.url("ws")), await scene.client(relay.url("ws"))
    made = publisher.create_broadcast("room/alice")
    track = made.publish_track("video")
    for number in range(3):
        write(track, number)
    made.announce()
    got = await broadcast_of(subscriber, "room/alice")
    # Its reader gives up a group whose objects are still to come when the last subscription to the track ends, and a fetch has one
    # of its own until it is answered.
    held = await soon(got.subscribe_track("video"), "the track")
    await soon(held.next_group(), "a group")
    for number in (0, 2):
        group = await soon(got.fetch_group("video", number), f"group {number}")
        check(await soon(frames_of(group), "its frames") == groups_of(number, 3), "its frames are others")


@scenario
async def prefixes(scene, draft):
    """a request below a prefix that a handler announces is asked of it"""
    relay = relay_for(scene, draft)
    await rust_peers.play_prefixes(scene, relay.url("ws"))


@scenario
async def translated(scene, draft):
    """a publisher of MoQ Transport has viewers of moq-lite, and the other way round"""
    if draft == "moqt-16":
        # A publisher that leaves ends its tracks so (habits.md), and a viewer of moq-lite that is still there is told.
        scene.usual += "|subscribe error .*err=internal error"
    theirs = relay_for(scene, draft)
    ours = scene.relay("--protocol", "moq-lite-06", "--protocol", draft, "--upstream", theirs.url("ws"))
    for there, here, name in ((theirs, ours, "one/way"), (ours, theirs, "other/way")):
        publisher, subscriber = await scene.client(there.url("ws")), await scene.client(here.url("ws"))
        made = publisher.create_broadcast(name)
        track = made.publish_track("video")
        write(track, 0)
        made.announce()
        got = await broadcast_of(subscriber, name)
        reader = await soon(got.subscribe_track("video"), "the track")
        group = await soon(reader.next_group(), "a group")
        check(await soon(frames_of(group), "its frames") == groups_of(0, 3), "its frames are others")
    check_speaks(theirs, draft, 3)


if __name__ == "__main__":
    rust_peers.run(rust_peers.parser_of(__doc__).parse_args())
