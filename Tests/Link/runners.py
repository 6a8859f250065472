"""link.9: under a runner the lines come whole and prefixed, and stopping one stops all."""

import os
import pathlib
import re
import signal
import sys
import time

from harness.process import Child, alive, wait_until
from harness.tunnel import TUNNEL

from .callers import ask

DOMAIN = "mine.example"
LINE = re.compile(r"^\d\d:\d\d:\d\d (system|web\.1|tunnel\.1|web|tunnel) +\| ")
REQUEST = re.compile(r"\| \d\d:\d\d:\d\d\.\d{3} GET  (/line/\d+) 200 OK \d+ms$")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
HONCHO = pathlib.Path(os.environ.get(
    "HONCHO", pathlib.Path(sys.prefix).with_name("shows") / "bin" / "honcho"))

# An app that says a line with every request, as dev servers do, and ends well on SIGTERM.
WEB = """
import signal, sys, threading
sys.path.insert(0, {harness!r})
from harness.apps import RawApp, answer_bytes
def handler(request, sock, reader):
    print("served", request.target.decode(), flush=True)
    sock.sendall(answer_bytes())
app = RawApp(handler, port={port})
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("web listens", flush=True)
while True: signal.pause()
"""


class Honcho:
    def __init__(self, stage, relay, port):
        assert HONCHO.exists(), f"no {HONCHO}: `./dev show link.9` installs it"
        home = stage.home()
        harness = str(pathlib.Path(__file__).parents[1] / "EndToEnd")
        (home.work / "web.py").write_text(WEB.format(harness=harness, port=port))
        (home.work / "Procfile").write_text(
            f"web: {sys.executable} web.py\n"
            f"tunnel: {TUNNEL} --domain {DOMAIN} --port {port} --relay {relay.url}\n")
        self.relay = relay
        self.child = Child("honcho", [HONCHO, "start", "--no-colour"],
                           home.env(TUNNEL_AUTHTOKEN=relay.token), home.work)
        self.child.wait_line("Forwarding ")
        self.child.wait_line("web listens")

    def pids(self):
        """Of `web` and `tunnel`, as honcho says them; each may be a shell with one child."""
        return {name: int(self.child.wait_line(rf"{name}(?:\.1)? started \(pid=(\d+)\)")[1])
                for name in ("web", "tunnel")}

    def lines(self):
        with self.child.changed:
            return [COLOUR.sub("", line) for line in self.child.lines["out"]]

    def stop(self):
        if self.child.process.poll() is None:
            self.child.signal(signal.SIGTERM)
            self.child.wait(10)


def family(pid):
    """A process and what it started."""
    pids = [pid]
    for each in pids:
        try:
            with open(f"/proc/{each}/task/{each}/children", encoding="ascii") as file:
                pids += [int(child) for child in file.read().split()]
        except FileNotFoundError:
            pass
    return pids


def whole_lines(report, honcho, count):
    asked = [ask(honcho.relay.port, DOMAIN, f"/line/{number}") for number in range(count)]
    ended = time.monotonic()
    wanted = {f"/line/{number}" for number in range(count)}

    def seen():
        return {match[1] for line in honcho.lines() if (match := REQUEST.search(line))}

    try:
        wait_until("all request lines", lambda: wanted <= seen(), 5)
    except AssertionError:
        pass
    late = time.monotonic() - ended
    lines = honcho.lines()
    broken = [line for line in lines if not LINE.match(line)]
    report.check(all(each.status == 200 for each in asked) and wanted <= seen() and not broken,
                 f"honcho: {len(seen())} of {count} request lines whole and prefixed, the last "
                 f"{late:.2f} s after its answer; {len(broken)} of {len(lines)} lines broken"
                 + (f": {broken[:2]}" if broken else ""))
    report.say(f"  for example: {next((each for each in lines if REQUEST.search(each)), 'none')}")


def stopping(report, stage, relay, port, name, words):
    """One is stopped by itself: SIGTERM to `web` or `tunnel`, or to honcho."""
    honcho = stage.keep(Honcho(stage, relay, port))
    if name == "tunnel":
        whole_lines(report, honcho, 300)
    else:
        # honcho breaks if it is interrupted while it prints; it is quiet soon.
        seen = -1
        while seen != (seen := honcho.child.count()):
            time.sleep(0.3)
    pids = honcho.pids()
    everything = [pid for each in pids.values() for pid in family(each)]
    since = time.monotonic()
    target = family(pids[name])[-1] if name in pids else honcho.child.pid
    os.kill(target, signal.SIGINT if name == "honcho" else signal.SIGTERM)
    code = honcho.child.wait(12)
    seconds = time.monotonic() - since
    left = [pid for pid in everything if alive(pid)]
    stopped = [line.split("| ")[1] for line in honcho.lines() if " stopped (rc=" in line]
    right = len(stopped) == 2 and (code == 0 or name == "honcho")
    report.check(right and not left, f"honcho: {words}: exit {code} after {seconds:.1f} s, "
                 f"{len(left)} left running, {stopped}")
