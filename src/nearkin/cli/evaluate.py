"""nearkin evaluate: how well the stages of a collection answer judged queries."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Option

from nearkin.cli.inputs import judged_of
from nearkin.cli.options import Json, LinkColumns, Place, pairs
from nearkin.cli.results import to_json
from nearkin.cli.talk import say

METRICS = "nDCG@10,Recall@100"


def evaluate(
    place: Place,
    judgements: Annotated[Path, Option(help="a file of query id, item id and grade, such as qrels/test.tsv", metavar="FILE")],
    queries: Annotated[Path | None, Option(help="a file of queries with ids; not if judgements hold their texts", metavar="FILE")] = None,
    metrics: Annotated[str, Option(help="with commas between")] = METRICS,
    column: LinkColumns = None,
    json: Json = False,
) -> None:
    """Compare all stages of a collection, and their fusion, on judged queries: figures, 95 % intervals, p-values."""
    from dataclasses import asdict

    from nearkin.collection import Collection
    from nearkin.evaluation import evaluate as evaluated
    from nearkin.tables import Data

    with Collection.open(place) as collection:
        asked, truth = judged_of(queries, judgements, collection.catalog, pairs(column, "--column"))
        data = Data(name=place.name, items=collection.catalog, queries=asked, truth=truth)
        branches = collection.manifest.search
        stages = {name: collection.stage(name) for name in branches} | ({} if len(branches) == 1 else {"all": collection.stage()})
        report = evaluated(stages, data, [name.strip() for name in metrics.split(",") if name.strip()])
    for row in map(asdict, report.rows) if json else report.cells():
        print(to_json(row) if json else "\t".join(row))
    say(report.note)
