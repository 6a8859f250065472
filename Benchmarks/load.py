"""What is asked, and wrk and h2load, which ask it."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .processes import Fault

UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
BIG = 10_000_000


@dataclass(frozen=True)
class Case:
    name: str
    connections: int
    path: str = "/"
    body: int = 0

    @property
    def script(self) -> str:
        lines = ['wrk.headers["Host"] = "mine.example"']
        if self.body:
            lines += [
                'wrk.method = "POST"', f'wrk.body = string.rep("x", {self.body})',
                'wrk.headers["Content-Type"] = "application/octet-stream"']
        return "\n".join(lines)


CASES = [
    Case("get-1", 1),
    Case("get-32", 32),
    Case("get-256", 256),
    Case("post-32", 32, body=2048),
    Case("down-4", 4, path="/big"),
    Case("up-4", 4, path="/up", body=BIG),
]


@dataclass(frozen=True)
class Load:
    """One run: requests, requests a second, percentiles in milliseconds."""

    requests: int
    rate: float
    p50: float
    p99: float


def run(case: Case, port: int, seconds: float, folder: Path, speaks: str = "http") -> Load:
    """Throws Fault if any answer was not 2xx, or broke off."""
    return (multiplexed if speaks == "h2" else wrk)(case, port, seconds, folder, speaks)


def wrk(case: Case, port: int, seconds: float, folder: Path, speaks: str) -> Load:
    script = folder / f"{case.name}.lua"
    script.write_text(case.script)
    out = subprocess.run(
        ["wrk", "-t1", f"-c{case.connections}", f"-d{seconds:g}s", "--latency", "-s", script,
         f"{speaks}://127.0.0.1:{port}{case.path}"],
        capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise Fault(f"{case.name}: {out}")
    return Load(
        requests=int(find(r"(\d+) requests in", out)),
        rate=float(find(r"Requests/sec:\s+([\d.]+)", out)),
        p50=milliseconds(find(r"(?m)^\s+50%\s+(\S+)", out)), p99=milliseconds(find(r"(?m)^\s+99%\s+(\S+)", out)))


def multiplexed(case: Case, port: int, seconds: float, folder: Path, _: str) -> Load:
    """h2load, over TLS: one request at a time on each connection, as wrk does it."""
    log = folder / f"{case.name}.h2load"
    log.unlink(missing_ok=True)
    body = folder / f"{case.name}.body"
    body.write_bytes(b"x" * case.body)
    out = subprocess.run(
        ["h2load", "-t1", f"-c{case.connections}", "-m1", f"-D{seconds:g}", f"--log-file={log}",
         f"--connect-to=127.0.0.1:{port}", *(["-d", str(body)] if case.body else []),
         f"https://mine.example{case.path}"],
        capture_output=True, text=True, check=True).stdout
    took = sorted(int(row.split()[2]) / 1e3 for row in log.read_text().splitlines())
    # What the end of the time cut off is no failure.
    good = int(find(r"(\d+) 2xx", out))
    if "Application protocol: h2" not in out or good == 0 or good < len(took):
        raise Fault(f"{case.name}: {out}")
    return Load(requests=good, rate=good / seconds, p50=took[len(took) // 2],
                p99=took[len(took) * 99 // 100])


def find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if not found:
        raise Fault(f"wrk did not say {pattern!r}: {text}")
    return found.group(1)


def milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * UNITS[unit]
