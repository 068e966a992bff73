"""The oracles notice every mutant of every metric and loss, but for those listed with the reason why nothing could.

Checks of metrics stand in tests/metrics/oracles.py, those of losses in tests/losses/oracles.py, both under the name CHECKS.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.metrics.mutants import mutants

# Mutants that compute the same: the line of source they stand in, and the change. The reason is one of
# masked: the value stands only where a mask takes it out again, or divides a row of zeros;
# memory: it decides how many numbers are drawn at a time, not which;
# slack: sums are never equal to what they are compared with.
SAME = {
    "diversity": {"np.where(there, rows, 0)": "0 -> 1", "np.where(length > 0, length, 1)": "1 -> 2"},  # masked
    "novelty": {"np.where(there, rows, 0)": "0 -> 1"},  # masked
    "calibration": {
        "np.where(there, wanted, 1) / np.where(there, mixed, 1)": "1 -> 2",
        "np.where(whole > 0, whole, 1)": "1 -> 2",
    },  # masked
    "probability": {"max(len(labels), 1)": "1 -> 2"},  # masked
    "intervals": {
        "_BLOCK = ": "2000000 -> 2000001",  # memory
        "max(1, _BLOCK // max(units, 1))": "",  # memory
        "np.where(whole > 0, whole, 1)": "1 -> 2",  # masked
        "_SLACK": "",  # slack
    },
    "catalogue_softmax": {"NUMBERS, ROWS = ": ""},  # memory
}


ELSEWHERE = {"retrieval"}  # its formulas are trec_eval's own; test_retrieval.py holds it against a loop


def modules(room: str) -> list[str]:
    """The files of a room that hold formulas."""
    folder = Path(find_spec(f"nearkin.{room}").origin).parent
    return sorted({path.stem for path in folder.glob("*.py")} - {"__init__"} - ELSEWHERE)


def survivors(room: str, name: str) -> list[str]:
    """The mutants of a module that every check accepts."""
    checks, alive = import_module(f"tests.{room}.oracles").CHECKS[name], []
    source = Path(find_spec(f"nearkin.{room}.{name}").origin).read_text()
    for what, mutant in mutants(source):
        try:
            for check in checks:
                for seed in (0, 1, 2):
                    check(mutant, seed)
        except Exception:
            continue
        line = source.splitlines()[int(what.split(":")[0].removeprefix("line ")) - 1]
        if not any(piece in line and change in what for piece, change in SAME.get(name, {}).items()):
            alive.append(what)
    return alive


@pytest.mark.parametrize(("room", "name"), [(room, name) for room in ("metrics", "losses") for name in modules(room)])
def test_the_oracles_notice_every_mutant(room, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mutants divide by 0
        alive = survivors(room, name)
    assert alive == []
