"""The link's frames as another make of agent writes them, right or wrong (docs/protocol.md)."""

import socket
import struct

from .wire import Closed, Reader, read_answer

HELLO, OPEN, DATA, COMMIT, WINDOW, STOP, RESET, PING, PONG, GOAWAY, CONTROL = range(1, 12)
END = 1


def fields(*pairs):
    return b"".join(struct.pack(">HH", key, len(value)) + value for key, value in pairs)


def read_fields(payload):
    found = {}
    while payload:
        key, length = struct.unpack(">HH", payload[:4])
        found[key] = payload[4:4 + length]
        payload = payload[4 + length:]
    return found


def frame(kind, stream=0, payload=b"", flags=0):
    return struct.pack(">BBIQ", kind, flags, len(payload), stream) + payload


def hello(oldest=1, newest=1, install=b"\x01" * 16, instance=b"\x02" * 16):
    return frame(HELLO, payload=fields(
        (0, struct.pack(">HH", oldest, newest)), (2, bytes(8)), (4, struct.pack(">I", 4096)),
        (6, install), (8, instance), (10, bytes(2)), (12, bytes(8)), (16, b"python")))


def serve(domain, held=0):
    return frame(CONTROL, payload=struct.pack(">H", 0) + fields(
        (0, struct.pack(">I", 1)), (2, domain.encode()), (6, struct.pack(">Q", held))))


def opened(stream):
    """A stream that the agent opens, to the relay's API."""
    return frame(OPEN, stream, fields((4, b"\x03"), (6, b"\x00")))


class RawLink:
    """An agent's link on a plain socket. `window` bytes of receive buffer make one that is soon
    full."""

    def __init__(self, port, token, window=None, **said):
        self.sock = socket.socket()
        if window:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.sock.settimeout(20)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = Reader(self.sock)
        self.send((f"GET /_tunnel/connect HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
                   f"Upgrade: tunnel/1\r\nAuthorization: Bearer {token}\r\n\r\n").encode())
        answer = read_answer(self.reader, b"GET")
        assert answer.status == 101, answer
        self.send(b"" if said.get("silent") else hello(**said))

    def send(self, data):
        self.sock.sendall(data)

    def next(self, *wanted):
        """The next frame of these kinds: kind, stream, flags, payload. Pings are answered."""
        while True:
            kind, flags, length, stream = struct.unpack(">BBIQ", self.reader.exactly(14))
            payload = self.reader.exactly(length)
            if kind == PING:
                self.send(frame(PONG, payload=payload))
            if kind in wanted:
                return kind, stream, flags, payload

    def serve(self, domain, held=0):
        """The relay's answer: the kind of CONTROL and its fields."""
        self.send(serve(domain, held))
        while True:
            payload = self.next(CONTROL)[3]
            kind = struct.unpack(">H", payload[:2])[0]
            if kind in (2, 4, 8, 10):
                return kind, read_fields(payload[2:])

    def lives(self):
        """Whether a PING is answered."""
        self.send(frame(PING, payload=b"alive?!?"))
        return self.next(PONG)[3] == b"alive?!?"

    def until_end(self):
        """Reads to the end of the connection: GOAWAY's code and text, if one came."""
        said = None
        try:
            while True:
                found = read_fields(self.next(GOAWAY)[3])
                said = (struct.unpack(">H", found[0])[0], found.get(3, b"").decode())
        except (OSError, Closed):
            return said

    def stop(self):
        self.sock.close()
