"""One thing that is not as it should be in the folder of a collection, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`what` is the kind, `means` what it does to the collection, `repair` what a repair does (empty: nothing can be done here).

    `mend` does it, in the hands of the writer; `refit`: the search stages are to be fitted anew after all was mended.
    """

    what: str
    where: Path
    means: str
    repair: str = ""
    mend: Callable[[], object] | None = field(default=None, repr=False, compare=False)
    refit: bool = field(default=False, repr=False, compare=False)

    @property
    def can_be_repaired(self) -> bool:
        return self.mend is not None or self.refit

    def told(self) -> dict[str, str]:
        """For people and programs."""
        return {"what": self.what, "where": str(self.where), "means": self.means, "repair": self.repair or "none: restore from a backup"}


def removed(what: str, where: Path, means: str, mend: Callable[[], object]) -> Finding:
    """A finding whose repair is to remove it."""
    return Finding(what=what, where=where, means=means, repair="removes it", mend=mend)
