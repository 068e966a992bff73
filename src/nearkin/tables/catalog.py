"""A catalogue of things: one row each, with a unique id and fields whose roles are known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nearkin.errors import BadInput, listed
from nearkin.tables.id_places import IdPlaces
from nearkin.tables.lists import is_list
from nearkin.tables.pieces import Pieces, moved_rows

ROLES = ("id", "text", "category", "number", "picture", "sound", "page", "history", "time", "other")
FEW = 20  # ids or rows are few when there are so many times as many things


class Catalog:
    """Things and their fields, held as an Arrow table with the id in the first column.

    `Catalog(table, roles)`: `roles` maps each field to one of `ROLES`; exactly one field is the id (kept as strings, unique,
    never null). Fields without a role are `other`: kept, shown, never encoded. Rows have positions 0..n-1 (int32) inside and
    ids outside. Nothing is copied; the table is not changed.
    Cost: n id comparisons, none for what `changed` gives.
    Refused: duplicate or null ids, unknown roles, roles for absent fields (`BadInput`).
    """

    def __init__(self, table: pa.Table, roles: Mapping[str, str]) -> None:
        self.id_field = _checked_roles(table, roles)
        ids = table[self.id_field].combine_chunks().cast(pa.string())
        _check_ids(ids, self.id_field)
        self.__dict__["ids"] = ids
        rest = table.drop_columns([self.id_field])
        self.table = rest.add_column(0, pa.field(self.id_field, pa.string(), nullable=False), ids)
        self.roles = {name: roles.get(name, "other") for name in self.table.column_names}

    @classmethod
    def of(cls, ids: Iterable[object] | None = None, /, **fields: Sequence[Any]) -> Self:
        """A small catalogue from lists; without ids the rows are named "0", "1", ...

        Roles: `history` for a field of that name, else text for strings, number for numbers, category for lists of strings.
        """
        columns = {name: pa.array(list(values)) for name, values in fields.items()}
        size = len(next(iter(columns.values()))) if columns else 0
        names = [str(name) for name in ids] if ids is not None else [str(row) for row in range(size)]
        if any(len(column) != len(names) for column in columns.values()):
            raise BadInput(f"expected {len(names)} values a field, got { {name: len(column) for name, column in columns.items()} }")
        roles = {"id": "id"} | {name: _plain_role(name, column.type) for name, column in columns.items()}
        return cls(pa.table({"id": pa.array(names, pa.string()), **columns}), roles)

    @classmethod
    def histories(cls, histories: Iterable[Sequence[str]], ids: Iterable[object] | None = None) -> Self:
        """A catalogue of people (or sessions), each with the ids of what they did, oldest first, in the field `history`."""
        column = pa.array([[str(item) for item in history] for history in histories], pa.list_(pa.string()))
        names = [str(name) for name in ids] if ids is not None else [str(row) for row in range(len(column))]
        return cls(pa.table({"id": pa.array(names, pa.string()), "history": column}), {"id": "id", "history": "history"})

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}: {role}" for name, role in self.roles.items())
        return f"Catalog({len(self):,} things; {fields})"

    def __getitem__(self, field: str) -> list[Any]:
        """The values of a field as Python objects; a missing text is the empty string."""
        column = self.column(field)
        if self.roles[field] == "text":
            column = _as_text(column).fill_null("")
        return column.to_pylist()  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The things one by one, as dictionaries."""
        for batch in self.table.to_batches(max_chunksize=4096):
            yield from batch.to_pylist()

    def column(self, field: str) -> pa.ChunkedArray:
        """A field as Arrow holds it."""
        if field not in self.roles:
            raise BadInput(f"no field {field!r} in this catalogue; it has {listed(self.roles)}")
        return self.table[field]

    def fields(self, *roles: str) -> list[str]:
        """The names of the fields with one of these roles, in order."""
        return [name for name, role in self.roles.items() if role in roles]

    @cached_property
    def ids(self) -> pa.StringArray:
        """All ids, in row order."""
        return self.table[self.id_field].combine_chunks()

    def ids_at(self, rows: np.ndarray) -> list[str]:
        """The ids in some rows; those of a catalogue in pieces are not joined for it."""
        if "ids" in self.__dict__:
            return self.ids.take(pa.array(rows)).to_pylist()  # type: ignore[no-any-return]
        column = self.table.column(0)
        return [column[row].as_py() for row in rows.tolist()]

    @cached_property
    def id_list(self) -> list[str]:
        """All ids as Python strings, in row order."""
        return self.ids.to_pylist()  # type: ignore[no-any-return]

    @cached_property
    def _pieces(self) -> Pieces:
        return Pieces.of(self.table)

    @cached_property
    def _places(self) -> IdPlaces:
        return IdPlaces.of(self.ids.to_pylist())

    def rows_of(self, ids: Iterable[str] | pa.Array, *, missing: str = "raise") -> np.ndarray:
        """Ids -> int32 rows. `missing="mark"` gives -1 for an unknown id, `"raise"` refuses and names the unknown ones."""
        wanted = ids if isinstance(ids, pa.Array | pa.ChunkedArray) else pa.array([str(name) for name in ids], pa.string())
        found = self._found(wanted)
        if missing == "raise" and (found < 0).any():
            unknown = np.flatnonzero(found < 0)
            raise BadInput(f"not in this catalogue: {listed(wanted[int(row)].as_py() for row in unknown)}")
        return found

    def _found(self, wanted: pa.Array | pa.ChunkedArray) -> np.ndarray:
        """Row of each id, or -1. Few ids are looked up; for many, all ids are read once."""
        if FEW * len(wanted) < len(self):
            column = self.table.column(0)
            return self._places.find(wanted.to_pylist(), lambda row: column[row].as_py())
        rows = pc.index_in(wanted, value_set=self.ids).fill_null(-1)
        return np.asarray(rows).astype(np.int32, copy=False)

    def texts(self, *fields: str) -> list[str]:
        """One text a thing: the named fields (all text fields when none is named) joined by a space, nulls left out.

        Of several named fields those that the catalogue has are taken, so that an encoder set up for title and description also
        reads a catalogue of queries with one of them. Refused: no such field at all.
        """
        names = [name for name in fields if name in self.roles] if fields else self.fields("text")
        if not names:
            raise BadInput(f"no text to read: wanted {listed(fields) or 'a field with the role text'}, the catalogue has {self.roles}")
        if len(names) == 1:
            return [text or "" for text in _as_text(self.column(names[0])).to_pylist()]
        columns = [_as_text(self.column(name)) for name in names]
        columns[0] = pc.if_else(_all_null(columns), "", columns[0])  # a row of nulls alone would be left out of the answer
        return pc.binary_join_element_wise(*columns, " ", null_handling="skip").to_pylist()  # type: ignore[no-any-return]

    def history_rows(self, items: Catalog, field: str = "history") -> tuple[np.ndarray, np.ndarray]:
        """Histories as item rows: int64 offsets [n + 1] and int32 rows [sum], oldest first; ids unknown to `items` are left out."""
        column = self.column(field).combine_chunks()
        lengths = np.asarray(pc.list_value_length(column).fill_null(0)).astype(np.int64)
        rows = items.rows_of(pc.list_flatten(column).cast(pa.string()), missing="mark")
        owner = np.repeat(np.arange(len(self)), lengths)
        kept = rows >= 0
        counts = np.bincount(owner[kept], minlength=len(self))
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), rows[kept]

    def take(self, rows: np.ndarray | Sequence[int]) -> Self:
        """The things at these rows, as a catalogue of their own."""
        return type(self)(self.taken(rows), self.roles)

    def taken(self, rows: np.ndarray | Sequence[int]) -> pa.Table:
        """The table of these rows; one may stand there twice."""
        rows = np.asarray(rows, np.int64)
        many = self.table.column(0).num_chunks <= 1 or FEW * len(rows) > len(self) or not len(rows)
        return self.table.take(pa.array(rows)) if many else self._pieces.take(rows)

    def changed(self, gone: np.ndarray, more: Catalog | None = None) -> Self:
        """These things less those in some rows (rising), and behind them others with the same fields. Refused: ids that repeat.

        Cost: 12 bytes a thing, and the pieces of a thousand things that the rows stand in; the rest is shared with this catalogue.
        """
        pieces = self._pieces.without(np.asarray(gone, np.int64)) if len(gone) else self._pieces
        if more is not None:
            pieces = pieces.followed_by(more.table.select(self.table.column_names).cast(self.table.schema))
        other = object.__new__(type(self))
        other.id_field, other.roles = self.id_field, self.roles
        other.table = pa.Table.from_batches(pieces.batches, schema=self.table.schema)
        other.__dict__["_pieces"] = pieces
        moved = moved_rows(len(self), gone) if len(gone) else None
        names = [] if more is None else more.id_list
        self._refuse_repeated(moved, more)
        other.__dict__["_places"] = self._places.changed(moved, names, len(self) - len(gone))
        return other

    def _refuse_repeated(self, moved: np.ndarray | None, more: Catalog | None) -> None:
        rows = np.empty(0, np.int32) if more is None else self._found(more.ids)
        rows = rows[rows >= 0]
        stay = rows if moved is None else rows[moved[rows] >= 0]
        if len(stay):
            raise BadInput(f"ids must be unique; these are there already: {listed(self.ids.take(pa.array(stay)).to_pylist())}")

    def followed_by(self, other: Catalog) -> Self:
        """These things and then those of another catalogue; a field that one of them lacks is empty there. Ids must not repeat."""
        more = other.table.rename_columns([self.id_field, *other.table.column_names[1:]])
        table = pa.concat_tables([self.table, more], promote_options="permissive")
        rest = {name: role for name, role in other.roles.items() if name != other.id_field}
        return type(self)(table, {**rest, **self.roles})

    def with_fields(self, roles: Mapping[str, str], **columns: Any) -> Self:
        """The same things with fields added or replaced; `roles` names the role of each."""
        table = self.table
        for name, values in columns.items():
            column = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
            table = table.drop_columns([name]) if name in table.column_names else table
            table = table.append_column(name, column)
        return type(self)(table, {**self.roles, **roles})

    def to_arrow(self) -> pa.Table:
        """The Arrow table, id first."""
        return self.table

    def to_pandas(self) -> Any:
        return self.table.to_pandas()

    def to_polars(self) -> Any:
        import polars  # type: ignore[import-not-found,unused-ignore]

        return polars.from_arrow(self.table)

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change when an id or a value changes."""
        digest = blake2b(repr(sorted(self.roles.items())).encode(), digest_size=8)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self.table.schema.remove_metadata()) as writer:
            writer.write_table(self.table.replace_schema_metadata(None).combine_chunks())
        digest.update(sink.getvalue())
        return digest.hexdigest()


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A field as strings; the parts of a list are joined by a space."""
    if is_list(column.type):
        return pc.binary_join(column.cast(pa.list_(pa.string())), " ")
    return column.cast(pa.string())


