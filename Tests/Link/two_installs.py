"""link.5: two installs want one domain, each in a restart loop; a dev server beside the older one
under a stand-in for `concurrently -k`; and a CI token that asks for a person's domain."""

import json
import signal
import sqlite3
import sys
import threading
import time

from harness.apps import RawApp
from harness.process import Child, alive, wait_until
from harness.tunnel import TUNNEL

from . import ROOT
from .callers import Callers, ask
from .report import main
from .stage import Stage, answers, logged, sleep_until

DOMAIN = "mine.example"
# An agent that is killed is awaited for so long (limits.md, takeover); and what the look costs.
ABSENCE, LOOK = 60.0, 5.0
DEV_SERVER = f"{ROOT}/Tests/Link/concurrently.py"


def epoch(relay):
    """The endpoint's epoch, out of the relay's own database."""
    with sqlite3.connect(f"file:{relay.data}/relay.db?mode=ro", uri=True) as store:
        return store.execute("SELECT epoch FROM endpoints WHERE host = ?", [DOMAIN]).fetchone()[0]


class Loop:
    """`while true` around an agent of an install of its own, as a shell does it."""

    def __init__(self, stage, relay, body):
        self.body = body
        app = stage.keep(RawApp(answers(body), whole=False))
        self.argv = [str(TUNNEL), "--domain", DOMAIN, "--port", str(app.port), "--relay",
                     relay.url, "--json"]
        self.home = stage.home()
        self.env = self.home.env(TUNNEL_AUTHTOKEN=relay.token)
        self.runs, self.ends, self.child = 0, [], None
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._loop, daemon=True)

    def start(self):
        self.thread.start()
        wait_until("the first agent", lambda: self.child)
        self.child.wait_event("ready")

    def _loop(self):
        while not self.over.is_set():
            self.runs += 1
            self.child = Child("tunnel", self.argv, self.env, self.home.work)
            self.ends.append(self.child.process.wait())

    def end(self, number):
        """The loop and its agent."""
        self.over.set()
        self.child.signal(number)
        self.thread.join(10)

    def stop(self):
        if self.thread.is_alive():
            self.end(signal.SIGKILL)


class Owners:
    """Who answered, as the callers saw it."""

    def __init__(self, asked):
        self.lost = [each for each in asked if each.status != 200]
        names = [each.body.decode() for each in sorted(asked, key=lambda each: each.ended)
                 if each.status == 200]
        self.changes = sum(a != b for a, b in zip(names, names[1:]))
        self.count = len(asked)


def fight(report, stage, relay, seconds):
    """The older under the stand-in, the newer in a bare loop."""
    older, newer = Beside(stage, relay), Loop(stage, relay, b"newer")
    stage.keep(newer)
    stage.keep(older)
    older.start()
    before = epoch(relay)
    callers = stage.keep(Callers(relay.port, DOMAIN, 0.02))
    time.sleep(1)
    began = time.monotonic()
    newer.start()
    sleep_until(began + seconds)
    owners = Owners(callers.finish())
    changes = epoch(relay) - before
    report.check(changes <= 2 and owners.changes <= 2,
                 f"{seconds:.0f} s of two loops: {changes} changes of owner by the epoch, "
                 f"{owners.changes} as callers saw it (at most 2); started: the older "
                 f"{older.runs} times, the newer {newer.runs}")
    report.check(not owners.lost, f"{owners.count} requests, {len(owners.lost)} lost"
                 + (f"; the first: {owners.lost[0]}" if owners.lost else ""))
    report.check("standby" in older.said(), f"the older says standby: {older.said()}")
    report.check(older.server_lives(), "its dev server, under the stand-in for "
                 "`concurrently -k`, lives on")
    return older, newer


