"""./dev show soak: many exchanges, WebSocket opens and agent reconnects; what stays behind.

Each phase runs the same load several times. The slope is what resident memory grew by from the end
of the third part to the end of the last, for 100,000 rounds: the first parts only warm up. The
descriptors must come back to what they were after the first: SQLite opens more when it must.
"""

import asyncio
import os
import sys
import time
from pathlib import Path

from . import load
from .memory import crowd, settled
from .processes import Children, Fault, children_of, free_ports, wait_until
from .subjects import app
from .tunnels import Relay, tunnel

PARTS = 10
WARM = 3
EXCHANGES = 400_000
# Memory grows by steps of half a MiB, so what happens seldom has to happen often to have a slope.
OPENS = 100_000
RECONNECTS = 30_000
AGENTS = 50
# Seconds before each look: a worker thread of libdispatch keeps what it freed until it ends, some
# 5 s after its last work.
REST = 10
# MiB for 100,000 rounds.
SLOPE = 1.0


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


class Watch:
    """Memory and descriptors of some processes, part by part."""

    def __init__(self, name: str, sides: dict[str, int], rounds: int):
        self.name, self.sides, self.rounds = name, sides, rounds
        self.before: dict[str, int] = {}
        self.memory: dict[str, list[float]] = {side: [] for side in sides}

    def note(self) -> None:
        time.sleep(REST)
        for side, pid in self.sides.items():
            self.memory[side].append(settled(pid))
            self.before.setdefault(side, descriptors(pid))

    def held(self) -> bool:
        """Says what stayed, and whether that is little enough."""
        good = True
        for side, pid in self.sides.items():
            try:
                wait_until(lambda: descriptors(pid) <= self.before[side], "the descriptors", 15)
            except Fault:
                good = False  # The line below says how many there are.
            seen = self.memory[side]
            measured = self.rounds * (PARTS - WARM) / PARTS
            slope = (seen[-1] - seen[WARM - 1]) / measured * 100_000
            good = good and slope < SLOPE
            print(f"{self.name}, {side}: {' '.join(f'{mib:.1f}' for mib in seen)} MiB, slope "
                  f"{slope:+.2f} MiB for 100,000; descriptors {self.before[side]} -> "
                  f"{descriptors(pid)}", flush=True)
        return good


def exchanges(subject, folder: Path) -> bool:
    case = next(case for case in load.CASES if case.name == "get-32")
    watch = Watch("exchanges", subject.sides, EXCHANGES)
    for _ in range(PARTS):
        done = 0
        while done < EXCHANGES / PARTS:
            done += load.run(case, subject.port, 1, folder).requests
        watch.note()
    return watch.held()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An app that takes every upgrade and gives back what comes after it."""
    if not (await reader.read(4096)).endswith(b"\r\n\r\n"):
        return writer.close()  # Somebody only looked whether it listens.
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                 b"Upgrade: websocket\r\n\r\n")
    while data := await reader.read(4096):
        writer.write(data)
    writer.close()


async def open_once(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /socket HTTP/1.1\r\nHost: mine.example\r\nConnection: Upgrade\r\n"
                 b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                 b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 "), head
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    writer.close()
    await writer.wait_closed()


async def opens(count: int, port: int) -> None:
    async def some() -> None:
        for _ in range(count // 20):
            await open_once(port)

    await asyncio.gather(*(some() for _ in range(20)))


def websockets(children: Children, binaries: Path) -> bool:
    async def run() -> bool:
        (port,) = free_ports(1)
        server = await asyncio.start_server(echo, "127.0.0.1", port)
        subject = await asyncio.to_thread(tunnel, children, port, binaries, False, "sockets")
        watch = Watch("WebSocket opens", subject.sides, OPENS)
        for _ in range(PARTS):
            await opens(OPENS // PARTS, subject.port)
            await asyncio.to_thread(watch.note)
        held = await asyncio.to_thread(watch.held)
        server.close()
        return held

    return asyncio.run(run())


class Cutter:
    """A way to the relay that can be cut."""

    def __init__(self, port: int):
        self.port = port
        self.writers: set[asyncio.StreamWriter] = set()
        self.tasks: set[asyncio.Task] = set()
        self.passed = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self.tasks.add(task)
        far_reader, far = await asyncio.open_connection("127.0.0.1", self.port)
        self.passed += 1
        both = {writer, far}
        self.writers |= both
        await asyncio.gather(self.pump(reader, far), self.pump(far_reader, writer))
        self.writers -= both
        self.tasks.discard(task)

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
        except OSError:
            pass
        writer.close()

    def cut(self) -> None:
        for writer in self.writers:
            writer.transport.abort()


def reconnects(children: Children, binaries: Path) -> bool:
    async def run() -> bool:
        relay = Relay(children, binaries, children.folder / "cut", tls=False)
        pid = await asyncio.to_thread(relay.start)
        cutter = Cutter(relay.port)
        (relay.port,) = free_ports(1)
        server = await asyncio.start_server(cutter.take, "127.0.0.1", relay.port)
        agents = await asyncio.to_thread(crowd, children, relay, binaries, AGENTS)
        watch = Watch("agent reconnects", {"relay": pid, "agents": agents.pid}, RECONNECTS)
        for part in range(1, PARTS + 1):
            while cutter.passed < AGENTS + RECONNECTS * part // PARTS:
                before = cutter.passed
                cutter.cut()
                while cutter.passed < before + AGENTS:
                    await asyncio.sleep(0.05)
            await asyncio.to_thread(watch.note)
        held = await asyncio.to_thread(watch.held)
        server.close()
        cutter.cut()
        await asyncio.wait(cutter.tasks, timeout=10)
        return held

    return asyncio.run(run())


def main() -> int:
    binaries = Path(os.environ["TUNNEL_BIN"]).absolute()
    with children_of("soak") as children:
        held = [
            exchanges(tunnel(children, app(children), binaries, False), children.folder),
            websockets(children, binaries),
            reconnects(children, binaries),
        ]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
