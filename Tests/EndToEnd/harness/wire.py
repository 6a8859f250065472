"""HTTP/1.1 over raw sockets, so that bytes can be compared. It repairs and normalises nothing."""

import socket
from dataclasses import dataclass, field

DEADLINE = 30.0


class Closed(Exception):
    """The peer closed in the middle of something."""


class Reader:
    """Reads a socket by line, by count, or to its end."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = bytearray()

    def fill(self):
        data = self.sock.recv(262144)
        self.buffer += data
        return len(data) > 0

    def line(self):
        start = 0
        while (end := self.buffer.find(b"\r\n", start)) < 0:
            start = max(0, len(self.buffer) - 1)
            if not self.fill():
                raise Closed(f"in a line: {bytes(self.buffer[:200])!r}")
        taken = bytes(self.buffer[:end])
        del self.buffer[: end + 2]
        return taken

    def exactly(self, count):
        while len(self.buffer) < count:
            if not self.fill():
                raise Closed(f"{count - len(self.buffer)} bytes before the end")
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken

    def some(self):
        """What is there, at least a byte; empty at the end."""
        if not self.buffer and not self.fill():
            return b""
        taken = bytes(self.buffer)
        self.buffer.clear()
        return taken

    def rest(self):
        while self.fill():
            pass
        return self.exactly(len(self.buffer))

    def at_end(self):
        return not self.buffer and not self.fill()


@dataclass
class Message:
    """One message: `lines` are its field lines as bytes, in order, without CRLF."""

    start: bytes
    lines: list[bytes]
    body: bytes = b""
    trailers: list[bytes] = field(default_factory=list)
    interim: list["Message"] = field(default_factory=list)

    def all(self, name):
        wanted = name.lower().encode()
        pairs = (line.split(b":", 1) for line in self.lines)
        return [value.strip(b" \t").decode("latin-1") for key, value in pairs
                if key.lower() == wanted]

    def get(self, name):
        values = self.all(name)
        return values[0] if values else None

    @property
    def status(self):
        return int(self.start.split(b" ", 2)[1])

    @property
    def method(self):
        return self.start.split(b" ", 1)[0]

    @property
    def target(self):
        return self.start.split(b" ")[1]


def read_head(reader):
    start = reader.line()
    lines = []
    while line := reader.line():
        lines.append(line)
    return Message(start, lines)


def read_chunked(reader, message):
    pieces = []
    while (size := int(reader.line().split(b";")[0], 16)) > 0:
        pieces.append(reader.exactly(size))
        if reader.exactly(2) != b"\r\n":
            raise Closed("a chunk does not end in CRLF")
    while line := reader.line():
        message.trailers.append(line)
    message.body = b"".join(pieces)


def is_chunked(message):
    return "chunked" in (message.get("Transfer-Encoding") or "").lower()


def read_request(reader, on_expect=None):
    message = read_head(reader)
    if on_expect and (message.get("Expect") or "").lower() == "100-continue":
        on_expect()
    if is_chunked(message):
        read_chunked(reader, message)
    else:
        message.body = reader.exactly(int(message.get("Content-Length") or 0))
    return message


def read_answer(reader, method):
    interim = []
    while 100 <= (message := read_head(reader)).status < 200 and message.status != 101:
        interim.append(message)
    message.interim = interim
    if method == b"HEAD" or message.status in (101, 204, 304):
        return message
    if is_chunked(message):
        read_chunked(reader, message)
    elif (length := message.get("Content-Length")) is not None:
        message.body = reader.exactly(int(length))
    else:
        message.body = reader.rest()
    return message


def dial(port, host="127.0.0.1"):
    sock = socket.create_connection((host, port), DEADLINE)
    sock.settimeout(DEADLINE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def request_bytes(host, target="/", method="GET", fields=(), body=None):
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in fields]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")


def ask(port, host, target="/", method="GET", fields=(), body=None, at="127.0.0.1"):
    """One exchange on a connection of its own."""
    with dial(port, at) as sock:
        sock.sendall(request_bytes(host, target, method, fields, body))
        return read_answer(Reader(sock), method.encode())