class Beside:
    """A dev server and its tunnel, where the end of one ends the other; in a restart loop too."""

    body = b"older"

    def __init__(self, stage, relay):
        app = stage.keep(RawApp(answers(self.body), whole=False))
        self.home = stage.home()
        tunnel = f"{TUNNEL} --domain {DOMAIN} --port {app.port} --relay {relay.url} --json"
        self.argv = [sys.executable, DEV_SERVER, "-k", "exec sleep 100000", f"exec {tunnel}"]
        self.env = self.home.env(TUNNEL_AUTHTOKEN=relay.token)
        self.runs, self.child = 0, None
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._loop, daemon=True)

    def start(self):
        self.thread.start()
        wait_until("the stand-in", lambda: self.child)
        self.child.wait_line('"ready"')
        self.server = int(self.child.wait_line(r"^\[0\] pid (\d+)")[1])

    def _loop(self):
        while not self.over.is_set():
            self.runs += 1
            self.child = Child("stand-in", self.argv, self.env, self.home.work)
            self.child.process.wait()

    def said(self):
        """The kinds of the agent's events, requests left out."""
        with self.child.changed:
            lines = [line[4:] for line in self.child.lines["out"] if line.startswith("[1] {")]
        kinds = [json.loads(line)["event"] for line in lines]
        return [kind for kind in kinds if kind != "request"]

    def server_lives(self):
        return self.runs == 1 and alive(self.server)

    def stop(self):
        self.over.set()
        if self.child and self.child.process.poll() is None:
            self.child.signal(signal.SIGTERM)
            self.child.wait(10)


def gets_it_back(report, relay, newer, number, within, words):
    callers = Callers(relay.port, DOMAIN, 0.05)
    left = time.monotonic()
    newer.end(number)
    found = None
    while found is None and time.monotonic() < left + within + 30:
        time.sleep(0.05)
        found = next((each for each in callers.all() if each.body == Beside.body), None)
    callers.stop()
    seconds = found.ended - left if found else None
    report.check(seconds is not None and seconds <= within,
                 f"the newer {words}: the older serves again "
                 f"{'never' if seconds is None else f'after {seconds:.2f} s'} "
                 f"(within {within:.0f} s)")


def continuous_integration(report, stage, relay):
    """A token for `ci-*` asks for a person's domain, then for a name of its own."""
    done = relay.attempt("token", "add", "ann", "--ci", "ci-*", "--json")
    if done.returncode:
        report.check(False, "a CI token: `relay token add ann --ci 'ci-*'` exits "
                     f"{done.returncode}: {done.stderr.strip()[:200]}")
        return
    token = json.loads(done.stdout)["token"]
    home = stage.home()
    served = ask(relay.port, DOMAIN).body
    asks = stage.keep(Child(
        "tunnel", [TUNNEL, "--domain", DOMAIN, "--port", "9", "--relay", relay.url],
        home.env(TUNNEL_AUTHTOKEN=token), home.work))
    try:
        code = asks.wait(10)
    except AssertionError:
        code = "not at all, it runs on"
    report.check(code == 73, f"a CI token that asks for {DOMAIN} ends with 73: {code}; it said "
                 f"{asks.lines['out'] + asks.lines['err']}")
    if asks.process.poll() is None:
        asks.signal(signal.SIGTERM)
        asks.wait()
    now = ask(relay.port, DOMAIN).body
    report.check(now == served != b"", f"the person's agent serves on: {served} then {now}")
    app = stage.keep(RawApp(answers(b"built"), whole=False))
    argv = [TUNNEL, "--domain", "ci-7", "--port", app.port, "--relay", relay.url, "--json"]
    built = stage.keep(Child("tunnel", argv, home.env(TUNNEL_AUTHTOKEN=token), home.work))
    name = built.wait_event("ready")["domain"]
    report.check(ask(relay.port, name).body == b"built", f"and serves its own {name}")


def scenario(report, options):
    with Stage() as stage:
        relay = stage.relay()
        relay.reserve(DOMAIN, "ann")
        older, newer = fight(report, stage, relay, options.seconds)
        gets_it_back(report, relay, newer, signal.SIGTERM, 2, "says stop")
        again = stage.keep(Loop(stage, relay, b"newer"))
        again.start()
        served = Callers(relay.port, DOMAIN, 0.05)
        wait_until("the newer to serve", lambda: any(
            each.body == b"newer" for each in served.all()))
        served.stop()
        gets_it_back(report, relay, again, signal.SIGKILL, ABSENCE + LOOK, "is killed")
        report.check(older.server_lives(), f"the dev server lives on to the end; the agent beside "
                     f"it said {older.said()}")
        continuous_integration(report, stage, relay)
        report.say(f"  the relay began {len(logged(relay.child, 'session begun'))} sessions")


if __name__ == "__main__":
    main("link.5", scenario, __doc__, seconds=60.0)
