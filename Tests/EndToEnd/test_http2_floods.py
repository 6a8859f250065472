"""What a hostile HTTP/2 client can send for ever: each flood ends its own connection, the TCP
connection too, and costs the others nothing."""

import itertools
import struct
import threading
import time

import pytest
from harness import http2
from harness.apps import RawApp, answer_bytes
from harness.beside import Pulse
from harness.http2 import Client, frame
from harness.tunnel import Relay, agent
from harness.wire import ask

MIB = 1 << 20
WHOLE = http2.END_HEADERS | http2.END_STREAM


def forever(piece):
    """In batches, as a fast client would."""
    return lambda client, host: itertools.repeat(piece * 50)


def requests(client, host, fields=()):
    """HEADERS of one request after the other."""
    for stream in itertools.count(1, 2):
        yield stream, frame(http2.HEADERS, stream,
                            client.block(client.head(host, fields=fields)), WHOLE)


def rapid_resets(client, host):
    for stream, head in requests(client, host):
        yield head + frame(http2.RST, stream, struct.pack(">I", http2.CANCEL))


def stream_errors(client, host):
    """Each of them is a fault of its stream, so that the relay has to reset it."""
    for stream, head in requests(client, host):
        yield head + frame(http2.WINDOW, stream, b"\0\0\0\0")


def continuations(client, host):
    yield frame(http2.HEADERS, 1, client.block(client.head(host)))
    while True:
        yield frame(http2.CONTINUATION, 1, b"")


def full_continuations(client, host):
    yield frame(http2.HEADERS, 1, client.block(client.head(host)))
    while True:
        yield frame(http2.CONTINUATION, 1, client.block([("x-bomb", "x" * 8_000)]))


def empty_data(client, host):
    yield frame(http2.HEADERS, 1, client.block(client.head(host, "/", "POST")), http2.END_HEADERS)
    while True:
        yield frame(http2.DATA, 1) * 50


def padded_data(client, host):
    """A frame that is all padding: flow-controlled, and of no use."""
    yield frame(http2.HEADERS, 1, client.block(client.head(host, "/", "POST")), http2.END_HEADERS)
    while True:
        yield frame(http2.DATA, 1, b"\x00", 8) * 50


def header_bomb(client, host):
    """A name of 4 KB goes into the table once, and is named again by a byte each time."""
    first = client.block([*client.head(host), ("x-bomb", "y" * 3_900)])
    yield frame(http2.HEADERS, 1, first + bytes([0x80 | 62]) * 12_000, WHOLE)
    yield from full_continuations(client, host)


def many_fields(client, host):
    for _, head in requests(client, host, [(f"x-{number}", "y" * 30) for number in range(1_000)]):
        yield head


def window_of_stream(client, host):
    yield frame(http2.HEADERS, 1, client.block(client.head(host, "/", "POST")), http2.END_HEADERS)
    while True:
        yield frame(http2.WINDOW, 1, b"\0\0\0\x01") * 50


FLOODS = {
    "PING": forever(frame(http2.PING, 0, b"12345678")),
    "acknowledged PING": forever(frame(http2.PING, 0, b"12345678", 1)),
    "SETTINGS": forever(frame(http2.SETTINGS)),
    "large SETTINGS": forever(frame(http2.SETTINGS, 0, struct.pack(">HI", 3, 100) * 2_700)),
    "PRIORITY": forever(frame(http2.PRIORITY, 1, b"\0\0\0\0\x10")),
    "GOAWAY": forever(frame(http2.GOAWAY, 0, bytes(8))),
    "rapid resets": rapid_resets,
    "stream errors": stream_errors,
    "CONTINUATION": continuations,
    "full CONTINUATION": full_continuations,
    "WINDOW_UPDATE": forever(frame(http2.WINDOW, 0, b"\0\0\0\x01")),
    "WINDOW_UPDATE of a stream": window_of_stream,
    "empty DATA": empty_data,
    "DATA of padding": padded_data,
    "unknown type": forever(frame(0xfa, 0, b"x" * 100)),
    "unknown type, empty": forever(frame(0xfa)),
    "header bomb": header_bomb,
    "many fields": many_fields,
    "no preface": lambda client, host: itertools.repeat(b"\xff" * 4_096),
}


def flooded(relay, domain, keep, name):
    """One connection that floods until it is closed; answers how long that took, in seconds."""
    client = keep(Client(relay.port))
    reader = threading.Thread(target=client.until_closed, daemon=True)
    reader.start()
    began = time.monotonic()
    client.flood(FLOODS[name](client, domain))
    took = time.monotonic() - began
    assert http2.ended(client.sock), "the TCP connection is still open"
    reader.join()
    return took


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_ends_its_connection(serve, app, relay, domain, keep, name):
    serve(app.port)
    ask(relay.port, domain)
    before = relay.child.resident()
    flooded(relay, domain, keep, name)
    assert ask(relay.port, domain).status == 200
    assert relay.child.resident() - before < 16 * MIB


def test_a_connection_that_was_closed_leaves_nothing_behind(serve, app, relay, domain, keep):
    """Closed by the relay within a read, with a stream open."""
    serve(app.port)
    flood = "WINDOW_UPDATE of a stream"
    for _ in range(50):
        flooded(relay, domain, keep, flood)
    before = relay.child.resident()
    for _ in range(200):
        flooded(relay, domain, keep, flood)
    assert relay.child.resident() - before < 8 * MIB


