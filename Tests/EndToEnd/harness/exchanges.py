"""Generated exchanges, and the oracle: what section 5 of the contract lets change, and no more."""

import random
from dataclasses import dataclass

METHODS = [b"GET", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"HEAD", b"PROPFIND",
           b"M-SEARCH", b"get", b"X!#$%&'*+-.^_`|~1"]
SEGMENTS = [b"%2F", b"%00", b"//", b"/..", b"/.", b";", b";a=b", b"%ff", b"%E2%82%AC", b"a", b"~",
            b"/b/", b"@", b":", b"'", b"!$&()*+,=", b"%2e%2E", b"index.html"]
QUERIES = [b"", b"?", b"??", b"?a", b"?a=1&a=2", b"?q=%26%3D", b"?/../?x=;", b"?utm=%00&&="]
NAMES = [b"X-Thing", b"x-thing", b"X-THING", b"Accept", b"aCCePt-LANGUAGE", b"Cookie", b"cookie",
         b"User-Agent", b"svix-id", b"Svix-Signature", b"X_Under_Score", b"Date", b"Server", b"Via",
         b"Forwarded", b"Content-Type", b"Set-Cookie", b"ETag", b"!#$%&'*+.^`|~", b"Trailer"]
VALUES = [b"", b"1", b"a, b,, c", b"\"quoted \\\" text\"", b"caf\xe9", b"\xff\xfe\x80", b"a\tb",
          b"text/html;q=0.5", b"  ", b"t=1492774577,v1=5257a869e7ec", b"\xf0\x9f\x98\x80"]
