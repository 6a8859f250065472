"""WebSocket and server-sent events pass as bytes, both ways, for as long as they last."""

import os
import subprocess
import time
from contextlib import ExitStack

import pytest
from websockets.exceptions import ConnectionClosedOK, InvalidStatus
from websockets.sync.client import connect

from harness.wire import dial


@pytest.fixture
def socket_to(relay, domain):
    """Opens a WebSocket to the domain through the relay."""
    return lambda path, **options: connect(
        f"ws://{domain}{path}", sock=dial(relay.port), max_size=None, proxy=None, **options)


def test_text_binary_large_and_fragmented_messages_are_echoed(serve, example, socket_to):
    serve(example().port)
    with socket_to("/ws") as ws:
        for message in ("hello", "Zoë \U0001f600", b"", b"\x00\xff" * 50, os.urandom(1 << 20)):
            ws.send(message)
            assert ws.recv(timeout=20) == message
        ws.send(["in ", "three ", "parts"])
        assert ws.recv(timeout=20) == "in three parts"
        ws.send([os.urandom(70_000), b"tail"])
        assert ws.recv(timeout=20).endswith(b"tail")
        assert ws.ping().wait(20)


def test_the_caller_closes(serve, example, socket_to):
    agent = serve(example().port)
    with socket_to("/ws") as ws:
        ws.close(1000, "bye")
    assert ws.close_code == 1000
    agent.wait_event("request", path="/ws", status=101)


def test_the_app_closes(serve, example, socket_to):
    serve(example().port)
    with socket_to("/ws") as ws:
        ws.send("close please")
        with pytest.raises(ConnectionClosedOK):
            ws.recv(timeout=20)


def test_many_sockets_stay_apart(serve, example, socket_to):
    serve(example().port)
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket_to("/ws")) for _ in range(20)]
        for number, ws in enumerate(sockets):
            ws.send(f"I am {number}")
        for number, ws in enumerate(sockets):
            assert ws.recv(timeout=20) == f"I am {number}"


@pytest.mark.timeout(150)
def test_an_idle_socket_lives_on(serve, example, socket_to, full):
    if not full:
        pytest.skip("60 s of silence: `./dev show websocket`")
    serve(example().port)
    with socket_to("/ws", ping_interval=None) as ws:
        with pytest.raises(TimeoutError):
            ws.recv(timeout=61)
        ws.send("still here")
        assert ws.recv(timeout=20) == "still here"


def test_an_upgrade_that_the_app_refuses_is_its_answer(serve, example, socket_to):
    serve(example().port)
    with pytest.raises(InvalidStatus) as refused, socket_to("/nowhere"):
        pass
    assert refused.value.response.status_code == 404


def test_event_lines_leave_while_the_answer_goes_on(serve, example, relay, domain, full):
    serve(example().port)
    curl = subprocess.Popen(
        ["curl", "-sN", "--noproxy", "*", "-H", f"Host: {domain}",
         f"http://127.0.0.1:{relay.port}/events?ms=100"], stdout=subprocess.PIPE)
    late = []
    try:
        for line in iter(curl.stdout.readline, b""):
            if line.startswith(b"data: "):
                late.append(time.time() * 1000 - int(line[6:]))
            if len(late) == (100 if full else 10):
                break
        assert curl.poll() is None
    finally:
        curl.kill()
        curl.wait()
    assert len(late) == (100 if full else 10)
    print(f"SSE lines came after {max(late):.1f} ms at most, median {sorted(late)[len(late)//2]:.1f}")
    if full:
        assert max(late) < 20