def _all_null(columns: Sequence[pa.ChunkedArray]) -> pa.ChunkedArray:
    """Whether a row has a value nowhere: bool [n]."""
    found = columns[0].is_null()
    for column in columns[1:]:
        found = pc.and_(found, column.is_null())
    return found


def _checked_roles(table: pa.Table, roles: Mapping[str, str]) -> str:
    """The name of the id field, after refusing roles that make no sense."""
    unknown = {name: role for name, role in roles.items() if role not in ROLES}
    if unknown:
        raise BadInput(f"unknown roles {unknown}; a role is one of {', '.join(ROLES)}")
    absent = [name for name in roles if name not in table.column_names]
    if absent:
        raise BadInput(f"roles were given for fields that are not there: {listed(absent)}; the fields are {listed(table.column_names, 20)}")
    ids = [name for name, role in roles.items() if role == "id"]
    if len(ids) != 1:
        raise BadInput(f"expected exactly one field with the role id, got {listed(ids) or 'none'} of {listed(table.column_names, 20)}")
    repeated = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if repeated:
        raise BadInput(f"field names must differ; repeated: {listed(repeated)}")
    return ids[0]


def _check_ids(ids: pa.StringArray, field: str) -> None:
    if ids.null_count:
        rows = np.flatnonzero(np.asarray(ids.is_null()))
        raise BadInput(
            f"the id field {field!r} is empty in {ids.null_count} rows: {listed(rows.tolist())} (counted from 0); give each an id"
        )
    if pc.count_distinct(ids).as_py() != len(ids):
        counts = ids.value_counts()
        twice = [entry["values"].as_py() for entry in counts.filter(pc.greater(counts.field("counts"), 1))]
        where = {name: np.flatnonzero(np.asarray(pc.equal(ids, name))).tolist()[:3] for name in twice[:5]}
        raise BadInput(
            f"{len(twice)} ids stand more than once in {field!r}: {listed(twice)}; rows (counted from 0) {where}; ids must be unique"
        )


def _plain_role(name: str, kind: pa.DataType) -> str:
    if name == "history":
        return "history"
    if pa.types.is_list(kind):
        return "category"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return "number"
    return "text" if pa.types.is_string(kind) or pa.types.is_null(kind) else "other"
