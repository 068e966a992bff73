"""Kept matches as they are shown: bands and pages of pairs, and one pair with all that speaks for and against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nearkin.collection.answers import title_of
from nearkin.matching.partners import BANDS
from nearkin.service.matches import Kept, told
from nearkin.service.problems import Problem
from nearkin.service.view import View

Verdicts = Mapping[int, Mapping[str, Any]]


@dataclass(frozen=True)
class Shown:
    """A kept match beside the things as they are now; pairs of which a thing is gone are not shown.

    left_rows, right_rows: int32 [pairs], rows of the view, -1 where there is none (of a table the left rows are all -1).
    """

    kept: Kept
    view: View
    verdicts: Verdicts
    left_rows: np.ndarray
    right_rows: np.ndarray

    @classmethod
    def of(cls, kept: Kept, view: View, verdicts: Verdicts) -> Shown:
        def rows(side: str) -> np.ndarray:
            return view.held((side, kept.header["id"]), lambda: view.catalog.rows_of(kept.pairs[side], missing="mark"))

        left = rows("left") if kept.alone else np.full(len(kept), -1, np.int32)
        return cls(kept, view, verdicts, left, rows("right"))

    @property
    def there(self) -> np.ndarray:
        """bool [pairs]: whether both sides are still there."""
        return (self.right_rows >= 0) & ((self.left_rows >= 0) | (not self.kept.alone))

    def page(self, band: str, threshold: float, offset: int, k: int, *, explain: bool = False) -> dict[str, Any]:
        """The pairs of a band, surest first, and how many there are in each."""
        bands, there = self.kept.bands(threshold), self.there
        pairs = np.flatnonzero(there & (bands == band))
        return {
            "version": self.view.version,
            "match": told(self.kept.header),
            "threshold": threshold,
            "band": band,
            "bands": {each: int(np.count_nonzero(there & (bands == each))) for each in BANDS},
            "gone": int(np.count_nonzero(~there)),
            "offset": offset,
            "total": len(pairs),
            "pairs": [{**self._pair(pair, explain=explain), "band": band} for pair in pairs[offset : offset + k].tolist()],
            "judged": self.judged(),
        }

    def one(self, pair: int, threshold: float) -> dict[str, Any]:
        """One pair: both things, the bars, and where it stands in its band. Refused (404): one that is not, or is no longer, there."""
        if not 0 <= pair < len(self.kept) or not self.there[pair]:
            raise Problem(404, f"there is no pair {pair} in this match, or one of its things is gone")
        bands = self.kept.bands(threshold)
        among = np.flatnonzero(self.there & (bands == bands[pair])).tolist()
        place = among.index(pair)
        return {
            "version": self.view.version,
            "match": told(self.kept.header),
            "threshold": threshold,
            "band": str(bands[pair]),
            "place": place + 1,
            "total": len(among),
            "before": among[place - 1] if place else None,
            "next": among[place + 1] if place + 1 < len(among) else None,
            **self._pair(pair, explain=True),
            "changed": self._changed(pair),
        }

    def judged(self) -> dict[str, Any]:
        """How many pairs were judged as what, and how many of them the chances foretold to be the same."""
        said = [each["verdict"] for each in self.verdicts.values()]
        decided = [pair for pair, each in self.verdicts.items() if each["verdict"] != "unsure" and pair < len(self.kept)]
        chances = self.kept.chances[decided]
        known = chances[~np.isnan(chances)]
        foretold = round(float(known.sum()), 3) if len(known) and len(known) == len(chances) else None
        return {**{verdict: said.count(verdict) for verdict in ("same", "different", "unsure")}, "foretold_same": foretold}

    def exported(self) -> list[dict[str, Any]]:
        """What was said of the pairs that are still there, in the order in which it was."""
        there = self.there
        kept = [(pair, said) for pair, said in self.verdicts.items() if pair < len(there) and there[pair]]
        return [{**self._numbers(pair), **said} for pair, said in kept]

    def _pair(self, pair: int, *, explain: bool) -> dict[str, Any]:
        left, right = self._left(pair), self._right(pair)
        numbers, view = self._numbers(pair), self.view
        texts = view.catalog.fields("text")
        more = {"left_fields": left, "right_fields": right, "why": self._why(pair, left, right)} if explain else {}
        return {
            **numbers,
            "left_title": title_of(left, numbers["left"], texts if self.kept.alone else self.kept.header["texts"]),
            "right_title": title_of(right, numbers["right"], texts),
            "verdict": self.verdicts.get(pair, {}).get("verdict"),
            **more,
        }

    def _numbers(self, pair: int) -> dict[str, Any]:
        row = self.kept.row(pair)
        return {"pair": pair, **{name: row[name] for name in ("left", "right", "chance", "score")}}

    def _left(self, pair: int) -> dict[str, Any]:
        return self.view.things([int(self.left_rows[pair])])[0] if self.kept.alone else self.kept.left_thing(pair)

    def _right(self, pair: int) -> dict[str, Any]:
        return self.view.things([int(self.right_rows[pair])])[0]

    def _why(self, pair: int, left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
        parts = []
        for part, weight in zip(self.kept.parts, self.kept.row(pair)["weights"], strict=True):
            here, there = part.said(left, right)
            parts.append({"name": part.name, "left": here, "right": there, "weight": weight})
        return {"scale": self.kept.header["scale"], "start": self.kept.header["start"], "parts": parts}

    def _changed(self, pair: int) -> bool:
        """Whether a thing was written since the match, so that the bars tell of an older state."""
        rows = [int(row) for row in (self.left_rows[pair], self.right_rows[pair]) if row >= 0]
        return any(self.view.shop.written_at(row) > self.kept.header["version"] for row in rows)
