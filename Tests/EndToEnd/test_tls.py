"""The relay's own TLS listener. The agent comes through a plain door of the test's."""

import datetime
import hashlib
import json
import os
import socket
import subprocess
import time

import pytest
from websockets.sync.client import connect

from harness.apps import RawApp, answer_bytes
from harness.process import run, wait_until
from harness.secure import BASE, MINE
from harness.tls import Certificates, PlainDoor
from harness.tunnel import RELAY, Home, Relay, agent
from harness.wire import Reader, dial, read_answer, request_bytes


@pytest.fixture
def serve_mine(keep, home, secure):
    return lambda port: keep(agent(home, secure, secure.token, "--domain", MINE, "--port", port))


def test_a_request_over_tls_and_what_is_said_of_it(secure, serve_mine, app):
    assert secure.ready["url"] == f"https://{BASE}:{secure.port}"
    child = serve_mine(app.port)
    ready = child.wait_event("ready")
    assert ready["url"] == f"https://{MINE}:{secure.port}"
    done = run(secure.curl("/hello", "-i", "-H", "X-Forwarded-Proto: http"))
    assert done.returncode == 0 and done.stdout.startswith("HTTP/2 200"), done.stderr
    request = app.requests[-1]
    assert request.all("X-Forwarded-Proto") == ["https"]
    assert request.get("Host") == request.get("X-Forwarded-Host") == f"{MINE}:{secure.port}"


def test_the_certificate_is_verified_by_its_authority_alone(secure):
    assert run(["curl", "-sS", "--noproxy", "*", "--resolve", f"{BASE}:{secure.port}:127.0.0.1",
                f"https://{BASE}:{secure.port}/healthz"]).returncode == 60
    done = run(secure.curl("/healthz", "--tls-max", "1.2", host=BASE))
    assert (done.returncode, done.stdout) == (0, "ok\n")
    assert run(secure.curl("/healthz", "--tls-max", "1.1", host=BASE)).returncode == 35


def test_uploads_and_downloads_of_25_mb_are_whole(secure, serve_mine, keep, tmp_path):
    body = os.urandom(25_000_000)
    path = tmp_path / "body"
    path.write_bytes(body)

    def answer(request, sock, reader):
        sock.sendall(answer_bytes(body=request.body))

    app = keep(RawApp(answer))
    serve_mine(app.port)
    back = tmp_path / "back"
    done = run(secure.curl("/up", "--data-binary", f"@{path}", "-o", back), deadline=100)
    assert done.returncode == 0, done.stderr
    assert hashlib.sha256(app.requests[-1].body).digest() == hashlib.sha256(body).digest()
    assert back.read_bytes() == body


def test_a_websocket_over_tls(secure, serve_mine, example):
    serve_mine(example().port)
    sock = secure.certificates.dial(secure.port, MINE)
    with connect(f"ws://{MINE}/ws", sock=sock, max_size=None, proxy=None) as ws:
        for message in ("hello", os.urandom(1 << 20), ""):
            ws.send(message)
            assert ws.recv(timeout=20) == message


def test_events_leave_while_the_answer_goes_on(secure, serve_mine, example):
    serve_mine(example().port)
    curl = subprocess.Popen(secure.curl("/events?ms=50", "-N"), stdout=subprocess.PIPE)
    try:
        seen = []
        for line in iter(curl.stdout.readline, b""):
            if line.startswith(b"data: "):
                seen.append(time.time() * 1000 - int(line[6:]))
            if len(seen) == 10:
                break
        assert len(seen) == 10 and curl.poll() is None
        print(f"SSE lines came after {max(seen):.1f} ms at most")
    finally:
        curl.kill()
        curl.wait()


def test_a_client_that_ends_its_half_gets_its_answer(secure, serve_mine, app):
    serve_mine(app.port)
    with secure.certificates.dial(secure.port, MINE) as sock:
        sock.sendall(request_bytes(MINE))
        # Below TLS: no close_notify says so.
        with socket.socket(fileno=os.dup(sock.fileno())) as below:
            below.shutdown(socket.SHUT_WR)
        assert read_answer(Reader(sock), b"GET").status == 200


def test_plain_http_is_told_so(secure):
    with dial(secure.port) as sock:
        sock.sendall(request_bytes(BASE, "/healthz"))
        answer = read_answer(Reader(sock), b"GET")
    assert answer.status == 400 and b"https://" in answer.body


