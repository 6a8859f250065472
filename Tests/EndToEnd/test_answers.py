"""What an app or an agent may send in place of one answer: a client gets one answer or a clean end,
never two, never somebody else's bytes, and no connection to the app is used again behind a lie."""

import contextlib
import threading

import h11
import pytest

from harness import http2
from harness.answers import BROKEN, CASES, HEAD, OLD, POST, REFUSED, UPGRADE, LyingAgent, LyingApp
from harness.process import wait_until
from harness.apps import RawApp, answer_bytes
from harness.wire import Reader, ask, dial, read_answer, request_bytes

OUTSIDE = pytest.mark.parametrize("outside", [LyingApp, LyingAgent])


class Client:
    """A connection whose answers h11 reads, the strictest client there is."""

    def __init__(self, port, host):
        self.host = host
        self.sock = dial(port)
        self.http = h11.Connection(h11.CLIENT)

    def ask(self, target, kind="GET"):
        """Status, fields, body and how it ended: None is whole, BROKEN a fault or an early end."""
        method, fields, rest = kind.split("/")[0], [("Host", self.host)], b""
        if kind == UPGRADE:
            method, fields = "GET", fields + [("Connection", "Upgrade"), ("Upgrade", "websocket")]
        if kind == POST:
            # The rest of the body never comes.
            fields, rest = fields + [("Content-Length", "100000")], b"half"
        version = "1.0" if kind == OLD else "1.1"
        lines = [f"{method} {target} HTTP/{version}"] + [f"{key}: {value}" for key, value in fields]
        self.sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + rest)
        self.http.send(h11.Request(method=method, target=target, headers=fields))
        self.http.send(h11.Data(rest) if rest else h11.EndOfMessage())
        return self.read()

    def read(self):
        head, body = None, b""
        while True:
            try:
                event = self.http.next_event()
            except h11.RemoteProtocolError:
                return head and head.status_code, head and dict(head.headers), body, BROKEN
            if event is h11.NEED_DATA:
                try:
                    self.http.receive_data(self.sock.recv(65_536))
                except ConnectionResetError:
                    return head and head.status_code, None, body, BROKEN
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return head.status_code, dict(head.headers), body, None
            elif isinstance(event, h11.ConnectionClosed):
                return None, None, b"", BROKEN

    def goes_on(self):
        if self.http.our_state is h11.DONE and self.http.their_state is h11.DONE:
            self.http.start_next_cycle()
            return True
        return False

    def nothing_more(self):
        """Whether the connection's end comes, and no byte before it."""
        with contextlib.suppress(ConnectionResetError):
            return self.http.trailing_data[0] == b"" and self.sock.recv(1) == b""
        return True


def fault_of(port, host, number):
    """What is wrong with what a client gets for a case and after it, or None."""
    name, verdict, _, kind = CASES[number]
    client = Client(port, host)
    with client.sock:
        status, fields, body, end = client.ask(f"/case/{number}", kind)
        if b"POISON" in body:
            return f"{name}: poison in {body[:80]!r}"
        refused = status == 502 and end is None and fields.get(
            b"tunnel-error") == b"upstream-invalid"
        if verdict == REFUSED and not refused:
            return f"{name}: {status} {end} {body[:80]!r}, not refused"
        # An answer that broke off before its head had left is refused.
        if verdict == BROKEN and not (refused or (end == BROKEN and status in (None, 200))):
            return f"{name}: {status} {end} {body[:80]!r}, not broken"
        if isinstance(verdict, bytes) and (end, body) != (None, verdict):
            return f"{name}: {status} {end} {body[:80]!r}, not {verdict!r}"
        if client.goes_on():
            target = f"/good/{number}"
            status, _, body, end = client.ask(target)
            if (status, body, end) != (200, target.encode(), None):
                return f"{name}: then {status} {end} {body[:80]!r}"
        elif not client.nothing_more():
            return f"{name}: more bytes behind it"
    return None


