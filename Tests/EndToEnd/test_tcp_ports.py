"""Whose a TCP port is: the same after restarts, never another account's, handed over, in use."""

import json
import os
import re
import signal
import socket
import struct
import threading
import time

import pytest

from harness import frames
from harness.handover import HandingOver
from harness.process import wait_until
from harness.tcp import (TCPApp, connect, free_ports, port_of, rest, tcp_agent)
from harness.tunnel import RELAY, Home, Relay, agent


@pytest.fixture
def app(keep):
    return keep(TCPApp())


@pytest.fixture
def ports(folder, numbers, keep):
    """A relay with three ports for TCP endpoints, two accounts."""
    relay = keep(Relay(Home(f"{folder}/{next(numbers)}")))
    relay.first = free_ports(3)
    relay.range = ("--tcp-ports", f"{relay.first}-{relay.first + 2}")
    relay.start(*relay.range)
    relay.token = relay.account("ann")["authtoken"]
    relay.stranger = relay.account("bob")["authtoken"]
    return relay


def answers(port):
    """Whether an echo comes back; False where nobody listens."""
    try:
        with connect(port) as sock:
            sock.sendall(b"hello")
            sock.shutdown(socket.SHUT_WR)
            return rest(sock) == b"hello|5"
    except ConnectionRefusedError:
        return False


def failing(home, relay, token, *arguments):
    """A `tunnel tcp` that ends by itself: its code and its exit."""
    done = home.tunnel("tcp", *arguments, "--relay", relay.url, "--json", "--web-addr", "false",
                       TUNNEL_AUTHTOKEN=token)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return events[-1]["code"], done.returncode, events[-1]


def test_the_same_wish_gets_the_same_port_after_restarts(keep, home, new_home, ports, app):
    first, port = tcp_agent(home, ports, ports.token, app.port)
    first.wait_event("claimed", domain=f"localhost:{port}")
    named, other = tcp_agent(home, ports, ports.token, app.port, "--name", "db")
    keep(named)
    assert {port, other} <= set(range(ports.first, ports.first + 3)) and port != other
    first.stop()
    assert not answers(port), "nobody serves it"
    again, back = tcp_agent(home, ports, ports.token, f"localhost:{app.port}")
    keep(again)
    assert back == port and answers(port)
    assert not any("claimed" in line for line in again.lines["out"])
    # The relay's restart: both agents come back to what they had.
    count = again.count(), named.count()
    ports.stop()
    ports.start(*ports.range)
    again.wait_event("online", after=count[0])
    named.wait_event("online", after=count[1])
    assert answers(port) and answers(other)
    # From another machine by its name.
    elsewhere, moved = tcp_agent(new_home(), ports, ports.token, app.port, "--name", "db")
    keep(elsewhere)
    assert moved == other
    named.wait_event("standby")
    assert answers(other)
    count = named.count()
    elsewhere.stop()
    named.wait_event("online", after=count)
    wait_until("the port to be served again", lambda: answers(other))


def test_another_account_never_gets_a_held_port(keep, home, new_home, ports, app):
    child, port = tcp_agent(home, ports, ports.token, app.port)
    other = new_home()
    code, status, _ = failing(other, ports, ports.stranger, app.port, "--tcp-port", port)
    assert (code, status) == ("port-taken", 73)
    child.stop()
    code, status, _ = failing(other, ports, ports.stranger, app.port, "--url",
                              f"tcp://localhost:{port}")
    assert (code, status) == ("port-taken", 73)
    for expected in {ports.first, ports.first + 1, ports.first + 2} - {port}:
        keep(tcp_agent(other, ports, ports.stranger, app.port, "--tcp-port", expected,
                       "--name", f"n{expected}")[0])
    code, status, _ = failing(other, ports, ports.stranger, app.port, "--name", "more")
    assert (code, status) == ("no-free-port", 73)


def test_ports_are_listed_released_and_taken_away(keep, home, new_home, ports, app):
    child, port = tcp_agent(home, ports, ports.token, app.port, "--tcp-port", ports.first + 1)
    keep(child)
    assert port == ports.first + 1
    address = f"tcp://localhost:{port}"

    def domains(*words, token=ports.token):
        return home.tunnel("domains", *words, "--relay", ports.url, TUNNEL_AUTHTOKEN=token)

    assert re.search(rf"^{address} +online$", domains("ls").stdout, re.M)
    assert address not in domains("ls", token=ports.stranger).stdout
    assert domains("release", address, token=ports.stranger).returncode == 1
    assert re.search(rf"^{address} +ann ", ports.command("domain", "ls"), re.M)
    released = domains("release", address)
    assert released.returncode == 0, released.stderr
    # Within two seconds the agent hears of it, and nobody listens any more.
    assert child.wait(20) == 73
    assert child.wait_event("error")["code"] == "domain-not-held"
    wait_until("the port to be closed", lambda: not answers(port))
    # It rests for others who ask for it, not for the account itself.
    code, _, event = failing(new_home(), ports, ports.stranger, app.port, "--tcp-port", port)
    assert code == "port-taken" and "30 days" in event["message"]
    keep(tcp_agent(home, ports, ports.token, app.port, "--tcp-port", port)[0])
    ports.command("domain", "rm", address)
    assert address not in ports.command("domain", "ls")


