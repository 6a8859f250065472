"""What an exchange costs in instructions, compared with what it did cost: seconds hide a step back
behind the noise of the machine, this does not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.tunnel import ROOT

RELEASE = os.environ.get("TUNNEL_RELEASE")
KEPT = json.loads((ROOT / "Benchmarks" / "instructions.json").read_text())
ALLOWED = 0.03
AGAIN = "./dev show instructions --keep"


@pytest.fixture(scope="module")
def counted():
    if not RELEASE:
        pytest.skip("TUNNEL_RELEASE names no folder of release binaries (`./dev test` builds them)")
    run = subprocess.run(
        [sys.executable, "-m", "Benchmarks.instructions"], cwd=ROOT, capture_output=True,
        text=True, timeout=600,
        env=os.environ | {"TUNNEL_BIN": RELEASE, "PATH": os.environ["PATH"] + ":/usr/sbin"})
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    if found["swift"] != KEPT["swift"]:
        pytest.skip(f"kept for Swift {KEPT['swift']}, this is {found['swift']}: {AGAIN}")
    return found["exchange"]


@pytest.mark.parametrize("side", ["relay", "agent"])
@pytest.mark.parametrize("scenario", KEPT["exchange"])
def test_an_exchange_costs_what_it_did(counted, scenario, side):
    before, now = KEPT["exchange"][scenario][side], counted[scenario][side]
    change = now / before - 1
    assert abs(change) <= ALLOWED, (
        f"{scenario}: {before} instructions at the {side} are {now} now ({change:+.1%}). Is that"
        f" meant, for the worse or the better? Then keep it: {AGAIN}")
