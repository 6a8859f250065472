"""Agents and strangers that break the rules: their session ends with a code, others notice nothing.
`./dev show link.8` runs it whole, with times and memory."""

import contextlib
import os
import pathlib
import resource
import selectors
import socket
import struct
import threading
import time

import pytest

from harness.apps import RawApp
from harness.beside import Pulse
from harness.frames import DATA, OPEN, WINDOW, RawLink, frame
from harness.offences import OFFENCES, Uploads, log_of, offend
from harness.process import busy, wait_until
from harness.tunnel import Relay, agent
from harness.wire import Reader, ask, dial, read_answer, request_bytes

MIB = 1 << 20
# Between two rounds of all offences, in seconds: some 30 hostile sessions a second.
PAUSE = 0.2


@pytest.fixture
def own(keep, new_home):
    """Starts a relay of the test's own: itself, and the token of an account whose name it gives."""

    def start(*flags, limits=None, **options):
        home = new_home()
        relay = keep(Relay(home, **options))
        made = relay.account("mallory")
        if limits:
            (home.work / "relay.yml").write_text(f"limits: {limits}\n", encoding="utf-8")
            flags += ("--config", home.work / "relay.yml")
        relay.start(*flags)
        return relay, made

    return start


@pytest.mark.parametrize("offence, code", OFFENCES, ids=lambda value: getattr(
    value, "__name__", value))
def test_an_offence_ends_its_session_with_a_code_and_no_other(own, keep, offence, code):
    relay, made = own()
    app = keep(RawApp())
    keep(agent(relay.home, relay, made["authtoken"], app.port))
    assert offend(relay, made["authtoken"], offence)[0] == code
    assert ask(relay.port, made["domain"]).status == 200


def fill(relay, made, link):
    """An answer that its client does not read, sent up to the last byte of credit; answers the
    client and the stream."""
    assert link.serve(made["domain"])[0] == 2
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.connect(("127.0.0.1", relay.port))
    client.sendall(request_bytes(made["domain"]))
    stream = link.next(OPEN)[1]
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"
    sent, limit = 0, 65_536
    link.sock.settimeout(1)
    with contextlib.suppress(TimeoutError):
        while True:
            while sent < limit:
                piece = (head if sent == 0 else b"x" * 60_000)[:limit - sent]
                link.send(frame(DATA, stream, piece))
                sent += len(piece)
            limit = struct.unpack(">QQ", link.next(WINDOW)[3])[1]
    link.sock.settimeout(20)
    return client, stream


def test_credit_violated_by_one_byte_ends_the_session(own):
    relay, made = own()
    link = RawLink(relay.port, made["authtoken"])
    client, stream = fill(relay, made, link)
    assert link.lives()
    link.send(frame(DATA, stream, b"x"))
    code, text = link.until_end()
    assert code == 5 and "more than it was granted" in text
    assert log_of(relay, r"code=([\w-]+) .*session ended")[1] == "protocol-fault"
    client.close()
    link.stop()


def test_an_old_epoch_is_refused_and_its_session_lives(own, keep):
    relay, made = own()
    first = RawLink(relay.port, made["authtoken"])
    kind, said = first.serve(made["domain"])
    held = struct.unpack(">Q", said[4])[0]
    newer = RawLink(relay.port, made["authtoken"], install=b"\x07" * 16, instance=b"\x08" * 16)
    assert (kind, newer.serve(made["domain"])[0]) == (2, 2)
    again = RawLink(relay.port, made["authtoken"])
    assert again.serve(made["domain"], held)[0] == 10
    assert again.lives() and newer.lives()
    for link in (first, newer, again):
        link.stop()


def test_an_agent_that_never_reads_loses_its_session(own, keep, full):
    relay, made = own(limits=None if full else "{link_write_timeout_ms: 500}")
    link = keep(RawLink(relay.port, made["authtoken"], window=4_096))
    assert link.serve(made["domain"])[0] == 2
    memory = relay.child.resident()
    uploads = keep(Uploads(relay, made["domain"]))
    began = time.monotonic()
    found = None
    while found is None and time.monotonic() < began + 40:
        # It is no silent one.
        with contextlib.suppress(OSError):
            link.send(frame(0x41))
        with contextlib.suppress(AssertionError):
            found = log_of(relay, r"code=([\w-]+) .*session ended", deadline=1)
        peak = relay.child.resident()
    took = time.monotonic() - began
    assert found[1] == "write-stalled"
    assert set(uploads.answers()) == {"session-lost"}
    if full:
        print(f"never reading, 128 uploads for it: ended as write-stalled after {took:.1f} s, "
              f"relay {(peak - memory) / MIB:+.1f} MiB")
        assert 14 < took < 18
        assert peak - memory <= 16 * MIB


def test_more_connections_than_there_is_room_for(own):
    relay, made = own(limits="{connections: 20}")
    inside = [dial(relay.port) for _ in range(20)]
    for sock in inside:
        sock.sendall(request_bytes("localhost", "/healthz"))
        assert read_answer(Reader(sock), b"GET").status == 200
    outside = [dial(relay.port) for _ in range(50)]
    for sock in outside:
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(1) == b""
        sock.close()
    inside[0].sendall(request_bytes("localhost", "/healthz"))
    assert read_answer(Reader(inside[0]), b"GET").status == 200
    line = log_of(relay, r"over_all=(\d+) .*connections were not let in")
    assert int(line[1]) > 0
    inside.pop().close()
    wait_until("room for one more", lambda: healthy(relay))
    for sock in inside:
        sock.close()