def test_a_port_of_another_program_is_passed_over(keep, home, ports, app):
    with socket.create_server(("127.0.0.1", ports.first)):
        child, port = tcp_agent(home, ports, ports.token, app.port)
        assert port == ports.first + 1
        ports.child.wait_line(rf"TCP port passed over.*|port={ports.first}", "err")
        code, status, _ = failing(home, ports, ports.token, app.port, "--tcp-port", ports.first)
        assert (code, status) == ("port-in-use", 73)
        child.stop()
    # One that is held: its agent waits and gets it once it is free again.
    with socket.create_server(("127.0.0.1", port)):
        child = keep(agent(home, ports, ports.token, "tcp", app.port, ready=False))
        event = child.wait_event("reconnecting")
        assert f"TCP port {port}" in event["reason"]
    assert port_of(child.wait_event("ready", deadline=30)) == port and answers(port)


def test_ports_out_of_the_range_and_other_hosts_are_refused(home, ports, app):
    code, status, event = failing(home, ports, ports.token, app.port, "--tcp-port", 9)
    assert (code, status) == ("port-not-offered", 73)
    assert f"{ports.first}-{ports.first + 2}" in event["message"]
    code, status, _ = failing(home, ports, ports.token, app.port, "--url",
                              f"tcp://other.example:{ports.first}")
    assert (code, status) == ("port-not-offered", 73)


def test_a_relay_without_tcp_ports_says_so(home, relay, token, app):
    code, status, event = failing(home, relay, token, app.port)
    assert (code, status) == ("tcp-not-offered", 73) and "--tcp-ports" in event["fix"]


def test_an_older_relay_is_not_asked_for_what_it_does_not_know(keep, home, token):
    asked = []

    def older(sock):
        while b"\r\n\r\n" not in (head := sock.recv(1 << 16)):
            pass
        assert head.startswith(b"GET /_tunnel/connect ")
        sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                     b"Upgrade: tunnel/1\r\n\r\n" + frames.hello())
        asked.append(rest(sock))

    relay = keep(TCPApp(older))
    done = home.tunnel("tcp", "5432", "--relay", f"http://127.0.0.1:{relay.port}", "--web-addr",
                       "false", TUNNEL_AUTHTOKEN=token)
    assert done.returncode == 73 and "error[tcp-not-offered]" in done.stderr, done.stderr
    wait_until("the agent's end", lambda: asked)
    kinds = []
    while asked[0]:
        kind, _, length, _ = struct.unpack(">BBIQ", asked[0][:14])
        kinds.append(kind)
        asked[0] = asked[0][14 + length:]
    assert frames.CONTROL not in kinds


def test_a_kind_of_endpoint_that_nobody_knows_ends_the_session(keep, ports):
    link = keep(frames.RawLink(ports.port, ports.token))
    link.send(frames.frame(frames.CONTROL, payload=struct.pack(">H", 0) + frames.fields(
        (0, struct.pack(">I", 1)), (20, b"\x02"), (24, b"db"))))
    assert link.until_end()[0] == 5


@pytest.mark.parametrize("words", [
    ["tcp", "5432", "--domain", "mine.example"], ["tcp", "5432", "--subdomain", "mine"],
    ["tcp", "5432", "--response-timeout", "5"], ["tcp", "5432", "--host-header", "rewrite"],
    ["tcp", "5432", "--basic-auth", "ann:secret"], ["tcp", "http", "5432"], ["tcp"],
    ["tcp", "localhost"], ["tcp", "http://localhost:5432"], ["tcp", "5432", "--tcp-port", "0"],
    ["tcp", "5432", "--url", "https://mine.example"], ["tcp", "5432", "--inbox", "off"],
    ["tcp", "5432", "--tcp-port", "20000", "--url", "tcp://localhost:20001"], ["tcp", "one", "two"],
])
def test_what_does_not_go_together_is_exit_2(home, relay, token, words):
    done = home.tunnel(*words, "--relay", relay.url, TUNNEL_AUTHTOKEN=token)
    assert done.returncode == 2 and done.stderr.startswith("error[usage]: "), done.stderr


@pytest.mark.parametrize("words", ["0-10", "30-20", "x", "20000-22000", "70000", "1-2-3", ""])
def test_no_range_of_ports_is_exit_2_or_78(folder, numbers, home, words):
    relay = Relay(home)
    done = relay.attempt("serve", "--tcp-ports", words)
    assert done.returncode == 2, done.stderr
    file = home.folder / "relay.yml"
    file.write_text(f"domain: localhost\nlisten: 127.0.0.1:0\ntcp_ports: '{words}'\n")
    done = relay.attempt("serve", "--config", file)
    assert done.returncode == 78 and "relay.yml:3: " in done.stderr, done.stderr


