"""HTTP/2 in, HTTP/1.1 to the app: everything a client says arrives, and so does the answer."""

import subprocess

import pytest
from harness import http2
from harness.apps import RawApp, answer_bytes
from harness.http2 import Client
from harness.process import wait_until
from harness.wire import ask

MIB = 1 << 20


@pytest.fixture
def client(keep, relay):
    return lambda **options: keep(Client(relay.port, **options))


@pytest.fixture
def served(serve, app, domain):
    """The app's own agent; answers the domain."""
    serve(app.port)
    return domain


def last(app):
    return app.requests[-1]


# What arrives


def test_a_request_arrives_as_one_http1_message(served, app, client):
    answer = client().ask(served, "/a?b=c", fields=[("x-one", "1"), ("x-two", "  2".strip())])
    assert (answer.status, answer.body) == (200, b"ok")
    request = last(app)
    assert request.start == b"GET /a?b=c HTTP/1.1"
    assert request.lines[:3] == [f"Host: {served}".encode(), b"x-one: 1", b"x-two: 2"]
    assert request.get("X-Forwarded-Host") == served and request.get("X-Forwarded-Proto") == "http"


@pytest.mark.parametrize("fields", [[], [("content-length", "5")]], ids=["open", "of known length"])
def test_a_body_arrives(served, app, client, fields):
    answer = client().ask(served, "/", "POST", fields, body=b"hallo")
    assert answer.status == 200
    assert last(app).body == b"hallo"
    assert (last(app).get("Content-Length") == "5") == bool(fields)


def test_a_post_without_a_body_says_so(served, app, client):
    assert client().ask(served, "/", "POST").status == 200
    assert last(app).get("Content-Length") == "0"


def test_cookie_crumbs_are_one_cookie_again(served, app, client):
    client().ask(served, fields=[("cookie", "a=1"), ("x-b", "b"), ("cookie", "c=2")])
    assert last(app).lines[1:3] == [b"cookie: a=1; c=2", b"x-b: b"]


def test_trailers_pass_both_ways(serve, keep, domain, client):
    head = b"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n"
    app = keep(RawApp(lambda request, sock, reader: sock.sendall(
        head + b"3\r\none\r\n3\r\ntwo\r\n0\r\nX-Sum: 6\r\n\r\n")))
    serve(app.port)
    answer = client().ask(domain, "/", "POST", [("te", "trailers"), ("trailer", "x-check")],
                          body=b"hallo", trailers=[("x-check", "42")])
    assert (answer.body, answer.trailers) == (b"onetwo", [("x-sum", "6")])
    assert (last(app).body, last(app).trailers) == (b"hallo", [b"x-check: 42"])
    assert last(app).get("TE") == "trailers"


def test_interim_heads_pass(serve, keep, domain, client):
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
    app = keep(RawApp(lambda request, sock, reader: sock.sendall(early + answer_bytes())))
    serve(app.port)
    answer = client().ask(domain)
    assert answer.interim == [(103, [("link", "</a.css>")])] and answer.status == 200