@OUTSIDE
def test_every_lie_is_one_answer_or_a_clean_end(serve, keep, relay, token, domain, outside, full):
    if outside is LyingApp:
        app = keep(LyingApp())
        serve(app.port)
    else:
        agent = keep(LyingAgent(relay, token, domain))
    faults, over = [], threading.Event()

    def bystander(number):
        """Somebody else's requests to the same app, on connections that live on."""
        with dial(relay.port) as sock:
            reader, count = Reader(sock), 0
            while not over.is_set():
                target = f"/other/{number}/{count}"
                sock.sendall(request_bytes(domain, target))
                answer = read_answer(reader, b"GET")
                if (answer.status, answer.body) != (200, target.encode()):
                    faults.append(f"{target} got {answer}")
                count += 1

    def cases(numbers):
        for number in numbers:
            try:
                fault = fault_of(relay.port, domain, number)
            except Exception as error:  # what failed is part of the verdict
                fault = f"{CASES[number][0]}: {error!r}"
            if fault:
                faults.append(fault)

    rounds = 20 if full else 1
    numbers = list(range(len(CASES))) * rounds
    workers = [threading.Thread(target=cases, args=(numbers[first::8],)) for first in range(8)]
    others = [threading.Thread(target=bystander, args=(number,)) for number in range(2)]
    for thread in others + workers:
        thread.start()
    for thread in workers:
        thread.join()
    over.set()
    for thread in others:
        thread.join()
    print(f"{len(numbers)} answers of {len(CASES)} kinds from {outside.__name__}, "
          f"{len(faults)} not as they must be")
    assert not faults, faults[:20]
    if outside is LyingApp:
        assert app.again == [], "a connection was used again behind a lie"
    else:
        assert agent.is_alive(), "its session ended"
    assert ask(relay.port, domain, "/last").body == b"/last"


@OUTSIDE
def test_over_http2_every_lie_is_one_answer_or_a_reset(serve, keep, relay, token, domain, outside):
    """Of one stream: the others of its connection go on."""
    if outside is LyingApp:
        serve(keep(LyingApp()).port)
    else:
        keep(LyingAgent(relay, token, domain))
    client = keep(http2.Client(relay.port))
    faults = []
    for number, (name, verdict, _, kind) in enumerate(CASES):
        if kind in (OLD, UPGRADE):
            continue
        method = kind.split("/")[0]
        fields = [("content-length", "100000")] if kind == POST else []
        path = f"/case/{number}"
        stream = client.send(client.head(domain, path, method, fields), end=kind != POST)
        if kind == POST:
            client.data(stream, b"half")
        got = client.answer(stream)
        refused = (got.status, got.get("tunnel-error")) == (502, "upstream-invalid") and got.ended
        right = {REFUSED: refused, BROKEN: refused or (got.reset is not None and not got.ended)}.get(
            verdict, got.ended and got.body == verdict)
        if not right or b"POISON" in got.body:
            faults.append(f"{name}: {got}")
        good = client.ask(domain, f"/good/{number}")
        if (good.status, good.body) != (200, f"/good/{number}".encode()):
            faults.append(f"{name}: then {good}")
    assert not faults, faults[:10]


def test_an_answer_that_nobody_asked_for_reaches_nobody(serve, keep, relay, domain):
    """On a connection that rests, and on one that is new."""
    rests, gone = threading.Event(), threading.Event()

    def handler(request, sock, reader):
        sock.sendall(answer_bytes(body=request.target))
        if request.target == b"/late":
            rests.wait(20)
            sock.sendall(answer_bytes(body=b"POISON"))
            while sock.recv(1_000):
                pass
            gone.set()

    app = keep(RawApp(handler))
    serve(app.port)
    with dial(relay.port) as sock:
        reader = Reader(sock)
        sock.sendall(request_bytes(domain, "/late"))
        assert read_answer(reader, b"GET").body == b"/late"
        rests.set()
        assert gone.wait(20), "the connection that said more than it was asked was kept"
        for number in range(3):
            sock.sendall(request_bytes(domain, f"/{number}"))
            assert read_answer(reader, b"GET").body == f"/{number}".encode()
    wait_until("the end of all", lambda: not reader.buffer)


def test_the_head_of_an_answer_to_head_is_all_there_is():
    assert HEAD in {kind for *_, kind in CASES}
    assert len(CASES) >= 160
