"""A link of UDP that loses, doubles, delays and spoils packets, and lets clients change their ports as a NAT does.

bad_link.py PORT [--seed N]: passes on what comes to a port of its own, which it prints, to PORT of this machine, and back.
On SIGTERM it prints what it has done, and ends.
"""

import argparse
import heapq
import random
import selectors
import signal
import socket
import sys
import time

LOST, DOUBLED, LATE, SPOILED = 0.05, 0.02, 0.05, 0.02
DELAY, MOST_LATE = 0.002, 0.02
# A client's packets to the server between two changes of its port.
BETWEEN_REBINDINGS = 400


class Link:
    def __init__(self, port, seed):
        self.server = ("127.0.0.1", port)
        self.random = random.Random(seed)
        self.selector = selectors.DefaultSelector()
        self.front = self.socket()
        self.front.bind(("127.0.0.1", 0))
        self.selector.register(self.front, selectors.EVENT_READ)
        self.clients = {}  # address: [socket to the server, packets since it is there]
        self.addresses = {}  # socket: address of the client
        self.waiting = []
        self.order = 0
        self.counts = dict(packets=0, lost=0, doubled=0, late=0, spoiled=0, rebindings=0)

    @staticmethod
    def socket():
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        return made

    def happens(self, what, share):
        if self.random.random() >= share:
            return False
        self.counts[what] += 1
        return True

    def take(self, packet, way):
        """`way` is a socket of the server's side for what goes there, and a client's address for what comes back."""
        self.counts["packets"] += 1
        if self.happens("lost", LOST):
            return
        if self.happens("spoiled", SPOILED):
            # Not the version, which no key protects.
            packet = bytearray(packet)
            packet[self.random.randrange(min(5, len(packet) - 1), len(packet))] ^= 1 << self.random.randrange(8)
        due = time.monotonic() + DELAY
        if self.happens("late", LATE):
            due += self.random.random() * MOST_LATE
        for _ in range(2 if self.happens("doubled", DOUBLED) else 1):
            self.order += 1
            heapq.heappush(self.waiting, (due, self.order, bytes(packet), way))

    def from_client(self, packet, address):
        client = self.clients.setdefault(address, [None, 0])
        client[1] += 1
        if client[0] is None or client[1] > BETWEEN_REBINDINGS:
            if client[0] is not None:
                self.counts["rebindings"] += 1
                self.selector.unregister(client[0])
                del self.addresses[client[0]]
                client[0].close()
            client[:] = [self.socket(), 0]
            client[0].connect(self.server)
            self.selector.register(client[0], selectors.EVENT_READ)
            self.addresses[client[0]] = address
        self.take(packet, ("server", address))

    def send_due(self):
        while self.waiting and self.waiting[0][0] <= time.monotonic():
            packet, way = heapq.heappop(self.waiting)[2:]
            try:
                if way[0] == "server":
                    self.clients[way[1]][0].send(packet)
                else:
                    self.front.sendto(packet, way)
            except OSError:
                pass  # Nobody is there, or there is no room: it is lost.

    def run(self):
        while True:
            wait = self.waiting[0][0] - time.monotonic() if self.waiting else 1
            for key, _ in self.selector.select(max(wait, 0)):
                for _ in range(64):
                    try:
                        packet, address = key.fileobj.recvfrom(2048)
                    except OSError:
                        break
                    if not packet:
                        continue
                    if key.fileobj is self.front:
                        self.from_client(packet, address)
                    elif key.fileobj in self.addresses:
                        self.take(packet, self.addresses[key.fileobj])
            self.send_due()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    given = parser.parse_args()
    link = Link(given.port, given.seed)

    def end(*_):
        print(" ".join(f"{name}={count}" for name, count in link.counts.items()), flush=True)
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    print(f"port={link.front.getsockname()[1]} seed={given.seed}", flush=True)
    link.run()


main()
