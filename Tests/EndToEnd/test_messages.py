"""What HTTP/1.1 lets a message be, through both binaries: interim answers, trailers, HEAD,
pipelines, long connections, answers that come early, sides that go in the middle, HTTP/1.0."""

import contextlib
import socket
import struct
import threading
import time

import pytest

from harness.apps import RawApp, answer_bytes
from harness.process import wait_until
from harness.wire import (Closed, Reader, ask, dial, is_chunked, read_answer, read_head,
                          request_bytes)

MIB = 1 << 20


def chunks(*pieces, trailers=()):
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return body + b"0\r\n" + b"".join(line + b"\r\n" for line in trailers) + b"\r\n"


def ends(reader):
    """Whether the connection's end comes, and no byte before it."""
    with contextlib.suppress(ConnectionResetError):
        return reader.at_end()
    return True


# Interim answers.


def test_interim_answers_pass_in_order_and_the_body_waits_for_100(serve, keep, relay, domain):
    def handler(request, sock, reader):
        sock.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = reader.exactly(4)
        sock.sendall(b"HTTP/1.1 102 Processing\r\n\r\n" + answer_bytes(body=body))

    serve(keep(RawApp(handler, whole=False)).port)
    with dial(relay.port) as sock:
        reader = Reader(sock)
        sock.sendall(request_bytes(domain, "/", "POST", [
            ("Expect", "100-continue"), ("Content-Length", "4")]))
        hints, go_on = read_head(reader), read_head(reader)
        assert (hints.status, hints.get("Link")) == (103, "</a.css>; rel=preload")
        assert go_on.status == 100
        sock.sendall(b"body")
        answer = read_answer(reader, b"POST")
        assert [one.status for one in answer.interim] == [102] and answer.body == b"body"


def test_an_expectation_that_the_app_declines_ends_the_connection(serve, keep, relay, domain):
    """The client may go on with the body or with another request: nobody could tell which."""
    app = keep(RawApp(lambda request, sock, reader: (
        sock.sendall(answer_bytes(417, "Expectation Failed")), False)[1], whole=False))
    serve(app.port)
    with dial(relay.port) as sock:
        reader = Reader(sock)
        sock.sendall(request_bytes(domain, "/", "POST", [
            ("Expect", "100-continue"), ("Content-Length", "40")]))
        answer = read_answer(reader, b"POST")
        assert answer.status == 417 and answer.get("Connection") == "close"
        sock.sendall(request_bytes(domain, "/smuggled"))
        assert ends(reader)
    assert [request.target for request in app.requests] == [b"/"]


# Trailers.


def test_trailers_pass_both_ways(serve, keep, relay, domain):
    def handler(request, sock, reader):
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                     + chunks(b"one", b"two", trailers=[b"X-Sum: 6", b"x-sum:\t7 "]))

    app = keep(RawApp(handler))
    serve(app.port)
    with dial(relay.port) as sock:
        sock.sendall(request_bytes(domain, "/", "POST", [
            ("Transfer-Encoding", "chunked"), ("TE", "trailers"), ("Connection", "TE")])
            + chunks(b"abc", b"d" * 70_000, trailers=[b"Server-Timing: db;dur=5", b"ETag: \"a\""]))
        answer = read_answer(Reader(sock), b"POST")
    assert answer.body == b"onetwo" and answer.trailers == [b"X-Sum: 6", b"x-sum:\t7 "]
    assert app.requests[0].body == b"abc" + b"d" * 70_000
    assert app.requests[0].trailers == [b"Server-Timing: db;dur=5", b"ETag: \"a\""]
    assert app.requests[0].get("TE") == "trailers" and answer.get("Trailer") == "X-Sum"


# HEAD.


@pytest.mark.parametrize("fields", [
    b"Content-Length: 100\r\n", b"Transfer-Encoding: chunked\r\n", b"", b"Content-Length: 0\r\n"])
def test_an_answer_to_head_has_its_fields_and_no_body(serve, keep, relay, domain, fields):
    def handler(request, sock, reader):
        head = request.method == b"HEAD"
        sock.sendall(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n" if head else answer_bytes())

    app = keep(RawApp(handler))
    serve(app.port)
    with dial(relay.port) as sock:
        reader = Reader(sock)
        for _ in range(3):
            sock.sendall(request_bytes(domain, "/", "HEAD") + request_bytes(domain, "/next"))
            head = read_answer(reader, b"HEAD")
            assert b"".join(line + b"\r\n" for line in head.lines) == fields
            assert read_answer(reader, b"GET").body == b"ok"


@pytest.mark.parametrize("status, fields", [
    (204, []), (304, [("Content-Length", "100")]), (304, []), (204, [("X-Thing", "1")])])
def test_answers_without_a_body_leave_the_connection_open(
        serve, keep, relay, domain, status, fields):
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    app = keep(RawApp(lambda request, sock, reader: sock.sendall(
        f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode())))
    serve(app.port)
    with dial(relay.port) as sock:
        reader = Reader(sock)
        for _ in range(3):
            sock.sendall(request_bytes(domain))
            answer = read_answer(reader, b"GET")
            assert answer.status == status and len(answer.lines) == len(fields)


# Pipelines, and long connections.


def echo(request, sock, reader):
    """Answers with the request's target and body, framed one way or the other."""
    body = request.target + b" " + request.body
    if request.method == b"HEAD":
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
    elif len(request.target) % 2:
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(body))
    else:
        sock.sendall(answer_bytes(body=body))


