"""What a match with a collection answers: for each row the thing that it is, how sure that is, and, if asked, why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

NO_ESTIMATE = "no estimate: too few rows to tell chance likeness from the same thing; judge by eye, or send at least some dozens of rows"


@dataclass(frozen=True)
class Partner:
    """One row (`left`, an id) and the thing that it is (`right`, an id), or None where nothing here is the same.

    band: `sure`, `maybe` or `no`; chance: to be the same, None where it cannot be estimated; score: log-odds (or likeness, see `why`);
    `thing` and `title` as in an `Answer`. `why` (where asked): `start`, the score of a usual wrong candidate, and `parts`, what each
    field adds; they sum to the score. `scale`: what the score is, `log-odds` or `likeness`.
    """

    left: str
    right: str | None
    band: str
    chance: float | None = None
    score: float | None = None
    title: str = ""
    thing: Mapping[str, Any] = field(default_factory=dict)
    why: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Partnered:
    """All rows in their order, each at least once; of a collection with itself, all pairs, surest first.

    expected: how many rows seem to have a partner, linked or not; precision: the share of links that seem right; both None where there
    is no estimate. columns: which fields were compared (left, right). warnings: what makes the estimates doubtful.
    """

    partners: Sequence[Partner]
    columns: Sequence[tuple[str, str]]
    expected: float | None
    precision: float | None
    warnings: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.partners)

    def __iter__(self) -> Iterator[Partner]:
        return iter(self.partners)

    def pairs(self) -> list[tuple[str, str]]:
        """The ids of rows and of the things that they are, or may be."""
        return [(each.left, each.right) for each in self.partners if each.right is not None]

    def bands(self) -> dict[str, int]:
        """How many are in each band."""
        told = [each.band for each in self.partners]
        return {band: told.count(band) for band in ("sure", "maybe", "no")}
