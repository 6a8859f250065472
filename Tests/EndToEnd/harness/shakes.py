"""Handshakes as load: connections of their own, one after the other, and some that are kept."""

import hashlib
import socket
import ssl
import threading
import time

from .process import wait_until
from .wire import Closed, Reader, dial, read_answer, request_bytes


def shown(port, name, version=None):
    """SHA-256 of the leaf that is shown for a name (None asks for none)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if version:
        context.minimum_version = context.maximum_version = version
    with context.wrap_socket(dial(port), server_hostname=name) as sock:
        return hashlib.sha256(sock.getpeercert(binary_form=True)).hexdigest()


def leaf(certificates):
    """The same of a pair of files."""
    text = certificates.chain.read_text(encoding="ascii")
    end = "-----END CERTIFICATE-----"
    der = ssl.PEM_cert_to_DER_cert(text[: text.index(end) + len(end)])
    return hashlib.sha256(der).hexdigest()


class Shakes:
    """Full handshakes, each with one request, as fast as `threads` make them, and a request every
    `pace` seconds on connections that are kept from the start. All authorities of `trusted` are
    believed. `faults` is what was no whole 200; `seen` says of each leaf when it was shown first
    and last, `drops` counts kept connections that ended."""

    def __init__(self, port, name, trusted, threads=4, kept=3, pace=0.05):
        self.port, self.name = port, name
        self.context = ssl.create_default_context()
        for each in trusted:
            self.context.load_verify_locations(each.ca)
        self.request = request_bytes(name, "/healthz")
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.count, self.kept, self.drops = 0, 0, 0
        self.faults, self.seen, self.slowest = [], {}, 0.0
        self.threads = [threading.Thread(target=self._shake, daemon=True) for _ in range(threads)]
        self.threads += [
            threading.Thread(target=self._keep, args=(pace,), daemon=True) for _ in range(kept)]
        for thread in self.threads:
            thread.start()

    def _connect(self):
        return self.context.wrap_socket(dial(self.port), server_hostname=self.name)

    def _ask(self, sock, reader):
        sock.sendall(self.request)
        answer = read_answer(reader, b"GET")
        if answer.status != 200:
            raise ValueError(answer.status)

    def _shake(self):
        while not self.over.is_set():
            began = time.monotonic()
            try:
                with self._connect() as sock:
                    print_of = hashlib.sha256(sock.getpeercert(binary_form=True)).hexdigest()
                    self._ask(sock, Reader(sock))
            except (OSError, Closed, ValueError) as fault:
                self.faults.append(repr(fault))
                continue
            now = time.monotonic()
            with self.lock:
                self.count += 1
                self.slowest = max(self.slowest, now - began)
                first, _ = self.seen.get(print_of, (began, began))
                self.seen[print_of] = (first, now)

    def _keep(self, pace):
        try:
            with self._connect() as sock:
                reader = Reader(sock)
                while not self.over.wait(pace):
                    self._ask(sock, reader)
                    with self.lock:
                        self.kept += 1
        except (OSError, Closed, ValueError) as fault:
            self.drops += 1
            self.faults.append(f"kept: {fault!r}")

    def wait_more(self, handshakes=20, kept=3):
        before = (self.count, self.kept)
        wait_until("more handshakes", lambda: self.faults or (
            self.count >= before[0] + handshakes and self.kept >= before[1] + kept), 60)

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join(60)


class Halves:
    """Connections with half a ClientHello; `ends` says when each was closed, from its dial on."""

    def __init__(self, port, count, hello):
        self.dialed, self.ends, self.sockets = [], [], []
        for _ in range(count):
            sock = socket.create_connection(("127.0.0.1", port))
            self.dialed.append(time.monotonic())
            sock.sendall(hello)
            self.sockets.append(sock)

    def wait_closed(self, deadline):
        """Reads each to its end; whatever came is not nothing."""
        said = []
        for sock, dialed in zip(self.sockets, self.dialed):
            sock.settimeout(deadline)
            try:
                said.append(sock.recv(100))
            except ConnectionResetError:
                said.append(b"")
            self.ends.append(time.monotonic() - dialed)
            sock.close()
        return said

    def stop(self):
        for sock in self.sockets:
            sock.close()
