"""What TCP endpoints are tried with: a relay with ports, apps that are no HTTP, two databases."""

import glob
import os
import random
import shutil
import socket
import struct
import tempfile
import threading

from .process import Child, run
from .tunnel import agent


def free_ports(count):
    """The first of so many ports in a row that nobody has, below what the system gives by itself."""
    while True:
        first = random.randrange(20_000, 32_000 - count)
        try:
            for port in range(first, first + count):
                socket.create_server(("127.0.0.1", port)).close()
            return first
        except OSError:
            continue


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def port_of(event):
    """The relay's port in `ready`."""
    scheme, _, rest = event["url"].partition("://")
    assert scheme == "tcp", event
    return int(rest.rsplit(":", 1)[1])


def tcp_agent(home, relay, token, *arguments, **options):
    """A running `tunnel tcp`, and the relay's port that it got."""
    child = agent(home, relay, token, "tcp", *arguments, **options)
    return child, port_of(child.wait_event("ready"))


def connect(port, timeout=30):
    return socket.create_connection(("127.0.0.1", port), timeout=timeout)


def rest(sock):
    data = bytearray()
    while piece := sock.recv(1 << 20):
        data += piece
    return bytes(data)


def reset(sock):
    """Closes so that the other side hears a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def echo(sock):
    """Answers all that it hears, and says at the end how much that was."""
    count = 0
    while piece := sock.recv(1 << 16):
        count += len(piece)
        sock.sendall(piece)
    sock.sendall(b"|%d" % count)


class TCPApp:
    """`handler(sock)` for each connection, on a thread of its own; then the socket is closed.
    What a handler met is kept in `faults`."""

    def __init__(self, handler=echo):
        self.handler = handler
        self.server = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.server.getsockname()[1]
        self.faults = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._handle, args=(sock,), daemon=True).start()

    def _handle(self, sock):
        with sock:
            try:
                self.handler(sock)
            except OSError as fault:
                self.faults.append(fault)

    def stop(self):
        # A close alone would leave the thread in `accept`, and the port open.
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()


def nobody():
    """What stands before a command so that it does not run as root, as databases want it."""
    if os.getuid() != 0:
        return []
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]


class Database:
    """A server from Debian with a folder of its own, as nobody."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="tun-db-")
        if os.getuid() == 0:
            shutil.chown(self.folder, "nobody", "nogroup")
        self.port = free_port()
        self.child = None

    def stop(self):
        if self.child:
            self.child.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Postgres(Database):
    def __init__(self):
        super().__init__()
        programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        data = f"{self.folder}/data"
        env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": self.folder}
        made = run([*nobody(), f"{programs}/initdb", "-D", data, "-A", "trust", "-U", "tester",
                    "--no-sync", "-E", "UTF8"], env, "/", deadline=120)
        assert made.returncode == 0, made.stderr
        self.child = Child(
            "postgres",
            [*nobody(), f"{programs}/postgres", "-D", data, "-p", self.port, "-k", self.folder,
             "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"], env, "/")
        self.child.wait_line("ready to accept connections", "err", deadline=60)

    @staticmethod
    def query(port, sql, stdin="", deadline=60):
        return run(["psql", "-X", "-h", "127.0.0.1", "-p", port, "-U", "tester", "-d", "postgres",
                    "-v", "ON_ERROR_STOP=1", "-Atc", sql],
                   {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": "/nonexistent"}, "/",
                   stdin, deadline)


class Redis(Database):
    def __init__(self):
        super().__init__()
        self.child = Child(
            "redis",
            [*nobody(), "redis-server", "--port", self.port, "--bind", "127.0.0.1", "--save", "",
             "--appendonly", "no", "--dir", self.folder],
            {"PATH": os.environ["PATH"] + ":/usr/sbin", "LANG": "C.UTF-8"}, "/")
        self.child.wait_line("Ready to accept connections", "out", deadline=60)

    @staticmethod
    def command(port, *words, stdin=""):
        return run(["redis-cli", "-h", "127.0.0.1", "-p", port, *words],
                   {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}, "/", stdin, 60)
