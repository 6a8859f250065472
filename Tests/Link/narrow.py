"""link.10, first half: an uplink of 1 Mbit/s, filled by large answers for minutes."""

import socket
import threading
import time

from harness.apps import RawApp, answer_bytes
from harness.tunnel import agent
from harness.wire import request_bytes

from .callers import Callers, ask
from .network import Cable, Namespace
from .report import middle, quantile
from .stage import FarRelay, Stage, events, logged, sessions, sleep_until

RELAY = "10.99.0.1"
DOMAIN = "mine.example"
P99 = 1.0
RATE, BURST, LATENCY = "1mbit", "4kb", "200ms"
BLOCK = b"x" * 65536


def handler(request, sock, reader):
    """/big never ends."""
    if request.target != b"/big":
        return sock.sendall(answer_bytes(body=b"small"))
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
    while True:
        sock.sendall(BLOCK)


class Download:
    """Takes a large answer for as long as it is let; how many bytes came, and if it broke off."""

    def __init__(self, port):
        self.bytes, self.broke = 0, ""
        self.sock = socket.create_connection(("127.0.0.1", port), 30)
        self.sock.settimeout(30)
        self.over = False
        self.sock.sendall(request_bytes(DOMAIN, "/big"))
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            while data := self.sock.recv(65536):
                self.bytes += len(data)
            self.broke = self.broke or ("" if self.over else "ended early")
        except OSError as fault:
            self.broke = "" if self.over else type(fault).__name__

    def stop(self):
        self.over = True
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()


def drops(report, words, relay, child, since):
    """No session ended, on neither side."""
    ended = logged(relay.child, "session ended", since)
    away = [event["reason"] for _, event in events(child, "reconnecting", since)]
    begun, _ = sessions(relay)
    report.check(not ended and not away, f"{words}: {len(ended)} sessions dropped ({begun} begun); "
                 f"the agent said reconnecting {away}" + (f"; {ended[0][1]}" if ended else ""))


def uplink(report, seconds, downloads):
    with Stage() as stage:
        there, here = stage.keep(Namespace("relay")), stage.keep(Namespace("agent"))
        cable = Cable(here, there)
        there.ip("addr", "add", f"{RELAY}/32", "dev", "lo")
        here.ip("route", "add", RELAY, "via", cable.far)
        cable.narrow(RATE, BURST, LATENCY)
        relay = stage.keep(FarRelay(stage.home(), RELAY))
        relay.reserve(DOMAIN, "ann")
        with there.entered():
            relay.start("--plain-http")
        with here.entered():
            app = stage.keep(RawApp(handler, whole=False))
            child = stage.keep(agent(stage.home(), relay, relay.token, "--domain", DOMAIN,
                                     "--port", app.port, "--plain-http"))
        words = f"uplink of {RATE}, {downloads} large answer{'s' if downloads > 1 else ''}"
        with there.entered():
            alone = [ask(relay.port, DOMAIN, "/small").seconds for _ in range(20)]
            began = time.monotonic()
            large = [stage.keep(Download(relay.port)) for _ in range(downloads)]
            time.sleep(3)
            callers = stage.keep(Callers(relay.port, DOMAIN, 0.25, path="/small"))
        sleep_until(began + seconds)
        asked = callers.finish()
        taken = sum(each.bytes for each in large) / (time.monotonic() - began)
        report.say(f"{words}: a small request alone: {middle(alone)}; beside it: "
                   f"{middle([each.seconds for each in asked])}; {taken * 8 / 1e6:.2f} Mbit/s")
        queue = here.tc("-s", "qdisc", "show", "dev", cable.device).split("\n")[1].strip()
        report.say(f"  the uplink's queue: {queue}")
        drops(report, words, relay, child, began)
        wrong = [each for each in asked if each.status != 200]
        broke = [each.broke for each in large if each.broke]
        report.check(not wrong and not broke, f"{words}: {len(asked)} small requests, {len(wrong)} "
                     f"without 200; {len(broke)} large answers broke off {broke or ''}")
        late = quantile([each.seconds for each in asked], 0.99)
        report.check(late < P99, f"{words}: a small request's p99 {late:.2f} s (under 1 s)")
        report.check(taken * 8 > 0.8e6, f"{words}: it is full, {taken * 8 / 1e6:.2f} Mbit/s")
