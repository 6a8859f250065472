"""Thousands of bent requests, raw, at the real relay with a real agent and an app behind it: the
app gets nothing that the relay did not count, and what it gets is what h11 and Node's llhttp read.
`./dev show http.1` sends 10,000."""

import collections
import contextlib
import json
import os
import re
import socket
import sys
import threading

import h11
import pytest

from harness.process import parsed, wait_until
from harness.recorder import Recorder
from harness.tunnel import ROOT
from harness.wire import DEADLINE, Closed, Reader, ask, read_head

sys.path.insert(0, str(ROOT / "Tests" / "Differential"))

from compare import node  # noqa: E402
from hostile import hostile  # noqa: E402

# Methods are an open set to us, and a list to llhttp; where it does not know one it reads this.
KNOWN = b"PROPFIND"
SEED = int(os.environ.get("TUNNEL_SEED", "5"))


def address_of(number):
    """Each case has a client's address of its own, which it cannot bend."""
    return f"127.1.{number >> 8}.{number & 255}"


def send(port, number, raw, cut):
    """All that comes back for a case behind which the client ends its half."""
    with socket.create_connection(("127.0.0.1", port), DEADLINE, (address_of(number), 0)) as sock:
        with contextlib.suppress(OSError):
            sock.sendall(raw[:cut])
            sock.sendall(raw[cut:])
            sock.shutdown(1)
        reader = Reader(sock)
        with contextlib.suppress(ConnectionResetError):
            return reader.rest()
        return bytes(reader.buffer)


class Bytes:
    """A socket whose bytes have all come."""

    def __init__(self, data):
        self.data = data

    def recv(self, _):
        data, self.data = self.data, b""
        return data


def answers(raw, asked):
    """Status, code and body of each answer in these bytes to the requests `asked`; raises where
    they are none."""
    if asked.startswith(b"PRI ") and raw.startswith(b"\0\0"):
        return []  # HTTP/2 by prior knowledge: frames, and its end
    reader, found = Reader(Bytes(raw)), []
    methods = methods_of(asked)
    while not reader.at_end():
        head = read_head(reader)
        if head.status < 200:
            continue
        bare = next(methods, b"") == b"HEAD" and (head.status == 200 or not reader.buffer)
        body = b"" if bare else reader.exactly(int(head.get("Content-Length")))
        found.append((head.status, head.get("Tunnel-Error"), body))
    return found


def methods_of(raw):
    """The methods of the requests one behind the other; the last of them may be none."""
    at = 0
    with contextlib.suppress(h11.RemoteProtocolError):
        while True:
            read, skipped, length = first_message(raw[at:])
            yield read[0]
            at += skipped + length
    yield raw[at:].split(b" ")[0]


def first_message(raw):
    """What h11 reads first in these bytes: method, target, body, trailers and its length."""
    skipped = 2 if raw.startswith(b"\r\n") else 0  # RFC 9112 section 2.2
    http = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 21)
    http.receive_data(raw[skipped:])
    request, body = None, b""
    while True:
        event = http.next_event()
        if isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            length = len(raw) - skipped - len(http.trailing_data[0])
            return (request.method, request.target, body, list(event.headers)), skipped, length
        else:
            raise h11.RemoteProtocolError("it is not over")


def path_of(target):
    """The target as an app gets it: an absolute one becomes its path."""
    found = re.match(rb"(?i)https?://[^/?]*(.*)$", target)
    if not found:
        return target
    return found[1] if found[1].startswith(b"/") else b"/" + found[1]


def same(seen, read):
    method, target, body, trailers = read
    return (seen.method, seen.target, seen.body, seen.trailers) == (
        method, path_of(target), body, trailers)


def read_by_h11(raw, found, requests, pieces):
    """Each answer is to the next request that h11 reads in what was sent: the app's to one that
    the app got, the relay's own 404 to one for another host, and its other ones to the last.
    Raises a sentence where it is not so."""
    at, requests = 0, iter(requests)
    for number, (status, code, body) in enumerate(found):
        if status not in (200, 404):
            if number + 1 < len(found):
                raise ValueError(f"answers behind {status}")
            break
        try:
            read, skipped, length = first_message(raw[at:])
        except h11.RemoteProtocolError as fault:
            if status == 404 and number + 1 == len(found):
                break  # its head was enough to know
            raise ValueError(f"h11 does not read a request: {fault} in {raw[at:][:300]!r}") from None
        if status == 200:
            seen = next(requests, None)
            if not seen or not same(seen, read):
                raise ValueError(f"h11 reads {read}, the app got {seen}")
            if body != (b"" if seen.method == b"HEAD" else seen.target):
                raise ValueError(f"{body[:100]!r} is the answer to {seen}")
            pieces.append((seen, raw[at + skipped:at + skipped + length]))
        at += skipped + length
    if seen := next(requests, None):
        raise ValueError(f"no answer to {seen}")


