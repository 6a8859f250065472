"""Network namespaces of this run, and what joins them. As root; all of it is gone at the end.

A thread that entered a namespace hands it on to all that it starts: sockets, threads, processes.
So the harness needs to know nothing of namespaces."""

import contextlib
import ctypes
import itertools
import json
import os
import shutil
import subprocess
import sys

from harness.process import Child

from . import ROOT

LINK = ROOT / ".." / "shared" / "checks" / "netlink.py"
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
NUMBERS = itertools.count(1)


def tool(name, *words):
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    assert path, f"`{name}` is missing (Debian: iproute2)"
    done = subprocess.run([path, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{name} {' '.join(map(str, words))}: {done.stderr.strip()}"
    return done.stdout


def enter(path):
    with open(path, "rb") as file:
        if LIBC.setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {path}")


class Namespace:
    """A network of its own with a loopback."""

    def __init__(self, word):
        self.name = f"tun{os.getpid()}-{word}-{next(NUMBERS)}"
        tool("ip", "netns", "add", self.name)
        self.ip("link", "set", "lo", "up")

    def ip(self, *words):
        return tool("ip", "-n", self.name, *words)

    def tc(self, *words):
        return tool("tc", "-n", self.name, *words)

    @contextlib.contextmanager
    def entered(self):
        """What this thread starts inside belongs to the namespace."""
        before = f"/proc/self/task/{LIBC.gettid()}/ns/net"
        with open(before, "rb") as old:
            enter(f"/var/run/netns/{self.name}")
            try:
                yield self
            finally:
                assert not LIBC.setns(old.fileno(), CLONE_NEWNET), "no way back"

    def stop(self):
        tool("ip", "netns", "del", self.name)


class Cable:
    """A veth pair from `near` to `far`. With `laid` it carries addresses at once. Who is at the
    other end is written down: after a blackhole nobody has to ask for hardware addresses first,
    which no far-away network would make them do."""

    def __init__(self, near, far, laid=True):
        number = next(NUMBERS)
        assert number < 250 * 250
        self.ends = [(near, f"v{number}n"), (far, f"v{number}f")]
        base = f"10.{100 + number // 250}.{number % 250}"
        self.near, self.far = f"{base}.1", f"{base}.2"
        hardware = [f"02:00:00:{end:02x}:{number // 256:02x}:{number % 256:02x}" for end in (1, 2)]
        tool("ip", "link", "add", self.ends[0][1], "netns", near.name, "address", hardware[0],
             "type", "veth", "peer", "name", self.ends[1][1], "netns", far.name, "address",
             hardware[1])
        for space, device in self.ends:
            space.ip("link", "set", device, "up")
        far.ip("addr", "add", f"{self.far}/24", "dev", self.ends[1][1])
        if laid:
            near.ip("addr", "add", f"{self.near}/24", "dev", self.ends[0][1])
        near.ip("neigh", "replace", self.far, "lladdr", hardware[1], "dev", self.device, "nud",
                "permanent")
        far.ip("neigh", "replace", self.near, "lladdr", hardware[0], "dev", self.ends[1][1],
               "nud", "permanent")

    @property
    def device(self):
        """The near end's name."""
        return self.ends[0][1]

    def blackhole(self):
        """Nothing passes any more, either way, and nobody is told: the queues take no packet."""
        for space, device in self.ends:
            space.tc("qdisc", "replace", "dev", device, "root", "pfifo", "limit", 0)

    def heal(self):
        for space, device in self.ends:
            space.tc("qdisc", "del", "dev", device, "root")

    def narrow(self, rate, burst, latency):
        """A token bucket for what leaves the near end."""
        self.ends[0][0].tc("qdisc", "replace", "dev", self.device, "root", "tbf", "rate", rate,
                           "burst", burst, "latency", latency)

    def stop(self):
        pass  # The namespaces take it along.


class Netlink:
    """The user-space link with delay, loss and blackholes; `a` is the agent's side."""

    def __init__(self, a, b, folder):
        assert LINK.exists(), f"{LINK} is missing: the user-space link between two namespaces"
        number = next(NUMBERS)
        self.near, self.far = f"10.98.{number % 250}.1", f"10.98.{number % 250}.2"
        self.file = folder / f"link-{number}.json"
        self.set(blackhole="none")
        self.child = Child("netlink", [sys.executable, LINK, a.name, self.near, b.name, self.far,
                                       "--ctl", self.file])
        self.child.wait_line("^up$")

    def set(self, **conditions):
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(conditions), encoding="ascii")
        os.replace(new, self.file)

    def stop(self):
        self.child.kill()
