"""A child process whose lines can be waited for. Nothing here sleeps to synchronise."""

import json
import os
import re
import signal
import subprocess
import threading
import time

DEADLINE = 20.0


def wait_until(what, condition, deadline=DEADLINE, every=0.02):
    """Polls a condition that no line announces; answers its value once it is true."""
    end = time.monotonic() + deadline
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {deadline} s for: {what}"
        time.sleep(every)
    return value


class Child:
    """A running process; its stdout and stderr are kept as lines, `times` says when each came."""

    def __init__(self, name, argv, env=None, cwd=None, stdin=None, stdout=subprocess.PIPE):
        self.name = name
        self.lines = {"out": [], "err": []}
        self.times = {"out": [], "err": []}
        self.changed = threading.Condition()
        self.open = 0
        self.sent = set()
        self.process = subprocess.Popen(
            [str(part) for part in argv], env=env, cwd=cwd, stdout=stdout,
            stderr=subprocess.PIPE, stdin=stdin or subprocess.DEVNULL)
        for kind, pipe in (("out", self.process.stdout), ("err", self.process.stderr)):
            if pipe:
                self.open += 1
                threading.Thread(target=self._read, args=(kind, pipe), daemon=True).start()

    @property
    def pid(self):
        return self.process.pid

    def _read(self, kind, pipe):
        with pipe:
            for line in pipe:
                now = time.monotonic()
                with self.changed:
                    self.times[kind].append(now)
                    self.lines[kind].append(line.decode("utf-8", "replace").rstrip("\n"))
                    self.changed.notify_all()
        with self.changed:
            self.open -= 1
            self.changed.notify_all()

    def wait_for(self, what, find, deadline=DEADLINE):
        """Until `find(lines)` is not None; fails with the log if the process ended before."""
        end = time.monotonic() + deadline
        with self.changed:
            while (found := find(self.lines)) is None:
                left = end - time.monotonic()
                over = self.open == 0
                assert left > 0 and not over, (
                    f"{self.name} {'ended' if over else 'is late'}; waited for {what}\n"
                    + self.log())
                self.changed.wait(min(left, 0.5))
            return found

    def wait_line(self, pattern, stream="out", deadline=DEADLINE, after=0):
        """The match of the first line from number `after` on; `count` gives that number."""
        expression = re.compile(pattern)

        def find(lines):
            return next((m for line in lines[stream][after:] if (m := expression.search(line))),
                        None)

        return self.wait_for(f"/{pattern}/ on std{stream}", find, deadline)

    def wait_event(self, kind, deadline=DEADLINE, after=0, **wanted):
        """The first `--json` object of this kind with these values."""

        def find(lines):
            for event in map(parsed, lines["out"][after:]):
                if event.get("event") == kind and all(
                        event.get(key) == value for key, value in wanted.items()):
                    return event
            return None

        return self.wait_for(f"event {kind} {wanted}", find, deadline)

    def count(self, stream="out"):
        with self.changed:
            return len(self.lines[stream])

    def text(self):
        with self.changed:
            return "\n".join(self.lines["out"] + self.lines["err"])

    def log(self):
        """The last lines of both streams; takes no lock, for messages made under it."""
        tails = [f"  {kind}| {line}" for kind in ("out", "err") for line in self.lines[kind][-40:]]
        return f"--- {self.name} (pid {self.pid}, exit {self.process.poll()})\n" + "\n".join(tails)

    def signal(self, number):
        self.sent.add(number)
        self.process.send_signal(number)

    def wait(self, deadline=DEADLINE):
        """The exit code, once its output was read to the end too."""
        try:
            code = self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {deadline} s\n" + self.log()) from None
        end = time.monotonic() + 2
        with self.changed:
            while self.open and time.monotonic() < end:
                self.changed.wait(0.1)
        return code

    def stop(self):
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(8)
            except subprocess.TimeoutExpired:
                self.kill()
        print(self.log())
        # A trap or a crash at the very end is one too; only what the test itself killed may so end.
        code = self.process.returncode
        assert code >= 0 or -code in self.sent, f"{self.name} ended by signal {-code}\n{self.log()}"

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait()

    def resident(self):
        """Resident memory in bytes."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            line = next(line for line in status if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024


def parsed(line):
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def run(argv, env=None, cwd=None, stdin="", deadline=DEADLINE):
    """A command that ends by itself: its CompletedProcess, with text."""
    return subprocess.run([str(part) for part in argv], env=env, cwd=cwd, input=stdin,
                          capture_output=True, text=True, timeout=deadline, check=False)


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def busy(pid):
    """Seconds of processor time."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        words = stat.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
