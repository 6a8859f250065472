"""The site files of deploy/ in real web servers: what a relay behind HTTPS must keep."""

import hashlib
import json
import re
import ssl
import threading
import types

import pytest
from websockets.sync.client import connect

from harness.apps import RawApp, answer_bytes, free_port
from harness.front import Caddy, Nginx
from harness.process import Child, run
from harness.tunnel import TUNNEL, Home, Relay, agent
from harness.wire import Reader, ask, read_answer, read_head, request_bytes
from test_webhooks import CLERK, USER_CREATED, svix_fields

MIB = 1 << 20


@pytest.fixture(scope="module")
def names():
    """Domains of the tests: a certificate is made for each by its name."""
    return [f"front-{number}.example" for number in range(20)]


@pytest.fixture(scope="module", params=[Nginx, Caddy], ids=["nginx", "caddy"])
def front(request, folder, numbers, names):
    made = request.param(Home(f"{folder}/{next(numbers)}"), free_port())
    relay = Relay(Home(f"{folder}/{next(numbers)}"))
    relay.start("--behind-proxy", "--public-url", made.url)
    made.relay = relay
    made.account = relay.account("ann")
    made.names = list(names)
    for name in names:
        relay.reserve(name, "ann")
    try:
        made.start(relay, ["localhost", made.account["domain"], *names])
        yield made
    finally:
        made.stop()
        relay.stop()


@pytest.fixture
def domain(front):
    return front.names.pop()


@pytest.fixture
def serve(keep, home, front, domain):
    """An agent for `domain` in front of a port; its link passes the web server too."""

    def start(port):
        return keep(agent(home, types.SimpleNamespace(url=front.url), front.account["authtoken"],
                          "--domain", domain, "--port", port, "--ca", front.ca))

    return start


def test_a_signed_webhook_is_verified(front, serve, example, domain):
    serve(example(CLERK_WEBHOOK_SIGNING_SECRET=CLERK).port)
    got = front.ask(domain, "/api/users/webhook", "POST", svix_fields(USER_CREATED),
                    USER_CREATED.encode())
    assert (got.status, json.loads(got.body)) == (200, {"received": "user.created"})


def test_the_agent_says_the_address_in_front(front, serve, app, domain):
    assert serve(app.port).wait_event("ready")["url"] == f"https://{domain}:{front.port}"


def test_two_commands_are_all_that_a_laptop_needs(front, keep, home, app):
    """`tunnel login`, `tunnel 3000`, as the README has them."""
    done = home.tunnel("login", front.url, "--ca", front.ca, "--token-stdin",
                       stdin=front.account["authtoken"])
    assert done.returncode == 0, done.stderr
    child = keep(Child("tunnel", [TUNNEL, app.port, "--json"], home.env(), home.work))
    ready = child.wait_event("ready")
    assert ready["domain"] == front.account["domain"]
    assert front.ask(ready["domain"]).status == 200


def test_a_websocket_passes(front, serve, example, domain):
    serve(example().port)
    # `ws`: the socket that it is given speaks TLS already.
    with connect(f"ws://{domain}/ws", sock=front.dial(domain), proxy=None) as ws:
        for message in ("hello", b"\x00\xff" * 50_000):
            ws.send(message)
            assert ws.recv(timeout=20) == message


def test_event_lines_pass_at_once(front, serve, keep, domain):
    goes_on = threading.Event()

    def events(request, sock, reader):
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n")
        assert goes_on.wait(20)
        sock.sendall(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")

    serve(keep(RawApp(events)).port)
    with front.dial(domain) as sock:
        sock.sendall(request_bytes(domain, "/events"))
        reader = Reader(sock)
        assert read_head(reader).status == 200
        # The app has sent no more than this, and sends the rest only once it is here.
        assert reader.line() == b"9" and reader.exactly(9) == b"data: 1\n\n"
        goes_on.set()
        assert reader.exactly(2) == b"\r\n"
        assert reader.line() == b"9" and reader.exactly(9) == b"data: 2\n\n"


def test_an_upload_of_100_mb_passes_while_it_comes(front, serve, keep, domain):
    size = 100 * MIB
    begun = threading.Event()
    seen = hashlib.sha256()

    def take(request, sock, reader):
        left = size
        while left:
            data = reader.some()
            seen.update(data)
            left -= len(data)
            begun.set()
        sock.sendall(answer_bytes(body=seen.hexdigest().encode()))

    serve(keep(RawApp(take, whole=False)).port)
    sent = hashlib.sha256()
    with front.dial(domain) as sock:
        sock.sendall(f"POST /big HTTP/1.1\r\nHost: {domain}\r\nContent-Length: {size}\r\n\r\n"
                     .encode())
        for number in range(100):
            piece = bytes([number]) * MIB
            sent.update(piece)
            sock.sendall(piece)
            # The first bytes reach the app while the others are not even sent.
            assert begun.wait(20)
        got = read_answer(Reader(sock), b"POST")
    assert (got.status, got.body.decode()) == (200, sent.hexdigest())


def test_the_clients_own_address_arrives_and_a_forged_one_does_not(front, serve, app, domain):
    serve(app.port)
    before = front.relay.child.count("err")
    forged = [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "ftp"),
              ("X-Forwarded-Host", "evil.example"), ("X-Real-IP", "203.0.113.9")]
    assert front.ask(domain, "/who", fields=forged, source="127.0.0.5").status == 200
    request = app.requests[-1]
    addresses = ", ".join(request.all("X-Forwarded-For")).split(", ")
    assert addresses == ["127.0.0.5", "127.0.0.1"]
    assert request.all("X-Forwarded-Proto") == ["https"]
    assert request.all("X-Forwarded-Host") == [domain]
    line = front.relay.child.wait_line(r'"path":"/who"', stream="err", after=before).string
    assert "203.0.113.9" not in line


