"""Each policy, by flag and by file: who is let in, who is refused, what the app and the caller see.
Over every protocol a visitor speaks, and with the agent away."""

import json
import socket
import threading

import pytest

from harness import frames
from harness.apps import RawApp
from harness.callers import ALL, Http1, answers_upgrades, basic
from harness.tunnel import Relay, agent
from harness.wire import Reader, dial, read_answer, read_head, request_bytes

ANN = basic("ann:open sesame")
NEAR, FAR, PROXY = "127.0.0.2", "127.0.0.3", "127.0.0.9"

# What is declared, as flags and as keys of the file.
BASIC = (["--basic-auth", "ann:open sesame", "--basic-auth", "bob:täuscher"],
         {"basic_auth": ["ann:open sesame", "bob:täuscher"]})
ALLOW = (["--cidr-allow", "127.0.0.2/32", "--cidr-allow", "2001:db8::/32"],
         {"cidr_allow": ["127.0.0.2/32", "2001:db8::/32"]})
DENY = (["--cidr-deny", "127.0.0.3", "--cidr-allow", "127.0.0.0/8"],
        {"cidr_deny": "127.0.0.3", "cidr_allow": ["127.0.0.0/8"]})
RATE = (["--rate-limit", "2/h"], {"rate_limit": "2/h"})
EDITS = (["--request-header-add", "X-Env: dev", "--request-header-remove", "cookie",
          "--response-header-add", "X-From: tunnel", "--response-header-remove", "Server",
          "--host-header", "rewrite"],
         {"request_headers": {"add": ["X-Env: dev"], "remove": ["cookie"]},
          "response_headers": {"add": {"X-From": "tunnel"}, "remove": ["Server"]},
          "host_header": "rewrite"})


@pytest.fixture
def app(keep):
    return keep(RawApp(answers_upgrades))


@pytest.fixture(params=ALL, ids=[kind.name for kind in ALL])
def caller(request, relay):
    return request.param(relay)


@pytest.fixture(params=["flag", "file"])
def declare(request, keep, home, relay, token, domain, app):
    """Starts an agent with a policy, said in one way or the other: `declare(BASIC)`."""

    def start(policy, at=None, name=None):
        flags, keys = policy
        at, name = at or relay, name or domain
        secret = token if at is relay else at.token
        if request.param == "flag":
            return keep(agent(home, at, secret, "--domain", name, app.port, *flags))
        endpoint = {"url": f"https://{name}", "upstream": {"url": app.port}, **keys}
        # JSON is YAML.
        (home.work / "tunnel.yml").write_text(
            json.dumps({"endpoints": [endpoint]}), encoding="utf-8")
        return keep(agent(home, at, secret, "http"))

    return start


def let_in(answer):
    assert answer.status in (101, 200), answer
    assert answer.get("Tunnel-Error") is None
    assert answer.body == (b"ping" if answer.status == 101 else b"ok")


def refused(answer, status, code):
    assert (answer.status, answer.get("Tunnel-Error")) == (status, code), answer
    assert json.loads(answer.body)["code"] == code


def test_basic_auth_lets_in_whoever_has_a_password(declare, caller, domain, app):
    declare(BASIC)
    refused(caller.ask(domain), 401, "policy-basic-auth")
    answer = caller.ask(domain, fields=[basic("ann:wrong")])
    refused(answer, 401, "policy-basic-auth")
    assert answer.get("WWW-Authenticate").startswith('Basic realm="')
    assert answer.get("WWW-Authenticate").endswith(', charset="UTF-8"')
    for bad in (("Authorization", "Basic !"), ("Authorization", "Bearer x"), basic("ann"),
                basic("open sesame"), basic("Ann:open sesame"), basic("ann:open sesame ")):
        refused(caller.ask(domain, fields=[bad]), 401, "policy-basic-auth")
    assert app.requests == []
    for good in (ANN, basic("bob:täuscher"), ANN, ("authorization", "bAsIc  " + ANN[1][6:])):
        let_in(caller.ask(domain, fields=[good]))
    assert app.requests[0].get("Authorization") == ANN[1]


