"""nearkin calibrate: learn from judged queries what --min-relevance means."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Option

from nearkin.cli.options import LinkColumns, Place, pairs
from nearkin.cli.talk import say


def calibrate(
    place: Place,
    queries: Annotated[Path, Option(help="a file of queries with ids", metavar="FILE")],
    judgements: Annotated[Path, Option(help="a file of query id, item id and grade, such as qrels/train.tsv", metavar="FILE")],
    column: LinkColumns = None,
) -> None:
    """Learn from judged queries how sure an answer is, so that search can leave out, by --min-relevance, what is not relevant."""
    from nearkin.collection import Collection
    from nearkin.collection.texts import as_queries
    from nearkin.readers import read, read_links

    asked = as_queries(read(queries))
    with Collection.open(place) as collection:
        truth = read_links(judgements, asked, collection.catalog, columns=pairs(column, "--column"))
        collection.calibrate(truth)
    say(f"{place}: calibrated on {len(truth):,} judgements; try: nearkin search {place} --min-relevance 0.5 WORDS")
