"""./dev show memory: what an idle agent costs the relay, by plain and by TLS link."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .processes import Children, Fault, resident_mib, wait_until
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


def crowd(children: Children, relay: Relay, binaries: Path):
    lines = []
    for account in range(AGENTS // AGENTS_AN_ACCOUNT):
        token = relay.account(f"account{account}")
        lines += [f"{token} crowd-{account}-{agent}" for agent in range(AGENTS_AN_ACCOUNT)]
    log = children.folder / f"crowd-{relay.home.name}.log"
    with open(log, "wb") as out:
        process = subprocess.Popen([binaries / "crowd", *relay.way], stdin=subprocess.PIPE,
                                   stdout=out, stderr=out, env=environment(relay.home))
    children.running.append(process)
    process.stdin.write("\n".join([*lines, "", ""]).encode())
    process.stdin.flush()
    try:
        wait_until(lambda: f"ready {AGENTS}" in log.read_text(), "the crowd", 120)
    except Fault as fault:
        raise Fault(f"{fault}: {log.read_text()[-500:]}") from None


def measure(children: Children, binaries: Path, tls: bool) -> bool:
    relay = Relay(children, binaries, children.folder / ("tls" if tls else "plain"), tls)
    pid = relay.start()
    base = settled(pid)
    crowd(children, relay, binaries)
    full = settled(pid)
    each = (full - base) * 1024 / AGENTS
    name = "TLS" if tls else "plain"
    print(f"{name}: relay {base:.1f} MiB alone, {full:.1f} with {AGENTS} agents: "
          f"{each:.1f} KiB an agent (at most {LIMITS[tls]})", flush=True)
    return each <= LIMITS[tls] and base < BASE


def main() -> int:
    binaries = Path(os.environ["TUNNEL_BIN"]).absolute()
    with tempfile.TemporaryDirectory(prefix="memory.") as name:
        os.chmod(name, 0o755)
        children = Children(Path(name))
        try:
            held = [measure(children, binaries, tls) for tls in (False, True)]
            pair = tunnel(children, app(children), binaries, tls=False)
            agent = settled(pair.sides["agent"])
            print(f"agent: {agent:.1f} MiB (under {BASE})")
        finally:
            children.close()
    return 0 if all(held) and agent < BASE else 1


sys.exit(main())
