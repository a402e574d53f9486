# SPDX-License-Identifier: MIT
"""The example of the README: a request, and the handler that serves it."""

import asyncio
import comoq

async def serve(origin: comoq.OriginProducer, handler: comoq.OriginDynamic) -> None:
    async for request in handler:                         # somebody asks for what nobody has announced
        if not request.path.startswith("live/"):
            request.reject(404)
            continue
        with origin.make_broadcast() as broadcast, broadcast.publish_track("text") as track:
            track.write_frame(b"hello from " + request.path.encode())
            track.finish()
            request.accept(broadcast)
            await broadcast.unused()                      # until nobody reads it any more

async def main() -> None:
    origin = comoq.OriginProducer()
    with origin.dynamic() as handler:
        serving = asyncio.ensure_future(serve(origin, handler))
        with await origin.consume().request_broadcast("live/alice") as broadcast:
            async with await broadcast.subscribe_track("text", comoq.Subscription(start=0)) as track:
                async for group in track:
                    async for frame in group:
                        print(bytes(frame).decode())
        try:
            await origin.consume().request_broadcast("vod/1")
        except comoq.AppError as error:
            print("refused with", error.number)
        serving.cancel()

asyncio.run(main())
