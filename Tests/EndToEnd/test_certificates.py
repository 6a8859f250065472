"""Certificates of a running relay: which one is shown to whom, and how they are renewed under load.
With `--full` (./dev show http.6) the limits' own times are measured, and sslscan has the word."""

import json
import os
import pty
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time

import pytest

from harness.handover import HandingOver
from harness.process import run, wait_until
from harness.shakes import Halves, Shakes, leaf, shown
from harness.tls import Certificates
from harness.tunnel import RELAY, Relay
from harness.wire import Reader, dial, read_answer, request_bytes

BASE = "tunnel.example"
# A record of 517 bytes is announced, and not all of it comes.
HALF = bytes.fromhex("1603010200010001fc0303") + bytes(100)


@pytest.fixture
def relay(home, keep):
    return keep(Relay(home, BASE))


@pytest.fixture
def make(home, numbers):
    """Pairs of files, each of an authority of its own."""
    return lambda *names, **options: Certificates(
        home.folder / f"tls-{next(numbers)}", *names, **options)


def replace(path, new):
    """As a program that renews does it: a whole new file takes the name."""
    shutil.copy(new, f"{path}.new")
    os.rename(f"{path}.new", path)


def test_the_name_that_is_asked_for_chooses(relay, make):
    usual, wild, exact = make("usual.example"), make("*." + BASE, BASE), make("a." + BASE)
    relay.start(*usual.flags, *wild.flags, *exact.flags)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        for name, wanted in ((BASE, wild), ("b." + BASE, wild), ("A." + BASE, exact),
                             ("a.b." + BASE, usual), ("other.example", usual), (None, usual),
                             ("usual.example", usual), ("127.0.0.1", usual)):
            assert shown(relay.port, name, version) == leaf(wanted), (version, name)
    assert relay.attempt("healthcheck").returncode == 0


def test_of_two_for_one_name_the_first_is_shown_and_it_is_said(relay, make):
    first, second = make(BASE), make(BASE)
    relay.start(*first.flags, *second.flags)
    assert shown(relay.port, BASE) == leaf(first)
    relay.child.wait_line(f"name={BASE}.*two certificates are for one name", "err")


def test_the_settings_file_may_name_more(relay, home, make):
    first, second = make(BASE), make("other.example")
    config = home.work / "relay.yml"
    config.write_text(json.dumps({"tls": [
        {"cert": str(each.chain), "key": str(each.key)} for each in (first, second)]}),
        encoding="utf-8")
    relay.start("--config", config)
    assert shown(relay.port, "other.example") == leaf(second)
    # A reload takes over what the file says now.
    third = make("other.example")
    config.write_text(json.dumps({
        "tls_cert": str(third.chain), "tls_key": str(third.key), "listen": "127.0.0.1:1"}),
        encoding="utf-8")
    relay.child.signal(signal.SIGHUP)
    relay.child.wait_line("reloaded", "err")
    assert shown(relay.port, BASE) == shown(relay.port, "other.example") == leaf(third)
    assert "does not take over" not in relay.child.text()  # --listen has the word
    config.write_text("tls: [{cert: none.pem, key: none.pem}]\n", encoding="utf-8")
    relay.child.signal(signal.SIGHUP)
    relay.child.wait_line("none.pem.*stay as they are", "err")
    config.write_text("tsl: []\n", encoding="utf-8")
    relay.child.signal(signal.SIGHUP)
    relay.child.wait_line("unknown key.*nothing is reloaded", "err")
    assert shown(relay.port, BASE) == leaf(third)
    assert relay.attempt("healthcheck").returncode == 0


def test_limits_are_reloaded_for_new_connections(relay, home):
    config = home.work / "relay.yml"
    config.write_text("limits: {}\n", encoding="utf-8")
    relay.start("--config", config)
    config.write_text("limits: {header_read_timeout_ms: 100, drain_ms: 1}\n", encoding="utf-8")
    relay.child.signal(signal.SIGHUP)
    relay.child.wait_line("keys=limits.drain_ms .*does not take over", "err")
    relay.child.wait_line("reloaded", "err")
    with dial(relay.port) as sock:  # dial's own deadline is longer than the old limit
        sock.settimeout(8)
        assert sock.recv(1) == b""


def test_a_relay_whose_terminal_was_closed_ends(home):
    """There SIGHUP says that the person is gone; elsewhere it asks for a reload."""
    terminal, end = pty.openpty()
    relay = subprocess.Popen(
        ["setsid", "-c", RELAY, "serve", "--listen", "127.0.0.1:0"], stdin=end, stdout=end,
        stderr=end, env=home.env(), cwd=home.work)
    os.close(end)
    try:
        said = b""
        while b"Listening" not in said:
            said += os.read(terminal, 4096)
        os.close(terminal)
        assert relay.wait(60) == 0
    finally:
        relay.kill()
        relay.wait()


