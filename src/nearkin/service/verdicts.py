"""What people said of the pairs of a match: the same, different, or not to be told."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Literal

from nearkin.service.state import State

Verdict = Literal["same", "different", "unsure"]


class Verdicts:
    """One verdict a pair of a match: what was said last counts."""

    def __init__(self, state: State) -> None:
        self.state = state

    def put(self, match: str, pair: int, verdict: Verdict | None, by: str) -> None:
        """Keep a verdict in place of the one before; None takes it back. On disk when it returns."""
        with self.state.durably():
            if verdict is None:
                self.state.run("DELETE FROM verdicts WHERE match = ? AND pair = ?", match, pair)
            else:
                self.state.run("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?)", match, pair, verdict, by, time.time())

    def of(self, match: str) -> Mapping[int, Mapping[str, Any]]:
        """The verdicts of a match by pair, in the order in which they were said."""
        found = self.state.run("SELECT pair, verdict, judge, time FROM verdicts WHERE match = ? ORDER BY time", match)
        return {row["pair"]: {"verdict": row["verdict"], "by": row["judge"], "time": int(row["time"])} for row in found}

    def forget(self, match: str) -> None:
        self.state.run("DELETE FROM verdicts WHERE match = ?", match)
