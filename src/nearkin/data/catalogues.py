"""Catalogues of things without queries: words and their definitions, programs and what they need."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from nearkin.readers.beir import find
from nearkin.readers.debian_packages import RELATIONS
from nearkin.readers.relations import relations
from nearkin.readers.tables import read_table
from nearkin.tables import Catalog, Data

PACKAGE_ROLES = {"id": "id", "name": "text", "short": "text", "long": "text", "section": "category", "tags": "category"}


def wordnet(folder: Path) -> Data:
    """Senses of English words: `name` joins the lemmas, `definition` tells the sense; links: hypernyms.

    The examples are no text, since they hold the word that a definition is to find.
    """
    table = read_table(find(folder, "definitions.jsonl"))
    lemmas = pa.array([", ".join(words) for words in table["lemmas"].to_pylist()])
    hypernyms = table["hypernyms"]
    table = table.drop_columns(["hypernyms"]).add_column(1, "name", lemmas)
    items = Catalog(table, {"id": "id", "name": "text", "definition": "text", "pos": "category", "lemmas": "category"})
    return Data(name="dict-wordnet31", items=items, links=relations(items, {"hypernym": hypernyms.to_pylist()}))


def debian(folder: Path) -> Data:
    """Programs with English text, facet tags and a section; links: depends, recommends, suggests, enhances."""
    table = read_table(find(folder, "packages.jsonl"))
    table = table.rename_columns({"name": "id"}).add_column(1, "name", table["name"])
    items = Catalog(table.drop_columns(list(RELATIONS)), PACKAGE_ROLES)
    return Data(name="catalog-debian", items=items, links=relations(items, {name: table[name].to_pylist() for name in RELATIONS}))