def test_the_relays_own_port_is_none_of_them(home):
    done = Relay(home).attempt("serve", "--domain", "localhost", "--listen", "127.0.0.1:20050",
                               "--tcp-ports", "20000-20099")
    assert done.returncode == 78 and "20050" in done.stderr, done.stderr


def test_an_endpoint_of_the_file_and_its_status(keep, home, folder, numbers, app):
    relay = keep(Relay(Home(f"{folder}/{next(numbers)}")))
    first = free_ports(2)
    (relay.home.work / "relay.yml").write_text(
        f"limits: {{drain_ms: 1000}}\ntcp_ports: {first}-{first + 1}\n")
    relay.start("--config", relay.home.work / "relay.yml")
    token = relay.account("ann")["authtoken"]
    (home.work / "tunnel.yml").write_text(
        f"endpoints:\n  - {{name: web, url: https://mine.example, upstream: 3000}}\n"
        f"  - {{name: db, url: tcp://localhost:{first + 1}, upstream: 127.0.0.1:{app.port}}}\n")
    child = keep(agent(home, relay, token, "--name", "db"))
    ready = child.wait_event("ready")
    assert ready["url"] == f"tcp://localhost:{first + 1}"
    assert ready["upstream"] == f"127.0.0.1:{app.port}" and answers(first + 1)
    shown = home.tunnel("status", "--json", "--domain", ready["url"])
    endpoint = json.loads(shown.stdout)["endpoints"][0]
    assert endpoint["url"] == ready["url"] and endpoint["state"] == "online"
    assert f"{ready['url']} -> 127.0.0.1:{app.port}" in home.tunnel("status").stdout


def test_the_newer_agent_of_the_same_install_replaces_the_older(keep, home, ports, app):
    older, port = tcp_agent(home, ports, ports.token, app.port)
    newer, same = tcp_agent(home, ports, ports.token, app.port)
    keep(newer)
    assert same == port and older.wait() == 0
    older.wait_event("replaced")
    assert answers(port)


def test_a_relay_that_ends_finishes_what_runs(keep, home, ports, app):
    child, port = tcp_agent(home, ports, ports.token, app.port)
    keep(child)
    with connect(port) as sock:
        sock.sendall(b"hello")
        assert sock.recv(5) == b"hello"
        ports.child.signal(signal.SIGTERM)
        ports.child.wait_line("draining", "err")
        wait_until("nobody new to come in", lambda: not waits_or_answers(port))
        sock.sendall(b"more")
        sock.shutdown(socket.SHUT_WR)
        assert rest(sock) == b"more|9"
    assert ports.child.wait() == 0


def test_a_hand_over_under_load_loses_no_connection(keep, home, folder, numbers, app):
    relay = keep(HandingOver(Home(f"{folder}/{next(numbers)}"), RELAY))
    first = free_ports(2)
    relay.start("--tcp-ports", f"{first}-{first + 1}")
    child, port = tcp_agent(home, relay, relay.account("ann")["authtoken"], app.port)
    keep(child)
    over = threading.Event()
    faults, done = [], []

    def knock():
        while not over.is_set():
            try:
                if not answers(port):
                    faults.append("refused")
            except OSError as fault:
                faults.append(repr(fault))
            done.append(1)
            time.sleep(0.01)  # A pace, not a wait for something.

    threads = [threading.Thread(target=knock, daemon=True) for _ in range(4)]
    with connect(port) as lasting:
        lasting.sendall(b"hello")
        assert lasting.recv(5) == b"hello"
        for thread in threads:
            thread.start()
        wait_until("some answers", lambda: len(done) > 20)
        old, new = relay.hand_over()
        assert old != new
        child.wait_event("online")
        after = len(done)
        wait_until("more answers", lambda: len(done) > after + 40)
        # What was open goes on in the old process.
        lasting.sendall(b"again")
        assert lasting.recv(5) == b"again"
        lasting.shutdown(socket.SHUT_WR)
        assert rest(lasting) == b"|10"
    over.set()
    for thread in threads:
        thread.join(60)
    assert faults == []
    relay.wait_gone(old)
    assert answers(port)


def test_a_hand_over_closes_the_port_whose_agent_does_not_come(keep, home, folder, numbers, app):
    relay = keep(HandingOver(Home(f"{folder}/{next(numbers)}"), RELAY))
    first = free_ports(1)
    (relay.home.work / "relay.yml").write_text("limits: {agent_wait_ms: 300, drain_ms: 500}\n")
    relay.start("--tcp-ports", f"{first}", "--config", relay.home.work / "relay.yml")
    child, port = tcp_agent(home, relay, relay.account("ann")["authtoken"], app.port)
    os.kill(child.pid, signal.SIGSTOP)
    try:
        old, _ = relay.hand_over()
        relay.wait_gone(old)
        wait_until("the port to be closed", lambda: not waits_or_answers(port))
    finally:
        os.kill(child.pid, signal.SIGCONT)
    child.wait_event("online")
    assert answers(port)
    child.stop()


def waits_or_answers(port):
    """Whether anybody listens at all."""
    try:
        connect(port).close()
        return True
    except ConnectionRefusedError:
        return False
