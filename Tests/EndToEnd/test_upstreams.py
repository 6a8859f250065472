"""The usual kinds of app behind the agent: Node, uvicorn, Flask, nginx, a raw socket; and the
traffic of a Next-like development server."""

import os
import threading

import pytest
from websockets.sync.client import connect

from harness.upstreams import LARGE, UPSTREAMS, node
from harness.wire import Reader, ask, dial, read_answer, request_bytes


@pytest.fixture(params=UPSTREAMS)
def upstream(request, keep, new_home, serve):
    """An agent in front of an app of this kind; the kind's name."""
    serve(keep(UPSTREAMS[request.param](new_home())).port)
    return request.param


def together(count, work):
    faults = []

    def carry_out(number):
        try:
            work(number)
        except Exception as error:  # reported with its number
            faults.append(f"{number}: {error!r}")

    threads = [threading.Thread(target=carry_out, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults, faults[:5]


def test_all_kinds_of_exchange(upstream, relay, domain):
    body = os.urandom(300_000)
    for method in ("POST", "PUT"):
        answer = ask(relay.port, domain, "/echo", method, body=body)
        assert (answer.status, answer.body) == (200, body), upstream
        assert answer.get("X-Method") == method and answer.get("X-Seen-Host") == domain
    head = ask(relay.port, domain, "/echo", "HEAD")
    assert head.status == 200 and head.body == b""
    assert ask(relay.port, domain, "/large").body == LARGE
    assert ask(relay.port, domain, "/stream").body == b"first second"
    assert ask(relay.port, domain, "/nothing").status == 204
    missing = ask(relay.port, domain, "/missing")
    assert (missing.status, missing.body) == (404, b"no such page")
    assert missing.get("Tunnel-Error") is None


def test_chunks_and_http_1_0(upstream, relay, domain):
    with dial(relay.port) as sock:
        sock.sendall(request_bytes(domain, "/echo", "POST", [("Transfer-Encoding", "chunked")])
                     + b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")
        answer = read_answer(Reader(sock), b"POST")
    assert answer.status == 200 and answer.body == b"abcdefg"
    for path, body in (("/stream", b"first second"), ("/echo", b"")):
        with dial(relay.port) as sock:
            sock.sendall(request_bytes(domain, path).replace(b"HTTP/1.1", b"HTTP/1.0"))
            answer = read_answer(Reader(sock), b"GET")
            assert (answer.status, answer.body) == (200, body)
            assert answer.get("Transfer-Encoding") is None


def test_many_at_once_each_with_its_own(upstream, relay, domain):
    def work(number):
        with dial(relay.port) as sock:
            reader = Reader(sock)
            for turn in range(10):
                body = b"%d/%d " % (number, turn) * 500
                sock.sendall(request_bytes(domain, "/echo", "POST", body=body))
                assert read_answer(reader, b"POST").body == body

    together(20, work)


def test_a_refusal_of_nginx_during_an_upload(keep, new_home, serve, relay, domain):
    """It answers 413 by the length alone, and lingers for what still comes."""
    serve(keep(UPSTREAMS["nginx"](new_home())).port)
    for size in (2_000, 3 << 20):
        assert ask(relay.port, domain, "/small-body", "POST", body=b"x" * size).status == 413
    assert ask(relay.port, domain, "/echo", "POST", body=b"x").body == b"x"


# Next-like development.


@pytest.fixture
def next_like(keep, new_home, serve):
    serve(keep(node(new_home(), "next.js")).port)


def test_a_page_and_its_chunks_load_in_parallel(next_like, relay, domain):
    page = ask(relay.port, domain, "/")
    assert page.body.endswith(b"</html>") and b"late" in page.body

    def load(number):
        path = f"/_next/static/chunks/app-{number}.js?v=1732"
        with dial(relay.port) as sock:
            reader = Reader(sock)
            sock.sendall(request_bytes(domain, path))
            first = read_answer(reader, b"GET")
            assert first.body == b"// app-%d.js\n" % number + b"app-%d.js" % number * 2_000 + b"\n"
            sock.sendall(request_bytes(domain, path, fields=[("If-None-Match", first.get("ETag"))]))
            assert read_answer(reader, b"GET").status == 304

    for _ in range(3):
        together(20, load)


def test_hot_reloading_talks_while_chunks_load(next_like, relay, domain):
    with connect(f"ws://{domain}/_next/webpack-hmr", sock=dial(relay.port), proxy=None,
                 origin=f"https://{domain}") as socket:
        assert socket.recv(timeout=20) == '{"action":"sync"}'
        for number in range(20):
            chunk = ask(relay.port, domain, f"/_next/static/chunks/{number}.js")
            assert chunk.status == 200
            socket.send('{"event":"ping"}')
            assert socket.recv(timeout=20) == '{"event":"pong"}'


@pytest.mark.parametrize("port", ["", ":8443"])
def test_a_server_action_sees_its_origin_as_the_host_that_was_asked_for(
        next_like, relay, domain, port):
    fields = [("Origin", f"https://{domain}{port}"), ("Next-Action", "7f" * 20),
              ("Content-Type", "text/plain;charset=UTF-8"), ("Accept", "text/x-component")]
    answer = ask(relay.port, domain + port, "/form", "POST", fields, b'["$K1"]')
    assert (answer.status, answer.body) == (200, b'1:"[\\"$K1\\"]"\n')
    # A stranger's page has another origin, and cannot name the host itself.
    forged = [("Origin", "https://evil.example"), ("X-Forwarded-Host", "evil.example"), *fields[1:]]
    assert ask(relay.port, domain + port, "/form", "POST", forged, b"[]").status == 500
