#!/usr/bin/env python3
"""The client of the interop runner against the Rust implementation, as a relay over QUIC and WebTransport.

    python3 rust_runner.py CLIENT

CLIENT is comoq_interop_runner. The relay is an origin that a server of the package `moq-rs` publishes from and subscribes for. It
passes the cases below on each draft; of the others, it refuses PUBLISH, and its tracks have neither subgroups nor gaps between
object ids nor the properties of others. Exit code: 0 all went well, 1 not.
"""
import asyncio
import sys

import moq

from runner_client import play_all

CASES = ("setup-only", "announce-only", "publish-namespace-done", "subscribe-error", "announce-subscribe",
         "subscribe-before-announce", "data-subgroup-basic", "data-datagram", "data-fetch")


async def main():
    # The package says of each session that nobody asked how it ended.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    origin = moq.OriginProducer()
    async with moq.Server("127.0.0.1:0", tls_generate=["localhost", "127.0.0.1"], publish=origin, subscribe=origin) as server:
        serving = asyncio.create_task(server.serve())
        port = str(server.local_addr).rsplit(":", 1)[1]
        is_well = await play_all(sys.argv[1], port, CASES, "the relay of moq-rs")
        serving.cancel()
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
