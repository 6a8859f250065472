"""link.4: the old agent's way is a blackhole, and a new agent of the same install is started.

Machines stand in a ring, each in a network of its own, all with the one install. In every round the
one that serves is cut off and the next starts an agent. Old ones stay cut off long enough for the
relay to give some up by itself; then every second one is killed in the dark, and the others come
back alive: they must end with 0, `replaced`, and take nothing."""

import os
import time

from Benchmarks.memory import settled
from harness.apps import RawApp
from harness.process import wait_until
from harness.tunnel import agent

from .callers import Callers
from .network import Cable, Namespace
from .report import main, middle
from .stage import FarRelay, Stage, answers, events, logged

RELAY = "10.99.0.1"
SERVES = 2.0
DOMAIN = "mine.example"
# Descriptors of the relay's database with all its connections open: a writer, two readers, one
# that watches, two each; and the one they share (RelayStore.connect).
DATABASE = 9


class Machine:
    """A place in the ring."""

    def __init__(self, stage, there, number):
        self.stage, self.number, self.agent = stage, number, None
        self.space = stage.keep(Namespace("agent"))
        self.cable = Cable(self.space, there)
        self.space.ip("route", "add", RELAY, "via", self.cable.far)
        self.body = f"machine {number}".encode()
        with self.space.entered():
            self.app = stage.keep(RawApp(answers(self.body), whole=False))

    def start(self, home, relay):
        with self.space.entered():
            self.agent = agent(home, relay, relay.token, "--domain", DOMAIN, "--port",
                               self.app.port, "--plain-http", ready=False)

    def come_back(self):
        """Out of the dark; says how it ended if that was not as it should be."""
        if not self.agent:
            return None
        if self.number % 2:
            self.agent.kill()
            self.cable.heal()
            self.agent = None
            return None
        self.cable.heal()
        child, self.agent = self.agent, None
        try:
            code = child.wait(20)
        except AssertionError:
            child.kill()
            return f"machine {self.number}'s agent did not end: {child.lines['out'][-3:]}"
        if code != 0 or not events(child, "replaced"):
            return f"machine {self.number}'s agent ended with {code}: {child.lines['out'][-3:]}"
        return None

    def stop(self):
        if self.agent:
            self.agent.kill()


class Relay:
    """What the relay's process holds."""

    def __init__(self, relay):
        self.child = relay.child

    @property
    def live(self):
        begun, ended = (len(logged(self.child, f"session {word}")) for word in ("begun", "ended"))
        return begun - ended

    def look(self):
        """Descriptors (but the database's, which the pool of readers opens as it must, two each),
        the database's, threads and MiB, once the relay has given up every ghost."""
        wait_until("one live session", lambda: self.live == 1, 60, 0.2)
        time.sleep(10)  # Worker threads of libdispatch end, and give back what they freed.
        folder = f"/proc/{self.child.pid}"
        memory = settled(self.child.pid)
        files = [os.readlink(f"{folder}/fd/{each}") for each in os.listdir(f"{folder}/fd")]
        store = sum("/relay.db" in each for each in files)
        return len(files) - store, store, len(os.listdir(f"{folder}/task")), memory


def serves(relay, there, machine, since):
    """Seconds until this machine's app answers; None if not within 15. A caller who came to the
    ghost may wait long, so none waits for another."""
    with there.entered():
        callers = Callers(relay.port, DOMAIN, 0.02)
    found = None
    while found is None and time.monotonic() < since + 15:
        time.sleep(0.01)
        found = next((each for each in callers.all()
                      if each.status == 200 and each.body == machine.body), None)
    callers.stop()
    return found.ended - since if found else None


def rounds(report, relay, there, ring, home, count, seen, lost):
    for _ in range(count):
        number = len(seen)
        here = ring[number % len(ring)]
        fault = here.come_back()
        if fault:
            lost.append(fault)
            report.say(fault)
        if number:
            ring[(number - 1) % len(ring)].cable.blackhole()
        began = time.monotonic()
        here.start(home, relay)
        seconds = serves(relay, there, here, began)
        if seconds is None:
            report.say(f"round {number}: not served within 15 s; {here.agent.log()[-500:]}")
        seen.append(15.0 if seconds is None else seconds)


def scenario(report, options):
    with Stage() as stage:
        there = stage.keep(Namespace("relay"))
        there.ip("addr", "add", f"{RELAY}/32", "dev", "lo")
        relay = stage.keep(FarRelay(stage.home(), RELAY))
        relay.reserve(DOMAIN, "ann")
        with there.entered():
            relay.start("--plain-http")
        ring = [stage.keep(Machine(stage, there, number)) for number in range(options.ring)]
        home, process, seen, lost, looks = stage.home(), Relay(relay), [], [], []
        for part in range(options.parts):
            rounds(report, relay, there, ring, home, options.rounds // options.parts, seen, lost)
            ghosts = process.live - 1
            looks.append(process.look())
            fds, store, threads, memory = looks[-1]
            report.say(f"{len(seen)} rounds: {middle(seen)}; {ghosts} ghosts were held; then "
                       f"{fds} descriptors and {store} of the database, {threads} threads, "
                       f"{memory:.2f} MiB")
        judge(report, seen, lost, looks)


def judge(report, seen, lost, looks):
    late = sum(seconds > SERVES for seconds in seen)
    report.check(not late, f"serves within 2 s, {late} did not: {middle(seen)}")
    report.check(not lost, f"{len(lost)} old agents that came back did not end as replaced")
    if len(looks) < 3:
        return
    # The first part brings in code and pages that stay whatever comes.
    fds, store, threads, memory = zip(*looks[1:])
    report.check(fds[-1] <= fds[0] and store[-1] <= DATABASE,
                 f"descriptors {fds[0]} -> {fds[-1]}, of the database {store[0]} -> {store[-1]} "
                 f"(at most {DATABASE})")
    report.check(threads[-1] <= threads[0] + 1, f"threads {threads[0]} -> {threads[-1]}")
    parts = len(looks)
    slope = (memory[-1] - memory[0]) * parts / (parts - 2)
    report.check(slope < 1, f"resident {memory[0]:.2f} -> {memory[-1]:.2f} MiB, slope "
                 f"{slope:+.2f} MiB for {len(seen)} rounds (under 1)")


if __name__ == "__main__":
    main("link.4", scenario, __doc__, rounds=500, ring=40, parts=5)
