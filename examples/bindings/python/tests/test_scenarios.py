# SPDX-License-Identifier: MIT
"""The scenarios of ../scenarios.md: python -m unittest discover tests"""

from __future__ import annotations

import asyncio
import gc
import os
import unittest
from typing import List

import comoq


class Scenarios(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        # The loop has its queue from the first wait on.
        with comoq.OriginProducer() as origin, self.assertRaises(asyncio.TimeoutError):
            await asyncio.wait_for(origin.consume().announced_broadcast("x"), 0.001)
        gc.collect()
        self.before = comoq.live_handles()

    async def asyncTearDown(self) -> None:
        comoq.close_runtime()
        for _ in range(3):
            await asyncio.sleep(0)
        gc.collect()
        self.assertEqual(comoq.live_handles(), self.before)

    async def test_announced(self) -> None:
        origin = comoq.OriginProducer()
        with origin.create_broadcast("live/one") as broadcast:
            found = await origin.consume().request_broadcast("live/one")
            self.assertEqual(found, broadcast.consume())
            later = asyncio.ensure_future(origin.consume().announced_broadcast("live/two"))
            await asyncio.sleep(0)
            with origin.create_broadcast("live/two") as second:
                self.assertEqual(await later, second.consume())

    async def test_on_demand(self) -> None:
        origin = comoq.OriginProducer()
        with origin.dynamic() as handler:
            asking = [asyncio.ensure_future(origin.consume().request_broadcast("vod/1")) for _ in range(2)]
            request = await handler.requested_broadcast()
            assert request is not None
            self.assertEqual(request.path, "vod/1")
            with origin.make_broadcast() as broadcast:
                self.assertTrue(request.accept(broadcast))
                self.assertFalse(request.accept(broadcast))
                first, second = await asyncio.gather(*asking)
                self.assertEqual(first, second)

    async def test_rejected(self) -> None:
        origin = comoq.OriginProducer()
        with origin.dynamic() as handler:
            asking = asyncio.ensure_future(origin.consume().request_broadcast("vod/2"))
            async for request in handler:
                self.assertTrue(request.reject(404))
                break
            with self.assertRaises(comoq.AppError) as caught:
                await asking
            self.assertEqual(caught.exception.number, 404)

    async def test_nobody(self) -> None:
        consumer = comoq.OriginProducer()
        with self.assertRaises(comoq.NotFound):
            await consumer.consume().request_broadcast("nobody")
        with self.assertRaises(comoq.InvalidPath):
            await consumer.consume().request_broadcast("a\x01b")
        consumer.close()
        with self.assertRaises(comoq.Closed):
            consumer.create_broadcast("x")

    async def test_cancelled_while_waiting(self) -> None:
        origin = comoq.OriginProducer()
        with origin.dynamic() as handler:
            asking = asyncio.ensure_future(origin.consume().request_broadcast("vod/3"))
            other = asyncio.ensure_future(origin.consume().request_broadcast("vod/4"))
            request, second = await handler.requested_broadcast(), await handler.requested_broadcast()
            assert request is not None and second is not None
            asking.cancel()
            await request.abandoned()
            self.assertFalse(other.done())
            # Cancelled when the answer has come and the task has not seen it yet.
            with origin.make_broadcast() as broadcast:
                self.assertTrue(second.accept(broadcast))
                while not other.done() and not _is_settled(other):
                    await asyncio.sleep(0)
                other.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    (await other).close()
                    raise asyncio.CancelledError

    async def test_handler_that_goes(self) -> None:
        origin = comoq.OriginProducer()
        handler = origin.dynamic()
        asking = asyncio.ensure_future(origin.consume().request_broadcast("vod/5"))
        await asyncio.sleep(0)
        handler.close()
        with self.assertRaises(comoq.NotFound):
            await asking

    async def test_announcements_with_ends(self) -> None:
        origin = comoq.OriginProducer()
        watch = origin.consume().announced("room")
        broadcast = origin.create_broadcast("room/x")
        active = await watch.next()
        assert active is not None
        self.assertEqual((active.path, active.event), ("room/x", "active"))
        broadcast.close()
        ended = await watch.next()
        assert ended is not None
        self.assertFalse(ended.active)
        self.assertTrue(active.broadcast.is_closed)
        with self.assertRaises(comoq.NotFound):
            ended.broadcast
        origin.close()
        self.assertEqual([announcement async for announcement in watch], [])

    async def test_groups_and_frames(self) -> None:
        origin = comoq.OriginProducer()
        with origin.create_broadcast("x") as broadcast, broadcast.publish_track("video") as track:
            subscriber = await broadcast.consume().subscribe_track("video")
            with track.append_group() as group:
                group.write_frame(b"key", 40)
                group.write_frames([(b"a", 41), (bytearray(b"bb"), 42)])
                group.finish()
            track.finish()
            seen: List[bytes] = []
            times: List[int] = []
            async for reader in subscriber:
                self.assertEqual(reader.sequence, 0)
                async for frame in reader:
                    seen.append(bytes(frame))
                    times.append(frame.timestamp)
            self.assertEqual((seen, times), ([b"key", b"a", b"bb"], [40, 41, 42]))
            self.assertEqual(await subscriber.finished(), 1)

    async def test_chunks(self) -> None:
        origin = comoq.OriginProducer()
        with origin.create_broadcast("x") as broadcast, broadcast.publish_track("video") as track, track.append_group() as group:
            reader = group.consume()
            with group.create_frame(8) as writer:
                frame = await reader.next_frame()
                assert frame is not None
                self.assertEqual(frame.size, 8)
                chunk = asyncio.ensure_future(frame.read_chunk())
                await asyncio.sleep(0)
                writer.write(b"abcd")
                self.assertEqual(await chunk, b"abcd")
                with self.assertRaises(comoq.Error):
                    writer.write(b"too long")
                writer.write(b"efgh")
                writer.finish()
            self.assertEqual([chunk async for chunk in frame], [b"efgh"])

    async def test_tracks_and_groups_on_demand(self) -> None:
        origin = comoq.OriginProducer()
        with origin.create_broadcast("x") as broadcast, broadcast.dynamic() as tracks:
            consumer = broadcast.consume()
            asking = asyncio.ensure_future(consumer.subscribe_track("audio", comoq.Subscription(priority=9)))
            request = await tracks.requested_track()
            assert request is not None and request.subscription is not None
            self.assertEqual((request.name, request.subscription.priority), ("audio", 9))
            with request.accept(comoq.TrackInfo(timescale=90_000)) as track, track.dynamic() as groups:
                subscriber = await asking
                self.assertEqual((await consumer.track_info("audio")).timescale, 90_000)
                fetching = [asyncio.ensure_future(consumer.fetch_group("audio", number)) for number in (40, 41)]
                for wanted in (40, 41):
                    fetched = await groups.requested_group()
                    assert fetched is not None
                    self.assertEqual(fetched.sequence, wanted)
                    if wanted == 41:
                        fetched.reject(7)
                        continue
                    with fetched.accept() as group:
                        group.write_frame(b"old")
                        group.finish()
                reader = await fetching[0]
                self.assertEqual([bytes(frame) async for frame in reader], [b"old"])
                with self.assertRaises(comoq.AppError):
                    await fetching[1]
                await track.used()
                subscriber.close()
                await track.unused()
                self.assertIsNone(track.subscription)

    async def test_datagrams(self) -> None:
        origin = comoq.OriginProducer()
        with origin.create_broadcast("x") as broadcast, broadcast.publish_track("position") as track:
            subscriber = await broadcast.consume().subscribe_track("position")
            self.assertEqual(track.append_datagram(b"here", 5), 0)
            datagram = await subscriber.recv_datagram()
            assert datagram is not None
            self.assertEqual((bytes(datagram), datagram.number, datagram.timestamp), (b"here", 0, 5))

    async def test_view_outlives_the_reader(self) -> None:
        origin = comoq.OriginProducer()
        with origin.create_broadcast("x") as broadcast, broadcast.publish_track("video") as track, track.append_group() as group:
            group.write_frame(b"0123456789")
            with group.consume() as reader:
                frame = await reader.read_frame()
            assert frame is not None
            part = frame.payload[2:5]
            handles = comoq.live_handles()
            del frame
        origin.close()
        gc.collect()
        self.assertTrue(part.readonly)
        self.assertEqual(bytes(part), b"234")
        self.assertLess(comoq.live_handles(), handles)
        del part

    async def test_session_over_tcp(self) -> None:
        hub, here, there = comoq.OriginProducer(), comoq.OriginProducer(), comoq.OriginProducer()
        with comoq.Server("tcp://127.0.0.1:0", publish=hub, subscribe=hub) as server, hub.dynamic() as handler:
            with there.create_broadcast("live/x") as broadcast, broadcast.publish_track("video") as track:
                async with await comoq.Client(server.url, publish=there).connect() as session:
                    self.assertTrue(session.protocol.startswith("moq-lite"))
                    async with comoq.Client(server.url, subscribe=here):
                        consumer = await here.consume().announced_broadcast("live/x")
                        subscriber = await consumer.subscribe_track("video")
                        track.write_frame(b"over the wire")
                        frame = await subscriber.read_frame()
                        assert frame is not None
                        self.assertEqual(frame.payload, b"over the wire")
                        stats = session.stats()
                        self.assertEqual((stats.subscriptions, stats.announced, stats.groups_given_up), (1, 0, 0))
                        self.assertGreaterEqual(stats.media_bytes, 13)
                        self.assertGreater(stats.bytes_sent or 0, 13)
                        self.assertIsNone(stats.packets_sent)
                        lazy = await here.consume().request_broadcast("on/demand")
                        asking = asyncio.ensure_future(lazy.subscribe_track("t"))
                        request = await handler.requested_broadcast()
                        assert request is not None
                        request.reject(451)
                        with self.assertRaises(comoq.AppError) as caught:
                            await asking
                        self.assertEqual(caught.exception.number, 451)

    @unittest.skipUnless("COMOQ_TEST_RELAY" in os.environ, "COMOQ_TEST_RELAY is the URL of a relay to go through")
    async def test_session_with_another_relay(self) -> None:
        url = os.environ.get("COMOQ_TEST_RELAY", "")
        here, there = comoq.OriginProducer(), comoq.OriginProducer()
        with there.create_broadcast("bindings/x") as broadcast, broadcast.dynamic() as tracks:
            async with comoq.Client(url, publish=there), comoq.Client(url, subscribe=here):
                consumer = await here.consume().announced_broadcast("bindings/x")
                asking = [asyncio.ensure_future(consumer.subscribe_track(name)) for name in ("video", "secret")]
                producers = []
                for _ in asking:
                    request = await tracks.requested_track()
                    assert request is not None
                    if request.name == "secret":
                        request.reject(403)
                    else:
                        producers.append(request.accept(comoq.TrackInfo(timescale=90_000)))
                with self.assertRaises(comoq.AppError) as caught:
                    await asking[1]
                self.assertEqual(caught.exception.number, 403)
                subscriber = await asking[0]
                for _ in range(3):
                    with producers[0].append_group() as group:
                        for at in range(100):
                            group.write_frame(bytes([at]) * at * 50, at)
                        group.finish()
                producers[0].finish()
                sizes = [[len(frame) async for frame in group] async for group in subscriber]
                self.assertEqual(sizes[-1], [at * 50 for at in range(100)])
                producers[0].close()

    async def test_thousand_requests(self) -> None:
        origin = comoq.OriginProducer()
        consumer = origin.consume()

        async def serve(handler: comoq.OriginDynamic) -> None:
            async for request in handler:
                with origin.make_broadcast() as broadcast:
                    request.accept(broadcast)
                request.close()

        with origin.dynamic() as handler:
            asking = [asyncio.ensure_future(consumer.request_broadcast(f"many/{i % 500}")) for i in range(1000)]
            serving = asyncio.ensure_future(serve(handler))
            for broadcast in await asyncio.gather(*asking):
                broadcast.close()
            serving.cancel()


def _is_settled(task: "asyncio.Future[comoq.BroadcastConsumer]") -> bool:
    waiter = getattr(task, "_fut_waiter", None)
    return waiter is None or waiter.done()


if __name__ == "__main__":
    unittest.main()
