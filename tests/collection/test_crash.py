"""kill -9 at random moments, in small; `benches/crash.py` does the same two hundred times."""

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "benches/crash.py"


def test_a_killed_writer_loses_nothing_acknowledged():
    ran = subprocess.run([sys.executable, str(BENCH), "--kills", "6", "--seed", "1"], capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    figures = json.loads(ran.stdout)
    assert figures["faults"] == []
    assert sum(figures["killed during"].values()) == 6