def test_two_authorization_fields_are_not_believed(serve, relay, domain, app):
    serve(app.port, *BASIC[0])
    refused(Http1(relay).ask(domain, fields=[ANN, basic("ann:x")]), 401, "policy-basic-auth")
    refused(Http1(relay).ask(domain, fields=[ANN, ANN]), 401, "policy-basic-auth")


def test_only_allowed_addresses_come_in(declare, caller, domain, app):
    declare(ALLOW)
    refused(caller.ask(domain), 403, "policy-cidr")
    for claim in (("X-Forwarded-For", NEAR), ("X-Forwarded-For", f"{NEAR}, {NEAR}"),
                  ("Forwarded", f"for={NEAR}"), ("X-Real-IP", NEAR), ("Tunnel-Client", NEAR)):
        refused(caller.ask(domain, fields=[claim]), 403, "policy-cidr")
    assert app.requests == []
    let_in(caller.ask(domain, source=NEAR))


def test_a_denied_address_is_refused_although_it_is_allowed(declare, caller, domain):
    declare(DENY)
    let_in(caller.ask(domain))
    refused(caller.ask(domain, source=FAR), 403, "policy-cidr")
    refused(caller.ask(domain, source=FAR, fields=[("X-Forwarded-For", "127.0.0.1")]),
            403, "policy-cidr")


def test_the_rate_is_each_clients_own(declare, caller, domain, app):
    declare(RATE)
    for _ in range(2):
        let_in(caller.ask(domain))
    answer = caller.ask(domain)
    refused(answer, 429, "policy-rate-limit")
    assert 0 < int(answer.get("Retry-After")) <= 3_600
    refused(caller.ask(domain, fields=[("X-Forwarded-For", FAR)]), 429, "policy-rate-limit")
    let_in(caller.ask(domain, source=FAR))
    assert len(app.requests) == 3


def test_wrong_passwords_use_the_rate_up(serve, relay, domain, app):
    serve(app.port, *BASIC[0], *RATE[0])
    for _ in range(2):
        refused(Http1(relay).ask(domain, fields=[basic("ann:guess")]), 401, "policy-basic-auth")
    refused(Http1(relay).ask(domain, fields=[ANN]), 429, "policy-rate-limit")


def test_heads_are_edited_both_ways(declare, caller, domain, app):
    declare(EDITS)
    answer = caller.ask(domain, fields=[("Cookie", "a=1"), ("X-Env", "prod"), ("X-Other", "1")])
    let_in(answer)
    assert answer.all("X-From") == ["tunnel"] and answer.get("Server") is None
    seen = app.requests[0]
    assert seen.all("X-Env") == ["prod", "dev"]
    assert seen.get("Cookie") is None and seen.get("X-Other") == "1"
    assert seen.all("Host") == [f"localhost:{app.port}"]
    assert seen.get("X-Forwarded-Host").split(":")[0] == domain


def test_a_header_that_is_removed_and_added_is_set(serve, relay, domain, app):
    serve(app.port, "--request-header-remove", "X-User", "--request-header-add", "X-User: dev")
    Http1(relay).ask(domain, fields=[("X-User", "root"), ("x_user", "root"), ("X-USER", "root")])
    seen = app.requests[0]
    assert seen.all("X-User") == ["dev"] and seen.all("x_user") == []


def test_hosts_value_is_the_users(serve, relay, domain, app):
    serve(app.port, "--host-header", "shop.internal:8080")
    Http1(relay).ask(domain)
    assert app.requests[0].get("Host") == "shop.internal:8080"
    assert app.requests[0].get("X-Forwarded-Host") == domain


def test_refusals_are_not_edited(serve, relay, domain, app):
    serve(app.port, "--response-header-add", "X-From: tunnel", "--cidr-deny", "127.0.0.0/8")
    answer = Http1(relay).ask(domain)
    refused(answer, 403, "policy-cidr")
    assert answer.get("X-From") is None


def test_a_connection_goes_on_behind_a_refusal(serve, relay, domain, app):
    serve(app.port, *BASIC[0])
    with dial(relay.port) as sock:
        reader = Reader(sock)
        # All at once: what is pipelined waits while the password is looked at.
        sock.sendall(request_bytes(domain) + request_bytes(domain, fields=[ANN])
                     + request_bytes(domain, method="POST", fields=[ANN], body=b"x" * 70_000))
        assert [read_answer(reader, b"GET").status for _ in range(3)] == [401, 200, 200]
    assert len(app.requests[1].body) == 70_000


