"""The five tables: Catalog, Links, Vectors (dense, sparse, ragged), Codes and Hits."""

from nearkin.tables.catalog import ROLES, Catalog
from nearkin.tables.codes import Codes
from nearkin.tables.data import Data
from nearkin.tables.hits import Hit, Hits, best
from nearkin.tables.links import Links, Split
from nearkin.tables.lists import flattened, is_list
from nearkin.tables.ragged_vectors import RaggedVectors
from nearkin.tables.sparse_vectors import SparseVectors
from nearkin.tables.vectors import Vectors, unit

__all__ = [
    "ROLES",
    "Catalog",
    "Codes",
    "Data",
    "Hit",
    "Hits",
    "Links",
    "RaggedVectors",
    "SparseVectors",
    "Split",
    "Vectors",
    "best",
    "flattened",
    "is_list",
    "unit",
]
