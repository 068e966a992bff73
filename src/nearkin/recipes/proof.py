"""What a reproduction found: one table, a verdict on the claim, and everything needed to find it again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nearkin.metrics.intervals import paired_bootstrap
from nearkin.recipes.card import Card
from nearkin.recipes.contract import OURS, Measured

HOLDS, FAILS, OPEN = "holds", "does not hold", "undecided"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One comparison: the method and one rival, by one metric, on one set; the interval is that of the difference."""

    data: str
    metric: str
    rival: str
    rival_value: float
    ours: float
    difference: float
    low: float
    high: float
    units: int
    decides: bool
    verdict: str


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A recipe's figures on its data, with what they were taken from."""

    name: str
    card: Card
    lines: tuple[Line, ...]
    verdict: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)  # fingerprint by name of the set
    settings: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""

    def to_text(self) -> str:
        """The table as a person reads it, the claim and the verdict above it."""
        head = [f"{self.card.title} (paper {self.card.paper})", f"claim: {self.card.claim}", f"verdict: {self.verdict}", ""]
        titles = ("data", "metric", "rival", "rival's", "ours", "difference", "95 % interval", "verdict")
        rows = [titles, *(_cells(line) for line in self.lines)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(titles))]
        table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        more = [f"{name}: {json.dumps(value)}" for name, value in self.figures.items()]
        return "\n".join([*head, *table, *([""] if more else []), *more]) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, rounded to six digits."""
        return _rounded(asdict(self))  # type: ignore[no-any-return]

    def write(self, folder: Path) -> Path:
        """Write `NAME.json` into the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        path.write_text(json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return path


def compared(card: Card, data: str, measured: Measured) -> list[Line]:
    """The method against each rival by one metric."""
    return [_line(card, data, measured, rival) for rival in measured.values if rival != OURS]


def verdict_of(lines: Sequence[Line], holds: bool | None = None) -> str:
    """The recipe's own verdict where it gives one; else the claim holds where every deciding line does, and fails where one fails."""
    if holds is not None:
        return HOLDS if holds else FAILS
    given = {line.verdict for line in lines if line.decides}
    return FAILS if FAILS in given else OPEN if OPEN in given or not given else HOLDS


def _line(card: Card, data: str, measured: Measured, rival: str) -> Line:
    sizes = measured.sizes or {}
    ours, theirs = _mean(measured, OURS), _mean(measured, rival)
    low, high = paired_bootstrap(measured.values[OURS], measured.values[rival], our_sizes=sizes.get(OURS), rival_sizes=sizes.get(rival))
    better = (-high, -low) if measured.lower_is_better else (low, high)
    said = HOLDS if better[0] > -card.margin else FAILS if better[1] <= -card.margin else OPEN
    decides = measured.decides and (rival in card.beats or not card.beats)
    return Line(
        data=data, metric=measured.metric, rival=rival, rival_value=theirs, ours=ours, difference=ours - theirs, low=low, high=high,
        units=len(measured.values[OURS]), decides=decides, verdict=said,
    )  # fmt: skip


def _mean(measured: Measured, name: str) -> float:
    values = measured.values[name]
    whole = measured.sizes[name].sum() if measured.sizes else len(values)
    return float(values.sum() / whole) if whole else 0.0


def _cells(line: Line) -> tuple[str, ...]:
    numbers = (f"{line.rival_value:.4f}", f"{line.ours:.4f}", f"{line.difference:+.4f}", f"[{line.low:+.4f}, {line.high:+.4f}]")
    return (line.data, line.metric, line.rival, *numbers, line.verdict if line.decides else "")


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {str(key): _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list | tuple) else value
