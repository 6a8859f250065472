"""SIGTERM at the relay, and requests that come while it is away: what is whole, and who waits."""

import signal
import threading

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from harness.apps import ExampleApp, RawApp, answer_bytes
from harness.process import wait_until
from harness.tunnel import Relay, agent
from harness.wire import Reader, ask, dial, read_answer, request_bytes


class Slow:
    """An app that takes as many milliseconds as the path says."""

    def __call__(self, request, sock, reader):
        threading.Event().wait(int(request.target[1:] or b"0") / 1000)
        sock.sendall(answer_bytes(body=b"whole"))


@pytest.fixture
def start(keep, home):
    """Starts a relay of its own, an app and an agent: relay, app, agent, domain."""

    def run(*flags, app=None):
        relay = keep(Relay(home))
        made = relay.account("ann")
        relay.start(*flags)
        app = app or keep(RawApp(Slow()))
        child = keep(agent(home, relay, made["authtoken"], app.port))
        return relay, app, child, child.wait_event("ready")["domain"]

    return run


def settings(home, text):
    path = home.folder / "relay.yml"
    path.write_text(text, encoding="utf-8")
    return "--config", path


def test_what_runs_is_finished_and_what_rests_is_closed_at_once(start):
    relay, app, _, domain = start()
    running = [dial(relay.port) for _ in range(12)]
    for number, sock in enumerate(running):
        sock.sendall(request_bytes(domain, f"/{800 + 100 * number}"))
    resting = dial(relay.port)
    resting.sendall(request_bytes(domain, "/0"))
    assert read_answer(reader := Reader(resting), b"GET").get("Connection") is None
    silent = dial(relay.port)
    wait_until("all requests at the app", lambda: len(app.requests) == len(running) + 1)
    relay.child.signal(signal.SIGTERM)
    assert reader.at_end() and Reader(silent).at_end()
    for sock in running:
        answer = read_answer(reader := Reader(sock), b"GET")
        assert (answer.status, answer.body, answer.get("Connection")) == (200, b"whole", "close")
        assert reader.at_end()
        sock.close()
    assert relay.child.wait() == 0
    resting.close()
    silent.close()


def test_a_long_answer_is_whole_however_slowly_it_is_read(start, keep):
    size = 8 << 20
    app = RawApp(lambda request, sock, reader: sock.sendall(answer_bytes(body=b"x" * size)))
    relay, app, _, domain = start(app=keep(app))
    with dial(relay.port) as sock:
        sock.sendall(request_bytes(domain))
        reader = Reader(sock)
        assert reader.line() == b"HTTP/1.1 200 OK"
        relay.child.signal(signal.SIGTERM)
        rest = reader.rest()
        assert rest.endswith(b"\r\n\r\n" + b"x" * size)
    assert relay.child.wait() == 0


def test_a_websocket_lives_until_the_drain_is_over(start, home, keep):
    app = keep(ExampleApp(home))
    relay, _, _, domain = start(*settings(home, "limits: {drain_ms: 1500}\n"), app=app)
    with connect(f"ws://{domain}/ws", sock=dial(relay.port), proxy=None) as ws:
        relay.child.signal(signal.SIGTERM)
        relay.child.wait_line("draining", stream="err")
        ws.send("still here")
        assert ws.recv(timeout=20) == "still here"
        with pytest.raises(ConnectionClosed):
            ws.recv(timeout=20)
    assert relay.child.wait() == 0


def test_a_second_sigterm_ends_it_at_once(start):
    relay, app, _, domain = start()
    with dial(relay.port) as sock:
        sock.sendall(request_bytes(domain, "/20000"))
        wait_until("the request at the app", lambda: app.requests)
        relay.child.signal(signal.SIGTERM)
        relay.child.wait_line("draining", stream="err")
        relay.child.signal(signal.SIGUSR2)
        relay.child.wait_line("the relay is draining.*signal ignored", stream="err")
        relay.child.signal(signal.SIGTERM)
        assert relay.child.wait(5) == 130


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_requests_wait_for_the_agent_of_a_relay_that_came_again(start, number):
    relay, app, child, domain = start()
    relay.child.signal(number)
    relay.child.wait()
    relay.start()
    # The agent needs a while to come back: nobody is refused meanwhile.
    socks = [dial(relay.port) for _ in range(5)]
    for sock in socks:
        sock.sendall(request_bytes(domain, "/0"))
    for sock in socks:
        assert read_answer(Reader(sock), b"GET").status == 200
        sock.close()
    child.wait_event("online")


def test_nobody_waits_for_an_agent_that_said_stop(start):
    relay, _, child, domain = start()
    child.signal(signal.SIGINT)
    assert child.wait() == 0
    wait_until("the domain to be offline",
               lambda: ask(relay.port, domain).get("Tunnel-Error") == "agent-offline")
    relay.child.signal(signal.SIGKILL)
    relay.child.wait()
    relay.start(*settings(relay.home, "limits: {agent_wait_ms: 600000}\n"))
    assert ask(relay.port, domain).get("Tunnel-Error") == "agent-offline"


def test_a_wait_in_vain_ends_with_a_503(start, home):
    relay, _, child, domain = start(*settings(home, "limits: {agent_wait_ms: 300}\n"))
    child.kill()
    # Before the relay has written down that it is lost, or behind it: both end the same way.
    relay.child.signal(signal.SIGKILL)
    relay.child.wait()
    relay.start(*settings(home, "limits: {agent_wait_ms: 300}\n"))
    answer = ask(relay.port, domain)
    assert (answer.status, answer.get("Retry-After")) == (503, "5")
    assert answer.get("Tunnel-Error") == "agent-offline"
