"""nearkin similar: more like this."""

from __future__ import annotations

from typing import Annotated

from typer import Argument

from nearkin.cli.inputs import ids_of
from nearkin.cli.options import Explain, Json, K, Place, StageName, Where
from nearkin.cli.results import show_answers


def similar(
    place: Place,
    ids: Annotated[list[str] | None, Argument(help="ids of things; one a line from stdin when none is given", metavar="ID")] = None,
    k: K = 10,
    where: Where = None,
    stage: StageName = None,
    explain: Explain = False,
    json: Json = False,
) -> None:
    """Find the things most like each of these."""
    from nearkin.collection import Collection

    with Collection.open(place) as collection:
        found = collection.similar(ids_of(ids), k=k, where=where, stage=stage, explain=explain)
        show_answers(found, as_json=json, explain=explain)
