"""Links that stand in a catalogue itself, as lists of ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nearkin.tables import Catalog, Links


def relations(items: Catalog, targets: Mapping[str, Iterable[list[str] | None]]) -> Links:
    """Edges from each item to the ids listed for it, a kind at a time; ids outside the catalogue are left out."""
    known = set(items.id_list)
    edges = [
        (source, target, kind)
        for kind, lists in targets.items()
        for source, ids in zip(items.id_list, lists)
        for target in ids or ()
        if target in known
    ]
    return Links.edges(items, [(source, target) for source, target, _ in edges], [kind for *_, kind in edges])
