#!/usr/bin/env python3
"""The relay of the examples over QUIC and WebTransport against the interop runner's client of aiomoqt.

    python3 aiomoqt_client.py RELAY PYTHON...

PYTHON... is the command of a Python, 3.12 at least, that has aiomoqt. All cases of that client on each draft. Its limits are seconds:
a case that fails is played again, by itself, twice. Exit code: 0 all went well, 1 not.
"""
import asyncio
import re
import sys

# The cases that it plays only when they are named.
DRAFTS = {draft: ("fetch", "join") for draft in ("16", "18", "20", "22")}
ALL = {"setup-only", "announce-only", "publish-namespace-done", "subscribe-error", "rendezvous-timeout", "announce-subscribe",
       "subscribe-before-announce", "data-subgroup-basic", "subscribe-namespace-lifecycle", "namespace-discovery",
       "publish-track-only", "publish-track-subscribe"}
# It needs SUBSCRIBE_TRACKS, which the relay refuses.
REFUSED = {"namespace-discovery"}
PATIENCE = 300


async def play(url, draft, *options):
    """Which cases went well, and what was said."""
    client = await asyncio.create_subprocess_exec(
        *sys.argv[2:], "-m", "aiomoqt.tools.moq_interop_client", "--relay", url, "--tls-disable-verify", "--draft", draft,
        *options,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    out, _ = await asyncio.wait_for(client.communicate(), PATIENCE)
    text = out.decode()
    return {name: not failed for failed, name in re.findall(r"^(not )?ok \d+ - (\S+)", text, re.M)}, text


async def play_all(url, draft):
    """What is wrong."""
    played, said = await play(url, draft)
    if set(played) != ALL:
        return "it plays other cases:\n" + said
    for name in DRAFTS[draft]:
        played[name] = (await play(url, draft, "--test", name))[0].get(name, False)
    wrong = ""
    for name in [name for name, is_well in played.items() if not is_well and name not in REFUSED]:
        for _ in range(2):
            again, said = await play(url, draft, "--test", name)
            if again.get(name):
                break
        else:
            wrong += said
    return wrong


async def main():
    relay = await asyncio.create_subprocess_exec(sys.argv[1], "--listen", "https://127.0.0.1:0", "--tls-generate", "127.0.0.1",
                                                 stderr=asyncio.subprocess.PIPE)
    port = None
    while port is None:
        line = (await asyncio.wait_for(relay.stderr.readline(), PATIENCE)).decode()
        if not line:
            sys.exit("the relay does not listen")
        if found := re.search(r"event=listening url=https://127\.0\.0\.1:(\d+)", line):
            port = found[1]
    reading = asyncio.create_task(relay.stderr.read())
    ways = [(scheme, draft) for scheme in ("moqt", "https") for draft in DRAFTS]
    outcomes = await asyncio.gather(*(play_all(f"{scheme}://127.0.0.1:{port}", draft) for scheme, draft in ways))
    relay.terminate()
    log = (await reading).decode()
    code = await relay.wait()
    for (scheme, draft), wrong in zip(ways, outcomes):
        cases = len(ALL) + len(DRAFTS[draft]) - len(REFUSED)
        print(f"{'FAILED ' if wrong else 'ok     '} {cases} cases of aiomoqt's client, {scheme}, draft {draft}")
        print(wrong, end="")
    if code != 0:
        print(f"FAILED  the relay ends with {code}")
    if code != 0 or any(outcomes):
        print(log)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
