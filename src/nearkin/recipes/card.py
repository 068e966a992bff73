"""The card of a recipe: which paper it is, what the paper claims, and how the claim is tested."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from nearkin.errors import BadInput

KINDS = ("system", "survey", "comparison", "data set", "benchmark")
TASKS = ("search", "next-item", "match", "own")


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a recipe says about itself; every value is a literal, so that cards are read without importing the recipe.

    task: how the stages are measured ("own": by the recipe's `report` alone); metrics: the first one decides; rivals named in
    `beats` must be beaten for the claim to hold (all, when none is named), on every set of `data`, or be missed by less than
    `margin` (a claim such as "keeps nearly all of ..." has a margin above 0). Refused: unknown kinds, tasks, and values out of range.
    """

    paper: int
    title: str
    claim: str
    kind: str = "system"
    task: str = "search"
    data: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ("nDCG@10", "Recall@100")
    beats: tuple[str, ...] = ()
    margin: float = 0.0
    seeds: tuple[int, ...] = (0,)  # three at least where anything is random
    tiny_s: float = 5.0  # seconds of one core that a seed takes with the tiny settings
    left_out: tuple[str, ...] = ()  # points of the paper that are not built, each with its reason

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.task not in TASKS:
            raise BadInput(f"a card's kind is one of {KINDS} and its task one of {TASKS}; got {self.kind!r} and {self.task!r}")
        if not self.seeds or self.margin < 0 or self.tiny_s <= 0 or (self.task != "own" and not self.metrics):
            raise BadInput(f"a card needs a seed, a metric, a margin of 0 or more and tiny_s above 0; got {self}")


def recipe_files(folder: Path | None = None) -> dict[str, Path]:
    """The recipes by name ("knn-embed"): the files of this package that hold a card. There is no other register."""
    folder = folder or Path(__file__).parent
    files = sorted(path for path in folder.glob("*.py") if "\nCARD = Card(" in path.read_text(encoding="utf-8"))
    return {path.stem.replace("_", "-"): path for path in files}


def read_card(path: Path) -> Card:
    """The card in a recipe's file, without running the file. Refused: a card whose values are not literals."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "CARD" and isinstance(node.value, ast.Call):
            try:
                return Card(**{str(each.arg): ast.literal_eval(each.value) for each in node.value.keywords})
            except ValueError as error:
                raise BadInput(f"the card of {path.name} must hold literals only: {error}") from error
    raise BadInput(f"{path.name} holds no line CARD = Card(...)")


def cards() -> dict[str, Card]:
    """All cards by recipe name."""
    return {name: read_card(path) for name, path in recipe_files().items()}
