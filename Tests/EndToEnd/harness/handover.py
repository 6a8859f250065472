"""A relay whose process changes: it is found by its data directory's lock."""

import os
import signal
import threading
import time

from .process import Child, alive, wait_until
from .tunnel import Relay
from .wire import Closed, Reader, dial, read_answer, request_bytes


class HandingOver(Relay):
    """`relay serve` from any copy of the program; `pid` is the process that serves now."""

    def __init__(self, home, program, **more):
        super().__init__(home, **more)
        self.program = program
        self.seen = set()

    def start(self, *more, command=(), **env):
        domain = ["--domain", self.domain, "--data", self.data]
        listen = ["--listen", f"{self.host}:{self.port}"]
        self.child = Child("relay", [*command, self.program, "serve", *domain, *listen, "--json",
                                     *more], self.home.env(**env), self.home.work)
        ready = self.child.wait_event("ready")
        self.port = int(ready["listen"].rsplit(":", 1)[1])
        self.seen.add(self.pid)
        return ready

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    @property
    def pid(self):
        return int((self.data / "relay.lock").read_text(encoding="ascii"))

    def readies(self):
        return sum('"event":"ready"' in line for line in self.child.lines["out"])

    def hand_over(self):
        """SIGUSR2; answers the old and the new process's id once the new one serves."""
        old, before = self.pid, self.readies()
        os.kill(old, signal.SIGUSR2)
        wait_until("the successor to serve", lambda: self.readies() > before)
        self.seen.add(self.pid)
        return old, self.pid

    def wait_gone(self, pid, deadline=40):
        """Of the first process also the exit code is known, and it is 0."""
        if pid == self.child.pid:
            assert self.child.process.wait(deadline) == 0, self.child.log()
        wait_until(f"the end of {pid}", lambda: not alive(pid), deadline)

    def stop(self):
        if not self.child:
            return
        for pid in self.seen:
            if pid != self.child.pid and alive(pid):
                os.kill(pid, signal.SIGKILL)
                wait_until("the relay's end", lambda: not alive(pid))
        super().stop()


class Trickle:
    """Requests at a steady pace, whether or not the ones before were answered: half of them on
    connections of their own, half on some that are kept as long as the other side keeps them.
    `faults` is what was no whole 200."""

    def __init__(self, port, host, per_second=20):
        self.port, self.host = port, host
        self.lock = threading.Lock()
        self.faults = []
        self.answered = {"new": 0, "kept": 0}
        self.closes = 0
        self.slowest = 0.0
        self.over = threading.Event()
        keepers = max(1, per_second // 10)
        self.threads = [threading.Thread(target=self._pace, args=(2 / per_second,), daemon=True)]
        for _ in range(keepers):
            self.threads.append(threading.Thread(
                target=self._keep, args=(2 * keepers / per_second,), daemon=True))
        for thread in self.threads:
            thread.start()

    def _ask(self, sock, reader, kind):
        began = time.monotonic()
        sock.sendall(request_bytes(self.host, f"/{kind}"))
        answer = read_answer(reader, b"GET")
        with self.lock:
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.answered[kind] += 1
            if answer.status != 200:
                self.faults.append(f"{kind}: {answer.status} {answer.get('Tunnel-Error')}")
        return answer.get("Connection") == "close"

    def _pace(self, pause):
        asking = []
        while not self.over.wait(pause):
            thread = threading.Thread(target=self._once, daemon=True)
            thread.start()
            asking = [one for one in asking if one.is_alive()] + [thread]
        for thread in asking:
            thread.join(60)

    def _once(self):
        try:
            with dial(self.port) as sock:
                self._ask(sock, Reader(sock), "new")
        except (OSError, Closed, ValueError) as fault:
            self.faults.append(f"new: {fault!r}")

    def _keep(self, pause):
        sock = None
        while not self.over.wait(pause):
            try:
                if sock is None:
                    sock = dial(self.port)
                    reader = Reader(sock)
                if self._ask(sock, reader, "kept"):
                    self.closes += 1
                    sock.close()
                    sock = None
            except (OSError, Closed, ValueError) as fault:
                self.faults.append(f"kept: {fault!r}")
                sock = None
        if sock:
            sock.close()

    def wait_answered(self, more=10):
        """Until so many more of each kind were answered."""
        before = dict(self.answered)
        wait_until("more answers", lambda: all(
            self.answered[kind] >= before[kind] + more for kind in before), deadline=60)

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join(60)
