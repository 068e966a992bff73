"""nearkin search: the nearest things to each query, one line a hit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from nearkin.cli.inputs import queries_of
from nearkin.cli.options import Explain, Json, K, Place, StageName, Where
from nearkin.cli.results import show_answers


def search(
    place: Place,
    text: Annotated[list[str] | None, Argument(help="queries; one a line from stdin when none is given", metavar="TEXT")] = None,
    queries: Annotated[Path | None, Option(help="a file of queries with ids, such as queries.jsonl", metavar="FILE")] = None,
    k: K = 10,
    where: Where = None,
    stage: StageName = None,
    explain: Explain = False,
    min_relevance: Annotated[float | None, Option(help="only answers with at least this chance to be relevant (see calibrate)")] = None,
    json: Json = False,
) -> None:
    """Find the things nearest to each TEXT, by words and by meaning."""
    asked = queries_of(text, queries)
    from nearkin.collection import Collection

    with Collection.open(place) as collection:
        found = collection.search(asked, k=k, where=where, stage=stage, explain=explain, min_relevance=min_relevance)
        names = asked if isinstance(asked, list) else None
        show_answers(found, as_json=json, explain=explain, names=names)