def mixed(domain, number):
    """One of five kinds of request: its bytes, its method and the body of its answer."""
    target, data = f"/{number}", b"%d" % number * (number % 50)
    method, fields, body = [
        ("GET", [], b""), ("POST", [("Content-Length", str(len(data)))], data), ("HEAD", [], b""),
        ("PUT", [("Transfer-Encoding", "chunked")], chunks(data) if data else chunks()),
        ("DELETE", [("X-Thing", "y" * (number % 3_000))], b"")][number % 5]
    whole = data if method in ("POST", "PUT") else b""
    answer = b"" if method == "HEAD" else target.encode() + b" " + whole
    return request_bytes(domain, target, method, fields) + body, method.encode(), answer


@pytest.mark.parametrize("piece", [1 << 20, 1_000, 7])
def test_a_pipeline_of_all_kinds_is_answered_in_order(serve, keep, relay, domain, piece):
    serve(keep(RawApp(echo)).port)
    requests = [mixed(domain, number) for number in range(30 if piece == 7 else 200)]
    sent = b"".join(raw for raw, _, _ in requests)

    def send(sock):
        for start in range(0, len(sent), piece):
            sock.sendall(sent[start:start + piece])

    with dial(relay.port) as sock:
        sender = threading.Thread(target=send, args=(sock,))
        sender.start()
        reader = Reader(sock)
        for number, (_, method, body) in enumerate(requests):
            assert (number, read_answer(reader, method).body) == (number, body)
        sender.join()


def test_thousands_of_requests_on_one_connection(serve, keep, relay, domain):
    app = keep(RawApp(echo))
    serve(app.port)
    ask(relay.port, domain, "/first")
    with dial(relay.port) as sock:
        reader = Reader(sock)
        for number in range(5_000):
            raw, method, body = mixed(domain, number)
            sock.sendall(raw)
            assert read_answer(reader, method).body == body
    assert len(app.requests) == 5_001


# Early answers.


