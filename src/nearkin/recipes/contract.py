"""What every recipe module has, and what its own measurements look like.

    CARD: Card                                   what the paper claims
    Settings: frozen dataclass, with tiny()      the paper's values; a field `seed` wherever anything is random
    build(data, settings) -> Stage               the paper's method
    rivals(data, settings) -> dict[str, Stage]   what it is compared with, given the same data and budget

and, where needed,

    report(data, settings) -> Measures           claims that are curves, or need another measurement than the card's task
    world() -> Data                              the small seeded world of its tests (else the usual one of the task)

`build` and `rivals` never see what tests: `data.truth` is taken out (and `data.interactions` ends before the held-out items); `report`
gets everything and splits for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass, replace
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from nearkin import worlds
from nearkin.errors import BadInput, listed
from nearkin.recipes.card import Card, recipe_files
from nearkin.stage import Stage
from nearkin.tables import Data

OURS = "ours"
_WORLDS: dict[str, Callable[[], Data]] = {
    "search": lambda: worlds.twins(pairs=120),
    "next-item": lambda: worlds.cycles(users=120, circles=6),
    "match": lambda: worlds.two_lists(left=80, right=120),
}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One metric for several systems, unit by unit (query, user, pair ...), so that differences get an interval.

    values: float [units] a system, the method under "ours"; the figure is their mean. sizes: for a ratio such as F1, what to divide
    by, unit by unit; the figure then is sum(values) / sum(sizes).
    """

    metric: str
    values: Mapping[str, np.ndarray]
    sizes: Mapping[str, np.ndarray] | None = None
    lower_is_better: bool = False
    decides: bool = True  # whether the verdict on the claim hangs on it

    def __post_init__(self) -> None:
        lengths = {name: len(values) for name, values in self.values.items()}
        if OURS not in lengths or len(set(lengths.values())) != 1:
            raise BadInput(f"{self.metric}: expected as many values for every system, {OURS!r} among them, got {lengths}")


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A figure: for each line its x and y values."""

    title: str
    x: str
    y: str
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]]
    log_x: bool = False


@dataclass(frozen=True, kw_only=True)
class Measures:
    """What a recipe's own `report` gives: metrics with intervals, plain figures (JSON values, by name), and curves.

    holds: the recipe's own judgement of the claim, where the metrics cannot give it; None leaves it to them.
    """

    measured: Sequence[Measured] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    curves: Sequence[Curve] = ()
    holds: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A recipe module, checked against the contract."""

    name: str
    module: ModuleType

    @property
    def card(self) -> Card:
        return self.module.CARD  # type: ignore[no-any-return]

    def settings(self, *, tiny: bool = False, seed: int | None = None) -> Any:
        """The paper's settings, or the tiny ones, with this seed where the recipe has one."""
        settings = self.module.Settings.tiny() if tiny else self.module.Settings()
        return replace(settings, seed=seed) if seed is not None and hasattr(settings, "seed") else settings

    def stages(self, data: Data, settings: Any) -> dict[str, Stage]:
        """The method under "ours", then its rivals."""
        rivals = self.module.rivals(data, settings)
        if OURS in rivals:
            raise BadInput(f"{self.name}: a rival is called {OURS!r}; give it its own name")
        return {OURS: self.module.build(data, settings), **rivals}

    @property
    def report(self) -> Callable[[Data, Any], Measures] | None:
        return getattr(self.module, "report", None)

    def world(self) -> Data:
        """The small world its tests run on."""
        own = getattr(self.module, "world", None)
        if own is None and self.card.task not in _WORLDS:
            raise BadInput(f"{self.name}: a recipe with the task {self.card.task!r} needs a function world()")
        return own() if own is not None else _WORLDS[self.card.task]()  # type: ignore[no-any-return]


def recipe(name: str) -> Recipe:
    """The recipe of this name ("knn-embed" or "knn_embed"), after checking that it keeps the contract."""
    name = name.replace("_", "-")
    if name not in recipe_files():
        raise BadInput(f"no recipe {name!r}; there are {listed(recipe_files(), 100) or 'none yet'}")
    module = import_module(f"nearkin.recipes.{name.replace('-', '_')}")
    faults = contract_faults(module)
    if faults:
        raise BadInput(f"{name} does not keep the contract of recipes: {'; '.join(faults)}")
    return Recipe(name=name, module=module)


def contract_faults(module: ModuleType) -> list[str]:
    """What a module lacks to be a recipe; empty when nothing."""
    faults = [f"no {name}" for name in ("CARD", "Settings", "build", "rivals") if not hasattr(module, name)]
    if not (module.__doc__ or "").strip():
        faults.append("no docstring that says what it builds")
    settings = getattr(module, "Settings", None)
    if settings is not None and not (is_dataclass(settings) and hasattr(settings, "tiny")):
        faults.append("Settings is not a dataclass with tiny()")
    card = getattr(module, "CARD", None)
    if card is not None and card.task == "own" and not hasattr(module, "report"):
        faults.append("the card's task is 'own', but there is no report(data, settings)")
    return faults