@pytest.mark.parametrize("asked", [False, True], ids=["by itself", "by SIGHUP"])
def test_a_renewed_certificate_is_shown_and_no_handshake_fails(relay, make, keep, full, asked):
    files = make(BASE)
    relay.start(*files.flags)
    old = leaf(files)
    renewed = make(BASE)
    shakes = keep(Shakes(relay.port, BASE, [files, renewed]))
    shakes.wait_more(200 if full else 20)
    replace(files.chain, renewed.chain)
    replace(files.key, renewed.key)
    replaced = time.monotonic()
    if asked:
        relay.child.signal(signal.SIGHUP)
    wait_until("the renewed one", lambda: leaf(renewed) in shakes.seen or shakes.faults, 60)
    took = time.monotonic() - replaced
    shakes.wait_more(200 if full else 20)
    last_old = shakes.seen[old][1] - replaced
    assert relay.attempt("healthcheck").returncode == 0
    shakes.stop()
    assert shakes.faults == [] and shakes.drops == 0
    assert set(shakes.seen) == {old, leaf(renewed)}
    print(f"{shakes.count} handshakes, 0 failed, {shakes.kept} requests on kept connections; "
          f"renewed shown after {took:.2f} s, the old one last after {last_old:.2f} s")
    if full:
        assert took < 5 and last_old < 5


@pytest.mark.parametrize("first", ["chain", "key"])
def test_half_a_renewed_pair_changes_nothing_until_it_is_whole(relay, make, keep, first):
    files = make(BASE)
    relay.start(*files.flags)
    old, renewed = leaf(files), make(BASE)
    shakes = keep(Shakes(relay.port, BASE, [files, renewed], threads=2))
    other = {"chain": "key", "key": "chain"}[first]
    replace(getattr(files, first), getattr(renewed, first))
    relay.child.wait_line("is not the key of.*cannot be used, the one before stays", "err")
    shakes.wait_more()
    # A torn file is no worse.
    getattr(files, other).write_text("-----BEGIN", encoding="ascii")
    relay.child.wait_line("PEM.*the one before stays", "err")
    shakes.wait_more()
    assert set(shakes.seen) == {old}
    replace(getattr(files, other), getattr(renewed, other))
    wait_until("the renewed one", lambda: leaf(renewed) in shakes.seen or shakes.faults, 60)
    shakes.stop()
    assert shakes.faults == []
    lines = [line for line in relay.child.lines["err"] if "the one before stays" in line]
    assert len(lines) <= 4, lines  # each reason once, however often it was tried
    assert relay.attempt("healthcheck").returncode == 0


def test_half_a_hello_is_closed_in_time_and_disturbs_nobody(relay, home, make, keep, full):
    config = home.work / "relay.yml"
    limit = 10.0 if full else 1.0
    config.write_text(f"limits: {{tls_handshake_timeout_ms: {int(limit * 1000)}}}\n",
                      encoding="utf-8")
    files = make(BASE)
    relay.start("--config", config, *files.flags)
    before = relay.child.resident()
    shakes = keep(Shakes(relay.port, BASE, [files], threads=1))
    halves = keep(Halves(relay.port, 2_000 if full else 100, HALF))
    shakes.wait_more(5)
    grown = relay.child.resident() - before
    assert halves.wait_closed(60) == [b""] * len(halves.sockets)
    shakes.wait_more()
    shakes.stop()
    assert shakes.faults == []
    print(f"{len(halves.ends)} halves closed after {min(halves.ends):.2f} to "
          f"{max(halves.ends):.2f} s; {grown / len(halves.ends) / 1024:.1f} KiB each; "
          f"{shakes.count} handshakes beside them, the slowest {shakes.slowest * 1000:.0f} ms")
    assert min(halves.ends) > limit * 0.9
    if full:
        assert max(halves.ends) < limit + 1 and shakes.slowest < 1


def test_what_an_auditor_sees(relay, make, full):
    """sslscan on one listener: the versions, what was agreed on, and nothing weak."""
    if not full:
        pytest.skip("in ./dev show http.6")
    files = make(BASE, "*." + BASE)
    rsa = make("rsa.example", key_type=Certificates.RSA)
    relay.start(*files.flags, *rsa.flags)
    for name in (BASE, "rsa.example"):
        seen = subprocess.run(
            ["sslscan", "--no-colour", f"--sni-name={name}",
             f"127.0.0.1:{relay.port}"], capture_output=True, text=True, timeout=110, check=True
        ).stdout
        print(seen)
        versions = dict(re.findall(r"^((?:SSL|TLS)v[\d.]+) +(enabled|disabled)$", seen, re.M))
        assert versions == {"SSLv2": "disabled", "SSLv3": "disabled", "TLSv1.0": "disabled",
                            "TLSv1.1": "disabled", "TLSv1.2": "enabled", "TLSv1.3": "enabled"}
        suites = re.findall(r"^(?:Preferred|Accepted) +(\S+) +(\d+) bits +(\S+)", seen, re.M)
        assert {version for version, _, _ in suites} == {"TLSv1.2", "TLSv1.3"}
        for version, bits, suite in suites:
            assert int(bits) >= 128 and re.search("GCM|CHACHA20", suite), suite
            assert version == "TLSv1.3" or suite.startswith("ECDHE-"), suite
        assert "Session renegotiation not supported" in seen and "ression enabled" not in seen
        assert not re.search(r"TLSv1\.\d vulnerable", seen)
    for offered, agreed in (("h2,http/1.1", AGREED), ("http/1.1", "http/1.1"), ("spdy/3", None)):
        # Behind the handshake an h2 relay says its settings, which are no text.
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{relay.port}", "-servername", BASE,
             "-alpn", offered], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=60, check=False)
        found = re.search(r"ALPN protocol: (\S+)", done.stdout + done.stderr)
        assert (found and found[1]) == agreed, (offered, agreed)


