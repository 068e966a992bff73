"""A durable catalogue with its fitted stages.

Names are loaded when first used: a client of a service needs the answers, but not the storage engine.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOMES = {
    "Answer": "nearkin.collection.answers",
    "Answers": "nearkin.collection.answers",
    "Collection": "nearkin.collection.collection",
    "Partner": "nearkin.collection.partners",
    "Partnered": "nearkin.collection.partners",
}
__all__ = ["Answer", "Answers", "Collection", "Partner", "Partnered"]

if TYPE_CHECKING:
    from nearkin.collection.answers import Answer as Answer
    from nearkin.collection.answers import Answers as Answers
    from nearkin.collection.collection import Collection as Collection
    from nearkin.collection.partners import Partner as Partner
    from nearkin.collection.partners import Partnered as Partnered


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nearkin.collection' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
