"""link.9: who is gone, who lives on, and a runner."""


from harness.apps import RawApp, answer_bytes, free_port

from .ends import DOMAIN, ENDS, GONE, LIVE, Ends, lives
from .report import main, middle
from .runners import stopping
from .stage import Stage


def handler(request, sock, reader):
    """/wait is never answered."""
    if request.target == b"/wait":
        return bool(reader.some())
    return sock.sendall(answer_bytes())


def scenario(report, options):
    with Stage() as stage:
        relay = stage.relay()
        relay.reserve(DOMAIN, "ann")
        ends = Ends(stage, relay, stage.keep(RawApp(handler, whole=False)))
        for words, way in GONE.items():
            for busy in (False, True):
                seen = [way(ends, busy) for _ in range(options.rounds)]
                times = [seconds for seconds in seen if seconds is not None]
                report.check(len(times) == len(seen) and max(times) <= ENDS,
                             f"{words}{', an exchange running' if busy else ''}: it ends within "
                             f"1 s, {len(times)} of {len(seen)} ended well: {middle(times)}")
        for words, start in LIVE.items():
            stay = [lives(ends, start) for _ in range(options.lives)]
            report.check(all(stay), f"{words}: lives on, {sum(stay)} of {len(stay)}")
        port = free_port()
        stopping(report, stage, relay, port, "tunnel", "the tunnel is stopped")
        stopping(report, stage, relay, port, "web", "the dev server is stopped")
        stopping(report, stage, relay, port, "honcho", "Ctrl-C (honcho's own code is 130)")


if __name__ == "__main__":
    main("link.9", scenario, __doc__, rounds=10, lives=3)
