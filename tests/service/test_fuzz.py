"""A small part of benches/api_fuzz.py: requests made from the OpenAPI, and bodies that nobody would send."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHES = Path(__file__).parents[2] / "benches"
KEPT = BENCHES / "results" / "api-fuzz.json"


@pytest.mark.slow
def test_no_request_makes_the_service_fail(tmp_path):
    pytest.importorskip("schemathesis", reason="schemathesis makes the cases")
    command = [
        sys.executable,
        BENCHES / "api_fuzz.py",
        "--cases",
        "100",
        "--bodies",
        "300",
        "--workers",
        "1",
        "--out",
        tmp_path / "out.json",
    ]
    run = subprocess.run(command, capture_output=True, text=True, timeout=580)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-4000:]
    told = json.loads((tmp_path / "out.json").read_text())
    assert told["schemathesis"]["cases"] > 50
    assert told["bodies"]["sent"] >= 300


def test_the_whole_run_was_kept_and_broke_nothing():
    """No 5xx, no status or body that the OpenAPI does not tell of, no refusal of what it allows."""
    told = json.loads(KEPT.read_text())
    cases, bodies = told["schemathesis"], told["bodies"]
    assert cases["cases"] >= 2_000
    assert bodies["sent"] >= 10_000
    assert not [status for part in (cases, bodies) for status in part["by status"] if status.startswith("5")]
    assert bodies["faults"] == cases["faults"] == []
    assert told["processes"]["at the start"] == told["processes"]["of these alive at the end"]
