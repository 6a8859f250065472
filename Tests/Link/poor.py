"""link.10: poor networks. A full uplink of 1 Mbit/s; a link with 25 ms and 2 % loss."""

import time

from harness.apps import answer_bytes

from .callers import Callers
from .narrow import drops, uplink
from .report import Report, main, middle
from .stage import Pair, Stage, sleep_until, together

SIZES = {b"/small": 200, b"/middle": 50_000, b"/large": 1_000_000}


def handler(request, sock, reader):
    size = SIZES[b"/" + request.target.split(b"/")[1]]
    sock.sendall(answer_bytes(body=b"x" * size))


def lossy(report, seconds, silent):
    """With callers of all sizes, or with none: then only the heartbeat keeps the session."""
    with Stage() as stage:
        pair = Pair(stage, handler=handler)
        pair.link.set(delay_ms=25, loss=0.02)
        words = "25 ms and 2 % loss, " + ("a silent tunnel" if silent else "callers")
        began = time.monotonic()
        callers = []
        if not silent:
            with pair.there.entered():
                callers = [stage.keep(Callers(pair.relay.port, pair.domain, every, 120, path))
                           for every, path in ((0.2, "/small"), (1, "/middle"), (10, "/large"))]
        sleep_until(began + seconds)
        for each in callers:
            asked = each.finish()
            wrong = [one for one in asked if one.status != 200]
            report.say(f"  {words}, {each.path}: {middle([one.seconds for one in asked])}")
            report.check(not wrong, f"{words}: {len(asked)} of {each.path}, {len(wrong)} without "
                         "200" + (f"; the first: {wrong[0]}" if wrong else ""))
        drops(report, words, pair.relay, pair.agent, began)


def scenario(report, options):
    beside = Report("four large answers at once, which the line does not name", weighs=False)
    # Each link is a network of its own, so they do not disturb each other.
    together([
        lambda: uplink(report, options.seconds, 1),
        lambda: uplink(beside, options.seconds, 4),
        lambda: lossy(report, options.seconds, False),
        lambda: lossy(report, options.seconds, True),
    ])
    report.say(f"{beside.name}: {len(beside.failed)} bad")


if __name__ == "__main__":
    main("link.10", scenario, __doc__, seconds=300.0)
