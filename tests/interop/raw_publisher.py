"""A publisher that is nothing but its bytes, over TCP: qmux-01 and moq-lite-06. It refuses tracks with any number."""
import asyncio
import contextlib

PARAMETERS, PROTOCOLS = 0x3F5153300D0A0D0A, 0x3D4F9C2A8B1E6075
RESET, STREAM, PING, PONG = 0x04, 0x0E, 0x348C67529EF8C7BD, 0x348C67529EF8C7BE
CLOSES = 0x1C, 0x1D
ANNOUNCE, TRACK = 1, 6
# How many numbers follow the type of a frame that says nothing here.
IGNORED = {0x04: 3, 0x05: 2, 0x10: 1, 0x11: 2, 0x12: 1, 0x13: 1, 0x14: 1, 0x15: 2, 0x16: 1, 0x17: 1, PONG: 1}
PLENTY = 2**29


def number(value):
    size = next(size for size in (1, 2, 4, 8) if value < 1 << (8 * size - 2))
    return (value | {1: 0, 2: 1, 4: 2, 8: 3}[size] << (8 * size - 2)).to_bytes(size, "big")


def pack(*parts):
    """Numbers as they are on the wire, texts behind their length, bytes."""
    def one(part):
        if isinstance(part, int):
            return number(part)
        return part if isinstance(part, bytes) else number(len(part.encode())) + part.encode()
    return b"".join(map(one, parts))


def message(*parts):
    body = pack(*parts)
    return number(len(body)) + body


class Reader:
    def __init__(self, octets):
        self.octets, self.at = octets, 0

    def more(self):
        return self.at < len(self.octets)

    def take(self, count):
        self.at += count
        if self.at > len(self.octets):
            raise IndexError("more octets are wanted")
        return self.octets[self.at - count:self.at]

    def number(self):
        first = self.take(1)[0]
        return int.from_bytes(bytes([first & 63]) + self.take((1 << (first >> 6)) - 1), "big")

    def text(self):
        return self.take(self.number()).decode()


class RawPublisher:
    """Announces one path, which came to it over `hops`, and refuses a track `refuse-N` there with the number N. `hop` is its own."""

    def __init__(self, path, hop=0, hops=()):
        self.path, self.hop, self.hops = path, hop, hops
        self.announced = asyncio.Event()
        self.unread = {}  # of the peer's streams that ask for something

    async def begin(self, address):
        host, port = address.rsplit("/", 1)[0].split("//")[1].split(":")
        self.reader, self.writer = await asyncio.open_connection(host, int(port))
        limits = [pack(each, message(PLENTY)) for each in range(4, 10)]
        self.send(pack(PARAMETERS, message(pack(1, message(30_000)), *limits, pack(PROTOCOLS, message("moq-lite-06")))))
        self.say(2, pack(1, message(0)), last=True)  # SETUP
        self.reading = asyncio.create_task(self.read())

    async def end(self):
        self.reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.reading
        self.writer.close()

    def send(self, *frames):
        self.writer.write(message(*frames))

    def say(self, stream, data, at=0, last=False):
        self.send(pack(STREAM | last, stream, at, len(data), data))

    async def read(self):
        left = b""
        while octets := await self.reader.read(65536):
            left += octets
            with contextlib.suppress(IndexError):
                while left:
                    record = Reader(left)
                    frames = Reader(record.take(record.number()))
                    left = left[record.at:]
                    self.take_frames(frames)

    def take_frames(self, frames):
        while frames.more():
            kind = frames.number()
            if kind & ~7 == 8:
                stream = frames.number()
                if kind & 4:
                    frames.number()
                data = frames.take(frames.number() if kind & 2 else len(frames.octets) - frames.at)
                if stream % 4 == 1:
                    self.asked(stream, data)
            elif kind == PARAMETERS:
                frames.take(frames.number())
            elif kind in CLOSES:
                return
            elif kind == PING:
                self.send(pack(PONG, frames.number()))
            elif kind != 0:
                for _ in range(IGNORED[kind]):
                    frames.number()

    def asked(self, stream, data):
        if self.unread.get(stream, b"") is None:
            return
        self.unread[stream] = self.unread.get(stream, b"") + data
        request = Reader(self.unread[stream])
        try:
            kind, _ = request.number(), request.number()
            asks = {ANNOUNCE: self.announce, TRACK: self.refuse}[kind]
            texts = [request.text()] + ([request.text()] if kind == TRACK else [])
        except IndexError:
            return
        self.unread[stream] = None
        asks(stream, *texts)

    def announce(self, stream, prefix):
        found = [self.path] if not prefix or self.path.startswith(prefix + "/") else []
        starts = [pack(0, message(path[len(prefix):].lstrip("/"), len(self.hops), *self.hops, 0, 0)) for path in found]
        self.say(stream, message(self.hop, len(found)) + b"".join(starts))
        self.announced.set()

    def refuse(self, stream, _, track):
        self.send(pack(RESET, stream, int(track.split("-")[1]), 0))
