"""Matches that were made by a job: kept as files beside the collection, ids and numbers alone, so that no text of a thing outlives it."""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa

from nearkin.collection.partnering import estimate, warnings
from nearkin.matching import Matches, Partners
from nearkin.matching.partners import bands_of
from nearkin.matching.waterfall import Part
from nearkin.service.problems import Problem
from nearkin.service.state import FOLDER
from nearkin.service.view import plain

MATCHES, ENDING = "matches", ".arrow"
HEADER = b"nearkin"
HELD = 4  # matches held open
_ID = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class Asked:
    """What a match was made of: `name` of the table, None where the collection was matched with itself; the filter; the version."""

    name: str | None
    where: str | None
    version: int
    one_to_one: bool = True


@dataclass(frozen=True)
class Kept:
    """One match. header: what it was made of and how; pairs: left, right, score, chance, kept, weights and, of a table, its rows."""

    header: Mapping[str, Any]
    pairs: pa.Table

    def __len__(self) -> int:
        return int(self.pairs.num_rows)

    @property
    def alone(self) -> bool:
        """Whether both sides are things of the collection."""
        return self.header["name"] is None

    @cached_property
    def parts(self) -> list[Part]:
        return [Part(each["name"], tuple(each["left"]), tuple(each["right"]), each["reads"]) for each in self.header["parts"]]

    @cached_property
    def chances(self) -> np.ndarray:
        """float64 [pairs], NaN where there is no estimate."""
        return np.asarray(self.pairs["chance"].cast(pa.float64()).fill_null(float("nan")))

    @cached_property
    def kept(self) -> np.ndarray:
        return np.asarray(self.pairs["kept"])

    def bands(self, threshold: float) -> np.ndarray:
        """The band of each pair: str [pairs]."""
        return bands_of(self.chances, self.kept, threshold)

    def row(self, pair: int) -> dict[str, Any]:
        """All that is kept of one pair."""
        return self.pairs.slice(pair, 1).to_pylist()[0]  # type: ignore[no-any-return]

    def left_thing(self, pair: int) -> dict[str, Any]:
        """The row of the table that was matched, as it was."""
        return json.loads(self.pairs["row"][pair].as_py())  # type: ignore[no-any-return]


class KeptMatches:
    """The matches of one collection. Any process may read them; the process of a job, or a command, writes them whole."""

    def __init__(self, place: Path) -> None:
        self.folder = place / FOLDER / MATCHES
        self._held: OrderedDict[str, Kept] = OrderedDict()
        self._lock = Lock()

    def add(self, found: Matches, chosen: Partners, asked: Asked) -> str:
        """Keep a match; its id."""
        name = secrets.token_hex(6)
        table = _table(found, chosen, asked, name)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.folder / f".{name}.{os.getpid()}"
        try:
            with pa.OSFile(str(draft), "wb") as file, pa.ipc.new_file(file, table.schema) as out:
                out.write_table(table)
            draft.chmod(0o600)
            os.rename(draft, self.folder / f"{name}{ENDING}")
        finally:
            draft.unlink(missing_ok=True)
        return name

    def all(self) -> list[Mapping[str, Any]]:
        """What is known of each match, newest first."""
        found = [_header(path) for path in self.folder.glob(f"*{ENDING}")]
        return sorted(found, key=lambda header: -header["made"])

    def get(self, name: str) -> Kept:
        """One match. Refused (404): one that is not there."""
        path = self._path(name)
        with self._lock:
            if name not in self._held:
                self._held[name] = _read(path)
            self._held.move_to_end(name)
            while len(self._held) > HELD:
                self._held.popitem(last=False)
            return self._held[name]

    def remove(self, name: str) -> None:
        """Forget a match. Refused (404): one that is not there."""
        self._path(name).unlink(missing_ok=True)
        with self._lock:
            self._held.pop(name, None)

    def _path(self, name: str) -> Path:
        path = self.folder / f"{name}{ENDING}"
        if not _ID.fullmatch(name) or not path.is_file():
            raise Problem(404, f"there is no match {name[:80]!r}; those that there are stand in /v1/matches")
        return path


def _table(found: Matches, chosen: Partners, asked: Asked, name: str) -> pa.Table:
    pairs, links, bars = found.features_.pairs, found.links, found.waterfall(chosen.places)
    order = np.lexsort((-bars.scores, -np.nan_to_num(chosen.chances), ~chosen.kept))
    chosen, rows = chosen.take(order), pairs.left_rows[chosen.places[order]]
    columns = {
        "left": links.left.ids.take(pa.array(rows)),
        "right": links.right.ids.take(pa.array(pairs.right_rows[chosen.places])),
        "score": pa.array(bars.scores[order]),
        "chance": pa.array(chosen.chances, from_pandas=True),
        "kept": pa.array(chosen.kept),
        "weights": pa.array(bars.weights[order].tolist(), pa.list_(pa.float64())),
    }
    if asked.name is not None:
        columns["row"] = pa.array([json.dumps(plain(thing), ensure_ascii=False) for thing in links.left.take(rows)], pa.string())
    expected, precision = estimate(found)
    header = {
        "id": name, "made": time.time(), **asdict(asked), "rows": len(links.left), "pairs": len(rows), "columns": found.columns,
        "texts": links.left.fields("text"), "parts": [asdict(part) for part in bars.parts], "start": bars.start,
        "scale": "log-odds" if bars.learned else "likeness", "expected": expected, "precision": precision, "warnings": warnings(found),
    }  # fmt: skip
    return pa.table(columns).replace_schema_metadata({HEADER: json.dumps(header)})


def _read(path: Path) -> Kept:
    with pa.OSFile(str(path), "rb") as file:
        table = pa.ipc.open_file(file).read_all()
    return Kept(json.loads(table.schema.metadata[HEADER]), table.combine_chunks())


def _header(path: Path) -> Mapping[str, Any]:
    with pa.OSFile(str(path), "rb") as file:
        return json.loads(pa.ipc.open_file(file).schema.metadata[HEADER])  # type: ignore[no-any-return]


def told(header: Mapping[str, Any], names: Sequence[str] = ("parts", "texts", "start")) -> dict[str, Any]:
    """A header as it is listed, without what only single pairs need."""
    return {name: value for name, value in header.items() if name not in names}