def test_healthcheck_trusts_the_relays_own_certificate_and_no_other(secure, tmp_path):
    relay = secure.relay
    assert relay.attempt("healthcheck").returncode == 0
    written = (relay.data / "relay.url").read_text(encoding="ascii")
    assert written.startswith(f"https://127.0.0.1:{secure.port}\nsha256 ")
    stranger = tmp_path / "data"
    stranger.mkdir()
    (stranger / "relay.url").write_text(written[:-3] + "00\n", encoding="ascii")
    done = run([RELAY, "healthcheck", "--data", stranger], relay.home.env())
    assert done.returncode == 1 and "unhealthy" in done.stderr
    done = relay.attempt("healthcheck", "--url", f"https://127.0.0.1:{secure.port}")
    assert done.returncode == 1  # this machine trusts no such authority


@pytest.mark.parametrize(("flags", "code", "word"), [
    (["--tls-cert", "CHAIN"], 2, "--tls-key"),
    (["--tls-key", "KEY"], 2, "--tls-cert"),
    (["--tls-cert", "CHAIN", "--tls-key", "KEY", "--tls-cert", "CHAIN"], 2, "--tls-key"),
    (["--tls-cert", "CHAIN", "--tls-key", "KEY", "--tls-cert", "x.pem", "--tls-key", "KEY"], 78,
     "x.pem"),
    (["--tls-cert", "none.pem", "--tls-key", "KEY"], 78, "none.pem"),
    (["--tls-cert", "CHAIN", "--tls-key", "CHAIN"], 78, "private key"),
    (["--tls-cert", "CHAIN", "--tls-key", "OTHER"], 78, "is not the key of"),
])
def test_what_cannot_be_served_is_said_before_it_begins(home, flags, code, word):
    files = Certificates(home.folder / "tls", BASE)
    other = Certificates(home.folder / "other", BASE)
    names = {"CHAIN": files.chain, "KEY": files.key, "OTHER": other.key}
    done = run([RELAY, "serve", "--domain", BASE, "--listen", "127.0.0.1:0", "--data",
                home.folder / "relay", *(names.get(flag, flag) for flag in flags)],
               home.env(), home.work)
    assert done.returncode == code and word in done.stderr, done.stderr
    assert "fix:" in done.stderr


def test_an_expired_certificate_is_a_warning(home, keep):
    past = datetime.datetime(2021, 1, 1, tzinfo=datetime.timezone.utc)
    files = Certificates(home.folder / "tls", BASE, not_after=past)
    relay = keep(Relay(home, BASE))
    relay.start(*files.flags)
    relay.child.wait_line("warning.*the certificate has expired", "err")
    assert relay.attempt("healthcheck").returncode == 0


def test_with_a_certificate_it_may_listen_to_the_world(home, keep):
    files = Certificates(home.folder / "tls", BASE)
    relay = keep(Relay(home, BASE, host="0.0.0.0"))
    relay.start(*files.flags)
    assert relay.attempt("healthcheck").returncode == 0
    plain = run([RELAY, "serve", "--domain", BASE, "--listen", "0.0.0.0:0", "--data",
                 home.folder / "other"], home.env(), home.work)
    assert plain.returncode == 78 and "tls-required" in plain.stderr


def test_the_settings_file_names_the_files(home, keep):
    files = Certificates(home.folder / "tls", BASE)
    config = home.work / "relay.yml"
    config.write_text(json.dumps({"tls_cert": str(files.chain), "tls_key": str(files.key)}),
                      encoding="utf-8")
    relay = keep(Relay(home, BASE))
    assert relay.start("--config", config)["url"].startswith("https://")
    config.write_text("tls_cert: chain.pem\n", encoding="utf-8")
    done = run([RELAY, "serve", "--config", config], home.env(), home.work)
    assert done.returncode == 78 and "relay.yml:1" in done.stderr


def test_a_slow_reader_slows_its_own_exchange_and_takes_no_memory(secure, serve_mine, keep):
    sent = [0]

    def answer(request, sock, reader):
        if request.target != b"/big":
            return sock.sendall(answer_bytes())
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 300000000\r\n\r\n")
        while sent[0] < 300_000_000:
            sent[0] += sock.send(bytes(100_000))
        return None

    app = keep(RawApp(answer))
    serve_mine(app.port)
    before = secure.relay.child.resident()
    with secure.certificates.dial(secure.port, MINE) as sock:
        sock.sendall(request_bytes(MINE, "/big"))
        last = [-1, time.monotonic()]

        def stands_still():
            if sent[0] != last[0]:
                last[:] = [sent[0], time.monotonic()]
            return sent[0] > 0 and time.monotonic() - last[1] > 0.5

        wait_until("the app is held back", stands_still, 60)
        assert sent[0] < 100_000_000
        assert run(secure.curl("/small")).stdout == "ok"
        grown = secure.relay.child.resident() - before
        print(f"grew by {grown / 1e6:.1f} MB, the app sent {sent[0] / 1e6:.1f} MB")
        assert grown < 64_000_000
