"""nearkin export: the catalogue back, a thing a line or as a Parquet file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from nearkin.cli.options import Json, Place
from nearkin.cli.results import flat, flush_lines, to_json
from nearkin.cli.talk import say

if TYPE_CHECKING:
    from nearkin.collection import Collection


def export(
    place: Place,
    json: Json = False,
    to: Annotated[Path | None, Option(help="write a Parquet file instead", metavar="FILE.parquet")] = None,
    layout: Annotated[Path | None, Option(help="write the map, which embedding-atlas opens, instead", metavar="FILE.parquet")] = None,
) -> None:
    """Print all things of a collection: a table with a header, or with --json an object a line."""
    from nearkin.collection import Collection

    with Collection.open(place) as collection:
        if layout is not None:
            _write_map(collection, layout)
            return
        if to is not None:
            import pyarrow.parquet as pq

            pq.write_table(collection.catalog.to_arrow(), to)
            say(f"{to}: {len(collection):,} things")
            return
        if not json:
            print(*collection.catalog.roles, sep="\t")
        flush_lines(to_json(thing) if json else _row(thing) for thing in collection.export())


def _write_map(collection: Collection, file: Path) -> None:
    import pyarrow.parquet as pq

    from nearkin.collection.atlas import atlas_table

    table, names = atlas_table(collection)
    pq.write_table(table, file)
    columns = f"--text {names['title']} --x {names['x']} --y {names['y']} --neighbors {names['neighbors']}"
    say(f"{file}: {len(collection):,} things; see them with: embedding-atlas {file} {columns}")


def _row(thing: dict[str, object]) -> str:
    cells = ("" if value is None else value if isinstance(value, str) else to_json(value) for value in thing.values())
    return "\t".join(map(flat, cells))
