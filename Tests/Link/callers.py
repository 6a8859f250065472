"""Callers that do not wait for each other, and what each of them got."""

import socket
import threading
import time
from dataclasses import dataclass

from harness.wire import Closed, Reader, read_answer, request_bytes


@dataclass
class Asked:
    """One request: when it began and ended, and the status; 0 where no whole answer came."""

    target: str
    at: float
    ended: float = 0.0
    status: int = 0
    code: str = ""
    body: bytes = b""
    fault: str = ""

    @property
    def seconds(self):
        return self.ended - self.at

    def __str__(self):
        return (f"{self.target} {self.status} {self.code or self.fault} "
                f"after {self.seconds:.2f} s")


def ask(port, host, target="/", patience=25.0, body=None):
    """One exchange on a connection of its own, POST with a body; it never raises."""
    method = "GET" if body is None else "POST"
    asked = Asked(target, time.monotonic())
    try:
        with socket.create_connection(("127.0.0.1", port), patience) as sock:
            sock.settimeout(patience)
            sock.sendall(request_bytes(host, target, method, body=body))
            answer = read_answer(Reader(sock), method.encode())
            asked.status, asked.body = answer.status, answer.body
            asked.code = answer.get("Tunnel-Error") or ""
    except (OSError, Closed, ValueError) as fault:
        asked.fault = type(fault).__name__
    asked.ended = time.monotonic()
    return asked


class Callers:
    """A new request every `every` seconds from now on, however long the others take. Begun in a
    namespace it stays there."""

    def __init__(self, port, host, every=0.5, patience=25.0, path="/n",
                 at_once=False, body=None):
        self.port, self.host, self.every, self.patience = port, host, every, patience
        self.path, self.body = path, body
        self.asked = []
        self.begun = 0
        self.lock = threading.Lock()
        self.running = set()
        self.over = threading.Event()
        if at_once:
            self._one()
        self.ticker = threading.Thread(target=self._tick, daemon=True)
        self.ticker.start()

    def _tick(self):
        while not self.over.wait(self.every):
            self._one()

    def _one(self):
        with self.lock:
            self.begun += 1
            thread = threading.Thread(target=self._ask, args=(f"{self.path}/{self.begun}",),
                                      daemon=True)
            self.running.add(thread)
        thread.start()

    def _ask(self, target):
        asked = ask(self.port, self.host, target, self.patience, self.body)
        with self.lock:
            self.asked.append(asked)
            self.running.discard(threading.current_thread())

    def all(self):
        with self.lock:
            return list(self.asked)

    def first(self, since, status=200):
        """The first answer of this status that came at `since` or later."""
        found = [asked for asked in self.all() if asked.status == status and asked.ended >= since]
        return min(found, key=lambda asked: asked.ended, default=None)

    def finish(self):
        """No more requests; answers all, once the last is over."""
        self.over.set()
        self.ticker.join()
        with self.lock:
            left = list(self.running)
        for thread in left:
            thread.join()
        return self.all()

    def stop(self):
        self.over.set()


def wait_first(callers, since, seconds):
    """The first 200 that came after `since`; None if none comes in time."""
    end = since + seconds
    while (found := callers.first(since)) is None and time.monotonic() < end:
        time.sleep(0.02)
    return found