@pytest.mark.parametrize("size", [100_000, 5 * MIB, 20 * MIB])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_refusal_during_an_upload_reaches_the_client(serve, keep, relay, domain, size, chunked):
    """The app answers 413 and closes with the rest unread, as most do: its TCP resets."""
    refusal = answer_bytes(413, "Content Too Large", body=b"too large")
    app = keep(RawApp(lambda request, sock, reader: (sock.sendall(refusal), False)[1], whole=False))
    serve(app.port)
    fields = [("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(size))]
    body = chunks(*[b"x" * 65_536] * (size // 65_536)) if chunked else b"x" * size
    for _ in range(5):
        with dial(relay.port) as sock:
            sender = threading.Thread(target=attempt, args=(sock, request_bytes(
                domain, "/up", "POST", fields) + body))
            sender.start()
            answer = read_answer(Reader(sock), b"POST")
            assert (answer.status, answer.body) == (413, b"too large")
            # A small one may be whole at the relay by then.
            assert answer.get("Connection") == "close" or size < MIB
            sender.join()


def attempt(sock, data):
    with contextlib.suppress(OSError):
        sock.sendall(data)


def test_an_answer_that_begins_during_the_upload_goes_on_beside_it(serve, keep, relay, domain):
    """An echo: each piece comes back before the next is sent."""
    def handler(request, sock, reader):
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(20):
            piece = reader.exactly(1_000)
            sock.sendall(b"3e8\r\n" + piece + b"\r\n")
        sock.sendall(b"0\r\n\r\n")

    serve(keep(RawApp(handler, whole=False)).port)
    with dial(relay.port) as sock:
        reader = Reader(sock)
        sock.sendall(request_bytes(domain, "/", "POST", [("Content-Length", "20000")]))
        assert is_chunked(read_head(reader))
        for number in range(20):
            piece = bytes([65 + number]) * 1_000
            sock.sendall(piece)
            assert reader.line() == b"3e8" and reader.exactly(1_002) == piece + b"\r\n"
        assert reader.line() == b"0"


# Sides that go in the middle.


def watched(begin):
    """An app whose handler runs `begin` and then waits for its connection's end: when that came."""
    gone = []

    def handler(request, sock, reader):
        if request.target != b"/watched":
            return sock.sendall(answer_bytes())
        begin(sock)
        sock.settimeout(20)
        with contextlib.suppress(OSError):
            while sock.recv(65_536):
                pass
        gone.append(time.monotonic())
        return False

    return RawApp(handler, whole=False), gone


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@pytest.mark.parametrize("leave", [reset, socket.socket.close], ids=["reset", "close"])
@pytest.mark.parametrize("where", ["body", "chunk", "answer"])
def test_the_app_is_told_when_the_client_goes(serve, keep, relay, domain, where, leave):
    def begin(sock):
        if where == "answer":
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nhalf")

    app, gone = watched(begin)
    keep(app)
    serve(app.port)
    sock = dial(relay.port)
    sock.sendall({
        "body": request_bytes(domain, "/watched", "POST", [("Content-Length", "100")]) + b"half",
        "chunk": request_bytes(domain, "/watched", "POST", [("Transfer-Encoding", "chunked")])
        + b"4\r\nhalf\r\n",
        "answer": request_bytes(domain, "/watched")}[where])
    wait_until("the request at the app", lambda: app.requests)
    if where == "answer":
        Reader(sock).exactly(10)
        leave = reset  # its plain end would be that of a half, and the answer still wanted
    leave(sock)
    went = time.monotonic()
    wait_until("the end at the app", lambda: gone)
    print(f"{where}: the app was told after {gone[0] - went:.3f} s")
    assert ask(relay.port, domain).status == 200


def test_a_stream_of_events_ends_at_the_app_when_its_reader_goes(serve, keep, relay, domain):
    """By `close` alone: the next event finds nobody."""
    ended = threading.Event()

    def handler(request, sock, reader):
        try:
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
            while True:
                sock.sendall(b"data: x\n\n")
                if ended.wait(0.02):  # the pace of the events
                    return False
        except OSError:
            ended.set()
            return False

    serve(keep(RawApp(handler)).port)
    with dial(relay.port) as sock:
        sock.sendall(request_bytes(domain))
        Reader(sock).exactly(100)
    assert ended.wait(20)


def test_a_half_that_the_client_ends_is_no_end_of_the_answer(serve, keep, relay, domain):
    go_on = threading.Event()

    def handler(request, sock, reader):
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
        assert go_on.wait(20)
        sock.sendall(b"later")

    serve(keep(RawApp(handler)).port)
    with dial(relay.port) as sock:
        reader = Reader(sock)
        sock.sendall(request_bytes(domain))
        sock.shutdown(socket.SHUT_WR)
        read_head(reader)
        assert reader.exactly(5) == b"first"
        go_on.set()
        assert reader.rest() == b"later"


def test_a_half_that_the_app_ends_is_the_end_of_its_answer_alone(serve, keep, relay, domain):
    """It says all it has, ends its half, and reads on: the upload goes on to its end."""
    read = []

    def handler(request, sock, reader):
        sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall")
        sock.shutdown(socket.SHUT_WR)
        with contextlib.suppress(Closed):
            read.append(reader.exactly(int(request.get("Content-Length") or 0)))
        return False

    serve(keep(RawApp(handler, whole=False)).port)
    with dial(relay.port) as sock:
        sock.sendall(request_bytes(domain, "/", "POST", body=b"x" * 100))
        answer = read_answer(Reader(sock), b"POST")
    assert (answer.status, answer.body) == (200, b"all")
    assert read == [b"x" * 100]


# HTTP/1.0.


@pytest.mark.parametrize("fields", [[], [("Connection", "keep-alive")], [("Keep-Alive", "300")]])
@pytest.mark.parametrize("framing", ["length", "close", "chunks"])
def test_http_1_0_gets_one_answer_on_its_connection(serve, keep, relay, domain, fields, framing):
    def handler(request, sock, reader):
        if framing == "length":
            sock.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n" + answer_bytes(body=b"old"))
        elif framing == "chunks":
            # Against the rules, and Werkzeug's habit: nobody asked for it who could read it.
            sock.sendall(b"HTTP/1.1 200 OK\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n"
                         + chunks(b"o", b"ld", trailers=[b"X-T: 1"]))
        else:
            sock.sendall(b"HTTP/1.0 200 OK\r\n\r\nold")
        return framing != "close"

    app = keep(RawApp(handler))
    serve(app.port)
    with dial(relay.port) as sock:
        reader = Reader(sock)
        raw = request_bytes(domain, "/", fields=fields).replace(b"HTTP/1.1", b"HTTP/1.0")
        sock.sendall(raw + raw.replace(b"GET / ", b"GET /second "))
        answer = read_answer(reader, b"GET")
        assert answer.status == 200 and answer.body == b"old" and answer.interim == []
        assert answer.get("Connection") == "close" and not is_chunked(answer)
        assert answer.get("Trailer") is None
        assert ends(reader)
    assert [request.target for request in app.requests] == [b"/"]
    assert app.requests[0].start.endswith(b"HTTP/1.0")
    assert app.requests[0].all("Connection") == []


def test_http_1_0_without_host_is_for_nobody(relay):
    with dial(relay.port) as sock:
        sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert Reader(sock).rest().startswith(b"HTTP/1.1 400 ")


def test_a_large_chunked_answer_passes_to_http_1_0_as_its_data(serve, keep, relay, domain):
    body = bytes(range(256)) * 20_000

    def handler(request, sock, reader):
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                     + chunks(*[body[at:at + 7_777] for at in range(0, len(body), 7_777)]))

    serve(keep(RawApp(handler)).port)
    with dial(relay.port) as sock:
        sock.sendall(request_bytes(domain).replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert read_answer(Reader(sock), b"GET").body == body
