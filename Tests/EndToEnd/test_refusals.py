"""What the relay says when it cannot forward, and that nobody else can say it."""

import json

import pytest

from harness.apps import RawApp, answer_bytes, free_port
from harness.process import wait_until
from harness.wire import Reader, ask, dial, read_answer, read_head


def problem(answer, code, status):
    """Checks a refusal's shape; answers its JSON."""
    assert answer.status == status, answer
    assert answer.all("Tunnel-Error") == [code]
    assert answer.get("Content-Type").startswith("application/problem+json")
    value = json.loads(answer.body)
    assert {"type": "about:blank", "status": status, "code": code}.items() <= value.items()
    assert value["title"] and value["detail"]
    return value


def test_an_unknown_name_is_404(relay):
    problem(ask(relay.port, "nobody.example"), "unknown-domain", 404)


def test_a_held_domain_without_an_agent_is_503_and_says_when_to_retry(relay, domain):
    # What the operator changes beside a running relay counts within 2 s.
    wait_until("the name to be known", lambda: ask(relay.port, domain).status != 404, deadline=4)
    answer = ask(relay.port, domain)
    problem(answer, "agent-offline", 503)
    assert answer.get("Retry-After") == "5"


def test_the_domain_is_offline_again_after_the_agent_said_stop(serve, app, relay, domain):
    agent = serve(app.port)
    assert ask(relay.port, domain).status == 200
    agent.stop()
    problem(ask(relay.port, domain), "agent-offline", 503)


def test_an_app_that_does_not_run_is_502_naming_the_port_until_it_runs(serve, keep, relay, domain):
    port = free_port()
    agent = serve(port)
    value = problem(ask(relay.port, domain, "/api/hello"), "upstream-refused", 502)
    assert str(port) in value["detail"]
    agent.wait_event("request", path="/api/hello", status=502, code="upstream-refused")
    page = ask(relay.port, domain, fields=[("Accept", "text/html,*/*;q=0.8")])
    assert page.status == 502 and page.all("Tunnel-Error") == ["upstream-refused"]
    assert page.get("Content-Type").startswith("text/html")
    assert str(port).encode() in page.body
    keep(RawApp(port=port))
    assert ask(relay.port, domain).status == 200


def test_the_request_line_of_a_refusal_is_printed(serve, relay, domain):
    agent = serve(free_port(), json_lines=False)
    ask(relay.port, domain, "/api/hello", "POST", body=b"{}")
    agent.wait_line(r"^\d\d:\d\d:\d\d\.\d{3} POST /api/hello 502 upstream-refused \d+ms$")


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 2xx OK\r\n\r\n", b""])
def test_an_answer_that_is_no_http_is_502(serve, keep, relay, domain, answer):
    def handler(request, sock, reader):
        sock.sendall(answer)
        return False

    serve(keep(RawApp(handler)).port)
    problem(ask(relay.port, domain, "/", "POST", body=b"x"), "upstream-invalid", 502)


def test_an_app_cannot_fake_a_refusal(serve, keep, relay, domain):
    fields = [("Tunnel-Error", "agent-offline"), ("tunnel-error", "overloaded"), ("X-Kept", "yes")]

    def handler(request, sock, reader):
        sock.sendall(answer_bytes(503, "Fake", fields))

    serve(keep(RawApp(handler)).port)
    answer = ask(relay.port, domain)
    assert answer.status == 503 and answer.get("X-Kept") == "yes"
    assert answer.all("Tunnel-Error") == []


def test_an_app_cannot_fake_a_refusal_in_trailers_or_interim_answers(serve, keep, relay, domain):
    def handler(request, sock, reader):
        sock.sendall(b"HTTP/1.1 103 Early Hints\r\nTunnel-Error: fake\r\n\r\n"
                     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")

    serve(keep(RawApp(handler)).port)
    answer = ask(relay.port, domain)
    assert answer.status == 200 and answer.body == b"ok"
    assert all(interim.all("Tunnel-Error") == [] for interim in answer.interim)


def test_an_agent_that_dies_ends_the_exchange_as_session_lost(serve, keep, relay, domain):
    app = keep(RawApp(lambda request, sock, reader: None))
    agent = serve(app.port)
    with dial(relay.port) as sock:
        sock.settimeout(5)  # Its socket is closed: no heartbeat is needed to know.
        sock.sendall(f"GET /slow HTTP/1.1\r\nHost: {domain}\r\n\r\n".encode())
        wait_until("the request at the app", lambda: app.requests)
        agent.kill()
        problem(read_answer(Reader(sock), b"GET"), "session-lost", 502)


def test_a_body_cut_short_by_the_app_is_never_taken_for_the_whole(serve, keep, relay, domain):
    def handler(request, sock, reader):
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        return False

    serve(keep(RawApp(handler)).port)
    with dial(relay.port) as sock:
        sock.sendall(f"GET / HTTP/1.1\r\nHost: {domain}\r\n\r\n".encode())
        reader = Reader(sock)
        assert read_head(reader).status == 200
        assert reader.rest() == b"half"


def test_continue_comes_from_the_app(serve, app, relay, domain):
    serve(app.port)
    with dial(relay.port) as sock:
        reader = Reader(sock)
        sock.sendall(f"POST / HTTP/1.1\r\nHost: {domain}\r\nContent-Length: 4\r\n"
                     "Expect: 100-continue\r\n\r\n".encode())
        assert reader.line() == b"HTTP/1.1 100 Continue"
        while reader.line():
            pass
        sock.sendall(b"body")
        assert read_answer(reader, b"POST").status == 200
    assert app.requests[-1].body == b"body"


def test_pipelined_requests_are_answered_in_order(serve, keep, relay, domain):
    def handler(request, sock, reader):
        sock.sendall(answer_bytes(body=request.target))

    serve(keep(RawApp(handler)).port)
    with dial(relay.port) as sock:
        reader = Reader(sock)
        sock.sendall(b"".join(f"GET /{n} HTTP/1.1\r\nHost: {domain}\r\n\r\n".encode()
                              for n in range(20)))
        bodies = [read_answer(reader, b"GET").body for _ in range(20)]
    assert bodies == [f"/{n}".encode() for n in range(20)]
