# SPDX-License-Identifier: MIT
"""Frames of 64 bytes a second of processor time, written and read: python tests/measure.py"""

from __future__ import annotations

import asyncio
import time

import comoq

GROUPS, FRAMES = 40, 8192


async def main() -> None:
    origin = comoq.OriginProducer()
    payload = bytes(64)
    written = many = read = touched = 0.0
    with origin.create_broadcast("x") as broadcast, broadcast.publish_track("video") as track:
        for _ in range(GROUPS):
            with track.append_group() as group:
                begin = time.process_time()
                for timestamp in range(FRAMES):
                    group.write_frame(payload, timestamp)
                written += time.process_time() - begin
                group.finish()
                with group.consume() as reader:
                    begin = time.process_time()
                    count = 0
                    while frames := await reader.read_frames():
                        for frame in frames:
                            count += len(bytes(frame))
                    read += time.process_time() - begin
                    assert count == FRAMES * 64
            with track.append_group() as group:
                begin = time.process_time()
                for start in range(0, FRAMES, 64):
                    group.write_frames([(payload, start + i) for i in range(64)])
                many += time.process_time() - begin
                group.finish()
                with group.consume() as reader:
                    begin = time.process_time()
                    async for frame in reader:
                        count -= len(frame.payload)
                    touched += time.process_time() - begin
                    assert count == 0
    total = GROUPS * FRAMES
    for name, spent in (("written one by one", written), ("written by 64", many), ("read as bytes", read), ("read as views", touched)):
        print(f"{name}: {total / spent:,.0f} frames a second, {spent / total * 1e9:.0f} ns each")

    with origin.dynamic() as handler, origin.make_broadcast() as served:
        begin = time.process_time()
        for i in range(5000):
            asking = asyncio.ensure_future(origin.consume().request_broadcast(f"d/{i}"))
            request = await handler.requested_broadcast()
            assert request is not None
            request.accept(served)
            (await asking).close()
            request.close()
        spent = time.process_time() - begin
        print(f"a request and its answer: {spent / 5000 * 1e6:.1f} us")


asyncio.run(main())
