#!/usr/bin/env python3
"""comoq's WebTransport against aioquic, as the package of PyPI brings it: a client that keeps the rules, and one that breaks them.

    python3 aioquic_peer.py PROGRAM

PROGRAM is the server of this directory that answers with what it gets. Exit code: 0 all went well, 1 not.
"""
import asyncio
import ssl
import subprocess
import sys

from aioquic.asyncio import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3Connection, encode_frame, encode_settings
from aioquic.h3.events import DatagramReceived, DataReceived, HeadersReceived, WebTransportStreamDataReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, StopSendingReceived, StreamDataReceived, StreamReset

PATIENCE = 10
GONE, REJECTED = 0x170D7B68, 0x10B


def check(truth, what):
    if not truth:
        raise SystemExit(f"wrong: {what}")


class Client(QuicConnectionProtocol):
    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self.h3 = None
        self.own_bidi = set()  # aioquic takes what comes back on them for frames of HTTP/3
        self.streams, self.ended, self.resets, self.stops, self.heads, self.datagrams = {}, set(), {}, {}, {}, []
        self.end = None
        self.news = asyncio.Event()

    def quic_event_received(self, event):
        if isinstance(event, ConnectionTerminated):
            self.end = (event.error_code, event.frame_type)
        elif isinstance(event, StreamReset):
            self.resets[event.stream_id] = event.error_code
        elif isinstance(event, StopSendingReceived):
            self.stops[event.stream_id] = event.error_code
        elif isinstance(event, StreamDataReceived) and (event.stream_id in self.own_bidi or self.h3 is None):
            self.got(event.stream_id, event.data, event.end_stream)
        elif self.h3 is not None:
            for each in self.h3.handle_event(event):
                if isinstance(each, HeadersReceived):
                    self.heads[each.stream_id] = dict(each.headers)
                elif isinstance(each, (WebTransportStreamDataReceived, DataReceived)):
                    self.got(each.stream_id, each.data, each.stream_ended)
                elif isinstance(each, DatagramReceived):
                    self.datagrams.append(each.data)
        self.news.set()

    def got(self, stream, data, is_end):
        self.streams[stream] = self.streams.get(stream, b"") + data
        if is_end:
            self.ended.add(stream)

    async def until(self, condition, what):
        async def wait():
            while not condition():
                self.news.clear()
                await self.news.wait()

        try:
            await asyncio.wait_for(wait(), PATIENCE)
        except asyncio.TimeoutError:
            raise SystemExit(f"nothing came: {what}; the connection: {self.end}") from None

    def speak_h3(self):
        self.h3 = H3Connection(self._quic, enable_webtransport=True)

    def ask(self, path="/", more=()):
        stream = self._quic.get_next_available_stream_id()
        self.h3.send_headers(stream, [(b":method", b"CONNECT"), (b":protocol", b"webtransport"), (b":scheme", b"https"),
                                      (b":authority", b"localhost"), (b":path", path.encode()), *more])
        self.transmit()
        return stream

    async def session(self, path="/", more=()):
        self.speak_h3()
        stream = self.ask(path, more)
        await self.until(lambda: stream in self.heads, "the answer")
        return stream

    def open(self, session, data, is_uni=True, is_end=True):
        stream = self.h3.create_webtransport_stream(session, is_unidirectional=is_uni)
        if not is_uni:
            self.own_bidi.add(stream)
        self._quic.send_stream_data(stream, data, is_end)
        self.transmit()
        return stream

    def raw(self, data, is_uni=True, is_end=False):
        stream = self._quic.get_next_available_stream_id(is_unidirectional=is_uni)
        self._quic.send_stream_data(stream, data, is_end)
        self.transmit()
        return stream

    async def ends_with(self, number, what):
        await self.until(lambda: self.end, what)
        check(self.end == (number, None), f"{what}: ended with {self.end}, not {number:#x}")


async def keeps_rules(new):
    async with new() as client:
        session = await client.session(more=[(b"wt-available-protocols", b'"first", "second"')])
        head = client.heads[session]
        check(head[b":status"] == b"200" and head.get(b"wt-protocol") == b'"first"', head)
        bidi = client.open(session, b"ask" * 100_000, is_uni=False)
        await client.until(lambda: bidi in client.ended, "the answer on a stream")
        check(client.streams[bidi] == b"ask" * 100_000, "other bytes came back")
        for begin in range(0, 2000, 50):
            for number in range(begin, begin + 50):
                client.open(session, b"%d" % number)
            await client.until(lambda: len(client.ended) == begin + 51, f"the answers to {begin + 50} streams")
        texts = sorted(int(text) for stream, text in client.streams.items() if stream != bidi and text)
        check(texts == list(range(2000)), "other texts came back")
        client.h3.send_datagram(session, b"datagram")
        client.transmit()
        await client.until(lambda: client.datagrams, "a datagram")
        check(client.datagrams == [b"datagram"], client.datagrams)
        reset = client.open(session, b"reset", is_uni=False, is_end=False)
        await client.until(lambda: reset in client.resets, "a reset")
        check(client.resets[reset] == 0x52E4A40FA8DB + 13, client.resets)
        # A second session, and a request of another kind, beside it.
        second = client.ask()
        await client.until(lambda: second in client.resets, "the refusal of a second session")
        check(client.resets[second] == REJECTED, client.resets)
        get = client._quic.get_next_available_stream_id()
        client.h3.send_headers(get, [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"localhost"), (b":path", b"/x")], True)
        client.transmit()
        await client.until(lambda: get in client.heads, "an answer to GET")
        check(client.heads[get][b":status"] == b"404", client.heads[get])
        client.h3.send_data(session, bytes.fromhex("684308000000096c656166"), True)
        client.transmit()
        await client.ends_with(0x100, "the end")
        check(bidi not in client.resets, "a stream that was over was reset")


