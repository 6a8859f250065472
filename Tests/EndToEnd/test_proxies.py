"""Whose word about a client counts: proxies that are trusted, and everybody else."""

import json

import pytest

from harness.process import parsed, run, wait_until
from harness.tunnel import RELAY, Relay, agent
from harness.wire import ask

BASE = "tunnel.example"
MINE = "mine.example"


@pytest.fixture
def behind(keep, new_home, app):
    """A relay with these flags, an agent and an app: asks, and answers what the app and the log
    say of the client."""

    def start(*flags, host="127.0.0.1", at="127.0.0.1"):
        relay = keep(Relay(new_home(), BASE, host=host))
        ready = relay.start(*flags)
        token = relay.account("ann")["authtoken"]
        relay.reserve(MINE, "ann")
        child = keep(agent(new_home(), relay, token, "--domain", MINE, "--port", app.port))
        told = child.wait_event("ready")["url"]

        def ask_mine(*fields):
            before = len(lines(relay))
            assert ask(relay.port, MINE, "/x", fields=fields, at=at).status == 200
            logged = wait_until("the log line", lambda: lines(relay)[before:])[0]["client"]
            request = app.requests[-1]
            return (logged, request.all("X-Forwarded-For"), request.all("X-Forwarded-Proto"),
                    request.all("X-Forwarded-Host"))

        ask_mine.ready, ask_mine.told = ready, told
        return ask_mine

    return start


def lines(relay):
    return [event for event in map(parsed, list(relay.child.lines["err"]))
            if event.get("msg") == "exchange" and event.get("host") == MINE]


FORGED = (("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "https"),
          ("X-Forwarded-Host", "evil.example"))


def test_a_strangers_word_does_not_count(behind):
    asked = behind()
    assert asked(*FORGED) == ("127.0.0.1", ["203.0.113.9, 127.0.0.1"], ["http"], [MINE])
    assert asked() == ("127.0.0.1", ["127.0.0.1"], ["http"], [MINE])


def test_behind_a_proxy_the_clients_address_is_what_the_proxy_saw(behind):
    asked = behind("--behind-proxy")
    assert asked(*FORGED) == ("203.0.113.9", ["203.0.113.9, 127.0.0.1"], ["https"], [MINE])
    # What the client itself claimed stands left of it, and counts for nothing.
    forged = (("X-Forwarded-For", "198.51.100.1, 203.0.113.9"), ("X-Forwarded-Proto", "ftp"))
    assert asked(*forged) == (
        "203.0.113.9", ["198.51.100.1, 203.0.113.9, 127.0.0.1"], ["http"], [MINE])
    assert asked()[0] == "127.0.0.1"


def test_a_chain_of_trusted_proxies_is_walked(behind):
    asked = behind("--trusted-proxy", "127.0.0.1", "--trusted-proxy", "10.0.0.0/8")
    chain = (("X-Forwarded-For", "198.51.100.1, 203.0.113.9"), ("X-Forwarded-For", "10.1.1.1"))
    assert asked(*chain)[:2] == (
        "203.0.113.9", ["198.51.100.1, 203.0.113.9, 10.1.1.1, 127.0.0.1"])
    assert asked(("X-Forwarded-For", "[2001:db8::5]:443, 10.1.1.1"))[0] == "2001:db8::5"
    assert asked(("X-Forwarded-For", "203.0.113.9, unknown, 10.1.1.1"))[0] == "10.1.1.1"


def test_only_the_blocks_that_were_named_are_trusted(behind):
    asked = behind("--trusted-proxy", "10.0.0.0/8")
    assert asked(*FORGED) == ("127.0.0.1", ["203.0.113.9, 127.0.0.1"], ["http"], [MINE])


def test_ipv4_on_a_listener_of_both_is_ipv4_and_loopback(behind):
    asked = behind("--behind-proxy", host="[::]")
    assert asked() == ("127.0.0.1", ["127.0.0.1"], ["http"], [MINE])
    assert asked(*FORGED)[:2] == ("203.0.113.9", ["203.0.113.9, 127.0.0.1"])


def test_ipv6_loopback_is_loopback(keep, home):
    relay = keep(Relay(home, BASE, host="[::1]"))
    ready = relay.start("--behind-proxy")
    assert ready["listen"] == f"[::1]:{relay.port}"
    answer = ask(relay.port, BASE, "/healthz", at="::1",
                 fields=[("X-Forwarded-For", "203.0.113.9")])
    assert answer.status == 200
    relay.child.wait_line(r'"client":"203\.0\.113\.9"', "err")
    ask(relay.port, BASE, "/healthz", at="::1")
    relay.child.wait_line(r'"client":"::1"', "err")
    assert relay.attempt("healthcheck").returncode == 0


def test_behind_a_proxy_the_address_is_https_on_the_usual_port(behind, keep, new_home):
    asked = behind("--behind-proxy")
    assert asked.ready["url"] == f"https://{BASE}" and asked.told == f"https://{MINE}"
    public = keep(Relay(new_home(), BASE)).start(
        "--behind-proxy", "--public-url", f"https://{BASE}:8443")
    assert public["url"] == f"https://{BASE}:8443"
    local = keep(Relay(new_home(), "localhost"))
    assert local.start("--behind-proxy")["url"] == f"http://localhost:{local.port}"


def test_the_settings_file_says_the_same(keep, home):
    config = home.work / "relay.yml"
    config.write_text(json.dumps({
        "domain": BASE, "listen": "0.0.0.0:0", "behind_proxy": True,
        "trusted_proxies": ["10.0.0.0/8"], "public_url": f"https://{BASE}:8443"}),
        encoding="utf-8")
    relay = keep(Relay(home, domain=None))
    relay.start("--config", config, "--data", relay.data)
    assert relay.child.wait_event("ready")["url"] == f"https://{BASE}:8443"
    ask(relay.port, BASE, "/healthz", fields=[("X-Forwarded-For", "203.0.113.9, 10.1.1.1")])
    relay.child.wait_line(r'"client":"203\.0\.113\.9"', "err")


@pytest.mark.parametrize("wrong", ["10.0.0.0/33", "proxy.example", "", "10.0.0.0/255.0.0.0"])
def test_what_is_no_block_is_named(home, wrong):
    done = run([RELAY, "serve", "--domain", BASE, "--trusted-proxy", wrong], home.env(), home.work)
    assert done.returncode == 2 and f"`{wrong}`" in done.stderr
    config = home.work / "relay.yml"
    config.write_text(json.dumps({"trusted_proxies": [wrong or "x"]}), encoding="utf-8")
    done = run([RELAY, "serve", "--config", config], home.env(), home.work)
    assert done.returncode == 78 and "relay.yml:1" in done.stderr


def test_an_address_of_another_machine_is_named(home):
    done = run([RELAY, "serve", "--domain", BASE, "--listen", "192.0.2.77:0", "--plain-http",
                "--data", home.folder / "relay"], home.env(), home.work)
    assert done.returncode == 78 and "error[address-unusable]: " in done.stderr
    assert "192.0.2.77" in done.stderr and "fix:" in done.stderr
