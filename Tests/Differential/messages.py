"""HTTP/1 messages, and what may be done to them: the same numbers make the same mutations for ever.

A case is (kind, method, bytes): a request has the method None, a response that of the request that
it answers. Both kinds may be pipelined.
"""

import random

HOST = b"Host: a.example\r\n"


def request(fields=b"", body=b"", line=b"GET / HTTP/1.1", host=HOST):
    return line + b"\r\n" + host + fields + b"\r\n" + body


POST = b"POST /p?q=1 HTTP/1.1"
CHUNKED = b"Transfer-Encoding: chunked\r\n"

REQUESTS = [
    request(),
    request(line=b"GET /a/b%20c?d=e&f=[g] HTTP/1.1"),
    request(b"Accept: */*\r\nCookie: a=b; c=d\r\nX-Empty:\r\nX-Blanks: \t v  v \t\r\n"),
    request(b"Content-Length: 3\r\n", b"abc", POST),
    request(b"Content-Length: 0\r\n", b"", POST),
    request(b"content-length:3\r\n", b"abc", b"PUT /p HTTP/1.1"),
    request(CHUNKED, b"3\r\nabc\r\n0\r\n\r\n", POST),
    request(CHUNKED, b"3;x=1\r\nabc\r\n0a;y\r\n0123456789\r\n0\r\nX-T: 1\r\nX-U:\t2 \r\n\r\n", POST),
    request(b"Transfer-Encoding: CHUNKED\r\nTrailer: X-T\r\n", b"A\r\n0123456789\r\n00\r\n\r\n", POST),
    request(b"Expect: 100-continue\r\nContent-Length: 5\r\n", b"hello", POST),
    request(b"Connection: close\r\n"),
    request(b"Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n"),
    request(b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a==\r\n"),
    request(line=b"GET http://a.example/x?y HTTP/1.1"),
    request(line=b"OPTIONS * HTTP/1.1"),
    request(line=b"HEAD / HTTP/1.1"),
    request(line=b"DELETE /x HTTP/1.1"),
    request(line=b"PATCH /x HTTP/1.1", fields=b"Content-Length: 1\r\n", body=b"x"),
    request(line=b"GET / HTTP/1.0"),
    request(line=b"GET / HTTP/1.0", host=b""),
    request(b"Content-Length: 2\r\n", b"ab", b"POST / HTTP/1.0"),
    request(line=b"GET / HTTP/1.1", host=b"hOsT:\t[::1]:8080 \r\n"),
    request(b"X-Obs: \xe9\xff\r\nX-Utf8: \xc3\xa9\r\n"),
    request(b"X-Forwarded-For: 192.0.2.1, 198.51.100.2\r\nX-Forwarded-Proto: https\r\n"),
    request(b"TE: trailers, gzip;q=0.5\r\nConnection: TE\r\nTunnel-Id: 1\r\n"),
    request(b"Content-Length: 3\r\nContent-Length: 3\r\n", b"abc", POST),
    request(b"Content-Length: 5\r\n" + CHUNKED, b"0\r\n\r\n", POST),
    request(b"Content-Length: 3\t\r\n", b"abc", POST),
    request(b"Transfer-Encoding: chunked\t\r\n", b"0\r\n\r\n", POST),
    request(line=b"PRI / HTTP/1.1"),
    request(b"X-Fold: a\r\n b\r\n"),
    request(b"X_Under: 1\r\n!#$%&'*+-.^_`|~: 1\r\n"),
    b"\r\n" + request(),
    request() + request(b"Content-Length: 1\r\n", b"x", POST) + request(CHUNKED, b"0\r\n\r\n", POST),
    request(CHUNKED, b"5\r\nhello\r\n0\r\n\r\n", POST) + request(line=b"GET /next HTTP/1.1"),
]


def response(fields=b"", body=b"", line=b"HTTP/1.1 200 OK"):
    return line + b"\r\n" + fields + b"\r\n" + body


RESPONSES = [
    (b"GET", response(b"Content-Length: 2\r\n", b"ok")),
    (b"GET", response(b"Content-Type: text/html\r\nContent-Length:  0 \r\nX-Empty:\r\n")),
    (b"GET", response(CHUNKED, b"2\r\nok\r\n0\r\n\r\n")),
    (b"GET", response(CHUNKED, b"2;a=b\r\nok\r\n0\r\nX-T: 1\r\n\r\n")),
    (b"GET", response(b"Connection: close\r\n", b"until the end")),
    (b"GET", response(b"Server: x\r\n", b"until the end")),
    (b"GET", response(b"", b"old", b"HTTP/1.0 200 OK")),
    (b"GET", response(b"Content-Length: 3\r\n", b"old", b"HTTP/1.0 404 Not Found")),
    (b"GET", response(line=b"HTTP/1.1 204 No Content")),
    (b"GET", response(b"ETag: \"a\"\r\n", line=b"HTTP/1.1 304 Not Modified")),
    (b"GET", response(b"Content-Length: 9\r\n", line=b"HTTP/1.1 304 Not Modified")),
    (b"HEAD", response(b"Content-Length: 9\r\n")),
    (b"HEAD", response(CHUNKED)),
    (b"GET", response(b"Link: </a>; rel=preload\r\n", line=b"HTTP/1.1 103 Early Hints")
     + response(b"Content-Length: 2\r\n", b"ok")),
    (b"GET", response(line=b"HTTP/1.0 103 Early Hints") + response(b"Content-Length: 2\r\n", b"ok")),
    (b"GET", response(b"Connection: close\r\n", line=b"HTTP/1.1 103 Early Hints")
     + response(b"Content-Length: 2\r\n", b"ok")),
    (b"GET", response(line=b"HTTP/1.1 100 Continue") + response(CHUNKED, b"1\r\nx\r\n0\r\n\r\n")),
    (b"GET", response(b"Content-Length: 1\r\n", b"x", b"HTTP/1.1 200 ")),
    (b"GET", response(b"Content-Length: 1\r\n", b"x", b"HTTP/1.1 200")),
    (b"GET", response(b"Content-Length: 1\r\n", b"x", b"HTTP/1.1 599 Odd \xe9 reason\t!")),
    (b"GET", response(b"Set-Cookie: a=b\r\nSet-Cookie: c=d\r\nContent-Length: 1\r\n", b"x")),
    (b"GET", response(b"Keep-Alive: timeout=5\r\nConnection: keep-alive\r\nContent-Length: 1\r\n",
                      b"x")),
    (b"GET", response(b"Content-Length: 1\r\n", b"x") + response(b"Content-Length: 1\r\n", b"y")),
    (b"GET", response(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n")),
    (b"GET", response(b"Content-Length: 1\r\nContent-Length: 1\r\n", b"x")),
    (b"GET", response(b"X: a\r\n\tb\r\nContent-Length: 1\r\n", b"x")),
]

BASE = [("request", None, raw) for raw in REQUESTS]
BASE += [("response", method, raw) for method, raw in RESPONSES]

# What makes parsers disagree: line ends, blanks, what frames a body, what looks like it.
PIECES = [
    b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\n\n", b"\r\r\n", b" ", b"\t", b"  ", b"\0", b"\x0b", b"\x0c",
    b"\x7f", b"\x80", b"\xa0", b"\xff", b":", b": ", b",", b";", b"=", b"\"", b"#", b"?", b"/", b"*",
    b"@", b"_", b"+", b"-", b"0", b"00", b"1", b"a", b"A", b"0x", b"ffffffffffffffff", b"\r\n ",
    b"\r\n\t", b" \r\n", b"\t\r\n", b"HTTP/1.0", b"HTTP/1.1", b"HTTP/1.2", b"HTTP/2.0", b"http/1.1",
    b"GET ", b"CONNECT ", b"PRI ", b"get ", b"M-SEARCH ", b"FOOBAR ", b"http://", b"https://a.example",
    b"Content-Length: 1\r\n", b"Content-Length: 0\r\n", b"Content-Length: +1\r\n",
    b"Content-Length: 1, 1\r\n", b"Content-Length: 01\r\n", b"Content-Length:\r\n",
    b"Content-Length : 1\r\n", b"Content_Length: 1\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n", b"Transfer-Encoding: identity\r\n",
    b"Transfer-Encoding:\x0bchunked\r\n", b"Transfer-Encoding: \r\n", b"Transfer-Encoding: xchunked\r\n",
    b"Connection: close\r\n", b"Connection: upgrade\r\n", b"Connection: Content-Length\r\n",
    b"Upgrade: h2c\r\n", b"Upgrade: websocket\r\n", b"Expect: 100-continue\r\n", b"Host: b.example\r\n",
    b"Host:\r\n", b"Host: a.example, b\r\n", b": v\r\n", b"X\r\n", b"X: a\r\n b\r\n", b"X: \0\r\n",
    b"X: a\rb\r\n", b"X: a\nb\r\n", b"X : a\r\n", b"0\r\n\r\n", b"1\r\nx\r\n", b"1;\r\nx\r\n",
    b"1 \r\nx\r\n", b"1\nx\n", b"1;a\nb\r\n", b"-1\r\n", b"+1\r\n", b"1;a=\"b\"\r\nx\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 204 X\r\n",
    b"x" * 300,
]


def mutate(raw, draw):
    """One thing that goes wrong on the way, or that somebody does on purpose."""
    at = draw.randrange(len(raw) + 1)
    what = draw.randrange(9)
    if what == 0:
        return raw[:at] + bytes([draw.randrange(256)]) + raw[at + 1:]
    if what == 1:
        return raw[:at] + raw[at + draw.choice((1, 1, 2, 5, 20)):]
    if what == 2:
        return raw[:at] + draw.choice(PIECES) + raw[at:]
    if what == 3:
        piece = draw.choice(PIECES)
        return raw[:at] + piece + raw[at + len(piece):]
    lines = raw.split(b"\r\n")
    one = draw.randrange(len(lines))
    if what == 4:
        lines.insert(draw.randrange(len(lines) + 1), lines[one])
    elif what == 5:
        del lines[one]
    elif what == 6:
        other = draw.choice(BASE)[2].split(b"\r\n")
        lines.insert(one, draw.choice(other))
    elif what == 7:
        # A whole field line more, at the place of a line.
        return b"\r\n".join(lines[:one + 1]) + b"\r\n" + draw.choice(PIECES) + b"\r\n".join(
            lines[one + 1:])
    else:
        end = draw.choice((b"\n", b"\r", b"\r\r\n", b" \r\n", b"\r\n ", b"", b"\0\r\n"))
        return b"\r\n".join(lines[:one + 1]) + end + b"\r\n".join(lines[one + 1:])
    return b"\r\n".join(lines)


def cases(seed, count):
    """The base set as it is, then `count` mutations of it."""
    yield from BASE
    draw = random.Random(seed)
    for _ in range(count):
        kind, method, raw = draw.choice(BASE)
        for _ in range(draw.choice((1, 1, 1, 2, 2, 3, 5))):
            raw = mutate(raw, draw)
        yield kind, method, raw