HOP = [b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization"]
REASONS = [b"OK", b"", b"No Problem At All", b"\xe9t\xe9", b"Created"]
STATUSES = [200, 200, 200, 201, 202, 204, 206, 301, 304, 400, 401, 404, 410, 418, 500, 503, 299,
            599]


@dataclass
class Half:
    """One message as it is sent, and what must come out on the other side."""

    sent: bytes
    start: bytes
    lines: list[bytes]
    body: bytes
    trailers: list[bytes]


@dataclass
class Exchange:
    number: int
    method: bytes
    request: Half
    answer: Half
    interim: list[bytes]
    app_closes: bool


class Generator:
    def __init__(self, seed, host):
        self.random = random.Random(seed)
        self.host = host.encode()

    def exchange(self, number):
        method = self.random.choice(METHODS)
        request = self.request(number, method)
        answer, interim, closes = self.answer(number, method)
        return Exchange(number, method, request, answer, interim, closes)

    def request(self, number, method):
        pick = self.random
        target = self.target()
        host = pick.choice([self.host, self.host, self.host.upper(), self.host + b"."])
        sent_target = target
        if pick.random() < 0.05:
            sent_target = b"http://" + host + target
        fields = self.fields() + [b"X-Exchange: %d" % number]
        pick.shuffle(fields)
        kept, gone, forwarded = self.hop_fields(fields)
        fields = gone
        fields.insert(pick.randrange(len(fields) + 1), b"Host: " + host)
        kept = [line for line in fields if line in kept or line.startswith(b"Host: ")]
        body, framing, coded, trailers = self.body(method in (b"POST", b"PUT", b"PATCH"), True)
        fields += framing
        kept += framing
        kept += [b"X-Forwarded-For: " + b", ".join(forwarded + [b"127.0.0.1"]),
                 b"X-Forwarded-Proto: http", b"X-Forwarded-Host: " + host]
        head = b"\r\n".join([b"%s %s HTTP/1.1" % (method, sent_target), *fields, b"", b""])
        start = b"%s %s HTTP/1.1" % (method, target)
        return Half(head + coded, start, kept, body, trailers)

    def target(self):
        pick = self.random
        size = pick.choice([1, 20, 100, 1000, 7900]) if pick.random() < 0.4 else 30
        target = b"/"
        while len(target) < size:
            target += pick.choice(SEGMENTS)
        return target + pick.choice(QUERIES)

    def fields(self):
        pick = self.random
        return [pick.choice(NAMES) + b":" + pick.choice([b" ", b"", b"  ", b"\t"])
                + pick.choice(VALUES) + pick.choice([b"", b"", b" "])
                for _ in range(pick.randrange(12))]

    def hop_fields(self, fields):
        """Adds fields that must not arrive: what stays, all of them, the X-Forwarded-For values."""
        pick = self.random
        kept = set(fields)
        out = list(fields)
        forwarded = []

        def add(line, stays=False):
            out.insert(pick.randrange(len(out) + 1), line)
            if stays:
                kept.add(line)

        if pick.random() < 0.3:
            add(pick.choice(HOP) + b": x" + b"%d" % pick.randrange(9))
        if pick.random() < 0.2:
            add(b"Connection: keep-alive, X-Named-%d" % (number := pick.randrange(3)))
            add(b"x-named-%d: gone" % number)
        if pick.random() < 0.1:
            add(pick.choice([b"TE: gzip", b"Upgrade: h2c", b"Tunnel-Error: fake", b"tunnel-x: y"]))
        elif pick.random() < 0.1:
            add(b"TE: trailers", stays=True)
        if pick.random() < 0.2:
            add(b"X-Forwarded-Host: evil.example")
            add(b"x-forwarded-proto: https")
        for _ in range(pick.choice([0, 0, 0, 1, 2])):
            value = b"203.0.113.%d" % pick.randrange(250)
            out.append(b"X-Forwarded-For: " + value)
            forwarded.append(value)
        return kept, out, forwarded

    def body(self, likely, request):
        """The body, its framing fields, its bytes on the wire, its trailers."""
        pick = self.random
        if pick.random() > (0.9 if likely or not request else 0.2):
            return b"", ([b"Content-Length: 0"] if likely or not request else []), b"", []
        size = int(2 ** pick.uniform(0, 17))
        if pick.random() < 0.04:
            size = pick.choice([1 << 20, 3 << 20, 8 << 20])
        body = b"" if pick.random() < 0.05 else pick.randbytes(size)
        if pick.random() < 0.5:
            return body, [pick.choice([b"Content-Length", b"content-length"])
                          + b": %d" % len(body)], body, []
        trailers = [b"X-Sum-%d: %d" % (i, i) for i in range(pick.choice([0, 0, 1, 3]))]
        framing = [pick.choice([b"Transfer-Encoding: chunked", b"transfer-encoding:CHUNKED"])]
        return body, framing, self.chunked(body, trailers), trailers

    def chunked(self, body, trailers):
        pick = self.random
        out = []
        at = 0
        while at < len(body):
            size = min(len(body) - at, pick.choice([1, 16, 1000, 16384, 100_000, 1 << 20]))
            if size < 1000 and len(body) > 20_000:
                size = min(len(body) - at, 5000)
            extension = pick.choice([b"", b"", b";a", b";a=\"b c\""])
            out += [b"%x" % size, extension, b"\r\n", body[at:at + size], b"\r\n"]
            at += size
        out += [b"0\r\n", *(line + b"\r\n" for line in trailers), b"\r\n"]
        return b"".join(out)

    def answer(self, number, method):
        pick = self.random
        status = pick.choice(STATUSES)
        start = b"HTTP/1.1 %d %s" % (status, pick.choice(REASONS))
        fields = self.fields() + [b"X-Answer: %d" % number]
        kept = list(fields)
        if pick.random() < 0.3:
            fields.insert(0, b"Keep-Alive: timeout=5")
        if pick.random() < 0.1:
            fields += [b"Connection: X-Private", b"X-Private: 1"]
        closes = pick.random() < 0.15
        if closes:
            fields.append(b"Connection: close")
        body, framing, coded, trailers = self.body(True, False)
        if method == b"HEAD" or status in (204, 304):
            body, coded, trailers = b"", b"", []
            if status == 204:
                framing = []
        elif closes and pick.random() < 0.4:
            framing, coded, trailers = [], body, []
        interim = [b"HTTP/1.1 103 Early Hints"] if pick.random() < 0.05 else []
        head = b"".join(line + b"\r\nLink: </a.css>\r\n\r\n" for line in interim)
        head += b"\r\n".join([start, *fields, *framing, b"", b""])
        return Half(head + coded, start, kept + framing, body, trailers), interim, closes


def number_of(message):
    return int(message.get("X-Exchange"))


def differences(half, got, ignore=()):
    """What is not as it must be, in words; empty if all is right."""
    found = []
    lines = [line for line in got.lines if line.split(b":")[0].lower() not in ignore]
    wanted = [line for line in half.lines if line.split(b":")[0].lower() not in ignore]
    for what, want, have in (("start line", half.start, got.start), ("fields", wanted, lines),
                             ("body", half.body, got.body),
                             ("trailers", half.trailers, got.trailers)):
        if want != have:
            short = [value if not isinstance(value, bytes) else (len(value), value[:120])
                     for value in (want, have)]
            found.append(f"{what}: wanted {short[0]!r}, got {short[1]!r}")
    return found