def healthy(relay):
    with contextlib.suppress(OSError, EOFError, Exception), dial(relay.port) as sock:
        sock.sendall(request_bytes("localhost", "/healthz"))
        return read_answer(Reader(sock), b"GET").status == 200
    return False


def test_without_descriptors_the_relay_serves_on_and_accepts_again(own, keep, full):
    relay, made = own()
    app = keep(RawApp())
    keep(agent(relay.home, relay, made["authtoken"], app.port))
    inside = dial(relay.port)
    inside.sendall(request_bytes(made["domain"]))
    assert read_answer(Reader(inside), b"GET").status == 200
    pid = relay.child.pid
    few = max(int(name) for name in os.listdir(f"/proc/{pid}/fd")) + 4
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    assert soft == hard, "the relay takes all descriptors that it may"
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (few, hard))
    more = [dial(relay.port) for _ in range(30)]
    log_of(relay, r"not_accepted=[1-9].*connections were not let in")
    before = busy(pid)
    for _ in range(20):
        inside.sendall(request_bytes(made["domain"]))
        assert read_answer(Reader(inside), b"GET").status == 200
    if full:
        time.sleep(3)
        spent = busy(pid) - before
        print(f"without descriptors: {spent:.2f} s of processor time in 3 s")
        assert spent < 0.5
    for sock in more:
        sock.close()
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
    wait_until("the relay to accept again", lambda: healthy(relay))
    assert ask(relay.port, made["domain"]).status == 200
    inside.close()


def test_limits_of_the_file_are_checked_by_name(own, new_home):
    home = new_home()
    (home.work / "relay.yml").write_text("limits: {connections_per_adress: 1}\n", encoding="utf-8")
    relay = Relay(home)
    done = relay.attempt("serve", "--config", home.work / "relay.yml")
    assert done.returncode == 78
    assert "connections_per_address" in done.stderr and "relay.yml:1" in done.stderr


# What `./dev show link.8` adds: times, memory, and those who have nothing to do with it.


def slow_reader(relay, made, domain, end):
    """Serves a domain, and reads what comes for it by 1 KiB every 50 ms."""
    link = RawLink(relay.port, made["authtoken"], window=4_096, install=b"\x21" * 16,
                   instance=b"\x22" * 16)
    assert link.serve(domain)[0] == 2
    uploads = Uploads(relay, domain, 24)
    while time.monotonic() < end:
        link.reader.buffer += link.sock.recv(1_024)
        # What it is said is not looked at; it says that it lives.
        link.send(frame(0x41))
        time.sleep(0.05)
    return link, uploads


@pytest.mark.timeout(300)
def test_hostile_agents_cost_nobody_else_anything(own, keep, full, new_home):
    if not full:
        pytest.skip("./dev show link.8")
    relay, made = own()
    other = relay.account("bob")
    app = keep(RawApp())
    keep(agent(new_home(), relay, other["authtoken"], app.port))
    relay.reserve("slow.example", made["account"])
    pulse = Pulse(relay.port, other["domain"])
    with pulse.during(2):
        pass
    with pulse.during(15) as calm:
        time.sleep(15)
    memory = relay.child.resident()
    print(f"\ncalm: {calm}, relay {memory / MIB:.1f} MiB")
    slow = []
    with pulse.during(25) as rough:
        end = time.monotonic() + 20
        reading = threading.Thread(target=lambda: slow.append(
            slow_reader(relay, made, "slow.example", end)))
        reading.start()
        worst = 0
        round_of = 0
        while time.monotonic() < end:
            for offence, code in OFFENCES:
                found, took = offend(relay, made["authtoken"], offence)
                assert found == code
                worst = max(worst, took)
                if round_of == 0:
                    print(f"{offence.__name__:16} ended as {found} after {took * 1000:.0f} ms")
                assert took < 1
            round_of += 1
            time.sleep(PAUSE)
        peak = relay.child.resident()
        reading.join(30)
    link, uploads = slow[0]
    assert link.lives(), "slow reading ends no session"
    link.stop()
    uploads.stop()
    print(f"{round_of} rounds of {len(OFFENCES)} offences, the slowest ended after "
          f"{worst * 1000:.0f} ms; the slow reader lives")
    print(f"rough: {rough}, relay {peak / MIB:.1f} MiB ({(peak - memory) / MIB:+.1f})")
    assert peak - memory <= 16 * MIB
    assert rough["p99"] <= max(2 * calm["p99"], calm["p99"] + 5)


@pytest.mark.timeout(120)
def test_silent_connections_are_closed_at_ten_seconds(own, full):
    if not full:
        pytest.skip("./dev show link.8")
    relay, _ = own()
    before = relay.child.resident()
    waiting = selectors.DefaultSelector()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for _ in range(2_000):
        sock = dial(relay.port)
        waiting.register(sock, selectors.EVENT_READ, time.monotonic())
    print(f"\n2,000 silent connections: relay {(relay.child.resident() - before) / MIB:+.1f} MiB")
    lives = []
    while waiting.get_map():
        ready = waiting.select(15)
        assert ready, f"{len(waiting.get_map())} are still open"
        for key, _ in ready:
            assert key.fileobj.recv(1) == b""
            lives.append(time.monotonic() - key.data)
            waiting.unregister(key.fileobj)
            key.fileobj.close()
    print(f"closed after {min(lives):.2f} to {max(lives):.2f} s")
    assert 9.9 <= min(lives) and max(lives) < 11.5
    assert healthy(relay)
