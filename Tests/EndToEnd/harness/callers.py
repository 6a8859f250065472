"""Visitors of a tunnel, by the protocol they speak: each asks once, from any address it likes."""

import base64
import socket
import subprocess

from .wire import DEADLINE, Message, Reader, read_answer, read_head, request_bytes


def basic(user_and_password):
    """The Authorization field of RFC 7617."""
    return ("Authorization", "Basic " + base64.b64encode(user_and_password.encode()).decode())


def dial_from(source, port):
    sock = socket.create_connection(("127.0.0.1", port), DEADLINE, (source, 0))
    sock.settimeout(DEADLINE)
    return sock


class Http1:
    """A raw socket for each exchange."""

    name = "http/1.1"

    def __init__(self, relay):
        self.relay = relay

    def ask(self, host, target="/", fields=(), source="127.0.0.1"):
        with dial_from(source, self.relay.port) as sock:
            sock.sendall(request_bytes(host, target, "GET", fields))
            return read_answer(Reader(sock), b"GET")


class Http2:
    """curl with prior knowledge."""

    name = "h2c"

    def __init__(self, relay):
        self.relay = relay

    def ask(self, host, target="/", fields=(), source="127.0.0.1"):
        lines = [part for name, value in fields for part in ("-H", f"{name}: {value}")]
        done = subprocess.run(
            ["curl", "-sS", "-i", "--http2-prior-knowledge", "--noproxy", "*",
             "--interface", source, "--connect-to", f"::127.0.0.1:{self.relay.port}", *lines,
             f"http://{host}:{self.relay.port}{target}"],
            capture_output=True, timeout=DEADLINE, check=False)
        assert done.returncode == 0, done.stderr
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        start, *rest = head.split(b"\r\n")
        return Message(start, rest, body)


class Upgrade:
    """An upgrade as a WebSocket's: a 101, or what was said instead."""

    name = "websocket"

    def __init__(self, relay):
        self.relay = relay

    def ask(self, host, target="/", fields=(), source="127.0.0.1"):
        more = [("Connection", "Upgrade"), ("Upgrade", "websocket"), *fields]
        with dial_from(source, self.relay.port) as sock:
            sock.sendall(request_bytes(host, target, "GET", more))
            reader = Reader(sock)
            answer = read_answer(reader, b"GET")
            if answer.status == 101:
                sock.sendall(b"ping")
                answer.body = reader.exactly(4)
            return answer


ALL = [Http1, Http2, Upgrade]


def answers_upgrades(request, sock, reader):
    """An app's handler: 101 and an echo where an upgrade is asked for, else 200."""
    if request.get("Upgrade"):
        sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                     b"Upgrade: websocket\r\nServer: app\r\n\r\n")
        while data := reader.some():
            sock.sendall(data)
        return False
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nServer: app\r\n\r\nok")
    return True