@pytest.mark.parametrize("method, status", [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_an_answer_without_a_body_ends_with_its_head(serve, keep, domain, client, method, status):
    length = b"" if status == 204 else b"Content-Length: 7\r\n"
    app = keep(RawApp(lambda request, sock, reader: sock.sendall(
        b"HTTP/1.1 %d Some\r\n%s\r\n" % (status, length))))
    serve(app.port)
    answer = client().ask(domain, method=method)
    assert (answer.status, answer.body, answer.reset) == (status, b"", None)
    assert answer.get("content-length") == (None if status == 204 else "7")


def test_an_answer_until_the_end_is_whole(serve, keep, domain, client):
    def app(request, sock, reader):
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        return False

    serve(keep(RawApp(app)).port)
    answer = client().ask(domain)
    assert (answer.body, answer.reset) == (b"all of it", None)


def test_fields_of_one_connection_do_not_come_back(serve, keep, domain, client):
    fields = [("Connection", "close, X-Hop"), ("Keep-Alive", "timeout=5"), ("X-Hop", "1"),
              ("X-Stays", "Yes")]
    app = keep(RawApp(lambda request, sock, reader: sock.sendall(answer_bytes(fields=fields))))
    serve(app.port)
    names = [name for name, _ in client().ask(domain).fields]
    assert names == ["content-length", "x-stays"]


def test_curl_sends_and_fetches_large_bodies(serve, keep, domain, relay, home, tmp_path, full):
    size = (100 if full else 20) * MIB
    (tmp_path / "body").write_bytes(bytes(range(256)) * (size // 256))
    app = keep(RawApp(lambda request, sock, reader: sock.sendall(answer_bytes(body=request.body))))
    serve(app.port)
    command = ["curl", "-sS", "--http2-prior-knowledge", "-H", f"Host: {domain}", "-T",
               tmp_path / "body", f"http://127.0.0.1:{relay.port}/", "-o", tmp_path / "back",
               "-w", "%{http_version} %{http_code}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout == "2 200", done.stderr
    assert (tmp_path / "body").read_bytes() == (tmp_path / "back").read_bytes()


def test_a_hundred_streams_at_once(served, client):
    connection = client()
    streams = [connection.send(connection.head(served, f"/{number}")) for number in range(100)]
    assert {connection.answer(stream).status for stream in streams} == {200}


# How exchanges end


def test_an_early_answer_ends_the_upload(serve, keep, domain, client):
    app = keep(RawApp(lambda request, sock, reader: sock.sendall(
        answer_bytes(413, "Too Large")) or False, whole=False))
    serve(app.port)
    connection = client()
    stream = connection.send(connection.head(domain, "/", "POST"), end=False)
    connection.data(stream, b"some")
    assert connection.answer(stream).status == 413
    while connection.answers[stream].reset is None:
        connection.read()
    assert connection.answers[stream].reset == http2.NO_ERROR
    assert connection.ask(domain, "/after").status == 413


def test_a_client_that_resets_cancels_the_apps_request(serve, keep, domain, client):
    gone = []
    app = keep(RawApp(lambda request, sock, reader: gone.append(reader.at_end()) or False,
                      whole=False))
    serve(app.port)
    connection = client()
    stream = connection.send(connection.head(domain, "/"))
    wait_until("the request to arrive", lambda: app.requests)
    connection.sock.sendall(http2.frame(http2.RST, stream, b"\0\0\0\x08"))
    wait_until("the app's request to be cancelled", lambda: gone == [True])


def test_half_an_answer_is_reset(serve, keep, domain, client):
    app = keep(RawApp(lambda request, sock, reader: sock.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf") or False))
    serve(app.port)
    connection = client()
    answer = connection.ask(domain)
    assert (answer.status, answer.body, answer.ended) == (200, b"half", False)
    assert answer.reset == http2.INTERNAL_ERROR


def test_a_slow_reader_slows_only_its_own_stream(serve, keep, domain, client):
    app = keep(RawApp(lambda request, sock, reader: sock.sendall(
        answer_bytes(body=b"x" * MIB if request.target == b"/big" else b"ok"))))
    serve(app.port)
    connection = client(window=65_535)
    big = connection.send(connection.head(domain, "/big"))
    while len(connection.answers[big].body) < 65_535:
        connection.read()
    # The connection's own window is used up, too: that of the others has to be given first.
    connection.sock.sendall(http2.frame(http2.WINDOW, 0, b"\0\x10\0\0"))
    assert connection.ask(domain, "/small").body == b"ok"


# What is refused


def refused(connection, fields):
    answer = connection.answer(connection.send(fields))
    return answer.status or f"reset {answer.reset}"


@pytest.mark.parametrize("change, wanted", [
    ({":path": "/a b"}, 400), ({":path": "/a\r\nx: y"}, 400), ({":path": "a"}, 400),
    ({":path": "*"}, 400), ({":path": "/\x7f"}, 400), ({":scheme": "http://x/"}, 400),
    ({":method": "GET /x HTTP/1.1\r\nA:"}, 400), ({":method": "CONNECT"}, 400),
    ({":method": "PRI"}, 400),
    ({":authority": "a b"}, 400), ({":authority": "user@mine.example"}, 400),
    ({"host": "other.example"}, 421), ({"x": "a\r\nb: c"}, 400), ({"x": "a\nb"}, 400),
    ({"x": "a\0b"}, 400), ({"x": " a"}, 400), ({"x": "a\t"}, 400), ({"x y": "1"}, 400),
    ({"x:": "1"}, 400), ({"te": "gzip"}, 400), ({"tunnel_x": "1"}, 400),
    ({"content_length": "1"}, 400), ({"content-length": "+0"}, 400),
    ({"x-forwarded_for": "1"}, 400),
], ids=lambda value: str(value)[:40])
def test_what_lines_could_not_say_is_refused(served, app, client, change, wanted):
    connection = client()
    fields = [(name, change.pop(name, value)) for name, value in connection.head(served)]
    # NIOHTTP2 resets some of it itself.
    got = refused(connection, [*fields, *change.items()])
    assert got in (wanted, f"reset {http2.PROTOCOL_ERROR}"), got
    assert not app.requests
    assert connection.ask(served).status == 200


@pytest.mark.parametrize("name", ["connection", "keep-alive", "proxy-connection", "upgrade",
                                  "transfer-encoding", "X-Upper", ":unknown"])
def test_fields_that_have_no_place_are_refused(served, app, client, name):
    connection = client()
    got = refused(connection, [*connection.head(served), (name, "chunked")])
    assert got in (400, f"reset {http2.PROTOCOL_ERROR}"), got
    assert not app.requests


def test_a_body_that_lies_about_its_length_is_reset(served, app, client):
    for body in (b"four", b"sixsix"):
        connection = client()
        stream = connection.send(
            connection.head(served, "/", "POST", [("content-length", "5")]), end=False)
        connection.data(stream, body, end=True)
        assert connection.answer(stream).reset == http2.PROTOCOL_ERROR
    wait_until("nothing whole to arrive", lambda: all(not r.body for r in app.requests))


def test_a_field_that_is_no_utf8_is_refused_not_changed(served, app, client):
    connection = client()
    stream = connection.next_stream()
    connection.answers[stream] = http2.Answer()
    block = connection.block(connection.head(served)) + b"\x00\x01x\x02\xe4\xf6"
    connection.sock.sendall(
        http2.frame(http2.HEADERS, stream, block, http2.END_HEADERS | http2.END_STREAM))
    assert connection.answer(stream).status == 400 and not app.requests


def test_there_is_no_upgrade_and_no_extended_connect(served, client):
    connection = client()
    kind, _, _, payload = connection.read()
    assert kind == http2.SETTINGS
    names = {int.from_bytes(payload[at:at + 2], "big") for at in range(0, len(payload), 6)}
    assert 8 not in names
    answer = connection.ask("localhost", "/_tunnel/connect", fields=[("authorization", "Bearer x")])
    assert answer.status in (401, 426), answer


def test_an_unknown_domain_is_refused_and_logged(relay, client):
    answer = client().ask("nobody.example", "/why")
    assert (answer.status, answer.get("tunnel-error")) == (404, "unknown-domain")
    relay.child.wait_line(r'"path":"/why".*"code":"unknown-domain"', "err")


def test_http1_goes_on_beside_it(served, relay, client):
    assert client().ask(served).status == 200
    assert ask(relay.port, served).status == 200
