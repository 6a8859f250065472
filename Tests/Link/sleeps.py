"""link.3: a laptop that sleeps, and one that wakes somewhere else. Stops of other lengths than the
line's are shown too, without a say in whether it held."""

from .moved import moves
from .report import Report, main
from .stopped import stops


def scenario(report, options):
    stops(report, options.agents, options.seconds)
    moves(report)
    beside = Report("other stops", weighs=False)
    for seconds in (float(each) for each in options.other.split(",") if each):
        stops(beside, options.agents, seconds)
    report.say(f"stops of {options.other} s, which the line does not name: "
               f"{len(beside.failed)} bad")


if __name__ == "__main__":
    main("link.3", scenario, __doc__, seconds=60.0, agents=6, other="4,8,12")
