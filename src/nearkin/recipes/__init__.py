"""Published systems, one file a paper: `papers()` lists them, `reproduce(NAME)` runs one beside its rivals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nearkin.recipes.card import Card, cards, recipe_files
from nearkin.recipes.papers import Paper, papers

if TYPE_CHECKING:
    from nearkin.recipes.contract import Curve as Curve
    from nearkin.recipes.contract import Measured as Measured
    from nearkin.recipes.contract import Measures as Measures
    from nearkin.recipes.contract import Recipe as Recipe
    from nearkin.recipes.contract import recipe as recipe
    from nearkin.recipes.proof import Proof as Proof
    from nearkin.recipes.reproduction import measure_stages as measure_stages
    from nearkin.recipes.reproduction import reproduce as reproduce

_HOMES = {"Curve": "contract", "Measured": "contract", "Measures": "contract", "Recipe": "contract", "recipe": "contract"}
_HOMES |= {"Proof": "proof", "measure_stages": "reproduction", "reproduce": "reproduction"}
__all__ = ["Card", "Paper", "cards", "papers", "recipe_files", *_HOMES]


def __getattr__(name: str) -> Any:
    """What needs the stages is loaded when first used, so that listing the papers stays quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'nearkin.recipes' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"nearkin.recipes.{_HOMES[name]}"), name)
