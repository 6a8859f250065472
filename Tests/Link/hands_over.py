"""link.7: a relay that drains, one that hands over under load, an agent that stops."""

import os
import re
import signal
import socket
import subprocess
import threading
import time

from harness.apps import RawApp, answer_bytes
from harness.handover import HandingOver, Trickle
from harness.process import alive, wait_until
from harness.tunnel import RELAY, ROOT, agent
from harness.wire import Closed, Reader, dial, read_answer, request_bytes

from .report import main
from .stage import Stage

UNIT = ROOT / "deploy" / "relay.service"


def takes_its_time(request, sock, reader):
    """An app that answers after as many milliseconds as the path says."""
    word = request.target[1:]
    time.sleep(int(word) / 1000 if word.isdigit() else 0)
    sock.sendall(answer_bytes(body=b"whole"))


class Asked(threading.Thread):
    """One exchange of so many milliseconds, on a connection of its own."""

    def __init__(self, port, host, milliseconds):
        super().__init__(daemon=True)
        self.port, self.host, self.milliseconds = port, host, milliseconds
        self.outcome = "no answer"
        self.start()

    def run(self):
        try:
            with dial(self.port) as sock:
                sock.sendall(request_bytes(self.host, f"/{self.milliseconds}"))
                answer = read_answer(Reader(sock), b"GET")
            whole = answer.status == 200 and answer.body == b"whole"
            self.outcome = "whole" if whole else answer.get("Tunnel-Error") or str(answer.status)
        except (OSError, Closed, ValueError, socket.timeout) as fault:
            self.outcome = repr(fault)


def spread(count, shortest, longest):
    """So many durations in milliseconds, evenly from the shortest to the longest."""
    step = (longest - shortest) / max(1, count - 1)
    return [round(1000 * (shortest + step * number)) for number in range(count)]


def setting(stage):
    """A relay, an app that takes its time, an agent between them, its domain."""
    relay = stage.keep(HandingOver(stage.home(), RELAY))
    token = relay.account("ann")["authtoken"]
    relay.start()
    app = stage.keep(RawApp(takes_its_time, whole=False))
    child = stage.keep(agent(stage.home(), relay, token, app.port))
    return relay, app, child, child.wait_event("ready")["domain"]


def ask_all(relay, app, domain, durations):
    """Starts all exchanges; returns once the app has every one of them."""
    asked = [Asked(relay.port, domain, duration) for duration in durations]
    wait_until("all requests at the app", lambda: len(app.requests) == len(durations), 60)
    return asked


def drains(report, options):
    with Stage() as stage:
        relay, app, _, domain = setting(stage)
        asked = ask_all(relay, app, domain, spread(options.exchanges, 1, 20))
        began = time.monotonic()
        relay.child.signal(signal.SIGTERM)
        code = relay.child.process.wait(60)
        took = time.monotonic() - began
        for one in asked:
            one.join(5)
        failed = [one.outcome for one in asked if one.outcome != "whole"]
        report.check(not failed, f"SIGTERM with {len(asked)} exchanges of 1 to 20 s running: "
                                 f"{len(failed)} failed {failed[:3]}")
        report.check(code == 0 and took <= 30, f"exit {code} after {took:.1f} s, at most 30 s")


def reload_command(pid):
    """What `systemctl reload relay` runs."""
    line = re.search(r"^ExecReload=(.*)$", UNIT.read_text(encoding="utf-8"), re.M)[1]
    return line.replace("$MAINPID", str(pid)).split()


def one_hand_over(report, relay, ways, number):
    old, before, began = relay.pid, relay.readies(), time.monotonic()
    if number % 2:
        subprocess.run(reload_command(old), check=True)
    else:
        os.kill(old, signal.SIGUSR2)
    wait_until("the successor to serve", lambda: relay.readies() > before, 30)
    relay.seen.add(relay.pid)
    served = time.monotonic() - began
    wait_until("the old relay's end", lambda: gone(relay, old), 40)
    ways["the unit's reload" if number % 2 else "SIGUSR2"] += 1
    report.say(f"hand-over {number + 1}: {old} to {relay.pid}; the new one served after "
               f"{served:.2f} s, the old one was gone after {time.monotonic() - began:.2f} s")


def gone(relay, pid):
    if pid == relay.child.pid:
        return relay.child.process.poll() is not None
    return not alive(pid)


def hands_over(report, options):
    with Stage() as stage:
        relay, _, child, domain = setting(stage)
        ways = {"SIGUSR2": 0, "the unit's reload": 0}
        trickle = stage.keep(Trickle(relay.port, domain, per_second=options.rate))
        until = time.monotonic() + options.seconds
        trickle.wait_answered()
        number = 0
        while number < 2 or time.monotonic() < until:
            one_hand_over(report, relay, ways, number)
            number += 1
            trickle.wait_answered(options.rate)
        trickle.stop()
        report.check(
            not trickle.faults,
            f"{ways} under {options.rate} requests a second for {options.seconds} s: "
            f"{len(trickle.faults)} failed {trickle.faults[:3]}")
        report.say(f"answered on new connections {trickle.answered['new']}, on kept ones "
                   f"{trickle.answered['kept']}; {trickle.closes} kept ones were told to close; "
                   f"the slowest answer took {trickle.slowest:.2f} s")
        report.say(f"the agent said `reconnecting` "
                   f"{sum('reconnecting' in line for line in child.lines['out'])} times")


def stops(report, options):
    with Stage() as stage:
        relay, app, child, domain = setting(stage)
        asked = ask_all(relay, app, domain, spread(options.stopped, 1, 6))
        began = time.monotonic()
        child.signal(signal.SIGINT)
        code = child.process.wait(20)
        took = time.monotonic() - began
        for one in asked:
            one.join(10)
        outcomes = {one.outcome for one in asked}
        whole = [one.milliseconds for one in asked if one.outcome == "whole"]
        lost = [one.milliseconds for one in asked if one.outcome == "session-lost"]
        report.check(outcomes <= {"whole", "session-lost"}, f"Ctrl-C of the agent: {outcomes}")
        # They began a moment before the signal: what took 3 s then is over in time.
        report.check(whole and lost and max(whole) < min(lost) and min(lost) > 3000,
                     f"whole up to {max(whole, default=0)} ms, session-lost from "
                     f"{min(lost, default=0)} ms on")
        report.check(code == 0 and took <= 3.5, f"exit {code} after {took:.2f} s, at most 3.5 s")


def scenario(report, options):
    for part in (drains, hands_over, stops):
        part(report, options)


if __name__ == "__main__":
    main("link.7", scenario, __doc__, exchanges=200, rate=50, seconds=120, stopped=60)