# What a client is given that offers both.
AGREED = "h2"


# ---- --redirect-listen


@pytest.fixture
def redirecting(relay, make):
    files = make(BASE, "*." + BASE)
    ready = relay.start(*files.flags, "--redirect-listen", "127.0.0.1:0")
    return int(ready["redirect"].rsplit(":", 1)[1]), files


def ask(port, request, method=b"GET"):
    with dial(port) as sock:
        sock.sendall(request)
        return read_answer(Reader(sock), method)


def test_who_comes_without_tls_is_sent_on_to_it(relay, redirecting):
    port, files = redirecting
    answer = ask(port, request_bytes(f"x.{BASE}:80", "/a?b=c"))
    assert answer.status == 308
    assert answer.get("Location") == f"https://x.{BASE}:{relay.port}/a?b=c"
    followed = run([
        "curl", "-sSL", "--noproxy", "*", "--cacert", files.ca, "--resolve",
        f"{BASE}:{port}:127.0.0.1", "--resolve", f"{BASE}:{relay.port}:127.0.0.1",
        "-d", "body", f"http://{BASE}:{port}/healthz"])
    assert followed.returncode == 0, followed.stderr
    # Nothing else is served there: not the relay's own address, no agents, no health.
    for path in ("/healthz", "/_tunnel/connect", "/.well-known/acme-challenge/x"):
        assert ask(port, request_bytes(BASE, path)).status == 308
    assert ask(port, b"GET / HTTP/1.1\r\n\r\n").status == 400


def test_the_redirecting_socket_is_handed_over(home, keep, make):
    files = make("localhost")
    handing = keep(HandingOver(home, RELAY))
    ready = handing.start(*files.flags, "--redirect-listen", "127.0.0.1:0")
    port = int(ready["redirect"].rsplit(":", 1)[1])
    assert ask(port, request_bytes("localhost", "/1")).status == 308
    old, new = handing.hand_over()
    assert ask(port, request_bytes("localhost", "/2")).status == 308
    second = [json.loads(line) for line in handing.child.lines["out"]][-1]
    assert second["redirect"] == ready["redirect"] and old != new
    handing.wait_gone(old)
    assert ask(port, request_bytes("localhost", "/3")).status == 308


ACTIVATE = """
import os, socket, sys
socks = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
for place, sock in enumerate(socks):
    os.dup2(sock.fileno(), 20 + place)
for place in range(2):
    os.dup2(20 + place, 3 + place)
    os.set_inheritable(3 + place, True)
os.environ.update(LISTEN_FDS="2", LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES="redirect:relay")
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_a_supervisor_may_pass_the_redirecting_socket(home, keep, make):
    files = make("localhost")
    handing = keep(HandingOver(home, RELAY))
    ready = handing.start(*files.flags, command=[sys.executable, "-c", ACTIVATE])
    port = int(ready["redirect"].rsplit(":", 1)[1])
    for path in ("/before", "/after"):
        answer = ask(port, request_bytes("localhost", path))
        assert answer.get("Location") == f"https://localhost:{handing.port}{path}"
        old, _ = handing.hand_over()
        handing.wait_gone(old)


def test_without_a_certificate_it_is_refused(home):
    done = run([RELAY, "serve", "--redirect-listen", "127.0.0.1:0"], home.env(), home.work)
    assert done.returncode == 78 and "redirect-unusable" in done.stderr
    done = run([RELAY, "serve", "--redirect-listen", "here"], home.env(), home.work)
    assert done.returncode == 2 and "here" in done.stderr


def test_an_address_in_use_is_said(relay, home, make):
    files = make(BASE)
    relay.start(*files.flags)
    done = run([RELAY, "serve", "--domain", BASE, "--data", home.folder / "other", "--listen",
                "127.0.0.1:0", *files.flags, "--redirect-listen", f"127.0.0.1:{relay.port}"],
               home.env(), home.work)
    assert done.returncode == 73 and "--redirect-listen" in done.stderr
