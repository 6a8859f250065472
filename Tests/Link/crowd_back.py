"""link.6: 1,000 agents of 200 accounts, in one process with the real agent's core; the relay is
killed and restarted, and all of them come back."""

import asyncio
import collections
import pathlib
import re
import time

from Benchmarks import tunnels
from Benchmarks.memory import crowd
from Benchmarks.processes import children_of
from harness.process import Child, wait_until
from harness.tunnel import BINARIES

from .report import main, middle
from .stage import logged

BACK, SHARE, WINDOW = 30.0, 0.15, 0.1
# Nothing listens at the agents' upstream: this answer came from an agent, and any other did not.
SERVED = b"Tunnel-Error: upstream-refused"


class Relay(tunnels.Relay):
    """The relay of Benchmarks, whose lines come with their times."""

    def __init__(self, children, home):
        super().__init__(children, BINARIES, home, tls=False)
        self.child = None

    def start(self):
        argv = [self.binary, "serve", "--domain", "localhost", "--listen",
                f"127.0.0.1:{self.port}", "--data", self.data, "--json"]
        self.child = Child("relay", argv, self.env, self.home)
        self.child.wait_event("ready")

    def stop(self):
        if self.child:
            self.child.kill()


async def serves(port, name):
    """Whether an agent answers for this name now."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        writer.close()
    except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
        return False
    return SERVED in head


async def served(port, names):
    """The names that nobody serves now, of these; 50 are asked at once."""
    gate = asyncio.Semaphore(50)

    async def look(name):
        async with gate:
            return None if await serves(port, name) else name

    return [name for name in await asyncio.gather(*map(look, names)) if name]


def most(times, window):
    """The largest number of them in any stretch of `window` seconds."""
    first, best = 0, 0
    for last, at in enumerate(times):
        while at - times[first] >= window:
            first += 1
        best = max(best, last - first + 1)
    return best


def reasons(lines):
    """Why sessions ended, by the relay's log, and how many of each."""
    found = [match[1] for line in lines if (match := re.search(r"reason=(.*?) session=", line))]
    return dict(collections.Counter(found)) or ""


def once(report, relay, names, down):
    killed = time.monotonic()
    relay.child.kill()
    time.sleep(down)
    relay.start()
    listening = time.monotonic()
    logins = lambda: [at for at, _ in logged(relay.child, "session begun")]
    try:
        wait_until("all logins", lambda: len(logins()) >= len(names), 60, 0.05)
    except AssertionError:
        report.say(f"  only {len(logins())} logins within 60 s")
    missing = names
    while missing and time.monotonic() < listening + 60:
        missing = asyncio.run(served(relay.port, missing))
    back = time.monotonic() - killed
    times = sorted(logins())
    peak = most(times, WINDOW)
    ended = [line for _, line in logged(relay.child, "session ended")]
    report.say(f"  logins after the kill: {middle([at - killed for at in times])}; {len(ended)} sessions"
               f" ended {reasons(ended)}; the relay listened {listening - killed:.2f} s after the kill")
    report.check(not missing and back <= BACK,
                 f"all {len(names)} serve {back:.1f} s after the kill (within 30 s)"
                 + (f"; {len(missing)} do not, {missing[0]} for one" if missing else ""))
    report.check(peak <= SHARE * len(names),
                 f"{peak} logins in the fullest 100 ms, {peak / len(names):.1%} (at most 15 %)")


def scenario(report, options):
    with children_of("link6") as children:
        relay = Relay(children, pathlib.Path(children.folder / "relay"))
        try:
            relay.start()
            an_account = options.agents // options.accounts
            crowd(children, relay, BINARIES, options.agents, an_account=an_account)
            names = [f"crowd-{account}-{agent}.localhost" for account in range(options.accounts)
                     for agent in range(an_account)]
            report.say(f"{options.agents} agents of {options.accounts} accounts serve")
            for _ in range(options.rounds):
                time.sleep(3)
                once(report, relay, names, options.down)
        finally:
            relay.stop()


if __name__ == "__main__":
    main("link.6", scenario, __doc__, agents=1000, accounts=200, rounds=5, down=1.0)