@pytest.mark.parametrize("name", FLOODS)
def test_floods_cost_the_others_little(serve, example, relay, domain, keep, full, name):
    """Five seconds of some ten floods each, beside a client that asks 100 times a second."""
    if not full:
        pytest.skip("timed; ./dev show http.2 runs it")
    serve(example().port)
    ask(relay.port, domain)
    before, took = relay.child.resident(), []
    pulse = Pulse(relay.port, domain)
    with pulse.during(5) as others:
        while pulse.beats:
            took.append(flooded(relay, domain, keep, name))
            time.sleep(0.1)  # A pace.
    grown = (relay.child.resident() - before) / MIB
    print(f"{name}: {len(took)} connections, each ended after at most {max(took):.2f} s; "
          f"relay +{grown:.1f} MiB; the others: {others}")
    assert max(took) < 1 and grown < 16 and others["p99"] < 50


@pytest.fixture
def own(keep, new_home):
    """A relay of the test's own with other limits, and an agent for `app`; answers its domain."""

    def start(limits, app=None):
        home = new_home()
        (home.work / "relay.yml").write_text(f"limits: {limits}\n")
        relay = keep(Relay(home))
        made = relay.account("ann")
        relay.start("--config", str(home.work / "relay.yml"))
        if app:
            keep(agent(home, relay, made["authtoken"], "--domain", made["domain"], "--port",
                       app.port))
        return relay, made["domain"]

    return start


def test_silence_and_half_a_head_are_closed(own, keep):
    relay, _ = own("{header_read_timeout_ms: 1000}")
    silent = keep(Client(relay.port))
    half = keep(Client(relay.port))
    half.sock.sendall(frame(http2.HEADERS, 1, half.block(half.head("localhost", "/healthz"))))
    later = keep(Client(relay.port))
    assert later.ask("localhost", "/healthz").status == 200
    later.sock.sendall(b"\0\0\x08\x06")
    for client in (silent, half, later):
        client.until_closed()


def test_a_first_request_that_comes_in_one_piece_may_take_its_time(own, keep):
    gate = threading.Event()
    app = keep(RawApp(lambda request, sock, reader: gate.wait(30) and
                      sock.sendall(answer_bytes())))
    relay, domain = own("{header_read_timeout_ms: 1000}", app)
    client = keep(Client(relay.port))
    stream = client.next_stream()
    client.answers[stream] = http2.Answer()
    head = client.block(client.head(domain, "/", "POST"))
    client.sock.sendall(frame(http2.HEADERS, stream, head, http2.END_HEADERS)
                        + frame(http2.DATA, stream, b"body", http2.END_STREAM))
    # One that began later and says nothing has been closed meanwhile.
    keep(Client(relay.port)).until_closed()
    gate.set()
    assert client.answer(stream).status == 200


def test_whoever_does_not_hear_goodbye_is_closed(own, keep):
    relay, _ = own("{keep_alive_timeout_ms: 500, drain_ms: 500}")
    deaf = keep(Client(relay.port, acknowledges=False))
    assert deaf.ask("localhost", "/healthz").status == 200
    wrong = keep(Client(relay.port))
    # No :path: the stream never comes to be.
    wrong.send([(":method", "GET"), (":scheme", "http"), (":authority", "localhost")])
    for client in (deaf, wrong):
        client.until_closed()


def test_a_connection_that_rests_is_told_goodbye(own, keep):
    relay, _ = own("{keep_alive_timeout_ms: 500}")
    client = keep(Client(relay.port))
    assert client.ask("localhost", "/healthz").status == 200
    assert client.until_closed() == http2.NO_ERROR


def test_a_body_that_stops_is_refused_alone(own, keep, app):
    relay, domain = own("{body_read_timeout_ms: 700}", app)
    client = keep(Client(relay.port))
    stream = client.send(client.head(domain, "/", "POST"), end=False)
    client.data(stream, b"half")
    assert client.answer(stream).status == 408
    assert client.ask(domain).status == 200 and len(app.requests) == 1


def test_an_answer_that_nobody_takes_is_reset_alone(own, keep):
    app = keep(RawApp(lambda request, sock, reader: sock.sendall(
        answer_bytes(body=b"x" * (MIB if request.target == b"/big" else 1)))))
    relay, domain = own("{client_write_timeout_ms: 700}", app)
    client = keep(Client(relay.port, window=65_535))
    client.sock.sendall(frame(http2.WINDOW, 0, b"\0\x10\0\0"))
    assert client.answer(client.send(client.head(domain, "/big"))).reset is not None
    assert client.ask(domain).status == 200


def test_a_client_that_opens_more_streams_than_it_may_loses_its_connection(
        serve, keep, relay, domain):
    gate = threading.Event()
    app = keep(RawApp(lambda request, sock, reader: gate.wait(30) and
                      sock.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")))
    serve(app.port)
    client = keep(Client(relay.port))
    allowed = [client.send(client.head(domain, f"/{number}")) for number in range(100)]
    client.read()
    gate.set()
    assert {client.answer(stream).status for stream in allowed} == {204}
    gate.clear()
    client.flood(iter([frame(http2.HEADERS, stream, client.block(client.head(domain)), WHOLE)
                       for stream in range(201, 403, 2)]))
    client.until_closed()
    gate.set()