@pytest.fixture
def own(keep, new_home):
    """A relay of the test's own, that it may end."""
    relay = keep(Relay(new_home()))
    relay.start()
    relay.token = relay.account("ann")["authtoken"]
    return relay


def test_policies_hold_while_the_agent_is_away_and_after_a_restart(declare, own, app):
    def away():
        caller = Http1(own)
        refused(caller.ask(name, fields=[ANN]), 403, "policy-cidr")
        refused(caller.ask(name, source=NEAR), 401, "policy-basic-auth")
        refused(caller.ask(name, source=NEAR, fields=[ANN]), 503, "agent-offline")
        refused(caller.ask(name, source=NEAR, fields=[ANN]), 429, "policy-rate-limit")

    name = "away.example"
    own.reserve(name, "ann")
    policies = ([*BASIC[0], *ALLOW[0], "--rate-limit", "2/h"],
                {**BASIC[1], **ALLOW[1], "rate_limit": "2/h"})
    child = declare(policies, own, name)
    child.stop()
    away()
    own.restart()
    away()
    assert app.requests == []
    own.stop()
    log = "\n".join(own.logs)
    assert '"code":"policy-rate-limit"' in log and "policy-cidr=1" in log


def test_a_new_declaration_replaces_the_old_one_whole(keep, home, own, app):
    name = "new.example"
    own.reserve(name, "ann")
    caller = Http1(own)
    keep(agent(home, own, own.token, "--domain", name, app.port, *BASIC[0], *EDITS[0])).stop()
    refused(caller.ask(name), 401, "policy-basic-auth")
    keep(agent(home, own, own.token, "--domain", name, app.port, *DENY[0])).stop()
    refused(caller.ask(name), 503, "agent-offline")
    refused(caller.ask(name, source=FAR), 403, "policy-cidr")
    child = keep(agent(home, own, own.token, "--domain", name, app.port))
    let_in(caller.ask(name, source=FAR))
    assert app.requests[0].get("X-Env") is None
    child.stop()
    own.restart()
    refused(caller.ask(name, source=FAR), 503, "agent-offline")


@pytest.mark.parametrize("by", ["account", "operator"])
def test_a_name_that_was_given_back_starts_without_policies(keep, home, own, app, by):
    name = f"back.{own.domain}"
    caller = Http1(own)
    keep(agent(home, own, own.token, "--domain", name, app.port, *BASIC[0])).stop()
    refused(caller.ask(name), 401, "policy-basic-auth")
    if by == "operator":
        own.command("domain", "rm", name)
        own.reserve(name, "ann")
    else:
        for command in ("release", "claim"):
            done = home.tunnel("domains", command, name, "--relay", own.url,
                               TUNNEL_AUTHTOKEN=own.token)
            assert done.returncode == 0, done.stderr
    keep(agent(home, own, own.token, "--domain", name, app.port))
    let_in(caller.ask(name))


def test_behind_a_trusted_proxy_the_clients_address_counts(keep, home, new_home, app):
    relay = keep(Relay(new_home()))
    relay.start("--trusted-proxy", f"{PROXY}/32")
    token = relay.account("ann")["authtoken"]
    name = "proxied.example"
    relay.reserve(name, "ann")
    keep(agent(home, relay, token, "--domain", name, app.port, "--cidr-allow", "203.0.113.0/24",
               "--rate-limit", "1/h"))
    caller = Http1(relay)
    said = lambda values: [("X-Forwarded-For", value) for value in values]
    # Its own claim stands to the left of what the proxy saw; a stranger's word counts for nothing.
    for source, values in [(PROXY, ["203.0.113.7, 198.51.100.1"]), (PROXY, []), (PROXY, ["junk"]),
                           (PROXY, ["203.0.113.7", "198.51.100.1"]), (FAR, ["203.0.113.7"])]:
        refused(caller.ask(name, fields=said(values), source=source), 403, "policy-cidr")
    let_in(caller.ask(name, fields=said(["198.51.100.1, 203.0.113.7"]), source=PROXY))
    refused(caller.ask(name, fields=said(["203.0.113.7"]), source=PROXY), 429, "policy-rate-limit")
    let_in(caller.ask(name, fields=said([f"203.0.113.8, {PROXY}"]), source=PROXY))


