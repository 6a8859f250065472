"""What a hostile agent does on its link, and what the relay's log says of it."""

import contextlib
import random
import struct
import threading
import time

from .frames import CONTROL, DATA, END, PING, RawLink, frame, hello, opened
from .wire import Reader, dial, read_answer, request_bytes


def log_of(relay, pattern, after=0, deadline=20.0):
    return relay.child.wait_line(pattern, "err", deadline, after)


def noise(link):
    link.send(random.Random(8).randbytes(64 << 10))


def wrong_version(link):
    link.send(hello(9, 9))


def endless_length(link):
    link.send(hello() + struct.pack(">BBIQ", CONTROL, 0, 0xFFFF_FFFF, 0))


def foreign_stream(link):
    link.send(hello() + frame(DATA, 77, b"x"))


def million_opens(link):
    link.send(hello())
    with contextlib.suppress(OSError):
        for first in range(1, 1_000_001, 1_000):
            link.send(b"".join(opened(2 * n) + frame(DATA, 2 * n, flags=END)
                               for n in range(first, first + 1_000)))


def opens_at_once(link):
    link.send(hello() + b"".join(opened(2 * n) for n in range(1, 34)))


def controls(link):
    link.send(hello() + frame(CONTROL, payload=b"\x00\x0d") * 501)


def pings(link):
    with contextlib.suppress(OSError):
        link.send(hello())
        for _ in range(50):
            link.send(frame(PING, payload=bytes(8)) * 1_000)


def nothings(link):
    with contextlib.suppress(OSError):
        link.send(hello() + frame(0x41, payload=b"nothing") * 2_000)


OFFENCES = [
    (noise, "protocol-fault"), (wrong_version, "protocol-fault"),
    (endless_length, "protocol-fault"), (foreign_stream, "protocol-fault"),
    (million_opens, "limit"), (opens_at_once, "limit"), (controls, "limit"), (pings, "limit"),
    (nothings, "limit"),
]


def offend(relay, token, offence):
    """Does it on a link of its own; answers the log's code and how long that took from the start."""
    before = relay.child.count("err")
    link = RawLink(relay.port, token, silent=True)
    try:
        began = time.monotonic()
        doing = threading.Thread(target=offence, args=(link,), daemon=True)
        doing.start()
        code = log_of(relay, r"code=([\w-]+) .*session ended", before)[1]
        took = time.monotonic() - began
        doing.join(20)
        assert not doing.is_alive(), "the link still takes what is sent"
        return code, took
    finally:
        link.stop()


class Uploads:
    """Requests whose agent takes nothing of them: more than the kernel keeps."""

    def __init__(self, relay, domain, count=128):
        self.socks = []
        for _ in range(count):
            sock = dial(relay.port)
            sock.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                sock.send(request_bytes(domain, method="POST", body=b"x" * 100_000))
            self.socks.append(sock)

    def answers(self):
        """The codes of those that were answered."""
        found = []
        for sock in self.socks:
            sock.settimeout(20)
            found.append(read_answer(Reader(sock), b"POST").get("Tunnel-Error"))
        return found

    def stop(self):
        for sock in self.socks:
            sock.close()
