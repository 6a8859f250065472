"""What a scenario says: what it saw, and whether each part of its line held."""

import argparse
import os
import signal
import statistics
import sys
import time

from harness.tunnel import RELAY

from .stage import OVER


def quantile(values, part):
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * part))]


def middle(values):
    """Median, 99th percentile and worst of seconds, as text."""
    if not values:
        return "none"
    return (f"median {statistics.median(values):.2f} s, p99 {quantile(values, 0.99):.2f} s, "
            f"worst {max(values):.2f} s of {len(values)}")


class Report:
    """`weighs` is false for what stands beside the line: it is shown, and decides nothing."""

    def __init__(self, name, weighs=True):
        self.name, self.weighs = name, weighs
        self.began = time.monotonic()
        self.failed = []

    def say(self, text):
        # One write a line, whichever thread says it; sys.stdout may be a stage's just now.
        os.write(1, f"{time.monotonic() - self.began:7.1f}  {text}\n".encode())

    def check(self, held, text):
        """A part of the line, with what was measured."""
        if not held:
            self.failed.append(text)
        good, bad = ("held    ", "NOT HELD") if self.weighs else ("(good)  ", "(bad)   ")
        self.say(f"{good if held else bad}  {text}")

    def code(self):
        self.say(f"{self.name}: " + (f"{len(self.failed)} not held" if self.failed else "held"))
        return 1 if self.failed else 0


def arguments(about, **defaults):
    """The parameters of a run: each with the line's own value as default."""
    parser = argparse.ArgumentParser(description=about)
    for name, value in defaults.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value,
                            help=f"default: {value}")
    return parser.parse_args()


def end_early(number, _):
    """An orderly end: nothing is left running, no network stays."""
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    OVER.set()
    sys.exit(128 + number)


def main(name, scenario, about, **defaults):
    """Runs `scenario(report, options)`; what goes wrong on the way is not held either."""
    options = arguments(about, **defaults)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end_early)
    report = Report(name)
    load = os.getloadavg()[0]
    built = time.strftime("%H:%M", time.localtime(RELAY.stat().st_mtime))
    report.say(f"{name}: {', '.join(f'{k} {v}' for k, v in vars(options).items())}; "
               f"binaries of {built}; load of this machine {load:.1f}")
    try:
        scenario(report, options)
    except AssertionError as fault:
        report.check(False, str(fault).strip()[-3000:])
    sys.exit(report.code())