def test_what_is_sent_is_what_arrives(front, serve, app, domain):
    serve(app.port)
    target = "/a//b/../c/%2F%2e;x=1/?q=%26%3D&&=//"
    fields = [("X_Under_Score", "1"), ("X-Long", "x" * 15_000), ("Cookie", "a=1; b=2")]
    got = front.ask(domain, target, "PROPFIND", fields, b"\x00\xff")
    request = app.requests[-1]
    assert (got.status, got.body) == (200, b"ok")
    assert (request.method, request.target, request.body) == (
        b"PROPFIND", target.encode(), b"\x00\xff")
    assert [request.get(name) for name, _ in fields] == [value for _, value in fields]
    assert request.get("Host") == domain


def test_an_apps_word_is_no_order_to_the_web_server(front, serve, keep, domain):
    fields = [("X-Accel-Redirect", "/elsewhere"), ("Server", "mine"),
              ("Date", "Sat, 01 Jan 2000 00:00:00 GMT")]
    app = keep(RawApp(lambda request, sock, reader: sock.sendall(answer_bytes(fields=fields))))
    serve(app.port)
    got = front.ask(domain)
    assert (got.status, got.body) == (200, b"ok")
    assert got.all("Date") == [fields[2][1]]
    # Caddy puts its own name beside the app's.
    assert got.all("Server") == (["Caddy"] if front.kind == "caddy" else []) + ["mine"]


def test_the_relays_own_refusal_passes(front, domain):
    got = front.ask(domain)
    assert (got.status, got.get("Tunnel-Error"), got.get("Retry-After")) == (
        503, "agent-offline", "5")


def test_the_link_begins_behind_the_101(front):
    """Without an agent: the upgrade to tunnel/1 and the relay's first frame, over TLS."""
    with front.dial("localhost") as sock:
        sock.sendall(request_bytes("localhost", "/_tunnel/connect", fields=[
            ("Connection", "Upgrade"), ("Upgrade", "tunnel/1"),
            ("Authorization", f"Bearer {front.account['authtoken']}")]))
        reader = Reader(sock)
        head = read_head(reader)
        assert (head.status, head.get("Upgrade")) == (101, "tunnel/1")
        assert len(reader.exactly(8)) == 8


def test_http_2_from_visitors(front, serve, app, domain):
    serve(app.port)
    done = run(["curl", "-sS", "--http2", "--noproxy", "*", "--cacert", front.ca, "--connect-to",
                f"::127.0.0.1:{front.port}", "-w", "%{http_version}", f"https://{domain}/h2"])
    assert (done.stdout, done.stderr) == ("ok2", "")
    assert app.requests[-1].target == b"/h2"


def test_plain_http_is_sent_to_https_with_its_method(front, domain):
    got = ask(front.plain, domain, "/a?b=1", "POST", body=b"x")
    assert got.status == 308
    assert re.fullmatch(rf"https://{domain}(:\d+)?/a\?b=1", got.get("Location"))


def test_a_name_that_nobody_holds_has_no_certificate(front):
    """Caddy asks the relay before it makes one; nginx has one that is not for this name."""
    with pytest.raises(ssl.SSLError):
        front.dial("nobody.example")
    assert ask(front.relay.port, "localhost", "/_tunnel/ask?domain=nobody.example").status == 404
