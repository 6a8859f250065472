"""./dev show link.N: what the link does when relay, agent or network fail. On real processes; each
scenario says what it saw, and its exit code whether the line held."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests" / "EndToEnd"))
