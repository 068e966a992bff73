"""The tables of one data set under their usual names: what a recipe is given."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from nearkin.errors import BadInput
from nearkin.tables.catalog import Catalog
from nearkin.tables.links import Links


@dataclass(frozen=True, kw_only=True)
class Data:
    """`items` and whatever else the set has.

    queries: what asks (queries of a search, the left table of a match, OCR readings); truth: queries x items, the judgements or
    true matches that test; train_truth: those that may be learned from (its left catalogue may hold other queries than `queries`);
    interactions: users x items, each user's in order of time; links: edges between items, by kind.
    """

    name: str
    items: Catalog
    queries: Catalog | None = None
    truth: Links | None = None
    train_truth: Links | None = None
    interactions: Links | None = None
    links: Links | None = None

    def need(self, *names: str) -> Data:
        """Itself, after refusing a set that lacks one of these tables."""
        lacking = [name for name in names if getattr(self, name) is None]
        if lacking:
            raise BadInput(f"the data set {self.name!r} has no {', '.join(lacking)}; choose one that has")
        return self

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change when a thing, a query, a judgement or an interaction changes."""
        digest = blake2b(self.items.fingerprint.encode(), digest_size=8)
        if self.queries is not None:
            digest.update(self.queries.fingerprint.encode())
        for links in (self.truth, self.train_truth, self.interactions, self.links):
            if links is not None:
                for array in (links.left_rows, links.right_rows, links.weight):
                    digest.update(array.tobytes())
        return digest.hexdigest()
