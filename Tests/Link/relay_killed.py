"""link.1: kill -9 of the relay, restart after a second, again and again."""

import random
import statistics
import time

from harness.apps import RawApp
from harness.tunnel import agent

from .callers import ask
from .report import main, middle
from .stage import Stage, answers, events, sleep_until

GIVES_UP = 30.0


def forwards_again(relay, domain, since):
    """Seconds from `since` to the end of the first whole answer of the app; None: none came."""
    while time.monotonic() < since + GIVES_UP:
        asked = ask(relay.port, domain, patience=GIVES_UP)
        if asked.status == 200:
            return asked.ended - since
        time.sleep(0.02)
    return None


def once(relay, domain, down):
    killed = time.monotonic()
    relay.child.kill()
    sleep_until(killed + down)
    relay.start()
    return time.monotonic() - killed, forwards_again(relay, domain, killed)


def scenario(report, options):
    with Stage() as stage:
        relay = stage.relay()
        app = stage.keep(RawApp(answers(b"ok"), whole=False))
        child = stage.keep(agent(stage.home(), relay, relay.token, app.port))
        domain = child.wait_event("ready")["domain"]
        seen, listening = [], []
        for number in range(options.rounds):
            assert ask(relay.port, domain).status == 200, "the tunnel does not forward before"
            sleep_until(time.monotonic() + random.uniform(0, 1))
            there, seconds = once(relay, domain, options.down)
            listening.append(there)
            if seconds is None:
                report.say(f"round {number + 1}: nothing was forwarded for {GIVES_UP:.0f} s; "
                           f"the agent's last lines: {child.lines['out'][-3:]}")
            else:
                seen.append(seconds)
            if (number + 1) % 10 == 0:
                report.say(f"{number + 1} rounds: {middle(seen)}")
        report.say(f"the relay listened again after {middle(listening)}")
        report.say(f"the agent said `reconnecting` {len(events(child, 'reconnecting'))} times, "
                   f"`online` {len(events(child, 'online'))} times")
        report.check(len(seen) == options.rounds, f"{len(seen)} of {options.rounds} came back")
        if seen:
            report.check(statistics.median(seen) <= 3, f"median at most 3 s: {middle(seen)}")
            report.check(max(seen) <= 6, f"at most 6 s: the worst was {max(seen):.2f} s")


if __name__ == "__main__":
    main("link.1", scenario, __doc__, rounds=100, down=1.0)
