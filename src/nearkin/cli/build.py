"""nearkin build: a new collection from a file of things."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from nearkin.cli.inputs import items_of, links_of
from nearkin.cli.options import IdField, LinkColumns, Place, Roles, pairs
from nearkin.cli.talk import progress, say


def build(
    place: Place,
    items: Annotated[Path, Argument(help="Parquet, CSV, TSV or JSON Lines (also .gz), a BEIR folder or a Debian package index")],
    links: Annotated[Path | None, Option(help="what people did, or which things belong together: a file of pairs of ids")] = None,
    encoder: Annotated[str | None, Option(help="a sentence-transformers model in place of the static one", metavar="NAME")] = None,
    recall: Annotated[float, Option(help="share of the nearest by meaning to find, where there are more than 50,000 things")] = 0.98,
    id_field: IdField = None,
    role: Roles = None,
    column: LinkColumns = None,
    skip_unknown: Annotated[bool, Option("--skip-unknown", help="leave out links to things that are not in ITEMS")] = False,
) -> None:
    """Make a collection of the things in ITEMS, ready to search; with links, also to recommend."""
    started = time.perf_counter()
    if place.exists():
        from nearkin.errors import BadInput

        raise BadInput(f"{place} exists already; choose another name, add to it with: nearkin add, or remove it first")
    things = items_of(items, pairs(role, "--role"), id_field)
    pairs_of_ids = None if links is None else links_of(links, things, pairs(column, "--column"), skip_unknown)
    from nearkin.collection import Collection

    reader = None
    if encoder is not None:
        from nearkin.encoders.sentence_model import SentenceModel

        reader = SentenceModel(model=encoder)
    with progress(f"building {place}") as tell:
        collection = Collection.build(place, things, links=pairs_of_ids, encoder=reader, recall=recall, progress=tell)
    say(f"{place}: {len(collection):,} things in {time.perf_counter() - started:.1f} s; try: nearkin search {place} WORDS")
