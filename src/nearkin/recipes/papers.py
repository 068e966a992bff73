"""The papers that nearkin is built from: which are built, which are not yet."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from nearkin.recipes.card import Card, cards


@dataclass(frozen=True, kw_only=True)
class Paper:
    """One paper; `card` is None while it is not built."""

    number: int
    name: str
    title: str
    card: Card | None = None

    @property
    def built(self) -> bool:
        return self.card is not None


def papers() -> list[Paper]:
    """All papers by number, built or not; reads the cards without importing the recipes."""
    table = Path(__file__).with_name("papers.tsv")
    built = {card.paper: (name, card) for name, card in cards().items()}
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t"))
    found = []
    for number, name, title in rows:
        recipe_name, card = built.get(int(number), (name, None))
        found.append(Paper(number=int(number), name=recipe_name, title=card.title if card else title, card=card))
    return found