@pytest.mark.parametrize("arguments, words", [
    (["--basic-auth", "ann"], ["USER:PASSWORD"]),
    (["--basic-auth", "ann:"], ["USER:PASSWORD"]),
    (["--cidr-allow", "10.0.0.0/33"], ["10.0.0.0/33", "CIDR"]),
    (["--cidr-deny", "example.com"], ["example.com"]),
    (["--rate-limit", "10"], ["10/s"]),
    (["--rate-limit", "0/s"], ["0/s"]),
    (["--request-header-add", "X-Env dev"], ["Name: value"]),
    (["--request-header-add", "X Env: dev"], ["X Env"]),
    (["--request-header-add", "X-A: b\r\nX-Evil: c"], ["control character"]),
    (["--request-header-add", "Host: a"], ["--host-header"]),
    (["--request-header-add", "Content_Length: 1"], ["travels"]),
    (["--request-header-remove", "Transfer-Encoding"], ["travels"]),
    (["--request-header-remove", "X-Forwarded-For"], ["believe"]),
    (["--response-header-add", "Tunnel-Error: x"], ["believe"]),
    (["--response-header-remove", "Connection"], ["connection"]),
    (["--host-header", "a b"], ["a b"]),
    (["--request-header-add", "X: " + "y" * 2_048], ["2048"]),
])
def test_what_is_no_policy_is_a_usage_error(home, arguments, words):
    done = home.tunnel("3000", *arguments)
    assert done.returncode == 2, done.stderr
    lines = done.stderr.strip().splitlines()
    assert lines[0].startswith("error[usage]: " + arguments[0]) and len(lines) <= 4
    assert all(word in done.stderr for word in words), done.stderr


@pytest.mark.parametrize("key, value, words", [
    ("basic_auth", ["ann"], ["USER:PASSWORD"]),
    ("cidr_allow", ["10.0.0.0/8", "x"], ["`x`"]),
    ("rate_limit", "fast", ["fast"]),
    ("rate_limits", "1/s", ["rate_limit"]),
    ("request_headers", {"ad": []}, ["add"]),
    ("request_headers", {"add": {"Host": "x"}}, ["--host-header"]),
    ("response_headers", ["X-A: b"], ["mapping"]),
    ("host_header", "a b", ["a b"]),
])
def test_what_is_no_policy_in_a_file_is_78_with_its_line(home, key, value, words):
    (home.work / "tunnel.yml").write_text(
        f"endpoints:\n  - url: mine.example\n    {key}: {json.dumps(value)}\n", encoding="utf-8")
    done = home.tunnel("config", "check")
    assert done.returncode == 78, done.stderr
    first = done.stderr.splitlines()[0]
    assert first.startswith("error[config-") and "tunnel.yml:3:" in first
    assert all(word in done.stderr for word in words), done.stderr


def test_a_flag_replaces_its_key_of_the_file_and_passwords_are_not_shown(home):
    (home.work / "tunnel.yml").write_text(json.dumps({"endpoints": [{
        "url": "mine.example", "basic_auth": "ann:open sesame", "rate_limit": "5/m"}]}),
        encoding="utf-8")
    shown = home.tunnel("config", "show")
    assert shown.returncode == 0, shown.stderr
    assert "ann:…" in shown.stdout and "sesame" not in shown.stdout and "5/m" in shown.stdout


def test_a_relay_that_knows_no_policies_is_not_served(home, account):
    """It would let everybody in: better no tunnel than an open one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def relay():
            sock, _ = listener.accept()
            with sock:
                read_head(Reader(sock))
                sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                             b"Upgrade: tunnel/1\r\n\r\n" + frames.hello())
                while sock.recv(65_536):
                    pass

        threading.Thread(target=relay, daemon=True).start()
        done = home.tunnel(
            "3000", "--rate-limit", "1/s", "--web-addr", "false",
            "--relay", f"http://127.0.0.1:{listener.getsockname()[1]}",
            TUNNEL_AUTHTOKEN=account["authtoken"])
    assert done.returncode == 78, done.stderr
    assert "error[relay-too-old]" in done.stderr
