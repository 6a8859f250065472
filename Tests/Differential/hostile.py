"""Requests as somebody writes them who wants two readers to disagree: a request made of parts, bent
by one to three operators and sometimes by random bytes. The same seed makes the same for ever.

A case's own target is `/m/N`, a request behind or inside it has `/m/N/b`, so that whoever gets one
of them can say whose it was.
"""

import random
from dataclasses import dataclass, field

from messages import mutate

LENGTHS = [
    b"+3", b"-3", b"0x3", b"3 3", b"3,3", b"3, 4", b"03", b"3.0", b"3e0", b"", b" ", b"three",
    b"\xef\xbc\x93", b"9223372036854775807", b"9223372036854775808", b"18446744073709551619",
    b"3" * 20, b"00000000000000000000003", b"3\t", b"\t3", b"3\x0b", b"3\0", b"3_0", b"1", b"0",
    b"4", b"300"]
CODINGS = [
    b"chunked", b"CHUNKED", b"Chunked ", b" chunked", b"\tchunked", b"chunked\t", b"\x0bchunked",
    b"chunked, chunked", b"chunked,", b",chunked", b"gzip, chunked", b"chunked, gzip",
    b"identity", b"identity, chunked", b"xchunked", b"chunkedx", b"chunked;q=1", b"\"chunked\"",
    b"'chunked'", b"", b"chunked\0", b"chunk\ned", b"chu\rnked", b"cow", b"trailers",
    b"chunked\x0c", b"c hunked"]
NAMES = [
    b"Content-Length", b"content-length", b"Content_Length", b"Content-Length ",
    b"Content-Length\t", b" Content-Length", b"Content\0Length", b"Content-Length\x0b",
    b"Transfer-Encoding", b"Transfer_Encoding", b"transfer-encoding", b"Transfer-Encoding ",
    b"Transfer-Encoding\t", b"\tTransfer-Encoding", b"Transfer-Encoding\x0c",
    b"Tr\xe4nsfer-Encoding", b"X-Forwarded_For", b"Tunnel_Error", b"Keep_Alive", b"HTTP_HOST",
    b"", b"X Y", b"X(Y)", b"X/Y", b"\xef\xbb\xbfHost", b"Host"]
HOSTS = [
    b"other.example", b"H, H", b"H H", b"H/x", b"H#x", b"H?x", b"H@other.example", b"user@H",
    b"H:", b"H:80", b"H:99999", b"H:123456", b"H:-1", b"H:8o", b"[::1]", b"[::1", b"::1", b"",
    b" ", b"H.", b"H..", b".H", b"\"H\"", b"H\0", b"H\t", b"xn--\xff", b"*", b"localhost",
    b"127.0.0.1", b"a" * 300, b"H\\x", b"H%00", b"[fe80::1%25x]"]
VERSIONS = [
    b"HTTP/0.9", b"HTTP/1.0", b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/2", b"HTTP/1.1 ",
    b"HTTP/1.01", b"HTTP/01.1", b"http/1.1", b"HTTP/1,1", b"HTTP /1.1", b"HTTP/ 1.1",
    b"HTTP/1.1\t", b"HTTP/1.10", b"HTTP/11", b"HTTP/1.x", b"HTTPS/1.1", b"", b"RTSP/1.0",
    b"HTTP/1.1\0", b"HTTP/+1.1"]
METHODS = [
    b"get", b"Get", b"HEAD", b"OPTIONS", b"CONNECT", b"PRI", b"TRACE", b"DELETE", b"M-SEARCH",
    b"PROPFIND", b"GE T", b"G\0T", b"GET\t", b"", b"\"GET\"", b"G(T", b"POST,GET", b"X" * 33,
    b"X" * 32, b"G\xc9T"]
TARGETS = [
    b"*", b"m", b"http:/T", b"http://HT", b"https://HT", b"HTTP://HT", b"http://other.exampleT",
    b"http://H:80T", b"http://H@other.exampleT", b"http://H", b"http://H?q", b"http://",
    b"ftp://HT", b"//HT", b"T#frag", b"T?a b", b"T\\..\\x", b"T%00", b"T\0", b"T\x7f", b"T\xff",
    b"T\t", b"", b" T", b"T ", b"T/../..", b"T;a=b", b"H:80", b"T?q=<>\"{}|^`", b"http://[::1]T",
    b"http://h.exampleT\r"]
SIZES = [
    b"+3", b"-3", b"0x3", b"3 ", b" 3", b"3\t", b"\t3", b"03", b"0000000000000003",
    b"00000000000000003", b"3;", b"3;x", b"3;x=1", b"3;x=\"a;b\"", b"3;x=\"a\r\nb\"", b"3;a\nb",
    b"3;a\rb", b"3;\0", b"3 ;x", b"3;" + b"x" * 300, b"ffffffffffffffff", b"8000000000000003",
    b"10000000000000003", b"3\n", b"3\r", b"3,3", b"3.0", b"g", b"", b"-0", b"3\x0b", b"3\x0c",
    b"3\0", b"3:x", b"3_0", b"300", b"4", b"2", b"fffffffffffffff0"]