def read_by_node(pieces, faults):
    """Each of them is one whole message to llhttp, too."""
    counts = collections.Counter()
    verdicts = node([("request", None, raw, False) for _, raw in pieces])
    again = []
    for (seen, raw), verdict in zip(pieces, verdicts):
        why = verdict["fault"] or ""
        if why.startswith("HPE_INVALID_METHOD"):
            again.append((seen, KNOWN + raw[len(seen.method):]))
            continue
        # With an Upgrade, which our edit takes away from a request with a body, Node tells no fault.
        found = verdict["messages"]
        silent = not (why or found and found[0]["whole"]) and b"upgrade:" in raw.lower()
        if (why.startswith("HPE_STRICT") or silent) and re.search(rb"[0-9a-fA-F];", raw):
            counts["a chunk extension that is no list of words"] += 1
            continue
        known = raw.startswith(KNOWN)
        if len(found) != 1 or not found[0]["whole"] or why or not same(
                seen, (seen.method if known else found[0]["method"], found[0]["target"],
                       found[0]["body"], found[0]["trailers"])):
            faults.append(f"llhttp reads {verdict}, the app got {seen} of {raw[:300]!r}")
    counts["a method that llhttp has not heard of"] = len(again)
    if again:
        read_by_node(again, faults)
    return counts


def logged(relay, after):
    """How often each client and path was counted."""
    counts = collections.Counter()
    with relay.child.changed:
        lines = relay.child.lines["err"][after:]
    for line in lines:
        event = parsed(line)
        if event.get("msg") == "exchange":
            counts[event["client"], event["path"]] += 1
    return counts


@pytest.mark.timeout(900)
def test_the_app_gets_nothing_that_was_not_counted(serve, keep, relay, domain, full):
    count = 10_000 if full else 1_500
    app = keep(Recorder())
    serve(app.port)
    after = relay.child.count("err")
    cases = list(hostile(SEED, count, domain.encode()))
    got, faults = {}, []

    def work(share):
        for number, raw, cut in share:
            try:
                got[number] = send(relay.port, number, raw, cut)
            except Exception as error:  # what failed is part of the verdict
                faults.append(f"{number}: {error!r}")

    threads = [threading.Thread(target=work, args=(cases[first::8],)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ask(relay.port, domain, "/last").status == 200
    wait_until("the log", lambda: logged(relay, after)["127.0.0.1", "/last"])
    assert not app.faults, app.faults[:5]

    counted = logged(relay, after)
    reached = collections.Counter(
        (seen.client, seen.target.split(b"?")[0].decode("ascii")) for seen in app.seen)
    missing = {path: number for path, number in reached.items() if counted[path] < number}
    assert not missing, f"at the app and not in the log: {missing}"

    of_case = collections.defaultdict(list)
    for seen in app.seen:
        of_case[seen.client].append(seen)
    pieces, kinds, taken = [], collections.Counter(), 0
    for number, raw, _ in cases:
        came = of_case[address_of(number)]
        requests = [seen for seen in came if seen.whole]
        assert all(seen.whole for seen in came[:-1]), f"{number}: not in turn"
        try:
            found = answers(got[number], raw)
            read_by_h11(raw, found, requests, pieces)
        except (Closed, ValueError, TypeError) as fault:
            faults.append(f"{number}: {fault} for {raw[:300]!r}, answered {got[number][:300]!r}")
            continue
        taken += any(status == 200 for status, *_ in found)
        kinds.update(str(status) for status, *_ in found)
    reasons = read_by_node(pieces, faults)
    print(f"{count} bent requests, seed {SEED}: {taken} with an answer of the app's, "
          f"{len(app.seen)} requests at the app, {sum(reached.values())} of them counted; "
          f"answers {json.dumps(kinds)}; passed for a written reason: {json.dumps(reasons)}; "
          f"{len(faults)} faults")
    assert not faults, "\n".join(faults[:10])
    # Requests that nobody takes would prove nothing, nor would those that all are.
    assert count // 10 < taken < count // 1.5
