"""What an app or an agent may send in place of one answer: names, bytes, and what the client gets.

A case is (name, verdict, steps, request): `steps` are bytes, CLOSE, HALF or RESET. The verdict is
REFUSED (502 upstream-invalid), BROKEN (the answer begins, and the connection ends inside it) or the
body of the one whole answer. POISON stands where no client may ever see it.
"""

import contextlib
import socket
import struct
import threading
import time

from .apps import RawApp, answer_bytes
from .frames import DATA, END, OPEN, WINDOW, RawLink, fields, frame
from .frames import RESET as RESET_FRAME
from .wire import Closed

CLOSE, HALF, RESET = "close", "half", "reset"
REFUSED, BROKEN = "refused", "broken"
GET, HEAD, POST, OLD, UPGRADE = "GET", "HEAD", "POST", "GET/1.0", "UPGRADE"

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

CASES = []


def case(name, verdict, *steps, request=GET):
    CASES.append((name, verdict, steps, request))


def answer(said=b"Content-Length: 6\r\n", body=b"POISON", line=b"HTTP/1.1 200 OK"):
    return line + b"\r\n" + said + b"\r\n" + body


def refused(name, *steps, request=GET):
    case(name, REFUSED, *steps, request=request)


def broken(name, *steps, request=GET):
    case(name, BROKEN, *steps, request=request)


# What is no status line.
refused("nothing at all", CLOSE)
refused("a reset at once", RESET)
refused("the end of one half at once", HALF)
refused("another protocol", b"SSH-2.0-OpenSSH_9.2\r\n")
refused("HTTP/0.9", b"<html>POISON</html>", CLOSE)
for number, line in enumerate([
        b"HTTP/2.0 200 OK", b"HTTP/2 200 OK", b"HTTP/1.2 200 OK", b"HTTP/0.9 200 OK", b"http/1.1 200 OK",
        b"HTTP/1,1 200 OK", b"HTTP/01.1 200 OK", b"ICY 200 OK", b"HTTP/1.1 2xx OK", b"HTTP/1.1 20 OK",
        b"HTTP/1.1 2000 OK", b"HTTP/1.1 099 OK", b"HTTP/1.1 000 OK", b"HTTP/1.1 -20 OK",
        b"HTTP/1.1 +20 OK", b"HTTP/1.1  200 OK", b"HTTP/1.1\t200 OK", b"HTTP/1.1 200\tOK",
        b"HTTP/1.1 OK", b"HTTP/1.1", b" HTTP/1.1 200 OK", b"\r\nHTTP/1.1 200 OK", b"\nHTTP/1.1 200 OK",
        b"HTTP/1.1 200 O\0K", b"HTTP/1.1 200 O\rK", b"HTTP/1.1 200 O\x0bK", b"HTTP/1.1 200 OK\n",
        b"HTTP/1.1 200 " + b"x" * 9_000]):
    refused(f"status line {number}: {line[:20]!r}", answer(line=line), CLOSE)
