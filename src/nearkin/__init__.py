"""nearkin: find, recommend, match and make things by what they are.

Names are loaded when first used, so that `import nearkin` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "Catalog": "nearkin.tables",
    "Codes": "nearkin.tables",
    "Hits": "nearkin.tables",
    "Links": "nearkin.tables",
    "RaggedVectors": "nearkin.tables",
    "SparseVectors": "nearkin.tables",
    "Vectors": "nearkin.tables",
    "Stage": "nearkin.stage",
    "fuse": "nearkin.stage",
    "top": "nearkin.stage",
    "Collection": "nearkin.collection",
    "connect": "nearkin.client",
    "connect_async": "nearkin.client",
    "evaluate": "nearkin.evaluation",
    "match": "nearkin.matching",
    "read": "nearkin.readers",
}
__all__ = ["__version__", *_HOMES]

if TYPE_CHECKING:
    from nearkin.client import connect as connect
    from nearkin.client import connect_async as connect_async
    from nearkin.collection import Collection as Collection
    from nearkin.evaluation import evaluate as evaluate
    from nearkin.matching import match as match
    from nearkin.readers import read as read
    from nearkin.stage import Stage as Stage
    from nearkin.stage import fuse as fuse
    from nearkin.stage import top as top
    from nearkin.tables import Catalog as Catalog
    from nearkin.tables import Codes as Codes
    from nearkin.tables import Hits as Hits
    from nearkin.tables import Links as Links
    from nearkin.tables import RaggedVectors as RaggedVectors
    from nearkin.tables import SparseVectors as SparseVectors
    from nearkin.tables import Vectors as Vectors


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nearkin' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
