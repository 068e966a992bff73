"""Links whose write a crash cut off before it was answered: were they written? Sent again, they must not count twice."""

from __future__ import annotations

from pathlib import Path

import lance
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

FOLDER = "links.lance"
NONE = -1  # before the first piece


def packed(links: pa.Table) -> bytes:
    """A small table as bytes."""
    out = pa.BufferOutputStream()
    with pa.ipc.new_stream(out, links.schema) as stream:
        stream.write_table(links)
    return bytes(out.getvalue())


def last_piece(place: Path) -> int:
    """The number of the last piece of the links on disk; every write adds pieces with higher ones."""
    if not (place / FOLDER).exists():
        return NONE
    return max((piece.fragment_id for piece in lance.dataset(str(place / FOLDER)).get_fragments()), default=NONE)


def was_written(place: Path, after: int, links: bytes) -> bool:
    """Whether these links stand, in their order, in what was written after that piece."""
    if not (place / FOLDER).exists():
        return False
    wanted = pa.ipc.open_stream(links).read_all()
    pieces = [piece for piece in lance.dataset(str(place / FOLDER)).get_fragments() if piece.fragment_id > after]
    if not pieces or not len(wanted):
        return False
    found = pa.concat_tables([piece.to_table(columns=wanted.column_names) for piece in pieces])
    wanted = wanted.cast(found.schema)
    first = [pc.equal(found[side], wanted[side][0]).to_numpy() for side in ("left", "right")]
    return any(found.slice(start, len(wanted)).equals(wanted) for start in np.flatnonzero(first[0] & first[1]).tolist())
