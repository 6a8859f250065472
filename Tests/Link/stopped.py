"""link.3, first half: SIGSTOP of the agent, SIGCONT a minute later. Several agents at once, one of
them without callers; and shorter stops, where the agent need not notice that it was away."""

import signal
import threading
import time

from harness.apps import RawApp, answer_bytes
from harness.tunnel import agent

from .callers import Callers, wait_first
from .stage import Stage, events, sessions, sleep_until, together

FORWARDED = 5.0
# Seconds between two requests, 0 for none, and the size of their bodies: the large ones wait in
# the agent's socket in more than one read.
LOADS = [(0, 0), (0.5, 0), (2, 0), (0.1, 20_000), (0.5, 60_000), (7, 0)]


class Arrivals:
    """An app that remembers when it first saw each target."""

    def __init__(self):
        self.at = {}
        self.lock = threading.Lock()

    def __call__(self, request, sock, reader):
        with self.lock:
            self.at.setdefault(request.target.decode(), time.monotonic())
        reader.exactly(int(request.get("Content-Length") or 0))
        sock.sendall(answer_bytes())


class Stopped:
    """One agent that stands still for a while."""

    def __init__(self, report, stage, relay, number, seconds):
        self.report, self.seconds, self.relay = report, seconds, relay
        self.every, size = LOADS[number % len(LOADS)]
        self.body = b"x" * size or None
        self.domain = f"mine-{number}.example"
        self.name = f"{self.domain}, stopped {seconds:.0f} s, " + (
            f"{size} B every {self.every} s" if self.every else "no callers")
        relay.reserve(self.domain, "ann")
        self.arrivals = Arrivals()
        app = stage.keep(RawApp(self.arrivals, whole=False))
        self.agent = stage.keep(agent(stage.home(), relay, relay.token, "--domain", self.domain,
                                      "--port", app.port))

    def run(self):
        callers = self.every and Callers(
            self.relay.port, self.domain, self.every, path="/during", body=self.body)
        time.sleep(2)
        self.agent.signal(signal.SIGSTOP)
        try:
            sleep_until(time.monotonic() + self.seconds)
        finally:
            self.agent.signal(signal.SIGCONT)
        woken = time.monotonic()
        after = Callers(self.relay.port, self.domain, 0.05, path="/after")
        found = wait_first(after, woken, 30)
        sleep_until(woken + 6)
        asked = after.finish() + (callers.finish() if callers else [])
        self.judge(asked, woken, found)

    def judge(self, asked, woken, found):
        late = found.ended - woken if found else None
        self.report.check(late is not None and late <= FORWARDED,
                          f"{self.name}: forwards {'never' if late is None else f'{late:.2f} s'} "
                          "after SIGCONT (within 5 s)")
        told = [each for each in asked if each.status != 200]
        shown = [each for each in told if self.arrivals.at.get(each.target, 0) > each.ended]
        said = {code: sum(each.code == code for each in told)
                for code in sorted({each.code for each in told})}
        self.report.check(not shown,
                          f"{self.name}: {len(asked)} asked, {len(told)} refused {said}, of these "
                          f"{len(shown)} reached the app after their refusal"
                          + (f"; the first: {shown[0]}" if shown else ""))
        ghosts = [kind for kind in ("standby", "replaced", "error")
                  if events(self.agent, kind)]
        lost = [each for each in asked if found and each.at > found.ended and each.status != 200]
        self.report.check(not ghosts and not lost,
                          f"{self.name}: no ghost {ghosts or ''}; {len(lost)} without 200 once it "
                          f"forwarded" + (f"; the first: {lost[0]}" if lost else ""))
        away = [event["reason"] for _, event in events(self.agent, "reconnecting")]
        self.report.say(f"  {self.name}: the agent said reconnecting {away}")


def stops(report, agents, seconds):
    with Stage() as stage:
        relay = stage.relay()
        all_ = [Stopped(report, stage, relay, number, seconds) for number in range(agents)]
        together([each.run for each in all_])
        begun, ended = sessions(relay)
        report.say(f"  the relay's log: {begun} sessions begun, {ended} ended, for {agents} agents")