refused("lines that end with LF", answer().replace(b"\r\n", b"\n"), CLOSE)
refused("a head that ends with LF", b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\nPOISON", CLOSE)
refused("half a head", b"HTTP/1.1 200 OK\r\nContent-Le", CLOSE)
refused("half a head, then a reset", b"HTTP/1.1 200 OK\r\nContent-Le", RESET)

# What is no field.
for number, field in enumerate([
        b"Content-Length : 6", b"Content-Length\t: 6", b" Content-Length: 6", b"X: a\r\n b", b"X: a\r\n\tb",
        b"X: \0", b"X: a\rb", b"X: a\nContent-Length: 6", b"X: a\rContent-Length: 6", b": x", b"nothing",
        b"X\xe9: 1", b"X y: 1", b"Content_Length: 6", b"Transfer_Encoding: chunked",
        b"Tunnel_Error: agent-offline", b"Connection: a b", b"Connection: Content-Length",
        b"X: " + b"x" * 16_400]):
    refused(f"field {number}: {field[:30]!r}", answer(field + b"\r\nContent-Length: 6\r\n"), CLOSE)
refused("101 fields", answer(b"X: 1\r\n" * 100 + b"Content-Length: 6\r\n"), CLOSE)
refused("fields of 70 kB", answer((b"X: " + b"x" * 7_000 + b"\r\n") * 10), CLOSE)

# What does not say where the body ends, or says it twice.
for number, said in enumerate([
        b"Content-Length: 6\r\nContent-Length: 6", b"Content-Length: 6\r\nContent-Length: 7",
        b"Content-Length: 6, 6", b"Content-Length: 6, 7", b"Content-Length: +6", b"Content-Length: -6",
        b"Content-Length: 0x6", b"Content-Length: 6 6", b"Content-Length: 6.0", b"Content-Length:",
        b"Content-Length: 6\x0b", b"Content-Length:\t6", b"Content-Length: 9223372036854775808",
        b"Content-Length: 00000000000000000006", b"Content-Length: six",
        b"Content-Length: 6\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nContent-Length: 6", b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked, identity",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"Transfer-Encoding: xchunked",
        b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding: chunked;q=1",
        b"Transfer-Encoding:\x0bchunked", b"Transfer-Encoding:\tchunked", b"Transfer-Encoding: ,chunked",
        b"Transfer-Encoding:", b"Transfer-Encoding : chunked"]):
    refused(f"framing {number}: {said!r}", answer(said + b"\r\n"), CLOSE)
refused("chunks in HTTP/1.0", CHUNKED.replace(b"/1.1", b"/1.0") + b"2\r\nok\r\n0\r\n\r\n", CLOSE)
case("chunks to HTTP/1.0 and a second answer", b"ok", CHUNKED + b"2\r\nok\r\n0\r\n\r\n" + POISON,
     request=OLD)

# Interim answers.
refused("33 interim answers", b"HTTP/1.1 100 Continue\r\n\r\n" * 33 + OK)
refused("3,000 interim answers", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 3_000 + OK)
refused("an interim answer with a length", answer(line=b"HTTP/1.1 103 Early Hints") + OK)
refused("an interim answer with chunks",
        CHUNKED.replace(b"200 OK", b"100 Continue") + b"0\r\n\r\n" + OK)
refused("an interim answer of HTTP/1.0", b"HTTP/1.0 100 Continue\r\n\r\n" + OK)
refused("an interim answer and no more", b"HTTP/1.1 100 Continue\r\n\r\n", CLOSE)
refused("an interim answer and then noise", b"HTTP/1.1 103 Early Hints\r\n\r\nPOISON\r\n\r\n", CLOSE)

# 101.
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\n"
refused("101 that nobody asked for",
        SWITCH + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + POISON)
refused("101 without Upgrade", SWITCH + b"Connection: Upgrade\r\n\r\n" + POISON, request=UPGRADE)
refused("101 without Connection", SWITCH + b"Upgrade: websocket\r\n\r\n" + POISON, request=UPGRADE)
refused("101 with a body", SWITCH + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Content-Length: 6\r\n\r\nPOISON", request=UPGRADE)
refused("101 of HTTP/1.0", SWITCH.replace(b"1.1", b"1.0")
        + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", request=UPGRADE)
refused("101 to HTTP/1.0", SWITCH + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        request=OLD)

# Bodies where there are none.
refused("204 with a length", answer(line=b"HTTP/1.1 204 No Content"))
refused("204 with chunks", CHUNKED.replace(b"200 OK", b"204 No Content") + b"0\r\n\r\n")
case("204 and a second answer", b"", b"HTTP/1.1 204 No Content\r\n\r\n" + POISON)
case("204 and bytes", b"", b"HTTP/1.1 204 No Content\r\n\r\nPOISON")
case("304 with a body", b"", answer(line=b"HTTP/1.1 304 Not Modified"))
case("304 with chunks", b"", CHUNKED.replace(b"200 OK", b"304 X") + b"6\r\nPOISON\r\n0\r\n\r\n")
case("HEAD with a body", b"", answer(), request=HEAD)
case("HEAD with chunks", b"", CHUNKED + b"6\r\nPOISON\r\n0\r\n\r\n", request=HEAD)
case("HEAD and a second answer", b"", answer(body=b"") + POISON, request=HEAD)

# More than one answer, at once: what comes later, to a connection that was lent again meanwhile, is
# the answer to another request for every reader there is.
case("a second answer", b"ok", OK + POISON)
case("ten answers", b"ok", OK + POISON * 10)
case("a longer body than was said", b"ok", OK + b"POISON")
case("an interim answer behind the last", b"ok", OK + b"HTTP/1.1 103 Early Hints\r\n\r\n")
case("a refusal behind the answer", b"ok",
     OK + b"HTTP/1.1 502 X\r\nTunnel-Error: session-lost\r\nContent-Length: 6\r\n\r\nPOISON")
case("a second answer behind chunks", b"ok", CHUNKED + b"2\r\nok\r\n0\r\n\r\n" + POISON)
case("a second answer behind a length of 0", b"", answer(b"Content-Length: 0\r\n", b"") + POISON)
case("a CRLF behind the answer", b"ok", OK + b"\r\n")
case("a second answer, then a reset", b"ok", OK + POISON, RESET)
case("a second answer for an upload that is not over", b"ok", OK + POISON, request=POST)

# Bodies that break off.
broken("a shorter body than was said", answer(b"Content-Length: 100\r\n", b"half"), CLOSE)
broken("a shorter body and the end of one half", answer(b"Content-Length: 100\r\n", b"half"), HALF)
broken("a shorter body and a reset", answer(b"Content-Length: 100\r\n", b"half"), RESET)
broken("no body where one was said", answer(b"Content-Length: 100\r\n", b""), CLOSE)
broken("a body until a reset", answer(b"", b"half"), RESET)
broken("chunks without the last one", CHUNKED + b"2\r\nok\r\n", CLOSE)
broken("half a chunk", CHUNKED + b"a\r\nok", CLOSE)
broken("half a chunk to HTTP/1.0", CHUNKED + b"a\r\nok", CLOSE, request=OLD)
broken("chunks to HTTP/1.0 without the last one", CHUNKED + b"2\r\nok\r\n", CLOSE, request=OLD)
broken("half a chunk's size", CHUNKED + b"2\r\nok\r\n1", CLOSE)
broken("half an end", CHUNKED + b"2\r\nok\r\n0\r\n", CLOSE)
broken("half a trailer", CHUNKED + b"2\r\nok\r\n0\r\nX: 1\r\n", CLOSE)

# Chunks that are none. The head may have left; with the fault in the same read it may not.
for number, chunk in enumerate([
        b"zz", b"+2", b"-2", b" 2", b"2 ", b"2\t", b"0x2", b"2 ;x", b"", b"ffffffffffffffff",
        b"11111111111111111", b"2;" + b"x" * 300, b"2;a\rb", b"2;a\nb", b"2;\0", b"2\r", b"2,3", b"2\n"]):
    broken(f"chunk {number}: {chunk[:20]!r}",
           CHUNKED + b"2\r\nok\r\n", chunk + b"\r\nok\r\n0\r\n\r\n", CLOSE)
broken("a chunk longer than its size", CHUNKED + b"2\r\nok\r\n", b"2\r\nPOISON\r\n0\r\n\r\n", CLOSE)
broken("a chunk without its CRLF", CHUNKED + b"2\r\nok\r\n", b"2\r\nok0\r\n\r\n", CLOSE)
broken("a chunk with LF", CHUNKED + b"2\r\nok\r\n", b"2\r\nok\n0\r\n\r\n", CLOSE)
for number, trailer in enumerate([
        b"Content-Length: 6", b"Transfer-Encoding: chunked", b"Host: a", b"Connection: close",
        b"Tunnel-Error: x", b"X-Forwarded-For: 1", b"Content_Length: 6", b"X : 1", b"nothing", b": x",
        b"X: a\r\n b", b"X: a\nb", b"X: a\rb", b"X: \0", b"X: " + b"x" * 9_000, b"Upgrade: x"]):
    broken(f"trailer {number}: {trailer[:20]!r}",
           CHUNKED + b"2\r\nok\r\n", b"0\r\n" + trailer + b"\r\n\r\n", CLOSE)


class LyingApp(RawApp):
    """An app that answers `/case/N` with the case's steps and all else with its own target, and
    keeps what came on a connection on which it had lied before."""

    def __init__(self):
        self.again = []
        super().__init__(self.answer, whole=False)

    def answer(self, request, sock, reader):
        if hasattr(reader, "lied"):
            self.again.append((reader.lied, request.target))
        target = request.target.decode()
        if not target.startswith("/case/"):
            sock.sendall(answer_bytes(body=request.target))
            return True
        case_of = CASES[int(target.removeprefix("/case/"))]
        reader.lied = case_of[0]
        return act(sock, case_of[2])


def act(sock, steps):
    """Takes the steps; whether the connection goes on."""
    for number, step in enumerate(steps):
        if isinstance(step, bytes):
            if number:
                time.sleep(0.02)  # so that it comes by itself; the verdict is the same if not
            sock.sendall(step)
        elif step == HALF:
            sock.shutdown(socket.SHUT_WR)
        else:
            if step == RESET:
                if number:
                    time.sleep(0.02)  # lest the reset overtakes what was sent
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
    return True


class LyingAgent(threading.Thread):
    """An agent that sends the same as an app behind it would; no strict reader stands between."""

    def __init__(self, relay, token, domain):
        super().__init__(daemon=True)
        self.link = RawLink(relay.port, token)
        assert self.link.serve(domain)[0] == 2
        self.heads, self.waiting, self.sent, self.limit = {}, {}, {}, {}
        self.start()

    def run(self):
        with contextlib.suppress(OSError, Closed):
            while True:
                kind, stream, _, payload = self.link.next(OPEN, DATA, WINDOW)
                if kind == OPEN:
                    self.heads[stream] = b""
                    self.sent[stream], self.limit[stream] = 0, 65_536
                elif kind == WINDOW and stream in self.limit:
                    self.limit[stream] = struct.unpack(">QQ", payload)[1]
                    self.flush(stream)
                elif kind == DATA and stream in self.heads:
                    self.heads[stream] += payload
                    if b"\r\n\r\n" in self.heads[stream]:
                        self.begin(stream, self.heads.pop(stream).split(b" ")[1].decode())

    def begin(self, stream, target):
        if target.startswith("/case/"):
            self.waiting[stream] = list(CASES[int(target.removeprefix("/case/"))][2])
        else:
            self.waiting[stream] = [answer_bytes(body=target.encode()), CLOSE]
        self.flush(stream)

    def flush(self, stream):
        steps = self.waiting.get(stream, [])
        while steps:
            step = steps.pop(0)
            if not isinstance(step, bytes):
                self.link.send(frame(RESET_FRAME, stream, fields((0, b"\x00\x03")))
                               if step == RESET else frame(DATA, stream, flags=END))
                continue
            piece = step[:self.limit[stream] - self.sent[stream]][:16_000]
            if piece:
                self.link.send(frame(DATA, stream, piece))
                self.sent[stream] += len(piece)
            if len(piece) < len(step):
                steps.insert(0, step[len(piece):])
            if not piece:
                return

    def stop(self):
        self.link.sock.shutdown(socket.SHUT_RDWR)
        self.join(10)
        self.link.stop()
