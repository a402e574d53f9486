# SPDX-License-Identifier: MIT
"""Pictures as numpy arrays, without a copy on the way in the reader: python examples/pictures.py"""

import asyncio

import comoq
import numpy as np

HEIGHT, WIDTH = 120, 160


async def paint(track: comoq.TrackProducer, count: int) -> None:
    picture = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    for at in range(count):
        picture[:, : at * 8] = (at * 16, 0, 255)
        track.write_frame(memoryview(picture).cast("B"), at * 40)
        await asyncio.sleep(0)
    track.finish()


async def main() -> None:
    origin = comoq.OriginProducer()
    with origin.create_broadcast("camera") as broadcast, broadcast.publish_track("pictures") as track:
        async with await broadcast.consume().subscribe_track("pictures") as reader:
            painting = asyncio.ensure_future(paint(track, 16))
            async for group in reader:
                async for frame in group:
                    picture = np.frombuffer(frame.payload, dtype=np.uint8).reshape(HEIGHT, WIDTH, 3)
                    print(f"{frame.timestamp} ms: the mean is {picture.mean():.1f}")
            await painting


asyncio.run(main())