TRAILERS = [
    b"X-T: 1", b"Content-Length: 3", b"Transfer-Encoding: chunked", b"Host: other.example",
    b"Connection: close", b"Tunnel-Error: x", b"X-Forwarded-For: 1", b"Content_Length: 3",
    b"X : 1", b"X: a\r\n b", b"X: a\nb", b"X: \0", b": x", b"x", b"X: " + b"x" * 9_000,
    b"Trailer: X", b"Authorization: x"]
CONNECTIONS = [
    b"close", b"keep-alive", b"Host", b"Content-Length", b"Transfer-Encoding",
    b"X-Forwarded-For", b"Tunnel-Id", b"close, Content-Length", b"a b", b"a,,b", b"\"close\"",
    b"upgrade", b"x" * 40, b", ".join(b"h%d" % n for n in range(40)), b"Expect", b"Cookie",
    b"CLOSE", b"close\0"]
ENDS = [
    b"\n", b"\r", b"\r\r\n", b"\n\r", b" \r\n", b"\t\r\n", b"\0\r\n", b"\r\n\r\n", b"\x0b\r\n",
    b"\r\n ", b"\x85", b"\xe2\x80\xa8", b"\n\n"]
FRONTS = [
    b"\r\n", b"\r\n\r\n", b"\n", b"\r", b" ", b"\t", b"\0", b"\xef\xbb\xbf", b"\r\n ",
    b"GET / HTTP/1.1\r\n", b"x\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01", b"\x80.\x01", b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n"]


@dataclass
class Request:
    """A request in parts; each of them may be bent before they are joined."""

    method: bytes
    target: bytes
    version: bytes = b"HTTP/1.1"
    lines: list = field(default_factory=list)
    body: bytes = b""
    front: bytes = b""
    behind: bytes = b""

    def joined(self):
        head = self.method + b" " + self.target + (b" " + self.version if self.version else b"")
        return (self.front + b"\r\n".join([head] + self.lines) + b"\r\n\r\n" + self.body
                + self.behind)


def plain(host, target, draw):
    """One of the usual requests."""
    kind = draw.randrange(4)
    lines = [b"Host: " + host]
    if kind == 0:
        return Request(b"GET", target, lines=lines + [b"Accept: */*"])
    if kind == 1:
        return Request(b"POST", target, lines=lines + [b"Content-Length: 3"], body=b"abc")
    body = b"3\r\nabc\r\n0\r\n\r\n" if kind == 2 else b"3;x=1\r\nabc\r\na\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\n"
    return Request(b"POST", target, lines=lines + [b"Transfer-Encoding: chunked"], body=body)


def somewhere(request, line, draw):
    request.lines.insert(draw.randrange(len(request.lines) + 1), line)


def length_again(request, host, draw):
    somewhere(request, b"Content-Length: " + draw.choice(LENGTHS + [b"3"] * 8), draw)


def length_bent(request, host, draw):
    request.lines = [line for line in request.lines if not line.lower().startswith(b"content-l")]
    length_again(request, host, draw)


def coding_again(request, host, draw):
    somewhere(request, b"Transfer-Encoding: " + draw.choice(CODINGS), draw)


def coding_bent(request, host, draw):
    request.lines = [line for line in request.lines if not line.lower().startswith(b"transfer")]
    coding_again(request, host, draw)


def name_bent(request, host, draw):
    value = draw.choice([b"3", b"0", b"chunked", b"x", host])
    somewhere(request, draw.choice(NAMES) + draw.choice([b": ", b":", b" : ", b""]) + value, draw)


def host_bent(request, host, draw):
    value = draw.choice(HOSTS).replace(b"H", host)
    if draw.random() < 0.6:
        request.lines = [line for line in request.lines if not line.startswith(b"Host")]
    somewhere(request, b"Host: " + value, draw)


def host_gone(request, host, draw):
    request.lines = [line for line in request.lines if not line.startswith(b"Host")]


def version_bent(request, host, draw):
    request.version = draw.choice(VERSIONS)


def method_bent(request, host, draw):
    request.method = draw.choice(METHODS)


def target_bent(request, host, draw):
    bent = draw.choice(TARGETS)
    own = request.target
    if bent.startswith((b"http", b"HTTP", b"ftp", b"//")):
        scheme, slashes, rest = bent.partition(b"//")
        request.target = scheme + slashes + rest.replace(b"T", own).replace(b"H", host)
    else:
        request.target = bent.replace(b"H", host).replace(b"T", own)


def size_bent(request, host, draw):
    if request.body.startswith(b"3"):
        request.body = draw.choice(SIZES) + request.body[request.body.index(b"\r\n"):]


def data_bent(request, host, draw):
    request.body = request.body.replace(
        b"abc\r\n", draw.choice([b"abc\n", b"abc", b"ab\r\n", b"abcd\r\n", b"abc\r", b"abc\r\r\n", b"abc \r\n"]))


def end_bent(request, host, draw):
    request.body = request.body.replace(b"0\r\n", draw.choice(
        [b"0\n", b"00\r\n", b"0 \r\n", b"0;x\r\n", b"-0\r\n", b"0\r\n0\r\n", b"0\r\r\n", b"0x0\r\n", b"\r\n0\r\n"]))


def trailer(request, host, draw):
    if request.body.endswith(b"\r\n\r\n"):
        request.body = request.body[:-2] + draw.choice(TRAILERS) + b"\r\n\r\n"


def options(request, host, draw):
    somewhere(request, b"Connection: " + draw.choice(CONNECTIONS), draw)


def folded(request, host, draw):
    at = draw.randrange(len(request.lines) or 1)
    request.lines[at:at] = [draw.choice([b"X: a\r\n b", b"X: a\r\n\tb", b"X:\r\n a", b" X: a", b"\tX: a"])]


def control(request, host, draw):
    byte = bytes([draw.choice([0, 1, 8, 9, 11, 12, 13, 10, 27, 127, 128, 255])])
    somewhere(request, draw.choice([b"X: a%b", b"X%: a", b"%X: a", b"X:%a", b"X: a%"]).replace(b"%", byte),
              draw)


def line_end(request, host, draw):
    """The end of one line of the head, or of all."""
    parts = request.lines
    if draw.random() < 0.3:
        end = draw.choice([b"\n", b"\r", b"\n\r"])
        request.lines = [end.join(parts)]
        return
    at = draw.randrange(len(parts) or 1)
    if at + 1 < len(parts):
        parts[at:at + 2] = [parts[at] + draw.choice(ENDS) + parts[at + 1]]
    else:
        request.lines = parts + [draw.choice(ENDS)]


def front(request, host, draw):
    request.front = draw.choice(FRONTS)


def behind(request, host, draw):
    """Another request, whole or cut, or what is none."""
    other = plain(host, request.target.split(b"?")[0] + b"/b", draw).joined()
    request.behind = draw.choice([
        other, other, other, b"\r\n" + other, b"\r\n\r\n" + other, b"\n" + other, b"x" + other, other[:20],
        b"GARBAGE\r\n\r\n", b"\0", b"0\r\n\r\n" + other, b"G"])


def inside(request, host, draw):
    """A whole request as a body, or as chunk data."""
    other = plain(host, request.target + b"/b", draw).joined()
    if b"chunked" in b"".join(request.lines):
        request.body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(other) + draw.choice([0, 0, -2, 2]), other)
    else:
        request.method = b"POST"
        host_length = draw.choice([len(other), len(other), 0, 3])
        somewhere(request, b"Content-Length: %d" % host_length, draw)
        request.body = other


