"""What our reader accepts, NIOHTTP1, h11 and Node's llhttp read as the same message."""

import os
import sys
from pathlib import Path

import pytest

from harness.tunnel import ROOT

sys.path.insert(0, str(ROOT / "Tests" / "Differential"))

from allowed import REASONS  # noqa: E402
from compare import run  # noqa: E402

VERDICTS = Path(os.environ.get("TUNNEL_VERDICTS", ROOT / ".build/verdicts/debug/verdicts"))


@pytest.fixture
def verdicts():
    if not VERDICTS.exists():
        pytest.fail(f"{VERDICTS} is missing: ./dev test builds it")
    return str(VERDICTS)


def test_what_we_accept_others_read_as_the_same_message(verdicts):
    counts, faults = run(verdicts, 10_000)
    assert not faults, faults[:5]
    # Mutations that nothing accepts would prove nothing.
    assert counts["taken"] > 1_000
    assert set(counts) - {"cases", "taken"} <= {
        f"{reader}: {reason}" for reader in ("h11", "nio", "node") for reason in REASONS}


def test_a_message_that_is_read_otherwise_is_found(verdicts):
    """The comparison can fail: without its reasons it does."""
    import compare
    keep, compare.reason_for = compare.reason_for, lambda *_: None
    try:
        _, faults = run(verdicts, 500)
    finally:
        compare.reason_for = keep
    assert {name for name, *_ in faults} >= {"h11", "node", "nio"}
