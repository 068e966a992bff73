"""The source of truth: two Lance datasets, the catalogue and the links, whose every change is one atomic version.

Each row of the catalogue carries a number of its own (`numbering`). Fitted stages remember the numbers of their rows, so what is new,
changed or gone since then is known exactly, at any version, whatever crashed in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import lance
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from lance.fragment import write_fragments

from nearkin.collection.branch import among
from nearkin.collection.numbering import ADDRESS, SEQ, Span, lacking, numbered, spans_of
from nearkin.errors import BadInput, NearkinError, StorageError, listed
from nearkin.tables import Catalog, Links

SMALL, MOST_SMALL = 4_096, 16  # rows of a small file, and how many such files are kept apart
_IDS_A_FILTER = 2_000  # ids named in one delete expression
LINK_FIELDS = {"left": pa.string(), "right": pa.string(), "weight": pa.float32(), "time": pa.int64(), "kind": pa.string()}


class Store:
    """The datasets of one collection; `version` pins the catalogue to a past state."""

    def __init__(self, place: Path, roles: Mapping[str, str], version: int | None = None) -> None:
        self.roles = dict(roles)
        self.id_field = next(name for name, role in roles.items() if role == "id")
        self.path = place / "catalog.lance"
        self.links_path = place / "links.lance"
        with told(self.path):
            self.dataset = lance.dataset(str(self.path), version=version)
        self._spans: dict[int, Span] | None = None
        self._left = 1  # fragments that were there when `tidy` had ended

    @staticmethod
    def create(place: Path, items: Catalog) -> None:
        """Write a new catalogue; what fails leaves a folder that the caller removes."""
        with told(place):
            lance.write_dataset(numbered(items.table, 1), str(place / "catalog.lance"))

    def again(self) -> Store:
        """Another hand on the same version."""
        other = Store(self.path.parent, self.roles, self.version)
        other._spans, other._left = None if self._spans is None else dict(self._spans), self._left
        return other

    @property
    def version(self) -> int:
        return int(self.dataset.version)

    @property
    def latest(self) -> int:
        """The newest version on disk; costs one look at the folder."""
        return int(self.dataset.latest_version)

    def versions(self) -> list[dict[str, Any]]:
        """The versions that can be opened, oldest first, with the time each was written."""
        return [{"version": entry["version"], "time": entry["timestamp"]} for entry in self.dataset.versions()]

    def read(self) -> tuple[Catalog, np.ndarray]:
        """All things, in the order they were written, and their numbers: int64 [n], rising."""
        with told(self.path):
            table = self.dataset.scanner(with_row_address=True).to_table()
        self._spans = spans_of(table)
        table = table.drop_columns([ADDRESS]).sort_by(SEQ)
        seqs = table[SEQ].to_numpy()
        return Catalog(table.drop_columns([SEQ]), self.roles), seqs

    def seqs_where(self, where: str) -> np.ndarray:
        """The numbers of the things that an SQL expression holds for."""
        try:
            return self.dataset.to_table(columns=[SEQ], filter=where)[SEQ].to_numpy()  # type: ignore[no-any-return]
        except (ValueError, OSError) as error:
            reason = str(error).split(", /")[0].replace("Invalid user input: ", "")
            if "Not found" in reason:
                gone = f"version {self.version} of {self.path} was compacted away by another process"
                raise BadInput(f"{gone}; call refresh(), or open the collection again") from error
            raise BadInput(f"the filter {where!r} is not understood: {reason}; the fields are {listed(self.roles, 20)}") from error

    def write(self, more: Catalog, gone: np.ndarray) -> np.ndarray:
        """Take away the things of these numbers and add others, in one version; durable when it returns. Gives the new numbers.

        Cost: a file with what is new, and the numbers in those files that hold what is gone.
        """
        table, fragments = numbered(more.table, self.version + 1), []
        with told(self.path):
            if len(table):
                fragments = write_fragments(table, self.dataset)
            left = {number: self._less(number, gone) for number in self._holding(gone)}
            change = lance.LanceOperation.Update(
                removed_fragment_ids=[number for number, rest in left.items() if rest is None],
                updated_fragments=[rest for rest in left.values() if rest is not None],
                new_fragments=fragments,
            )
            known = _deletions(self.dataset)
            self.dataset = lance.LanceDataset.commit(self.dataset, change, read_version=self.version)
        seqs: np.ndarray = table[SEQ].to_numpy()
        if len(seqs) and self._spans is not None:
            made = _deletions(self.dataset).keys() - known.keys()
            base = int(seqs[0]) if len(made) == 1 else None
            self._spans.update({number: Span.of(seqs, base) for number in made})
        return seqs

    def _less(self, number: int, gone: np.ndarray) -> Any:
        """A fragment without these numbers, None where nothing is left of it. Cost: theirs alone where its rows stand by number."""
        fragment, span = self.dataset.get_fragment(number), None if self._spans is None else self._spans[number]
        if span is None or span.base is None:
            return fragment.delete(_numbers(gone))
        return fragment.delete_rows((gone[(span.low <= gone) & (gone <= span.high)] - span.base).tolist())

    def _holding(self, seqs: np.ndarray) -> list[int]:
        """The fragments that may hold some of these numbers."""
        if not len(seqs):
            return []
        if self._spans is None:
            self._settle()
        assert self._spans is not None
        spans = [(number, self._spans[number]) for number in _deletions(self.dataset) if number in self._spans]
        return [number for number, span in spans if ((span.low <= seqs) & (seqs <= span.high)).any()]

    def catch_up(self, seqs: np.ndarray) -> tuple[np.ndarray, Catalog, np.ndarray] | None:
        """Go to the newest version. Gives, of the numbers held (rising), those that are gone, and the new things with theirs.

        Cost: the files that are new, and the numbers in those from which something was removed, 8 bytes a thing. None: what is there
        cannot be told so; read it all.
        """
        with told(self.path):
            if self._spans is None:
                return None
            spans, known = dict(self._spans), _deletions(self.dataset)
            self.dataset = lance.dataset(str(self.path))
            there = _deletions(self.dataset)
            read = {number: self._fresh(number, seqs) for number in there if number not in known}
            cut = [self.dataset.get_fragment(number) for number in there if number in known and there[number] != known[number]]
            rest = self.dataset.scanner(columns=[SEQ], fragments=cut).to_table()[SEQ].to_numpy() if cut else seqs[:0]
        spans.update({number: Span.of(numbers) for number, (numbers, _) in read.items() if len(numbers)})
        table = pa.concat_tables([self.dataset.schema.empty_table(), *(table for _, table in read.values())]).sort_by(SEQ)
        alive = np.sort(np.concatenate([rest, *(numbers for numbers, _ in read.values())]), kind="stable")  # quick: it is made of runs
        suspects = [spans[number] for number in known if there.get(number) != known[number] and number in spans]
        gone = lacking(seqs, alive, suspects)
        self._spans = spans
        if len(seqs) - len(gone) + len(table) != self.dataset.count_rows():
            return None
        return gone, Catalog(table.drop_columns([SEQ]), self.roles), table[SEQ].to_numpy()

    def _fresh(self, number: int, seqs: np.ndarray) -> tuple[np.ndarray, pa.Table]:
        """The numbers in a fragment, and the rows whose numbers are not among those given (rising)."""
        fragment = self.dataset.get_fragment(number)
        whole = fragment.count_rows() <= SMALL
        table = fragment.to_table(columns=None if whole else [SEQ])
        numbers = table[SEQ].to_numpy()
        new = np.flatnonzero(~among(numbers, seqs))
        if whole or not len(new):
            rows = table.take(pa.array(new)) if whole else self.dataset.schema.empty_table()
        else:
            rows = fragment.to_table(filter=f"{SEQ} >= {numbers[new].min()} AND {SEQ} <= {numbers[new].max()}")
            rows = rows.filter(pa.array(~among(rows[SEQ].to_numpy(), seqs)))
        return numbers, rows

    def tidy(self) -> bool:
        """Merge the small files that many writes left, in a version of its own; tells whether there were so many."""
        if len(self.dataset.get_fragments()) - self._left < MOST_SMALL:
            return False
        with told(self.path):
            self.dataset.optimize.compact_files(target_rows_per_fragment=SMALL, materialize_deletions=False)
        self._settle()
        return True

    def _settle(self) -> None:
        """Take note of the fragments after they were made anew."""
        self._spans = spans_of(self.dataset.scanner(columns=[SEQ], with_row_address=True).to_table())
        self._left = len(self._spans)

    def fitting(self, items: Catalog) -> Catalog:
        """The things with exactly the fields of this collection; absent ones are null. Refused: unknown fields, other types."""
        schema = pa.schema([each for each in self.dataset.schema if each.name != SEQ])
        table = items.table.rename_columns([self.id_field if name == items.id_field else name for name in items.table.column_names])
        unknown = [name for name in table.column_names if name not in schema.names]
        if unknown:
            raise BadInput(f"this collection has no field {listed(unknown)}; its fields are {listed(schema.names, 20)}")
        return Catalog(pa.table([_cast(table, each) for each in schema], schema=schema), self.roles)

    def compact(self, *, keep_history: bool) -> None:
        """Merge small files and drop deleted rows; unless history is kept, past versions and their bytes go too."""
        with told(self.path):
            for dataset in filter(None, (self.dataset, self.links_dataset())):
                dataset.optimize.compact_files(materialize_deletions_threshold=0.0)
                if not keep_history:
                    dataset.cleanup_old_versions(older_than=timedelta(0), delete_unverified=True)
            self._settle()

    def links_dataset(self) -> Any:
        """The dataset of links, or None before there are any."""
        return lance.dataset(str(self.links_path)) if self.links_path.exists() else None

    def append_links(self, links: pa.Table) -> None:
        """Add links (columns left, right, and weight, time, kind where known) in one version."""
        columns = [
            links[name].cast(kind) if name in links.column_names else pa.nulls(len(links), kind) for name, kind in LINK_FIELDS.items()
        ]
        table = pa.table(columns, schema=pa.schema(list(LINK_FIELDS.items())))
        with told(self.links_path):
            lance.write_dataset(table, str(self.links_path), mode="append" if self.links_path.exists() else "create")

    def delete_links(self, ids: Sequence[str]) -> None:
        """Delete all links from or to these ids."""
        dataset = self.links_dataset()
        if dataset is not None:
            dataset.delete(f"{_in('left', ids)} OR {_in('right', ids)}")

    def read_links(self, items: Catalog, *, edges: bool) -> Links | None:
        """The links whose things are all known, in order of left thing and time; None where there are none."""
        dataset = self.links_dataset()
        if dataset is None or not dataset.count_rows():
            return None
        table = dataset.to_table()
        if edges:
            table = table.filter(pa.array(items.rows_of(table["left"], missing="mark") >= 0))
        table = table.filter(pa.array(items.rows_of(table["right"], missing="mark") >= 0))
        left = items if edges else Catalog(pa.table({"id": pc.unique(table["left"])}), {"id": "id"})
        time = None if table["time"].null_count else table["time"].to_numpy()
        return Links.interactions(left, items, table["left"], table["right"], time=time, weight=table["weight"].fill_null(1).to_numpy())


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what the storage layer raises into one clear message."""
    try:
        yield
    except NearkinError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        reason = str(error).split(", /")[0][:300]
        raise StorageError(f"{path} cannot be read or written: {reason}; check the disk, its free space and permissions") from error


def _numbers(seqs: np.ndarray) -> str:
    return f"{SEQ} IN ({', '.join(map(str, seqs.tolist()))})"


def _deletions(dataset: Any) -> dict[int, int]:
    """How many rows of each fragment are marked as deleted."""
    return {each.fragment_id: each.num_deletions for each in dataset.get_fragments()}


def _cast(table: pa.Table, wanted: pa.Field) -> pa.Array:
    if wanted.name not in table.column_names:
        return pa.nulls(len(table), wanted.type)
    column = table[wanted.name].combine_chunks()
    try:
        return column.cast(wanted.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise BadInput(f"the field {wanted.name!r} holds {wanted.type} in this collection, but {column.type} came: {error}") from error


def _in(field: str, ids: Sequence[str]) -> str:
    """An SQL expression that holds for rows with one of these ids."""
    groups = [ids[start : start + _IDS_A_FILTER] for start in range(0, len(ids), _IDS_A_FILTER)]
    return " OR ".join(f"`{field}` IN ({', '.join(_quoted(name) for name in group)})" for group in groups)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
