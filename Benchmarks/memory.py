"""./dev show memory: what an idle agent costs the relay, by plain and by TLS link."""

import os
import subprocess
import sys
import time
from pathlib import Path

from .processes import Children, Fault, children_of, resident_mib, wait_until
from .subjects import app
from .tunnels import Relay, environment, tunnel

AGENTS = 1_000
AGENTS_AN_ACCOUNT = 50
# KiB an agent, by whether the link speaks TLS; MiB of a process with nothing to do.
LIMITS = {False: 12, True: 40}
BASE = 20


def settled(pid: int) -> float:
    """Resident MiB once it has stopped growing for a second."""
    last = resident_mib(pid)
    while True:
        time.sleep(1)
        now = resident_mib(pid)
        if abs(now - last) < 0.1:
            return now
        last = now


def crowd(children: Children, relay: Relay, binaries: Path, agents: int, name: str = "crowd",
          an_account: int = AGENTS_AN_ACCOUNT):
    """Agents in one process, all of them serving when this returns."""
    lines = []
    for account in range(agents // an_account):
        token = relay.account(f"{name}{account}")
        lines += [f"{token} {name}-{account}-{agent}" for agent in range(an_account)]
    log = children.folder / f"{name}-{relay.home.name}.log"
    with open(log, "wb") as out:
        process = subprocess.Popen([binaries / "crowd", *relay.way], stdin=subprocess.PIPE,
                                   stdout=out, stderr=out, env=environment(relay.home))
    children.running.append(process)
    process.stdin.write("\n".join([*lines, "", ""]).encode())
    process.stdin.flush()
    try:
        wait_until(lambda: f"ready {agents}" in log.read_text(), "the crowd", 120)
    except Fault as fault:
        raise Fault(f"{fault}: {log.read_text()[-500:]}") from None
    return process


def measure(children: Children, binaries: Path, tls: bool) -> bool:
    relay = Relay(children, binaries, children.folder / ("tls" if tls else "plain"), tls)
    pid = relay.start()
    base = settled(pid)
    # The first ones bring in the code of logins and links, which is not theirs alone.
    crowd(children, relay, binaries, AGENTS_AN_ACCOUNT, "first")
    first = settled(pid)
    crowd(children, relay, binaries, AGENTS - AGENTS_AN_ACCOUNT)
    full = settled(pid)
    each = (full - first) * 1024 / (AGENTS - AGENTS_AN_ACCOUNT)
    name = "TLS" if tls else "plain"
    print(f"{name}: relay {base:.1f} MiB alone (under {BASE}), {first:.1f} with "
          f"{AGENTS_AN_ACCOUNT} agents, {full:.1f} with {AGENTS}: {each:.1f} KiB for each of the "
          f"others (at most {LIMITS[tls]})", flush=True)
    return each <= LIMITS[tls] and base < BASE


def main() -> int:
    binaries = Path(os.environ["TUNNEL_BIN"]).absolute()
    with children_of("memory") as children:
        held = [measure(children, binaries, tls) for tls in (False, True)]
        pair = tunnel(children, app(children), binaries, tls=False)
        agent = settled(pair.sides["agent"])
        print(f"agent: {agent:.1f} MiB (under {BASE})")
    return 0 if all(held) and agent < BASE else 1


if __name__ == "__main__":
    sys.exit(main())
