"""nearkin calibrate: learn from judged queries what --min-relevance means."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Option

from nearkin.cli.inputs import judged_of
from nearkin.cli.options import LinkColumns, Place, pairs
from nearkin.cli.talk import say


def calibrate(
    place: Place,
    judgements: Annotated[Path, Option(help="a file of query id, item id and grade, such as qrels/train.tsv", metavar="FILE")],
    queries: Annotated[Path | None, Option(help="a file of queries with ids; not if judgements hold their texts", metavar="FILE")] = None,
    column: LinkColumns = None,
) -> None:
    """Learn from judged queries how sure an answer is, so that search can leave out, by --min-relevance, what is not relevant."""
    from nearkin.collection import Collection

    with Collection.open(place) as collection:
        _, truth = judged_of(queries, judgements, collection.catalog, pairs(column, "--column"))
        collection.calibrate(truth)
    say(f"{place}: calibrated on {len(truth):,} judgements; try: nearkin search {place} --min-relevance 0.5 WORDS")
