"""A process of its own that opens many connections, from 20 loopback addresses, and is slow on them
in one of slowhttptest's ways or rests: `python slow.py PORT HOST KIND COUNT SECONDS`.

It prints `open` once all are there, and at the end a line of JSON: how many were closed, and how
many seconds each lived from when the relay's patience began: for `head` from the connection, for
`body` and `read` from the last byte that moved."""

import json
import resource
import selectors
import socket
import struct
import sys
import time

ADDRESSES = [f"127.0.0.{number}" for number in range(2, 22)]


class Slow:
    """One connection. `begin` is called once it is there, `tick` each second."""

    def __init__(self, port, host, number):
        self.host, self.number = host, number
        self.answer = b""
        self.sock = socket.socket()
        self.prepare()
        self.sock.bind((ADDRESSES[number % len(ADDRESSES)], 0))
        self.sock.settimeout(20)
        self.sock.connect(("127.0.0.1", port))
        self.since = time.monotonic()
        self.begin()
        self.sock.setblocking(False)

    def prepare(self):
        pass

    def send(self, text):
        try:
            self.sock.send(text.encode())
        except OSError:
            return False
        return True

    def tick(self, second):
        pass

    def readable(self):
        """Takes what is there; whether the connection is over."""
        try:
            data = self.sock.recv(65_536)
        except BlockingIOError:
            return False
        except OSError:
            return True
        self.answer += data[:200]
        return not data


class Head(Slow):
    """Slowloris: a field each few seconds, and never the last."""

    def begin(self):
        self.send(f"GET / HTTP/1.1\r\nHost: {self.host}\r\n")

    def tick(self, second):
        if second % 3 == self.number % 3:
            self.send("X-a: b\r\n")


class Body(Slow):
    """A body whose bytes come one each few seconds, and then no more."""

    said = 3

    def begin(self):
        self.send(f"POST /up HTTP/1.1\r\nHost: {self.host}\r\nContent-Length: 4096\r\n\r\nx")

    def tick(self, second):
        if self.said and second % 3 == 0:
            self.said -= 1
            if self.send("x"):
                self.since = time.monotonic()


class Read(Slow):
    """A large answer through the smallest window, read by a byte each few seconds: too few for the
    window to open again."""

    def prepare(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1_024)

    def begin(self):
        self.send(f"GET /large HTTP/1.1\r\nHost: {self.host}\r\n\r\n")

    def tick(self, second):
        if second % 5 == 0:
            self.readable()

    def readable(self):
        try:
            return not self.sock.recv(1)
        except BlockingIOError:
            return False
        except OSError:
            return True


class Rest(Slow):
    """An exchange, and then nothing."""

    def begin(self):
        self.send(f"GET / HTTP/1.1\r\nHost: {self.host}\r\n\r\n")
        while not self.answer.endswith(b"ok"):
            data = self.sock.recv(1_000)
            if not data:
                raise EOFError(self.answer)
            self.answer += data


KINDS = {"head": Head, "body": Body, "read": Read, "rest": Rest}


def raise_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def ended_by_reset(sock):
    """A peer that reads nothing hears of a reset by the error alone."""
    if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        return True
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)
    return struct.unpack("B", info[:1])[0] == 7  # TCP_CLOSE


def main():
    port, host, kind, count, seconds = sys.argv[1:]
    raise_limit()
    slow = [KINDS[kind](int(port), host, number) for number in range(int(count))]
    waiting = selectors.DefaultSelector()
    for one in slow:
        # Who does not read is looked at each second.
        if kind != "read":
            waiting.register(one.sock, selectors.EVENT_READ, one)
    print("open", flush=True)
    lives, answers, second = [], {}, 0
    end, left = time.monotonic() + float(seconds), set(slow)
    next_tick = time.monotonic() + 1

    def over(one):
        lives.append(time.monotonic() - one.since)
        status = one.answer[9:12].decode()
        answers[status] = answers.get(status, 0) + 1
        left.discard(one)
        if kind != "read":
            waiting.unregister(one.sock)
        one.sock.close()

    while left and time.monotonic() < end:
        for key, _ in waiting.select(max(0, min(next_tick, end) - time.monotonic())):
            if key.data.readable():
                over(key.data)
        if time.monotonic() >= next_tick:
            next_tick += 1
            second += 1
            for one in list(left):
                if kind == "read" and ended_by_reset(one.sock):
                    over(one)
                else:
                    one.tick(second)
    lives.sort()
    print(json.dumps({"closed": len(lives), "open": len(left), "answers": answers,
                      "from": round(lives[0], 2) if lives else None,
                      "to": round(lives[-1], 2) if lives else None}), flush=True)


if __name__ == "__main__":
    main()
