"""HTTP/2 over TLS: chosen by ALPN, and for the one host that the handshake was for."""

import subprocess

import httpx
import pytest
from harness.http2 import Client
from harness.secure import BASE, MINE
from harness.tunnel import agent
from harness.wire import Reader, read_answer, request_bytes


@pytest.fixture
def served(keep, home, secure, app):
    keep(agent(home, secure, secure.token, "--domain", MINE, "--port", app.port))
    return app


@pytest.fixture
def client(keep, secure):
    """A connection whose handshake is for `name`."""

    def connect(name):
        context = secure.certificates.context
        context.set_alpn_protocols(["h2", "http/1.1"])
        wrap = lambda sock: context.wrap_socket(sock, server_hostname=name)
        made = keep(Client(secure.port, wrap=wrap))
        assert made.sock.selected_alpn_protocol() == "h2"
        return made

    return connect


def test_curl_speaks_http2_where_it_may_choose(secure, served):
    done = subprocess.run(
        secure.curl("/a", "-w", " %{http_version}"), capture_output=True, text=True, timeout=30)
    assert done.stdout == "ok 2", done.stderr
    assert served.requests[-1].get("X-Forwarded-Proto") == "https"
    done = subprocess.run(secure.curl("/b", "--http1.1", "-w", " %{http_version}"),
                          capture_output=True, text=True, timeout=30)
    assert done.stdout == "ok 1.1", done.stderr


def test_httpx_speaks_http2(secure, served):
    with httpx.Client(http2=True, verify=secure.certificates.context) as client:
        answer = client.get(f"https://127.0.0.1:{secure.port}/", headers={"Host": MINE},
                            extensions={"sni_hostname": MINE})
    assert (answer.status_code, answer.http_version) == (200, "HTTP/2")


def test_a_request_for_another_host_than_the_handshakes_is_misdirected(client, served):
    for shown, asked in ((BASE, MINE), (f"other.{BASE}", MINE), (MINE, f"other.{BASE}")):
        answer = client(shown).ask(asked)
        assert (answer.status, answer.get("tunnel-error")) == (421, "misdirected"), (shown, asked)
    assert not served.requests
    assert client(MINE).ask(f"{MINE}:443").status == 200
    assert client(BASE).ask(BASE, "/healthz").status == 200


def test_under_http1_the_relays_own_name_opens_every_domain_and_no_other_does(secure, served):
    for shown, status in ((MINE, 200), (BASE, 200), (f"other.{BASE}", 421)):
        with secure.certificates.dial(secure.port, shown) as sock:
            sock.sendall(request_bytes(MINE))
            assert read_answer(Reader(sock), b"GET").status == status, shown


def test_a_page_that_nobody_serves_is_the_relays_own_over_http2(client):
    answer = client(f"nobody.{BASE}").ask(f"nobody.{BASE}", fields=[("accept", "text/html")])
    assert answer.status == 404 and b"<!doctype html>" in answer.body
    assert answer.get("tunnel-error") == "unknown-domain"
