"""./dev show instructions: what an exchange costs each side, in user instructions of its event loop.

Counted by callgrind while one client asks again and again, so a figure is the same to a fraction
of a percent whatever else the machine does. `instructions.json` keeps the figures of one compiler;
the end-to-end suite compares them with what it counts (test_instructions.py).
"""

import argparse
import http.client
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

from . import subjects, tunnels
from .processes import Children, Fault, children_of

KEPT = Path(__file__).with_name("instructions.json")
WARM, COUNTED = 300, 1_000
# Processes under callgrind are some fifty times slower.
PATIENCE = 120

WEBHOOK = {
    "Content-Type": "application/json", "User-Agent": "Svix-Webhooks/1.24 (sender-9YMgn)",
    "svix-id": "msg_2Lh9KRb0pzN4LePd3XiA4v12Axj", "svix-timestamp": "1795219200",
    "svix-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5", "Accept-Encoding": "gzip, deflate, br, zstd",
    "Referer": "https://mine.example/account/settings?tab=keys",
    "Cookie": "theme=dark; __session=" + "eyJhbGciOiJSUzI1NiJ9" * 20 + "; seen=1795219200",
    "Upgrade-Insecure-Requests": "1", "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-User": "?1",
    "Priority": "u=0, i", "Pragma": "no-cache", "Cache-Control": "no-cache",
}
# Method, fields, body.
SCENARIOS = {
    "get": ("GET", {}, b""),
    "webhook": ("POST", WEBHOOK, b'{"type":"user.created"}' * 45),
    "browser": ("GET", BROWSER, b""),
}


def counted_binaries(folder: Path, binaries: Path) -> Path:
    """Both binaries under callgrind when they serve; without what valgrind takes minutes to read."""
    bare, wrapped = folder / "bare", folder / "wrapped"
    bare.mkdir()
    wrapped.mkdir()
    for name in ("relay", "tunnel"):
        subprocess.run(["strip", "--strip-debug", "-o", bare / name, binaries / name], check=True)
        counts = "1" if name == "tunnel" else '"$1" = serve'
        script = wrapped / name
        script.write_text(
            f"#!/bin/sh\nif [ {counts} ]; then\n"
            "  exec valgrind --tool=callgrind --separate-threads=yes"
            f" --callgrind-out-file={folder}/{name}.%p {bare}/{name} \"$@\"\n"
            f"fi\nexec {bare}/{name} \"$@\"\n")
        script.chmod(0o755)
    return wrapped


def request(scenario: str) -> bytes:
    method, fields, body = SCENARIOS[scenario]
    fields = {"Host": "mine.example"} | fields
    if body:
        fields["Content-Length"] = str(len(body))
    lines = [f"{method} / HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def ask(port: int, scenario: str, times: int) -> None:
    """Each request in one piece, or each would be read in as many as chance will have it."""
    whole = request(scenario)
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        for _ in range(times):
            client.sendall(whole)
            answer = http.client.HTTPResponse(client)
            answer.begin()
            answer.read()
            if answer.status != 200:
                raise Fault(f"{scenario}: {answer.status}")


def control(*words: object) -> None:
    subprocess.run(["callgrind_control", *map(str, words)], check=True, capture_output=True)


def total(file: Path) -> int:
    for line in file.read_text(errors="replace").splitlines():
        if line.startswith("totals:"):
            return int(line.split()[1])
    return 0


def loop_instructions(folder: Path, prefix: str) -> int:
    """Of the newest dump's busiest thread, which is the event loop's."""
    dumps = {file: total(file) for file in folder.glob(f"{prefix}.*-*")}
    for file in folder.glob(f"{prefix}.*"):
        file.unlink()
    return max(dumps.values(), default=0)


def count(children: Children, binaries: Path) -> dict[str, dict[str, int]]:
    """Scenario to side to instructions an exchange."""
    wrapped = counted_binaries(children.folder, binaries)
    tunnel = tunnels.tunnel(
        children, subjects.app(children), wrapped, tls=False, patience=PATIENCE)
    names = {"relay": "relay", "agent": "tunnel"}
    found: dict[str, dict[str, int]] = {}
    for scenario in SCENARIOS:
        ask(tunnel.port, scenario, WARM)
        for pid in tunnel.sides.values():
            control("--zero", pid)
        ask(tunnel.port, scenario, COUNTED)
        found[scenario] = {}
        for side, pid in tunnel.sides.items():
            control("--dump", pid)
            instructions = loop_instructions(children.folder, names[side])
            found[scenario][side] = instructions // COUNTED
    return found


def compiler() -> str:
    words = subprocess.run(["swift", "--version"], capture_output=True, text=True).stdout
    return words.split("Swift version ")[1].split(" ")[0]


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev show instructions", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="these are the figures from now on")
    args = parser.parse_args()
    with children_of("instructions") as children:
        binaries = Path(os.environ["TUNNEL_BIN"]).absolute()
        found = {"swift": compiler(), "exchange": count(children, binaries)}
    text = json.dumps(found, indent=2) + "\n"
    sys.stdout.write(text)
    if args.keep:
        KEPT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
