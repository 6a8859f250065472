"""Bytes through `tunnel tcp`: databases, half-closes, resets, much at once, a slow reader."""

import hashlib
import random
import socket
import threading

import pytest

from harness.process import wait_until
from harness.tcp import (Postgres, Redis, TCPApp, connect, free_port, free_ports, reset, rest,
                         tcp_agent)
from harness.tunnel import Home, Relay

MIB = 1 << 20


@pytest.fixture(scope="module")
def ports(folder, numbers):
    """A relay with 20 ports for TCP endpoints."""
    relay = Relay(Home(f"{folder}/{next(numbers)}"))
    relay.first = free_ports(20)
    relay.start("--tcp-ports", f"{relay.first}-{relay.first + 19}")
    relay.token = relay.account("ann")["authtoken"]
    yield relay
    relay.stop()


@pytest.fixture
def tunnel(keep, home, ports):
    """`tunnel(target)`: the agent and the relay's port."""

    def start(target, *arguments, **options):
        child, port = tcp_agent(home, ports, ports.token, target, *arguments, **options)
        keep(child)
        return child, port

    return start


def test_psql_asks_a_real_server(keep, tunnel):
    _, port = tunnel(keep(Postgres()).port)
    assert Postgres.query(port, "select 6 * 7").stdout.strip() == "42"
    rows = Postgres.query(port, "select n, md5(n::text) from generate_series(1, 200000) n").stdout
    assert rows.count("\n") == 200_000
    assert rows.endswith(f"200000|{hashlib.md5(b'200000').hexdigest()}\n")
    lines = "".join(f"{n}\n" for n in range(100_000))
    made = Postgres.query(port, "create table many (n int)")
    assert made.returncode == 0, made.stderr
    assert Postgres.query(port, "copy many from stdin", lines).returncode == 0
    assert Postgres.query(port, "select sum(n) from many").stdout.strip() == str(
        sum(range(100_000)))
    # Many short sessions, one after the other and at once.
    answers = []
    threads = [threading.Thread(target=lambda n=n: answers.append(
        Postgres.query(port, f"select {n}").stdout.strip() == str(n))) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 20


def test_redis_cli_asks_a_real_server(keep, tunnel):
    _, port = tunnel(keep(Redis()).port)
    assert Redis.command(port, "PING").stdout == "PONG\n"
    value = "x" * 300_000
    assert Redis.command(port, "-x", "SET", "key", stdin=value).stdout == "OK\n"
    assert Redis.command(port, "GET", "key").stdout == value + "\n"
    pipe = "".join(f"SET n{n} {n}\r\n" for n in range(10_000))
    done = Redis.command(port, "--pipe", stdin=pipe)
    assert "replies: 10000" in done.stdout and "errors: 0" in done.stdout
    assert Redis.command(port, "DBSIZE").stdout == "10001\n"


def test_a_server_that_speaks_first_is_heard_each_time(keep, tunnel):
    def greet(sock):
        sock.sendall(b"220 ready\r\n")
        sock.recv(100)

    _, port = tunnel(keep(TCPApp(greet)).port)
    for _ in range(100):
        with connect(port) as sock:
            assert sock.recv(100) == b"220 ready\r\n"
            sock.sendall(b"QUIT\r\n")
            assert rest(sock) == b""


@pytest.mark.parametrize("size", [0, 5, 300_000])
def test_a_client_that_ends_its_half_hears_the_whole_answer(keep, tunnel, size):
    child, port = tunnel(keep(TCPApp()).port)
    data = random.randbytes(size)
    with connect(port) as sock:
        threading.Thread(target=lambda: (sock.sendall(data), sock.shutdown(socket.SHUT_WR)),
                         daemon=True).start()
        assert rest(sock) == data + b"|%d" % size
    event = child.wait_event("connection", bytes_in=size)
    assert event["bytes_out"] == size + 1 + len(str(size)) and "code" not in event


def test_an_app_that_ends_its_half_hears_the_client_to_its_end(keep, tunnel):
    heard = []

    def early(sock):
        sock.sendall(b"enough")
        sock.shutdown(socket.SHUT_WR)
        heard.append(rest(sock))

    child, port = tunnel(keep(TCPApp(early)).port)
    with connect(port) as sock:
        assert rest(sock) == b"enough"
        data = random.randbytes(300_000)
        sock.sendall(data)
    wait_until("the app to hear the end", lambda: heard)
    assert heard == [data]
    assert "code" not in child.wait_event("connection")


def test_an_end_without_a_word_comes_through(keep, tunnel):
    ended = threading.Event()
    _, port = tunnel(keep(TCPApp(lambda sock: rest(sock) == b"" and ended.set())).port)
    connect(port).close()
    assert ended.wait(20)


def test_a_hundred_megabytes_pass_both_ways_at_once(keep, tunnel, ports):
    size, piece = 100 * MIB, random.randbytes(MIB)
    sums = {"app": hashlib.sha256(), "client": hashlib.sha256()}
    expected = hashlib.sha256(piece * (size // MIB)).hexdigest()
    read = {"app": 0, "client": 0}

    def feed(sock):
        try:
            for _ in range(size // MIB):
                sock.sendall(piece)
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # The agent's look at its start, which leaves at once.

    def take(sock, name):
        while data := sock.recv(1 << 18):
            sums[name].update(data)
            read[name] += len(data)

    def both(sock, name):
        feeder = threading.Thread(target=feed, args=(sock,), daemon=True)
        feeder.start()
        take(sock, name)
        feeder.join(60)

    child, port = tunnel(keep(TCPApp(lambda sock: both(sock, "app"))).port)
    before = ports.child.resident(), child.resident()
    with connect(port) as sock:
        both(sock, "client")
    event = child.wait_event("connection", deadline=60)
    assert (event["bytes_in"], event["bytes_out"]) == (size, size)
    # The last of it may still stand in the app's socket.
    wait_until("the app to have read all", lambda: read["app"] >= size)
    assert [sums[name].hexdigest() for name in ("app", "client")] == [expected] * 2
    assert ports.child.resident() - before[0] < 48 * MIB and child.resident() - before[1] < 48 * MIB


def test_two_hundred_connections_at_once(keep, tunnel):
    _, port = tunnel(keep(TCPApp()).port)
    socks = [connect(port) for _ in range(200)]
    for number, sock in enumerate(socks):
        sock.sendall(b"%d" % number * 1_000)
    for number, sock in enumerate(socks):
        data = b"%d" % number * 1_000
        sock.shutdown(socket.SHUT_WR)
        assert rest(sock) == data + b"|%d" % len(data)
        sock.close()


def test_a_client_that_does_not_read_holds_up_only_the_app_that_feeds_it(keep, tunnel, ports):
    sent = []

    def flood(sock):
        if sock.recv(1) == b"e":
            return echo_rest(sock)
        try:
            while True:
                sent.append(sock.send(b"x" * 65_536))
        except OSError:
            return None

    def echo_rest(sock):
        while data := sock.recv(1 << 16):
            sock.sendall(data)

    child, port = tunnel(keep(TCPApp(flood)).port)
    before = ports.child.resident(), child.resident()
    stuck = connect(port)
    stuck.sendall(b"f")
    counts = []

    def stands():
        counts.append(sum(sent))
        return len(counts) > 20 and counts[-1] == counts[-20] > 0

    wait_until("the flood to stand", stands, every=0.05)
    with connect(port) as sock:
        sock.sendall(b"e" + b"hello")
        assert sock.recv(5) == b"hello"
    assert ports.child.resident() - before[0] < 32 * MIB and child.resident() - before[1] < 32 * MIB
    stuck.close()


def test_a_clients_reset_reaches_the_app(keep, tunnel):
    app = keep(TCPApp())
    child, port = tunnel(app.port)
    before = len(app.faults)
    sock = connect(port)
    sock.sendall(b"hello")
    assert sock.recv(5) == b"hello"
    reset(sock)
    wait_until("the app to meet a reset", lambda: app.faults[before:])
    assert isinstance(app.faults[-1], ConnectionResetError)
    assert child.wait_event("connection")["code"] == "client-gone"


def test_an_apps_reset_reaches_the_client(keep, tunnel):
    child, port = tunnel(keep(TCPApp(lambda sock: sock.recv(5) and reset(sock))).port)
    with connect(port) as sock:
        sock.sendall(b"hello")
        with pytest.raises(ConnectionResetError):
            rest(sock)
    assert child.wait_event("connection")["code"] == "upstream-gone"


def test_where_nothing_listens_the_client_is_cut_off_and_the_agent_says_why(tunnel, ports):
    nothing = free_port()
    child, port = tunnel(nothing, ready=True)
    child.wait_event("warning")
    with connect(port) as sock:
        try:
            assert rest(sock) == b""
        except ConnectionResetError:
            pass
    assert child.wait_event("connection")["code"] == "upstream-refused"
    ports.child.wait_line(r'"msg":"connection".*"code":"upstream-refused"', "err")


def test_the_banner_and_the_lines_are_for_people(keep, tunnel, home, ports):
    from harness.tunnel import agent
    app = keep(TCPApp())
    child = keep(agent(home, ports, ports.token, "tcp", f"localhost:{app.port}", json_lines=False))
    banner = child.wait_line(r"^Forwarding  tcp://localhost:(\d+) -> localhost:(\d+)$")
    assert int(banner[2]) == app.port
    with connect(int(banner[1])) as sock:
        sock.sendall(b"x" * 2_048)
        sock.shutdown(socket.SHUT_WR)
        rest(sock)
    child.wait_line(r"^\d\d:\d\d:\d\d\.\d{3} TCP  127\.0\.0\.1 2\.0 KiB in 2\.0 KiB out \d+ms$")


def test_connections_end_with_their_agent(keep, tunnel):
    child, port = tunnel(keep(TCPApp()).port)
    with connect(port) as sock:
        sock.sendall(b"hello")
        assert sock.recv(5) == b"hello"
        child.kill()
        with pytest.raises(ConnectionResetError):
            rest(sock)
