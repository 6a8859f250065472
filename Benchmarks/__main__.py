"""./dev bench: relay and agent against the same way through two nginx and two haproxy; plain, and
with TLS on both hops, asked in HTTP/1.1 (`nginx https`, `tunnel https`) and in HTTP/2 (`nginx h2`,
`tunnel h2`).

All are measured in turn in the same run, for a machine's own speed changes by the hour; what
counts is the ratio to the nginx hop that is asked the same way.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from . import load, report, subjects, tunnels
from .processes import Children, Fault, children_of, cpu_seconds, resident_mib


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each, in turn (5)")
    parser.add_argument("--seconds", type=float, default=3, help="length of a run (3)")
    parser.add_argument("--json", metavar="FILE", help="keep all figures there, too")
    parser.add_argument("--only", metavar="CASE", action="append",
                        choices=[case.name for case in load.CASES],
                        help="one of " + ", ".join(case.name for case in load.CASES))
    parser.add_argument("--without", metavar="SUBJECT", action="append", default=[],
                        help="leave out a subject, such as `haproxy tcp` or `tunnel tls`")
    parser.add_argument("--binaries", type=lambda text: Path(text).absolute(), required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(case: load.Case, subject: subjects.Subject, seconds: float, folder: Path):
    before = {side: cpu_seconds(pid) for side, pid in subject.sides.items()}
    done = load.run(case, subject.port, seconds, folder, subject.speaks)
    cpu = {side: cpu_seconds(pid) - before[side] for side, pid in subject.sides.items()}
    return report.Sample(done, cpu)


def compare(case: load.Case, all_subjects: list, args, folder: Path) -> dict:
    samples = {subject.name: [] for subject in all_subjects}
    for subject in all_subjects:
        load.run(case, subject.port, 1, folder, subject.speaks)
    for _ in range(args.rounds):
        for subject in all_subjects:
            samples[subject.name].append(measure(case, subject, args.seconds, folder))
    results = {
        subject.name: report.summary(samples[subject.name]) | {"reference": subject.reference}
        for subject in all_subjects}
    report.add_ratios(results)
    return results


def run(args, children: Children) -> dict:
    app_port = subjects.app(children)
    makers = {
        "nginx hop": lambda: subjects.nginx_hop(children, app_port),
        "haproxy tcp": lambda: subjects.haproxy_hop(children, app_port),
        "tunnel": lambda: tunnels.tunnel(children, app_port, args.binaries, tls=False),
        "tunnel tls": lambda: tunnels.tunnel(children, app_port, args.binaries, tls=True),
        "nginx https": lambda: subjects.nginx_hop(children, app_port, "https"),
        "tunnel https": lambda: tunnels.tunnel(
            children, app_port, args.binaries, tls=True, name="tunnel https", speaks="https"),
        "nginx h2": lambda: subjects.nginx_hop(children, app_port, "h2"),
        "tunnel h2": lambda: tunnels.tunnel(
            children, app_port, args.binaries, tls=True, name="tunnel h2", speaks="h2"),
    }
    chosen = [make() for name, make in makers.items() if name not in args.without]
    idle = {subject.name: memory(subject) for subject in chosen}
    figures = {"cores": os.cpu_count(), "rounds": args.rounds, "seconds": args.seconds,
               "cases": {}, "memory_mib": {}}
    print(f"{os.cpu_count()} cores, {args.rounds} rounds of {args.seconds:g} s in turn")
    for case in load.CASES:
        if args.only and case.name not in args.only:
            continue
        taking = [each for each in chosen if not each.cases or case.name in each.cases]
        results = compare(case, taking, args, children.folder)
        figures["cases"][case.name] = results
        print("\n".join(report.lines(case, results)), flush=True)
    for subject in chosen:
        after = memory(subject)
        figures["memory_mib"][subject.name] = {"idle": idle[subject.name], "after": after}
        sides = "  ".join(
            f"{side} {idle[subject.name][side]:.1f} -> {after[side]:.1f}" for side in after)
        print(f"memory, MiB, idle and after the load: {subject.name}: {sides}")
    return figures


def memory(subject: subjects.Subject) -> dict[str, float]:
    return {side: resident_mib(pid) for side, pid in subject.sides.items()}


def main() -> int:
    args = arguments()
    try:
        with children_of("bench") as children:
            figures = run(args, children)
    except Fault as fault:
        print(f"bench: {fault}", file=sys.stderr)
        return 1
    if args.json:
        Path(args.json).write_text(json.dumps(figures, indent=1) + "\n")
    return 0


sys.exit(main())
