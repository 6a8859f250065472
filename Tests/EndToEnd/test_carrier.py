"""A link inside a WebSocket, spoken by somebody else's WebSocket library."""

import struct
import threading

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from harness.frames import CONTROL, DATA, HELLO, OPEN, PING, PONG, frame, hello, serve
from harness.wire import ask, dial


class Frames:
    """The link's bytes out of messages whose borders mean nothing."""

    def __init__(self, ws):
        self.ws = ws
        self.bytes = b""

    def exactly(self, count):
        while len(self.bytes) < count:
            message = self.ws.recv(timeout=20)
            assert isinstance(message, bytes)
            self.bytes += message
        taken, self.bytes = self.bytes[:count], self.bytes[count:]
        return taken

    def next(self, wanted):
        """The next frame of that kind; pings are answered."""
        while True:
            kind, flags, length, stream = struct.unpack(">BBIQ", self.exactly(14))
            payload = self.exactly(length)
            if kind == PING:
                self.ws.send(frame(PONG, payload=payload))
            if kind == wanted:
                return stream, flags, payload


@pytest.fixture
def login(relay, token):
    def start(**options):
        headers = {"Authorization": f"Bearer {options.pop('token', token)}"}
        options.setdefault("subprotocols", ["tunnel.1"])
        return connect(
            f"ws://localhost:{relay.port}/_tunnel/connect", sock=dial(relay.port), proxy=None,
            additional_headers=headers, **options)

    return start


def test_an_exchange_through_a_websocket_of_another_make(login, relay, domain):
    with login() as ws:
        assert ws.subprotocol == "tunnel.1"
        # One frame in three messages, two frames in one, and a ping between.
        ws.send(hello()[:5])
        ws.send([hello()[5:9], hello()[9:]])
        ws.send(serve(domain))
        assert ws.ping().wait(20)
        link = Frames(ws)
        link.next(HELLO)
        _, _, serving = link.next(CONTROL)
        assert serving[:2] == b"\x00\x02"
        answers = []
        asking = threading.Thread(target=lambda: answers.append(ask(relay.port, domain, "/x")))
        asking.start()
        stream, _, _ = link.next(OPEN)
        _, flags, request = link.next(DATA)
        assert request.startswith(b"GET /x HTTP/1.1\r\n") and flags == 1
        ws.send(frame(DATA, stream, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", flags=1))
        asking.join(20)
        assert answers[0].status == 200 and answers[0].body == b"hello"


def test_a_fault_of_the_link_ends_the_websocket_with_a_close(login):
    with login() as ws:
        ws.send(hello() + frame(0x3F))
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                ws.recv(timeout=20)
        assert closed.value.rcvd.code == 1000


def test_text_ends_the_websocket_as_unacceptable(login):
    with login() as ws:
        ws.send("hello")
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                ws.recv(timeout=20)
        assert closed.value.rcvd.code == 1003


def test_strangers_and_faulty_handshakes_get_an_answer(login):
    for options, status, code in (
            ({"token": "tun_nobody"}, 401, "authtoken-refused"),
            ({"subprotocols": ["chat"]}, 400, "bad-request"),
            ({"subprotocols": None}, 400, "bad-request")):
        with pytest.raises(InvalidStatus) as refused, login(**options):
            pass
        assert refused.value.response.status_code == status
        assert refused.value.response.headers["Tunnel-Error"] == code
