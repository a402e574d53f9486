#!/usr/bin/env python3
"""The client of the interop runner at the relay of aiomoqt, over QUIC and WebTransport.

    python3 aiomoqt_relay.py CLIENT CERTIFICATES PYTHON...

CLIENT is comoq_interop_runner, CERTIFICATES a directory with cert.pem and key.pem, PYTHON... the command of a Python, 3.12 at least,
that has aiomoqt. The cases below on each draft. The others put several objects in a subgroup, and when that relay is asked for one
which has just begun, it may end its stream early and send what follows in another. Exit code: 0 all went well, 1 not.
"""
import asyncio
import socket
import sys

from runner_client import DRAFTS, PATIENCE, play_all

CASES = ("setup-only", "announce-only", "publish-namespace-done", "subscribe-error", "announce-subscribe",
         "subscribe-before-announce", "publish-track-only", "publish-track-subscribe", "data-subgroup-each", "data-datagram",
         "data-fetch")


async def main():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("0.0.0.0", 0))
        port = free.getsockname()[1]
    relay = await asyncio.create_subprocess_exec(
        *sys.argv[3:], "-m", "aiomoqt.tools.moq_interop_relay", "--port", str(port), "--dual", "--draft", ",".join(DRAFTS),
        "--cert", sys.argv[2] + "/cert.pem", "--key", sys.argv[2] + "/key.pem",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    log = b""
    is_well = False
    try:
        while b"Listening on" not in log:
            line = await asyncio.wait_for(relay.stdout.readline(), PATIENCE)
            if not line:
                sys.exit("the relay does not listen:\n" + log.decode())
            log += line
        reading = asyncio.create_task(relay.stdout.read())
        is_well = await play_all(sys.argv[1], port, CASES, "the relay of aiomoqt")
    finally:
        if relay.returncode is None:
            relay.terminate()
    log += await reading
    await relay.wait()
    if not is_well:
        print(log.decode()[-20_000:])
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
