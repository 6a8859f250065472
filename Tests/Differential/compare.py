#!/usr/bin/env python3
"""What our reader accepts, others must read as the same message: method, target, fields in order,
body, trailers, and where it ends. Others: NIOHTTP1, h11, and Node's llhttp with no leniency.

usage: compare.py VERDICTS COUNT [SEED]
"""

import collections
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from allowed import reason_for  # noqa: E402
from messages import cases  # noqa: E402
from readers import h11_verdict, lines, ours  # noqa: E402

SAME = ("minor", "method", "target", "status")


def differences(mine, other, whole):
    """In which points two readings of a message differ."""
    found = [key for key in SAME if mine.get(key) != other.get(key)]
    keys = ("fields", "trailers", "body") if whole else ("fields",)
    for key in keys:
        if squeezed(mine[key]) != squeezed(other[key]):
            found.append(key)
    return found


def squeezed(value):
    """NIO leaves blanks behind a value, and its fields are text: bytes that are no UTF-8 are lost
    there, so they are left out. h11 writes the one coding that it knows in lower case."""
    if isinstance(value, bytes):
        return value
    found = []
    for name, text in value:
        if name == b"transfer-encoding":
            text = text.lower()
        found.append((name, bytes(byte for byte in text.strip(b" \t") if byte < 0x80)))
    return found


def judge(mine, raw, reader, full, short):
    """Sentences for what `reader` sees otherwise: `full` is its verdict on the bytes up to the end
    of our last message, `short` on one byte less."""
    count = sum(message["whole"] for message in mine["messages"])
    theirs = full["messages"]
    for index, message in enumerate(mine["messages"]):
        if index >= len(theirs):
            yield "refused", full["fault"] or "it waits for more", message
            return
        if message["whole"] and not theirs[index]["whole"]:
            kind = "refused" if full["fault"] else "longer"
            yield kind, full["fault"] or "the message goes on", message
            return
        wrong = differences(message, theirs[index], message["whole"])
        if wrong:
            yield "read otherwise", ", ".join(wrong), message
            return
        if not message["whole"] and theirs[index]["whole"]:
            yield "shorter", "the message is over", message
            return
    if len(theirs) > len(mine["messages"]):
        yield "more", "another message was read", mine["messages"][-1]
    elif full["fault"] and count == len(mine["messages"]):
        yield "refused", full["fault"], mine["messages"][-1]
    last = mine["messages"][-1]
    if last["whole"] and last["framing"] != "close":
        if sum(message["whole"] for message in short["messages"]) >= count:
            yield "shorter", "it ends a byte earlier", last


def span(mine, raw):
    """Where the bytes end that our reader accepted."""
    last = mine["messages"][-1]
    return last["end"] if last["whole"] else len(raw) if not mine["fault"] else last["headEnd"]


def compare(verdicts, batch, counts, faults):
    asked = [(kind, method, raw, True) for kind, method, raw in batch]
    mine = ours(lines([verdicts, "tunnel"], asked), [raw for _, _, raw in batch])
    taken = [(case, one) for case, one in zip(batch, mine) if one["messages"]]
    counts["cases"] += len(batch)
    counts["taken"] += len(taken)
    full, short = [], []
    for (kind, method, raw), one in taken:
        end = span(one, raw)
        lasting = one["messages"][-1]["framing"] == "close" and one["messages"][-1]["whole"]
        full.append((kind, method, raw[:end], lasting))
        short.append((kind, method, raw[:end - 1], False))
    readers = {
        "h11": ([h11_verdict(*case) for case in full], [h11_verdict(*case) for case in short]),
        "nio": (lines([verdicts, "nio"], full), lines([verdicts, "nio"], short)),
        "node": (node(full), node(short)),
    }
    for name, (wholes, shorts) in readers.items():
        for (case, one), whole, cut in zip(taken, wholes, shorts):
            for what, why, message in judge(one, case[2], name, whole, cut):
                reason = reason_for(name, what, why, message, case)
                counts[f"{name}: {reason}" if reason else f"{name}: UNEXPLAINED {what}"] += 1
                if not reason:
                    faults.append((name, what, why, case))


def node(asked):
    script = ["node", "--no-warnings", "--expose-internals", str(HERE / "node_reader.js")]
    return lines(script, asked)


def run(verdicts, count, seed=1, batch_size=5_000, progress=None):
    """All counts, and every disagreement that no written reason explains."""
    counts, faults, batch = collections.Counter(), [], []
    for case in cases(seed, count):
        batch.append(case)
        if len(batch) == batch_size:
            compare(verdicts, batch, counts, faults)
            batch = []
            if progress:
                progress(counts, faults)
    if batch:
        compare(verdicts, batch, counts, faults)
    return counts, faults


def main():
    verdicts, count = sys.argv[1], int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    versions = subprocess.run(["node", "-p", "process.versions.node + ', llhttp ' + "
                               "process.versions.llhttp"], capture_output=True, text=True).stdout
    print(f"node {versions.strip()}; {count} mutations, seed {seed}", flush=True)
    counts, faults = run(verdicts, count, seed, progress=lambda counts, faults: print(
        f"{counts['cases']} cases, {counts['taken']} with something taken, "
        f"{len(faults)} unexplained", flush=True))
    for name, number in sorted(counts.items()):
        print(f"{number:8} {name}")
    for name, what, why, (kind, method, raw) in faults[:40]:
        print(f"{name}: {what}: {why}\n    {kind} {method} {raw[:400]!r}")
    print(f"{counts['cases']} cases, {counts['taken']} with something taken, "
          f"{len(faults)} disagreements without a reason")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