async def is_closed_and_refused(new):
    async with new() as client:
        session = await client.session("/close")
        left = client.open(session, b"x", is_uni=False, is_end=False)
        await client.until(lambda: session in client.ended, "the end of the session")
        check(client.streams[session] == bytes.fromhex("68430700000007627965"), client.streams[session])
        check(client.resets.get(left) == GONE and client.stops.get(left) == GONE, (client.resets, client.stops))
        client.h3.send_data(session, b"", True)
        client.transmit()
        await client.ends_with(0x100, "the end")
    async with new() as client:
        session = await client.session("/refuse")
        check(client.heads[session][b":status"] == b"403", client.heads[session])
        await client.ends_with(0x100, "the end of a refused one")


async def breaks_rules(new):
    settings = b"\x00" + encode_frame(4, encode_settings({0x08: 1, 0x33: 1, 0x2B603742: 1}))
    on_uni = [(b"\x00" + encode_frame(7, b"\x00"), 0x10A), (settings + encode_frame(4, b""), 0x105), (settings + encode_frame(0, b"x"), 0x105),
              (b"\x00" + encode_frame(4, b"\x08\x02"), 0x109), (b"\x00" + encode_frame(4, b"\x02\x00"), 0x109), (b"\x01\x00", 0x103),
              (b"\x40\x54\x01", 0x108), (b"\x02\xc0\x01a", 0x201), (b"\x03\x01", 0x202)]
    for data, number in on_uni:
        async with new() as client:
            client.raw(data)
            await client.ends_with(number, data.hex())
    on_bidi = [(encode_frame(0, b"x"), 0x105), (encode_frame(1, b"\x00\x00\x80"), 0x200), (b"\x40\x41\x03", 0x108)]
    for data, number in on_bidi:
        async with new() as client:
            client.raw(settings)
            client.raw(data, is_uni=False)
            await client.ends_with(number, data.hex())
    async with new() as client:
        client.raw(settings, is_end=True)
        await client.ends_with(0x104, "the end of a control stream")
    async with new() as client:
        client.raw(settings)
        client.raw(settings)
        await client.ends_with(0x103, "a second control stream")
    async with new() as client:
        client._quic.send_datagram_frame(b"")
        client.transmit()
        await client.ends_with(0x33, "a datagram without a number")
    # Streams that come early, some for no session that will ever be; then the server closes what it does not know.
    async with new() as client:
        client.speak_h3()
        early = client.open(0, b"early")
        other = client.open(4, b"other", is_end=False)
        session = client.ask()
        await client.until(lambda: other in client.stops and b"early" in client.streams.values(), "the answer to an early stream")
        check((early, session, client.stops[other]) == (14, 0, 0x3994BD84), (early, session, client.stops))
    # Rapid resets: of streams that have their first bytes, and of those that have not.
    async with new() as client:
        session = await client.session()
        for number in range(3000):
            stream = client.open(session, b"x" * (number % 3), is_end=False) if number % 2 else client.raw(b"\x40")
            client._quic.reset_stream(stream, 0x52E4A40FA8DB + 1)
            if number % 50 == 0:
                client.transmit()
                await asyncio.sleep(0.01)
        last = client.open(session, b"still there", is_uni=False)
        await client.until(lambda: client.streams.get(last) == b"still there", "an answer after rapid resets")


async def main():
    server = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    port = int(server.stdout.readline().split()[0])

    def new():
        configuration = QuicConfiguration(is_client=True, alpn_protocols=["h3"], max_datagram_frame_size=65536)
        configuration.verify_mode = ssl.CERT_NONE
        return connect("127.0.0.1", port, configuration=configuration, create_protocol=Client)

    for part in (keeps_rules, is_closed_and_refused, breaks_rules):
        await part(new)
        print(part.__name__, "well")
    text, _ = server.communicate("\n", timeout=PATIENCE)
    check("with 9 (leaf)" in text, text)


if __name__ == "__main__":
    asyncio.run(main())