def expectation(request, host, draw):
    somewhere(request, b"Expect: " + draw.choice(
        [b"100-continue", b"100-Continue", b"100-continue, x", b"200-ok", b"", b"100-continue\0"]), draw)


def upgrade(request, host, draw):
    somewhere(request, b"Upgrade: " + draw.choice([b"websocket", b"h2c", b"tunnel/1", b"TLS/1.0", b""]), draw)
    somewhere(request, b"Connection: " + draw.choice([b"Upgrade", b"upgrade, HTTP2-Settings"]), draw)


def large(request, host, draw):
    draw.choice([
        lambda: somewhere(request, b"X: " + b"x" * draw.choice([16_381, 16_382, 70_000]), draw),
        lambda: request.lines.extend([b"X: 1"] * draw.choice([90, 100, 3_000])),
        lambda: setattr(request, "target", request.target + b"?" + b"q" * draw.choice([8_000, 9_000])),
        lambda: somewhere(request, b"X" * 20_000 + b": 1", draw),
    ])()


def forged(request, host, draw):
    somewhere(request, draw.choice([
        b"X-Forwarded-Host: other.example", b"X-Forwarded-For: 127.0.0.1", b"Tunnel-Error: x", b"Forwarded: for=x",
        b"X-HTTP-Method-Override: DELETE", b"X-Original-URL: /m/0", b"TE: chunked", b"TE: trailers, chunked",
        b"Trailer: Content-Length", b"Keep-Alive: timeout=9", b"Proxy-Connection: keep-alive",
        b"Content-Encoding: chunked", b"HTTP2-Settings: AAMAAABk"]), draw)


OPERATORS = [
    length_again, length_bent, coding_again, coding_bent, name_bent, host_bent, host_gone, version_bent,
    method_bent, target_bent, size_bent, data_bent, end_bent, trailer, options, folded, control, line_end,
    front, behind, behind, behind, inside, inside, expectation, upgrade, large, forged]


def hostile(seed, count, host):
    """`count` cases: their numbers, the bytes, and where these are cut into two writes (0: not)."""
    draw = random.Random(seed)
    for number in range(count):
        request = plain(host, b"/m/%d" % number, draw)
        for _ in range(draw.choice((1, 1, 2, 2, 3))):
            draw.choice(OPERATORS)(request, host, draw)
        raw = request.joined()
        if draw.random() < 0.15:
            raw = mutate(raw, draw)
        if draw.random() < 0.08:
            raw = raw[:draw.randrange(len(raw) + 1)]  # the client is gone early
        yield number, raw, draw.randrange(len(raw) + 1) if draw.random() < 0.3 else 0
