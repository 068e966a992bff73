"""`read`: a file as a catalogue; `read_batches`: one that is larger than memory, as many small catalogues."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from nearkin.errors import BadInput
from nearkin.readers.beir import find
from nearkin.readers.columns import conform
from nearkin.readers.roles import Guess, guess_roles
from nearkin.readers.seen import SeenIds
from nearkin.readers.tables import common_types, file_batches, read_table
from nearkin.tables import Catalog


def read(path: str | Path, *, roles: Mapping[str, str] | None = None, id: str | None = None) -> Catalog:
    """A file as a catalogue: Parquet, CSV, TSV, JSON Lines, RecBole, a Debian package index (.gz and .xz too), or a BEIR folder.

    `roles` and `id` say what fields are; the others are guessed from names, types and values (`read_guessed` tells why).
    Refused, naming file, line or row, and field: what the formats refuse, duplicate or missing ids.
    """
    return read_guessed(path, roles=roles, id=id)[0]


def read_guessed(path: str | Path, *, roles: Mapping[str, str] | None = None, id: str | None = None) -> tuple[Catalog, Guess]:
    """The same with the roles of the fields and the reason for each, to be shown."""
    path = _file(path)
    table = read_table(path, _texts(roles, id))
    guess = _guess(path, table, roles, id)
    try:
        return Catalog(table, guess.roles), guess
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error


def read_batches(path: str | Path, *, roles: Mapping[str, str] | None = None, id: str | None = None) -> Iterator[Catalog]:
    """The same things as `read`, as catalogues of some thousand rows with the same fields and roles each.

    The file is read twice: first all of it is checked (types, ids unique over the whole file) before anything is given out, roles
    being guessed from the first batch. Memory: one batch and 8 bytes a thing.
    """
    path = _file(path)
    first = next(iter(file_batches(path)))
    types = common_types(_checked_ids(path, _guess(path, first, roles, id)), path, _texts(roles, id))
    guess = _guess(path, conform(first, types), roles, id)
    return (Catalog(conform(batch, types), guess.roles) for batch in file_batches(path))


def _checked_ids(path: Path, guess: Guess) -> Iterator[pa.Table]:
    """The batches of a file as they pass by, their ids being compared with all before."""
    field = next(name for name, role in guess.roles.items() if role == "id")
    seen = SeenIds(f"{path}, field {field!r}")
    for batch in file_batches(path):
        seen.add(batch[field].cast(pa.string()) if field in batch.column_names else pa.nulls(batch.num_rows, pa.string()))
        yield batch


def _file(path: str | Path) -> Path:
    path = Path(path)
    return find(path, "corpus.jsonl") if path.is_dir() else path


def _texts(roles: Mapping[str, str] | None, id: str | None) -> set[str]:
    """Fields that stay text even where they look like numbers, since the caller says so."""
    return {name for name, role in (roles or {}).items() if role not in ("number", "time", "other")} | ({id} if id else set())


def _guess(path: Path, table: pa.Table, roles: Mapping[str, str] | None, id: str | None) -> Guess:
    try:
        return guess_roles(table, roles=roles, id=id)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error
