# SPDX-License-Identifier: MIT
"""What asyncio and Python do to the calls: python -m unittest discover tests"""

from __future__ import annotations

import array
import asyncio
import gc
import os
import signal
import unittest
from typing import List

import comoq


class Uses(unittest.IsolatedAsyncioTestCase):
    async def asyncTearDown(self) -> None:
        comoq.close_runtime()

    async def test_payloads_of_items_that_are_not_bytes(self) -> None:
        numbers = memoryview(array.array("I", [1, 2, 3, 4]))
        whole = numbers.tobytes()
        origin = comoq.OriginProducer()
        with origin.create_broadcast("x") as broadcast, broadcast.publish_track("t") as track:
            subscriber = await broadcast.consume().subscribe_track("t")
            track.write_frame(numbers)
            frame = await subscriber.read_frame()
            assert frame is not None
            self.assertEqual(bytes(frame), whole)
            track.append_datagram(numbers)
            datagram = await subscriber.recv_datagram()
            assert datagram is not None
            self.assertEqual(bytes(datagram), whole)
            with track.append_group() as group, group.consume() as reader:
                group.write_frame(numbers)
                group.write_frames([(numbers, 1)])
                with group.create_frame(len(whole)) as writer:
                    writer.write(numbers)
                    writer.finish()
                group.finish()
                self.assertEqual([bytes(each) async for each in reader], [whole] * 3)

    async def test_a_loop_over_frames_that_is_left_loses_none(self) -> None:
        origin = comoq.OriginProducer()
        with origin.create_broadcast("x") as broadcast, broadcast.publish_track("t") as track, track.append_group() as group:
            for at in range(200):
                group.write_frame(bytes([at]))
            group.finish()
            seen: List[int] = []
            with group.consume() as reader:
                async for frame in reader:
                    seen.append(bytes(frame)[0])
                    break
                for most in (2, 1000):
                    seen += [bytes(each)[0] for each in await reader.read_frames(most)]
                    if most == 2:
                        self.assertEqual(len(seen), 3)
                async for frame in reader:
                    seen.append(bytes(frame)[0])
            self.assertEqual(seen, list(range(200)))

    async def test_two_calls_that_wait_for_a_frame_lose_none(self) -> None:
        origin = comoq.OriginProducer()
        with origin.create_broadcast("x") as broadcast, broadcast.publish_track("t") as track, track.append_group() as group:
            with group.consume() as reader:
                reading = [asyncio.ensure_future(reader.read_frame()) for _ in range(2)]
                await asyncio.sleep(0)
                for at in range(150):
                    group.write_frame(bytes([at]))
                group.finish()
                seen = [bytes(each)[0] for each in await asyncio.gather(*reading) if each is not None]
                seen += [bytes(each)[0] async for each in reader]
            self.assertEqual(sorted(seen), list(range(150)))

    async def test_an_origin_that_only_a_client_has(self) -> None:
        hub, there = comoq.OriginProducer(), comoq.OriginProducer()
        with comoq.Server("tcp://127.0.0.1:0", publish=hub.consume(), subscribe=hub) as server:
            with there.create_broadcast("live/x"):
                client = comoq.Client(server.url, publish=there.consume())
                gc.collect()
                async with await client.connect():
                    consumer = await asyncio.wait_for(hub.consume().announced_broadcast("live/x"), 20)
                    consumer.close()
        there.close()
        with self.assertRaises(comoq.Closed):
            await comoq.Client(server.url, publish=there).connect()

    async def test_a_number_that_nobody_gets_closes_no_handle(self) -> None:
        origin = comoq.OriginProducer()
        with origin.create_broadcast("x") as broadcast, broadcast.publish_track("t") as track:
            subscriber = await broadcast.consume().subscribe_track("t")
            waiting = asyncio.ensure_future(subscriber.finished())
            await asyncio.sleep(0)
            # A publisher may declare any number, such as that of a handle.
            track.finish_at(origin._handle)
            while not _is_settled(waiting):
                await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait({waiting})
            self.assertTrue(waiting.cancelled())
            origin.create_broadcast("still/there").close()

    async def test_a_client_that_is_cancelled_as_it_begins_and_as_it_ends(self) -> None:
        hub = comoq.OriginProducer()
        with comoq.Server("tcp://127.0.0.1:0", publish=hub, subscribe=hub) as server:
            clients: List[comoq.Client] = []

            async def use() -> None:
                clients.append(comoq.Client(server.url, publish=hub))
                async with clients[0]:
                    await asyncio.sleep(3600)

            others = asyncio.all_tasks()
            using = asyncio.ensure_future(use())
            await asyncio.sleep(0)
            self.assertEqual(len(asyncio.all_tasks() - others), 2)
            using.cancel()
            await asyncio.wait({using})
            self.assertTrue(using.cancelled())
            for _ in range(5):
                await asyncio.sleep(0)
            self.assertEqual(asyncio.all_tasks() - others, set())

            reached: List[str] = []

            async def leave() -> None:
                async with comoq.Client(server.url, publish=hub):
                    reached.append("inside")
                reached.append("behind")
                await asyncio.sleep(3600)

            leaving = asyncio.ensure_future(leave())
            while not reached:
                await asyncio.sleep(0)
            leaving.cancel()
            await asyncio.wait({leaving}, timeout=20)
            self.assertTrue(leaving.cancelled())


