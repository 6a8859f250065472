"""link.2: blackholes both ways and each way alone, with callers and with a silent tunnel.

Who knows: the agent by its `reconnecting`, the relay by the end of the session in its log."""

import time

from harness.apps import answer_bytes

from .callers import Callers, ask, wait_first
from .report import main
from .stage import Pair, Stage, events, logged, sessions, sleep_until, together

WAYS = {"both": "both ways", "a2b": "agent to relay", "b2a": "relay to agent"}
KNOWN, ANSWERED, FORWARDED = 20.0, 20.0, 5.0
# The link reads its conditions ten times a second.
LATE = 0.2


def handler(request, sock, reader):
    """/wait is never answered; /drip begins its answer and goes on for ever."""
    if request.target.startswith(b"/wait"):
        return bool(reader.some())
    if not request.target.startswith(b"/drip"):
        return sock.sendall(answer_bytes())
    sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        sock.sendall(b"4\r\ndrip\r\n")
        time.sleep(0.2)


def first_after(times, since):
    """Seconds from `since` to the first of these that came then; None: none."""
    return min((at - since for at, _ in times if at >= since), default=None)


def text(seconds):
    return "never" if seconds is None else f"{seconds:.1f} s"


class Blackhole:
    """One pair of relay and agent, and one blackhole between them."""

    def __init__(self, report, stage, way, seconds, silent):
        self.report, self.way, self.seconds, self.silent = report, way, seconds, silent
        self.pair = Pair(stage, handler=handler)
        kind = "silent tunnel" if silent else "callers"
        self.name = f"{WAYS[way]}, {seconds:.0f} s, {kind}"

    def check(self, held, words):
        self.report.check(held, f"{self.name}: {words}")

    def callers(self, every, **more):
        with self.pair.there.entered():
            return Callers(self.pair.relay.port, self.pair.domain, every, **more)

    def run(self):
        pair, callers, held = self.pair, None, []
        with pair.there.entered():
            before = ask(pair.relay.port, pair.domain)
        assert before.status == 200, f"{self.name}: not forwarding before: {before}"
        if not self.silent:
            callers = self.callers(0.5)
            held = [self.callers(1000, path=path, at_once=True) for path in ("/wait", "/drip")]
            time.sleep(1.5)
        cut = time.monotonic()
        pair.link.set(blackhole=self.way)
        sleep_until(cut + self.seconds)
        healed = time.monotonic()
        pair.link.set(blackhole="none")
        after = self.callers(0.1)
        again = wait_first(after, healed, 30)
        if callers:
            self.judge_callers(callers, held, cut, healed)
        self.judge_sides(cut, healed)
        late = again and again.ended - healed
        self.check(late is not None and late <= FORWARDED,
                   f"forwards {text(late)} after healing (within 5 s)")
        time.sleep(2)
        self.judge_after(after.finish(), again)

    def judge_sides(self, cut, healed):
        for side, seen in (
                ("agent", first_after(events(self.pair.agent, "reconnecting"), cut)),
                ("relay", first_after(logged(self.pair.relay.child, "session ended"), cut))):
            self.check(seen is not None and seen <= min(KNOWN, healed - cut),
                       f"the {side} knows after {text(seen)} (within 20 s)")

    def judge_callers(self, callers, held, cut, healed):
        asked = [each for each in callers.finish() if each.ended >= cut]
        during = [each for each in asked if each.at < healed]
        wrong = [each for each in during
                 if each.seconds > ANSWERED or each.status not in (200, 502, 503)]
        lied = [each for each in during if each.status == 200 and cut + LATE < each.ended < healed]
        slow = max((each.seconds for each in during), default=0)
        counts = {code: sum(each.code == code for each in during)
                  for code in sorted({each.code for each in during})}
        self.check(during and not wrong and not lied,
                   f"{len(during)} callers, the slowest answered after {slow:.1f} s "
                   f"(within 20 s, 502 or 503): {counts}" + first(wrong + lied))
        for each in held:
            ended = each.finish()[0]
            waited = ended.ended - cut
            begun = ended.target.startswith("/drip")
            right = ended.status == 0 if begun else ended.status in (502, 503)
            self.check(waited <= ANSWERED and right,
                       f"an exchange that ran: {ended.target} ended {waited:.1f} s after the cut "
                       f"({ended.status} {ended.code}{ended.fault})")

    def judge_after(self, asked, again):
        """Once it forwards again it goes on, with one session."""
        lost = [each for each in asked if again and each.at > again.ended and each.status != 200]
        begun, ended = sessions(self.pair.relay)
        self.check(not lost, f"{len(asked)} more after that, {len(lost)} without 200{first(lost)}")
        self.report.say(f"  {self.name}: sessions begun {begun}, ended {ended}")
        ghosts = events(self.pair.agent, "standby") + events(self.pair.agent, "replaced")
        self.check(not ghosts, "no ghost: never standby, never replaced")


def first(wrong):
    return f"; the first wrong one: {wrong[0]}" if wrong else ""


def scenario(report, options):
    lasts = [float(each) for each in options.seconds.split(",")]
    ways = options.ways.split(",")
    for seconds in lasts:
        with Stage() as stage:
            all_ = [Blackhole(report, stage, way, seconds, silent)
                    for way in ways for silent in (False, True)]
            together([each.run for each in all_])


if __name__ == "__main__":
    main("link.2", scenario, __doc__, seconds="30,300", ways=",".join(WAYS))
