"""The corpus of malformed and ambiguous requests that stands beside the project."""

import json
import subprocess
import sys

import pytest

from harness.apps import RawApp
from harness.tunnel import ROOT, agent

CASES = ROOT.parent / "shared" / "checks" / "http1_cases.py"
HOST = "alice.tunnel.test"


@pytest.mark.timeout(300)
def test_every_malformed_or_legal_request_gets_what_it_must(keep, home, relay, account, token):
    if not CASES.exists():
        pytest.skip("the corpus is not beside the project")
    relay.reserve(HOST, account["account"])
    app = keep(RawApp())
    keep(agent(home, relay, token, "--domain", HOST, "--port", app.port))
    done = subprocess.run([sys.executable, CASES, "127.0.0.1", str(relay.port), "--host-header",
                           HOST, "--json"], capture_output=True, text=True, check=True)
    results = json.loads(done.stdout)
    failed = {case: result for case, result in results.items() if not result[0]}
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed of http1_cases")
    assert not failed
    # The corpus counts what it has; fewer would mean that it was cut.
    assert len(results) >= 69
    # Nothing that was refused may have reached the app as a request of its own.
    assert not [r for r in app.requests if r.target == b"/smuggled"]