class Own(unittest.IsolatedAsyncioTestCase):
    async def test_a_client_and_a_server_have_an_origin_of_their_own(self) -> None:
        async with comoq.Server("tcp://127.0.0.1:0") as server:
            serving = asyncio.ensure_future(server.serve())
            async with comoq.Client(server.url) as one, comoq.Client(server.url) as other:
                with one.create_broadcast("from/client") as broadcast, broadcast.publish_track("t") as track:
                    seen = await asyncio.wait_for(other.announced_broadcast("from/client"), 20)
                    async with await seen.subscribe_track("t") as subscriber:
                        track.write_frame(b"here")
                        frame = await asyncio.wait_for(subscriber.read_frame(), 20)
                        self.assertEqual(frame and bytes(frame), b"here")
                    async for announcement in other.announced("from"):
                        self.assertEqual(announcement.path, "from/client")
                        break
                with server.create_broadcast("from/server"):
                    self.assertFalse((await asyncio.wait_for(one.announced_broadcast("from/server"), 20)).is_closed)
                    self.assertFalse((await asyncio.wait_for(one.request_broadcast("from/server"), 20)).is_closed)
            serving.cancel()
            await asyncio.wait({serving})
            self.assertTrue(serving.cancelled())

    async def test_what_has_no_origin_says_so(self) -> None:
        origin = comoq.OriginProducer()
        client = comoq.Client("tcp://127.0.0.1:1", publish=origin.consume())
        with self.assertRaises(TypeError):
            client.create_broadcast("x")
        with self.assertRaises(TypeError):
            client.announced()


class Processes(unittest.TestCase):
    @unittest.skipUnless(hasattr(os, "fork"), "this system has no fork")
    def test_a_child_has_a_thread_of_its_own(self) -> None:
        async def connect() -> None:
            hub = comoq.OriginProducer()
            with comoq.Server("tcp://127.0.0.1:0", publish=hub) as server:
                async with await comoq.Client(server.url, publish=hub).connect():
                    pass

        asyncio.run(connect())
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            try:
                asyncio.run(connect())
                os._exit(0)
            except BaseException:
                os._exit(1)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        asyncio.run(connect())
        comoq.close_runtime()


class Loops(unittest.TestCase):
    def test_the_queue_of_a_loop_that_was_closed_while_something_waited(self) -> None:
        origin = comoq.OriginProducer()
        watch = origin.consume().announced("none")

        def ask_and_leave() -> None:
            loop = asyncio.new_event_loop()
            loop.set_exception_handler(lambda loop, context: None)
            waiting = loop.create_task(watch.next())
            loop.run_until_complete(asyncio.sleep(0))
            self.assertFalse(waiting.done())
            loop.close()

        async def wait_a_moment() -> None:
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(watch.next(), 0.001)

        def settled() -> int:
            asyncio.run(wait_a_moment())
            gc.collect()
            return comoq.live_handles()

        before = settled()
        for _ in range(5):
            ask_and_leave()
        self.assertLessEqual(settled(), before)
        watch.close()
        origin.close()


def _is_settled(task: "asyncio.Future[int]") -> bool:
    waiter = getattr(task, "_fut_waiter", None)
    return waiter is None or waiter.done()


if __name__ == "__main__":
    unittest.main()
