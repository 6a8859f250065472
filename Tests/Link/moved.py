"""link.3, second half: the machine gets a new address and the old route is a blackhole."""

import time

from harness.apps import RawApp
from harness.tunnel import agent

from .callers import Callers, ask, wait_first
from .network import Cable, Namespace
from .stage import FarRelay, Stage, answers, events, sleep_until, together

FORWARDED = 20.0
RELAY = "10.99.0.1"

# How the address comes: the old one goes, or stays beside it and only the route changes.
KINDS = ["the old address is gone", "the old address stays"]


class Moved:
    def __init__(self, report, stage, kind, silent):
        self.report, self.kind = report, kind
        self.silent = silent
        self.name = f"new address, {KINDS[kind]}, " + ("no callers" if silent else "callers")
        self.there = stage.keep(Namespace("relay"))
        self.here = stage.keep(Namespace("agent"))
        self.old = Cable(self.here, self.there)
        self.new = Cable(self.here, self.there, laid=False)
        self.there.ip("addr", "add", f"{RELAY}/32", "dev", "lo")
        self.here.ip("route", "add", RELAY, "via", self.old.far)
        self.relay = stage.keep(FarRelay(stage.home(), RELAY))
        self.relay.reserve("mine.example", "ann")
        with self.there.entered():
            self.relay.start("--plain-http")
        with self.here.entered():
            app = stage.keep(RawApp(answers(b"ok"), whole=False))
            self.agent = stage.keep(agent(
                stage.home(), self.relay, self.relay.token, "--domain", "mine.example", "--port",
                app.port, "--plain-http"))

    def move(self):
        self.old.blackhole()
        if self.kind == 0:
            self.here.ip("addr", "del", f"{self.old.near}/24", "dev", self.old.device)
        self.here.ip("addr", "add", f"{self.new.near}/24", "dev", self.new.device)
        self.here.ip("route", "replace", RELAY, "via", self.new.far)

    def callers(self, every):
        with self.there.entered():
            return Callers(self.relay.port, "mine.example", every)

    def run(self):
        with self.there.entered():
            assert ask(self.relay.port, "mine.example").status == 200, "not forwarding before"
        time.sleep(2)
        moved = time.monotonic()
        self.move()
        if self.silent:
            sleep_until(moved + FORWARDED)
        callers = self.callers(0.2)
        found = wait_first(callers, moved, 40)
        callers.finish()
        seconds = found.ended - moved if found else None
        limit = FORWARDED + (0.5 if self.silent else 0)
        online = [f"{at - moved:.1f} s" for at, _ in events(self.agent, "online", moved)]
        away = [f"{event['reason']} at {at - moved:.1f} s"
                for at, event in events(self.agent, "reconnecting", moved)]
        self.report.check(
            seconds is not None and seconds <= limit,
            f"{self.name}: forwards after {'never' if seconds is None else f'{seconds:.1f} s'} "
            f"(within 20 s{', first asked then' if self.silent else ''}); the agent: {away}, "
            f"online {online}")


def moves(report):
    with Stage() as stage:
        together([Moved(report, stage, kind, silent).run
                  for kind in range(len(KINDS)) for silent in (False, True)])
