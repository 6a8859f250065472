"""Relay, agents, apps and networks of one scenario, in a folder of their own."""

import contextlib
import io
import pathlib
import shutil
import tempfile
import threading
import time

from harness.apps import RawApp, answer_bytes
from harness.process import parsed
from harness.tunnel import Home, Relay, agent

from .network import Namespace, Netlink

# Set once somebody ends the run before its time.
OVER = threading.Event()
# One stage at a time changes where this process prints.
QUIET = threading.Lock()


class Stage:
    """`keep(thing)` answers the thing and ends it, the last first, when the scenario is over."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="link-"))
        self.things = []
        self.homes = 0

    def keep(self, thing):
        self.things.append(thing)
        return thing

    def home(self):
        self.homes += 1
        return Home(self.folder / str(self.homes))

    def __enter__(self):
        return self

    def __exit__(self, kind, fault, trace):
        faults = []
        for thing in reversed(self.things):
            # A child says its whole log as it is ended, for pytest; here only a fault is news.
            with QUIET, contextlib.redirect_stdout(io.StringIO()):
                try:
                    thing.stop()
                except AssertionError as late:
                    faults.append(str(late))
        shutil.rmtree(self.folder, ignore_errors=True)
        if faults and fault is None:
            raise AssertionError("\n".join(faults))

    def relay(self, *more, **options):
        """A running relay with one account; `relay.token` is its authtoken."""
        relay = self.keep(Relay(self.home(), **options))
        relay.token = relay.account("ann")["authtoken"]
        relay.start(*more)
        return relay


class FarRelay(Relay):
    """A relay in a network of its own: agents find it at `address`, callers on its loopback."""

    def __init__(self, home, address):
        super().__init__(home, host="0.0.0.0")
        self.address = address
        self.token = self.account("ann")["authtoken"]

    @property
    def url(self):
        return f"http://{self.address}:{self.port}"


class Pair:
    """A relay in one network, an app and its agent in another, the user-space link between."""

    def __init__(self, stage, domain="mine.example", handler=None):
        self.stage, self.domain = stage, domain
        self.there = stage.keep(Namespace("relay"))
        self.here = stage.keep(Namespace("agent"))
        self.link = stage.keep(Netlink(self.here, self.there, stage.folder))
        self.relay = stage.keep(FarRelay(stage.home(), self.link.far))
        self.relay.reserve(domain, "ann")
        with self.there.entered():
            self.relay.start("--plain-http")
        with self.here.entered():
            self.app = stage.keep(RawApp(handler or answers(b"ok"), whole=False))
            self.agent = stage.keep(agent(
                stage.home(), self.relay, self.relay.token, "--domain", domain, "--port",
                self.app.port, "--plain-http"))


def answers(body):
    return lambda request, sock, reader: sock.sendall(answer_bytes(body=body))


def events(child, kind, after=0.0):
    """When the agent said such events, and the events."""
    with child.changed:
        said = list(zip(child.times["out"], child.lines["out"]))
    return [(at, event) for at, line in said
            if at >= after and (event := parsed(line)).get("event") == kind]


def logged(child, words, after=0.0):
    """When the relay logged lines with these words, and the lines."""
    with child.changed:
        said = list(zip(child.times["err"], child.lines["err"]))
    return [(at, line) for at, line in said if at >= after and words in line]


def sessions(relay, after=0.0):
    """How many sessions the relay's log has begun and ended since."""
    return [len(logged(relay.child, f"session {word}", after)) for word in ("begun", "ended")]


def sleep_until(moment):
    """Scenarios last as long as their line says; nothing is waited for by this."""
    assert not OVER.wait(max(0.0, moment - time.monotonic())), "ended early"


def together(works):
    """Runs them at once, a thread each; the first fault is raised once all are over."""
    faults = []

    def carry_out(work):
        try:
            work()
        except (AssertionError, OSError) as fault:
            faults.append(fault)

    threads = [threading.Thread(target=carry_out, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
