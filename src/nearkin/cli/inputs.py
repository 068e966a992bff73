"""What commands read: catalogues from files or collections, queries, histories, ids."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nearkin.cli.talk import say
from nearkin.errors import BadInput

if TYPE_CHECKING:  # heavy to import; the commands that need it do so when they run
    from nearkin.tables import Catalog, Links


def items_of(path: Path, roles: Mapping[str, str], id_field: str | None) -> Catalog:
    """The things of a file, after telling which role each field was given and why."""
    from nearkin.readers import read_guessed

    things, guess = read_guessed(path, roles=roles, id=id_field)
    say(f"{path}: fields and their roles (overrule one with --role FIELD=ROLE)")
    for line in str(guess).splitlines():
        say(f"  {line}")
    return things


def table_of(path: Path, roles: Mapping[str, str], id_field: str | None) -> Catalog:
    """The things of a collection folder, else of a file."""
    if not (path / "kin.toml").is_file():
        return items_of(path, roles, id_field)
    from nearkin.collection import Collection

    with Collection.open(path) as collection:
        return collection.catalog


def links_of(path: Path, items: Catalog, columns: Mapping[str, str], skip_unknown: bool) -> Links:
    """Links over the items: between them when all left ids are theirs, else from the people (or sessions) that the file names."""
    from nearkin.readers import read_links

    unknown = "skip" if skip_unknown else "refuse"
    people = read_links(path, None, items, columns=columns, unknown=unknown)
    named = items.rows_of(people.left.ids, missing="mark")
    edges = len(named) > 0 and bool((named >= 0).all())
    say(f"{path}: {len(people):,} links " + ("between the things" if edges else f"from {len(people.left):,} people or sessions"))
    return read_links(path, items, items, columns=columns, unknown=unknown) if edges else people


def queries_of(texts: list[str] | None, path: Path | None) -> list[str] | Catalog:
    """Texts of the command line, of a file with ids and texts, or of stdin, one a line."""
    if path is not None:
        if texts:
            raise BadInput(f"give queries either as texts or with --queries, not both; got {len(texts)} texts and {path}")
        from nearkin.readers import read

        return read(path)
    return texts or _lines("queries")


def judged_of(queries: Path | None, judgements: Path, items: Catalog, columns: Mapping[str, str]) -> tuple[Catalog, Links]:
    """Queries as a collection reads them, and what was judged of them; without a file of queries, the judgements hold their texts."""
    from nearkin.collection.texts import as_queries
    from nearkin.readers import read, read_links

    asked = _asked_in(judgements, columns) if queries is None else as_queries(read(queries))
    return asked, read_links(judgements, asked, items, columns=columns)


def _asked_in(path: Path, columns: Mapping[str, str]) -> Catalog:
    """The queries of a file of judgements whose column `query` holds their texts beside their ids."""
    from nearkin.readers.links import link_columns
    from nearkin.readers.tables import read_table
    from nearkin.tables import Catalog

    left = link_columns(path, table := read_table(path), columns)["left"]
    if left == "query" or "query" not in table.column_names:
        raise BadInput(f"{path} has no column 'query' with texts beside the ids of queries; name the file that has them: --queries FILE")
    texts = dict(zip(table[left].to_pylist(), table["query"].to_pylist(), strict=True))
    return Catalog.of(list(texts), text=list(texts.values()))


def ids_of(ids: list[str] | None) -> list[str]:
    """Ids of the command line, else of stdin, one a line."""
    return ids or _lines("ids")


def histories_of(after: str | None, path: Path | None) -> Catalog:
    """`--after a,b` as one history, or a file with a line {"id": ..., "history": [...]} each."""
    if (after is None) == (path is None):
        raise BadInput("give what went before: --after ID,ID for one history, or --histories FILE for many")
    if after is not None:
        from nearkin.tables import Catalog

        return Catalog.histories([[name for name in after.split(",") if name]])
    from nearkin.readers import read

    table = read(path or Path(), roles={"history": "history"}, id="id")
    check_lists(table, path)
    return table


def check_lists(histories: Catalog, path: Path | None) -> None:
    """Refuse histories that are no lists of ids."""
    import pyarrow as pa

    kind = histories.column("history").type
    if not pa.types.is_list(kind) or not (pa.types.is_string(kind.value_type) or pa.types.is_integer(kind.value_type)):
        raise BadInput(
            f'{path}: the field \'history\' must be a list of ids in each line, as in {{"id": "u1", "history": ["a", "b"]}}; got {kind}'
        )


def unknown_ids(histories: Catalog, items: Catalog) -> list[str]:
    """Ids in histories that the items lack, each once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = pc.list_flatten(histories.column("history").combine_chunks()).cast(pa.string()).unique().drop_null()
    rows = items.rows_of(column, missing="mark")
    return [name for name, row in zip(column.to_pylist(), rows) if row < 0]


def _lines(what: str) -> list[str]:
    if sys.stdin.isatty():
        raise BadInput(f"no {what} given; name them on the command line or send them to stdin, one a line")
    found = [line.strip() for line in _stdin() if line.strip()]
    if not found:
        raise BadInput(f"no {what} given; name them on the command line or send them to stdin, one a line")
    return found


def _stdin() -> Iterable[str]:
    try:
        return sys.stdin.readlines()
    except UnicodeDecodeError as error:
        raise BadInput(f"stdin: not UTF-8 ({error}); convert it first, for example with iconv") from error
