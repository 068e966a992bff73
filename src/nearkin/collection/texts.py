"""What the search stages of a collection read: one text a thing."""

from __future__ import annotations

from collections.abc import Sequence

from nearkin.errors import BadInput
from nearkin.tables import Catalog

TEXT = "text"  # the one field that search encoders of a collection read


def searchable(catalog: Catalog) -> Catalog:
    """The things with one field, `text`: all their texts and categories joined by spaces, in the order of the fields."""
    fields = catalog.fields("text", "category")
    texts = catalog.texts(*fields) if fields else [""] * len(catalog)
    return Catalog.of(catalog.id_list, **{TEXT: texts})


def as_queries(queries: str | Sequence[str] | Catalog) -> Catalog:
    """Queries as a catalogue with the field `text`; typed ones are called "0", "1", ..."""
    if isinstance(queries, Catalog):
        return searchable(queries)
    texts = [queries] if isinstance(queries, str) else list(queries)
    strange = [text for text in texts if not isinstance(text, str)]
    if strange:
        raise BadInput(f"a query is a text, got {type(strange[0]).__name__}: {strange[0]!r}")
    return Catalog.of(**{TEXT: texts})
