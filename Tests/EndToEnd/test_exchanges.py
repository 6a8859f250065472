"""Bytes are sacred: generated exchanges come out as section 5 of the contract says."""

import random
import threading

import pytest

from harness.apps import RawApp, answer_bytes
from harness.exchanges import Generator, differences, number_of
from harness.wire import Reader, ask, dial, read_answer


class Sender:
    """Sends exchanges one after another, on one connection as long as it lasts."""

    def __init__(self, port, seed):
        self.port = port
        self.random = random.Random(seed)
        self.sock = None
        self.reader = None

    def send(self, exchange):
        if self.sock is None:
            self.sock = dial(self.port)
            self.reader = Reader(self.sock)
        self.sock.sendall(exchange.request.sent)
        got = read_answer(self.reader, exchange.method)
        closing = "close" in ", ".join(got.all("Connection"))
        until_close = "Content-Length" not in str(exchange.answer.lines) and exchange.app_closes
        if closing or until_close or self.random.random() < 0.3:
            self.close()
        return got

    def close(self):
        if self.sock:
            self.sock.close()
        self.sock = None


def exchange_all(port, exchanges, got, faults):
    sender = Sender(port, exchanges[0].number)
    for exchange in exchanges:
        try:
            got[exchange.number] = sender.send(exchange)
        except Exception as error:  # what failed is part of the verdict below
            faults.append(f"{exchange.number}: {error!r} for {exchange.request.sent[:200]!r}")
            sender.close()
    sender.close()


@pytest.mark.timeout(900)
def test_generated_exchanges_arrive_as_they_were_sent(serve, keep, relay, domain, full):
    count = 1000 if full else 150
    generator = Generator(20_26, domain)
    exchanges = [generator.exchange(number) for number in range(count)]
    seen = {}

    def handler(request, sock, reader):
        number = number_of(request)
        seen.setdefault(number, []).append(request)
        sock.sendall(exchanges[number].answer.sent)
        return not exchanges[number].app_closes

    serve(keep(RawApp(handler)).port)
    got, faults = {}, []
    shares = [exchanges[start::4] for start in range(4)]
    threads = [threading.Thread(target=exchange_all, args=(relay.port, share, got, faults))
               for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults, f"{len(faults)} failed, first: {faults[:3]}"
    for exchange in exchanges:
        number = exchange.number
        assert len(seen[number]) == 1, f"exchange {number} reached the app {len(seen[number])} times"
        wrong = differences(exchange.request, seen[number][0])
        assert not wrong, f"request {number}: {wrong}\nsent {exchange.request.sent[:2000]!r}"
        # The answer's Connection is the relay's own word about its own connection.
        wrong = differences(exchange.answer, got[number], ignore=(b"connection",))
        assert not wrong, f"answer {number}: {wrong}\nsent {exchange.answer.sent[:2000]!r}"
        interim = [message.start for message in got[number].interim]
        assert interim == exchange.interim, f"answer {number}: interim {interim}"
    print(f"{count} exchanges equal, byte for byte")


def test_concurrent_connections_get_their_own_bodies(serve, keep, relay, domain, full):
    """Many connections with ten requests each: every body comes back to its own."""

    def echo(request, sock, reader):
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(request.body)
                     + request.body)

    serve(keep(RawApp(echo)).port)
    faults = []

    def connection(number):
        pick = random.Random(number)
        try:
            with dial(relay.port) as sock:
                reader = Reader(sock)
                for turn in range(10):
                    body = b"%d/%d " % (number, turn) + pick.randbytes(pick.randrange(20_000))
                    sock.sendall(b"POST /echo HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n"
                                 % (domain.encode(), len(body)) + body)
                    if read_answer(reader, b"POST").body != body:
                        faults.append((number, turn))
        except Exception as error:  # reported below with the connection's number
            faults.append((number, repr(error)))

    threads = [threading.Thread(target=connection, args=(number,))
               for number in range(200 if full else 60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults, faults[:5]


def long_fields(total):
    """Fields whose lines have `total` bytes together."""
    names = [f"X-Long-{number}" for number in range(5)]
    lengths = [total // 5] * 4 + [total - total // 5 * 4]
    return [(name, "v" * (length - len(name) - 4)) for name, length in zip(names, lengths)]


def test_what_the_relay_adds_makes_no_head_too_large(serve, app, relay, domain):
    """Old X-Forwarded-For lines become one, and three lines are added to as many as there may be."""
    serve(app.port)
    chain = [("X-Forwarded-For", "192.0.2.1, " * 1_400 + "192.0.2.2")] * 4
    assert ask(relay.port, domain, fields=chain).status == 200
    many = [(f"X-Field-{number}", "v") for number in range(99)]
    assert ask(relay.port, domain, fields=many).status == 200


def test_the_longest_heads_pass_both_ways(serve, keep, relay, domain):
    """Longer than a stream's first window, which is not widened before a head is whole."""
    head = long_fields((64 << 10) - 100)
    app = keep(RawApp(lambda request, sock, reader: sock.sendall(answer_bytes(fields=head))))
    serve(app.port)
    target = "/" + "p" * 8_000
    answer = ask(relay.port, domain, target, fields=head)
    assert answer.status == 200
    assert app.requests[0].target == target.encode()
    for name, value in head:
        assert app.requests[0].get(name) == value == answer.get(name)
