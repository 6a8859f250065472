"""Bodies of any size at constant memory, and a slow one slows only itself."""

import threading
import time

import pytest

from harness.apps import RawApp, answer_bytes
from harness.process import wait_until
from harness.wire import Reader, ask, dial, read_head

MIB = 1 << 20
CHUNK = b"\xa5" * MIB


class Growth:
    """How much relay and agent grew at most while something ran."""

    def __init__(self, **children):
        self.children = children
        self.before = {name: child.resident() for name, child in children.items()}
        self.most = dict.fromkeys(children, 0)

    def look(self):
        for name, child in self.children.items():
            self.most[name] = max(self.most[name], child.resident() - self.before[name])

    def check(self, limit=32 * MIB):
        self.look()
        print("grew by", {name: f"{grown / MIB:.1f} MiB" for name, grown in self.most.items()})
        assert all(grown < limit for grown in self.most.values()), self.most


class Download:
    """An app that sends `size` bytes as fast as it is let, and counts what it handed over."""

    def __init__(self, size):
        self.size = size
        self.sent = 0

    def __call__(self, request, sock, reader):
        if request.target != b"/big":
            return sock.sendall(answer_bytes())
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % self.size)
        left = self.size
        while left:
            left -= sock.send(CHUNK[:left])
            self.sent = self.size - left
        return None


def stalled(counter):
    """Waits until a count has stood still for half a second; answers it."""
    last = [counter(), time.monotonic()]

    def still():
        if counter() != last[0]:
            last[:] = [counter(), time.monotonic()]
        return last[0] > 0 and time.monotonic() - last[1] > 0.5

    wait_until("the sender to stall", still)
    return counter()


def test_a_reader_that_stops_stops_the_app_and_nobody_else(serve, keep, relay, domain):
    download = Download(256 * MIB)
    agent = serve(keep(RawApp(download)).port)
    ask(relay.port, domain)
    growth = Growth(relay=relay.child, agent=agent)
    with dial(relay.port) as sock:
        sock.sendall(f"GET /big HTTP/1.1\r\nHost: {domain}\r\n\r\n".encode())
        held = stalled(lambda: download.sent)
        growth.look()
        assert held < 64 * MIB
        for _ in range(20):
            assert ask(relay.port, domain).status == 200
        reader = Reader(sock)
        read_head(reader)
        left = download.size
        while left:
            data = reader.some()
            assert data.count(0xA5) == len(data) > 0
            left -= len(data)
    growth.check()


class Upload:
    """An app that reads a body at its own pace."""

    def __init__(self, rate=None):
        self.rate = rate
        self.gate = threading.Event()
        self.got = 0

    def __call__(self, request, sock, reader):
        if request.method == b"GET":
            return sock.sendall(answer_bytes())
        self.gate.wait(60)
        left = int(request.get("Content-Length"))
        start = time.monotonic()
        while left:
            data = reader.some()
            left -= len(data)
            self.got += len(data)
            ahead = self.got / self.rate - (time.monotonic() - start) if self.rate else 0
            if ahead > 0:
                time.sleep(ahead)  # the pace of a slow app, not a synchronisation
        return sock.sendall(answer_bytes(body=b"%d" % self.got))


def send_body(sock, size, sent):
    while sent[0] < size:
        sent[0] += sock.send(CHUNK[: size - sent[0]])


@pytest.mark.timeout(300)
def test_an_app_that_reads_late_stops_the_sender(serve, keep, relay, domain, full):
    size = (1024 if full else 128) * MIB
    upload = Upload()
    agent = serve(keep(RawApp(upload, whole=False)).port)
    ask(relay.port, domain)
    growth = Growth(relay=relay.child, agent=agent)
    with dial(relay.port) as sock:
        sock.settimeout(120)
        sock.sendall(f"POST /up HTTP/1.1\r\nHost: {domain}\r\nContent-Length: {size}\r\n\r\n".encode())
        sent = [0]
        sender = threading.Thread(target=send_body, args=(sock, size, sent))
        sender.start()
        assert stalled(lambda: sent[0]) < 64 * MIB
        growth.look()
        assert ask(relay.port, domain).status == 200
        upload.rate = 100 * MIB if full else None
        upload.gate.set()
        while sender.is_alive():
            growth.look()
            sender.join(0.2)
        reader = Reader(sock)
        assert read_head(reader).status == 200
        assert reader.exactly(len(str(size))) == str(size).encode()
    growth.check()


def small_requests(port, domain, count=1000):
    """The p99 of sequential small requests on one connection, in milliseconds."""
    times = []
    with dial(port) as sock:
        reader = Reader(sock)
        for _ in range(count):
            start = time.perf_counter()
            sock.sendall(f"GET / HTTP/1.1\r\nHost: {domain}\r\n\r\n".encode())
            head = read_head(reader)
            reader.exactly(int(head.get("Content-Length")))
            times.append((time.perf_counter() - start) * 1000)
    return sorted(times)[int(count * 0.99)]


@pytest.mark.timeout(1500)
def test_slow_readers_leave_small_requests_quick(serve, keep, relay, domain, full):
    """20 readers at 1 MiB/s of 300 MiB answers; needs five minutes, so `./dev show streaming`."""
    if not full:
        pytest.skip("five minutes: `./dev show streaming`")
    agent = serve(keep(RawApp(Download(300 * MIB))).port)
    idle = sorted(small_requests(relay.port, domain) for _ in range(3))[1]
    growth = Growth(relay=relay.child, agent=agent)
    done, faults = [], []

    def read_slowly():
        with dial(relay.port) as sock:
            sock.sendall(f"GET /big HTTP/1.1\r\nHost: {domain}\r\n\r\n".encode())
            reader = Reader(sock)
            read_head(reader)
            start, got = time.monotonic(), 0
            while got < 300 * MIB:
                data = sock.recv(65536) if not reader.buffer else reader.some()
                if not data:
                    faults.append(got)
                    return
                got += len(data)
                ahead = got / MIB - (time.monotonic() - start)
                if ahead > 0:
                    time.sleep(ahead)  # the pace of a slow reader
            done.append(got)

    readers = [threading.Thread(target=read_slowly) for _ in range(20)]
    for reader in readers:
        reader.start()
    busy = []
    while any(reader.is_alive() for reader in readers):
        growth.look()
        if len(busy) < 3:
            busy.append(small_requests(relay.port, domain))
        readers[0].join(1)
    print(f"p99 of 1,000 small requests: idle {idle:.2f} ms, busy {sorted(busy)[1]:.2f} ms")
    assert not faults and len(done) == 20
    growth.check()
    assert sorted(busy)[1] <= max(2 * idle, 5)
