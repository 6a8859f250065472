"""keep_corpus.py CONTROL FOLDER: the kept corpus made anew, from what a merge of libFuzzer's noted.

The control file of a merge with -set_cover_merge=1 says of each input which features it has: eight
for each edge, one for each order of magnitude of how often it was passed. Kept are, greedily, the
inputs that reach most edges which no other one did, the smaller first, and no more than a person
may look at: what the last ones add is an edge or two each.
"""

import hashlib
import itertools
import shutil
import sys
from pathlib import Path

MOST = 60


def inputs(control):
    """The path, the size and the edges of each input that was run."""
    rows = Path(control).read_text().splitlines()
    count = int(rows[0])
    paths, sizes, edges = rows[2:2 + count], {}, {}
    for row in rows[2 + count:]:
        word, number, *rest = row.split()
        if word == "STARTED":
            sizes[int(number)] = int(rest[0])
        elif word == "FT":
            edges[int(number)] = {int(feature) // 8 for feature in rest}
    return [(Path(paths[number]), sizes[number], found) for number, found in edges.items()]


def chosen(candidates):
    missing = set().union(*(edges for _, _, edges in candidates))
    while missing:
        path, _, edges = max(candidates, key=lambda one: (len(one[2] & missing), -one[1], one[0]))
        missing -= edges
        yield path


def main():
    control, folder = sys.argv[1], Path(sys.argv[2])
    fresh = folder.with_suffix(".new")
    fresh.mkdir(parents=True)
    for path in itertools.islice(chosen(inputs(control)), MOST):
        data = path.read_bytes()
        (fresh / hashlib.sha256(data).hexdigest()[:12]).write_bytes(data)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


main()
