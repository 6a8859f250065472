"""Clients that end their half early, say too much, or do not read; apps that answer early."""

import socket

import pytest

from harness.apps import RawApp, answer_bytes
from harness.wire import Reader, ask, dial

MIB = 1 << 20


def rest_after(port, request):
    """Everything that comes back for a request behind which the client ends its half."""
    with dial(port) as sock:
        sock.sendall(request)
        sock.shutdown(socket.SHUT_WR)
        return Reader(sock).rest()


@pytest.mark.parametrize("size", [0, 10, 100_000, 4 * MIB])
def test_a_whole_upload_is_answered_though_the_client_ended_its_half(serve, app, relay, domain, size):
    serve(app.port)
    head = f"POST /up HTTP/1.1\r\nHost: {domain}\r\nContent-Length: {size}\r\n\r\n".encode()
    answer = rest_after(relay.port, head + b"x" * size)
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.count(b"HTTP/1.1 ") == 1


def test_pipelined_requests_are_all_answered_though_the_client_ended_its_half(
        serve, app, relay, domain):
    serve(app.port)
    request = f"GET / HTTP/1.1\r\nHost: {domain}\r\n\r\n".encode()
    assert rest_after(relay.port, request * 5).count(b"HTTP/1.1 200 ") == 5


def test_half_a_request_is_no_request(serve, app, relay, domain):
    serve(app.port)
    head = f"POST / HTTP/1.1\r\nHost: {domain}\r\nContent-Length: 100\r\n\r\nhalf".encode()
    assert rest_after(relay.port, head) == b""


def test_a_refusal_of_a_large_upload_is_still_read(relay):
    with dial(relay.port) as sock:
        size = 20 * MIB
        sock.sendall(b"POST / HTTP/1.1\r\nHost: nope.example\r\n"
                     + f"Content-Length: {size}\r\n\r\n".encode() + b"x" * size)
        assert Reader(sock).rest().startswith(b"HTTP/1.1 404 ")


def test_refusals_that_nobody_reads_do_not_pile_up(relay):
    before = relay.child.resident()
    request = b"GET / HTTP/1.1\r\nHost: nope.example\r\n\r\n" * 1_000
    with dial(relay.port) as sock:
        sock.settimeout(2)
        with pytest.raises(TimeoutError):
            for _ in range(2_000):
                sock.sendall(request)
        assert relay.child.resident() - before < 32 * MIB


def test_early_answers_to_uploads_leave_nothing_behind(serve, keep, relay, domain):
    def refuse(request, sock, reader):
        sock.sendall(answer_bytes(401, "Unauthorized"))
        return False

    agent = serve(keep(RawApp(refuse, whole=False)).port)
    for _ in range(20):
        with dial(relay.port) as sock:
            size = 3 * MIB
            head = f"POST / HTTP/1.1\r\nHost: {domain}\r\nContent-Length: {size}\r\n\r\n"
            try:
                sock.sendall(head.encode() + b"x" * size)
            except OSError:
                pass
    assert ask(relay.port, domain).status == 401
    agent.process.terminate()
    # An open stream would hold it for the whole 3 s, and SIGTERM twice ends it with 130.
    assert agent.process.wait(2.5) == 0
