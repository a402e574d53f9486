"""A link on the way to a port of this machine, for link.mjs: node cannot choose the size of a socket's buffer.

usage: link.py PORT BUFFER

What the port sends is carried at a rate, in packets; BUFFER is the room on the way, in bytes. Standard output has the link's own
port. A line of standard input is the rate from now on, in bytes a second (0: free), and is answered with the bytes carried so
far. At the end of the input the link is gone.
"""

import socket
import sys
import threading
import time

PACKET = 1460


class Link:
    def __init__(self, port, buffer):
        self.port, self.buffer = port, buffer
        self.rate = self.carried = 0
        self.listener = socket.create_server(("127.0.0.1", 0))

    def accept(self):
        while True:
            viewer = self.listener.accept()[0]
            there = socket.socket()
            there.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.buffer)
            viewer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.buffer)
            there.connect(("127.0.0.1", self.port))
            for one in (there, viewer):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for work in (self.carry, self.carry_back):
                threading.Thread(target=work, args=(there, viewer), daemon=True).start()

    def carry(self, there, viewer):
        free_at = time.monotonic()
        with Both(there, viewer):
            # It reads no more at a time than it carries: what else waits is in the system, where it has its limits.
            while packet := there.recv(PACKET):
                now = time.monotonic()
                free_at = max(free_at, now - 0.005) + (len(packet) / self.rate if self.rate else 0)
                if free_at - now > 0.001:
                    time.sleep(free_at - now)
                viewer.sendall(packet)
                self.carried += len(packet)

    def carry_back(self, there, viewer):
        with Both(there, viewer):
            while part := viewer.recv(65536):
                there.sendall(part)


class Both:
    """The end of one way is the end of both, and a connection that breaks is not news."""

    def __init__(self, *sockets):
        self.sockets = sockets

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for one in self.sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        return kind is not None and issubclass(kind, OSError)


link = Link(int(sys.argv[1]), int(sys.argv[2]))
threading.Thread(target=link.accept, daemon=True).start()
print(link.listener.getsockname()[1], flush=True)
for line in sys.stdin:
    link.rate = int(line)
    print(link.carried, flush=True)
