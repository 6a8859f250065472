"""HTTP/2 over raw sockets: says whatever frames a test wants, right or wrong."""

import socket
import struct
from dataclasses import dataclass, field

import hpack

from .wire import DEADLINE, Closed, dial

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST, SETTINGS, _, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, END_HEADERS = 1, 4
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, CANCEL, CALM = 0, 1, 2, 8, 11


def frame(kind, stream=0, payload=b"", flags=0):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


@dataclass
class Answer:
    status: int = 0
    fields: list = field(default_factory=list)
    body: bytes = b""
    trailers: list = field(default_factory=list)
    interim: list = field(default_factory=list)
    ended: bool = False
    reset: int | None = None

    def get(self, name):
        return next((value for key, value in self.fields if key == name), None)


class Client:
    """One connection. With `wrap` it is TLS's: `wrap(sock)` answers the socket to speak on."""

    def __init__(self, port, host="127.0.0.1", wrap=None, settings=b"", window=1 << 24,
                 acknowledges=True):
        self.sock = dial(port, host)
        if wrap:
            self.sock = wrap(self.sock)
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.decoder.max_header_list_size = 1 << 20
        self.answers, self.streams = {}, -1
        self.goaway, self.acknowledges = None, acknowledges
        self.given = window > 65_535
        hello = PREFACE + frame(SETTINGS, 0, settings + struct.pack(">HI", 4, min(window, 2**31 - 1)))
        if self.given:
            hello += frame(WINDOW, 0, struct.pack(">I", window - 65_535))
        self.sock.sendall(hello)

    def stop(self):
        self.sock.close()

    # What is said

    def next_stream(self):
        self.streams += 2
        return self.streams

    def block(self, fields):
        return self.encoder.encode(fields, huffman=False)

    @staticmethod
    def head(host, path="/", method="GET", fields=(), scheme="http"):
        return [(":method", method), (":scheme", scheme), (":authority", host), (":path", path),
                *fields]

    def send(self, fields, end=True, stream=None):
        stream = stream or self.next_stream()
        self.answers[stream] = Answer()
        flags = END_HEADERS | (END_STREAM if end else 0)
        self.sock.sendall(frame(HEADERS, stream, self.block(fields), flags))
        return stream

    def data(self, stream, payload, end=False):
        """At once, whatever the window: for small bodies."""
        self.sock.sendall(frame(DATA, stream, payload, END_STREAM if end else 0))

    def ask(self, host, path="/", method="GET", fields=(), body=None, trailers=None):
        stream = self.send(self.head(host, path, method, fields),
                           end=body is None and trailers is None)
        if body is not None:
            self.data(stream, body, end=trailers is None)
        if trailers is not None:
            self.sock.sendall(frame(HEADERS, stream, self.block(trailers), END_HEADERS | END_STREAM))
        return self.answer(stream)

    # What is heard

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            piece = self.sock.recv(count - len(data))
            if not piece:
                raise Closed("the connection ended")
            data += piece
        return data

    def read(self):
        """One frame; takes its sense, and answers it."""
        head = self._exactly(9)
        count = int.from_bytes(head[:3], "big")
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        payload = self._exactly(count)
        answer = self.answers.get(stream)
        if kind == SETTINGS and not flags & 1:
            self.sock.sendall(frame(SETTINGS, 0, b"", 1))
        elif kind == PING and not flags & 1 and self.acknowledges:
            self.sock.sendall(frame(PING, 0, payload, 1))
        elif kind == GOAWAY:
            self.goaway = int.from_bytes(payload[4:8], "big")
        elif kind == RST and answer:
            answer.reset = int.from_bytes(payload, "big")
        elif kind == HEADERS:
            self._head(answer, self.decoder.decode(payload))
        elif kind == DATA and answer:
            answer.body += payload
            if self.given and payload:
                more = struct.pack(">I", len(payload))
                self.sock.sendall(frame(WINDOW, 0, more) + frame(WINDOW, stream, more))
        if answer and kind in (DATA, HEADERS) and flags & END_STREAM:
            answer.ended = True
        return kind, flags, stream, payload

    @staticmethod
    def _head(answer, fields):
        if answer is None:
            return
        status = dict(fields).get(":status")
        if status is None:
            answer.trailers = fields
        elif status.startswith("1"):
            answer.interim.append((int(status), fields[1:]))
        else:
            answer.status, answer.fields = int(status), fields[1:]

    def answer(self, stream):
        answer = self.answers[stream]
        while not answer.ended and answer.reset is None:
            self.read()
        return answer

    def until_closed(self):
        """Reads to the connection's end; answers the code of the GOAWAY, if one came."""
        try:
            while True:
                self.read()
        except (Closed, ConnectionError, BrokenPipeError):
            return self.goaway

    def flood(self, pieces):
        """Says all of it, reading nothing, until the relay has closed; answers how many went."""
        self.sock.settimeout(DEADLINE)
        sent = 0
        try:
            for piece in pieces:
                self.sock.sendall(piece)
                sent += 1
        except (ConnectionError, BrokenPipeError):
            pass
        return sent


def ended(sock):
    """The other side has closed for good: nothing can be said any more."""
    try:
        while sock.recv(65_536):
            pass
    except ConnectionError:
        return True
    except socket.timeout:
        return False
    return True
