"""`load`: a data set by name as tables under their usual names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nearkin.data import behaviour, catalogues, matching, places, search
from nearkin.data.fetch import REMOTE, fetched
from nearkin.errors import BadInput, listed
from nearkin.readers.beir import read_beir
from nearkin.tables import Data

LOADERS: dict[str, Callable[[Path], Data]] = {
    "ir-scifact": read_beir,
    "ir-cranfield": read_beir,
    "ir-vaswani": read_beir,
    "ir-miracl-yoruba": read_beir,
    "icecat-search": search.icecat,
    "amazon-beauty": behaviour.sequences,
    "amazon-sports": behaviour.sequences,
    "amazon-industrial-2018": behaviour.asked_rows,
    "yelp-2019": behaviour.sequences,
    "ml-100k": behaviour.movielens,
    "book-crossing": behaviour.books,
    "er-abt-buy": matching.two_tables,
    "er-amazon-google": matching.two_tables,
    "er-dblp-acm": matching.two_tables,
    "er-imdb-tmdb": matching.two_tables,
    "er-restaurants": matching.two_tables,
    "library-books": matching.library_books,
    "dict-wordnet31": catalogues.wordnet,
    "catalog-debian": catalogues.debian,
}


def names() -> list[str]:
    """All sets that `load` knows, whether they are here or not."""
    return sorted(LOADERS)


def available() -> list[str]:
    """The known sets that lie in a folder of NEARKIN_DATA."""
    return [name for name in names() if places.find(name) is not None]


def load(name: str, *, fetch: bool = False) -> Data:
    """A data set by name, from NEARKIN_DATA; with `fetch=True` one with a public address is otherwise downloaded and checked.

    Refused: a name that is not known, a set that is not there (the message says what to set).
    """
    if name not in LOADERS:
        raise BadInput(f"no data set {name!r} is known; known are {listed(names(), 30)}")
    folder = places.find(name)
    if folder is None and fetch and name in REMOTE:
        folder = fetched(name)
    if folder is None:
        raise places.absent(name)
    data = LOADERS[name](folder)
    return data if data.name == name else Data(**{**vars(data), "name": name})
