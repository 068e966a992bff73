"""nearkin recommend: what comes next after what went before."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Option

from nearkin.cli.inputs import histories_of, unknown_ids
from nearkin.cli.options import Explain, Json, K, Place, Where
from nearkin.cli.results import show_answers
from nearkin.cli.talk import say


def recommend(
    place: Place,
    after: Annotated[str | None, Option(help="one history: ids with commas between, oldest first", metavar="ID,ID")] = None,
    histories: Annotated[
        Path | None, Option(help='JSON Lines, a history a line: {"id": "u1", "history": ["a", "b"]}', metavar="FILE")
    ] = None,
    k: K = 10,
    where: Where = None,
    explain: Explain = False,
    json: Json = False,
) -> None:
    """Recommend what comes next after each history, the things in it left out."""
    before = histories_of(after, histories)
    from nearkin.collection import Collection
    from nearkin.errors import BadInput, listed

    with Collection.open(place) as collection:
        unknown = unknown_ids(before, collection.catalog)
        if unknown and after is not None:
            raise BadInput(f"not in {place}: {listed(unknown)}; look the ids up with: nearkin search {place} WORDS")
        if unknown:
            say(f"{histories}: {len(unknown):,} ids are not in {place} and are left out: {listed(unknown)}")
        found = collection.recommend(before, k=k, where=where, explain=explain)
        show_answers(found, as_json=json, explain=explain)
