"""Runs and judgements in the text formats of trec_eval: `query Q0 item rank score tag` and `query 0 item grade`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from nearkin.errors import BadInput
from nearkin.readers import files
from nearkin.tables import Catalog, Hits, Links, best

_SHOWN = 20  # mistakes named before the rest is only counted
Numbered = Iterable[tuple[int, str]]


def read_run(source: str | Path | Numbered, queries: Catalog, items: Catalog) -> Hits:
    """A run file (or numbered lines) as hits of `queries`; a query that it does not hold has none.

    Order is by score, as trec_eval reads it, and the rank column is only checked to be a number. Refused, all mistakes together with
    their lines: other than six columns (an id with a space makes seven), unknown queries or items, an item twice for a query, a score
    that is no finite number, and scores that rise from one line of a query to its next (an unsorted run).
    """
    name, numbered = _lines(source)
    mistakes: list[tuple[int, str]] = []
    found: dict[str, dict[str, float]] = {}
    for number, line in numbered:
        fault = _take_hit(line.split(), found)
        if fault:
            mistakes.append((number, fault))
        elif (asked := line.split())[0] not in _ids(queries) or asked[2] not in _ids(items):
            mistakes.append((number, f"query {asked[0]!r} or item {asked[2]!r} is not in this collection"))
    _refuse(name, mistakes)
    return _as_hits(found, queries, items)


def write_run(hits: Hits, path: str | Path, *, tag: str = "nearkin") -> None:
    """Hits as a run file; reading it back gives the same hits. Refused: ids or a tag with spaces, hits without catalogues."""
    if hits.queries is None or hits.items is None:
        raise BadInput("a run file needs ids, but these hits do not know their queries or items")
    _refuse_spaces([tag, *hits.queries.id_list, *hits.items.id_list])
    with Path(path).open("w", encoding="utf-8") as file:
        for hit in hits:
            file.write(f"{hit.query} Q0 {hit.item} {hit.rank} {hit.score:.9g} {tag}\n")  # 9 digits hold every float32


def read_qrels(source: str | Path | Numbered, queries: Catalog, items: Catalog) -> Links:
    """A judgement file (or numbered lines) as links with grades.

    Refused, all mistakes together with their lines: other than four columns, a header, a grade that is negative or no whole number,
    a pair judged twice, unknown queries or items.
    """
    name, numbered = _lines(source)
    mistakes: list[tuple[int, str]] = []
    found: dict[tuple[str, str], int] = {}
    for number, line in numbered:
        parts = line.split()
        fault = _grade_fault(parts, number)
        if not fault and (parts[0], parts[2]) in found:
            fault = f"query {parts[0]!r} and item {parts[2]!r} are judged twice"
        if not fault and (parts[0] not in _ids(queries) or parts[2] not in _ids(items)):
            fault = f"query {parts[0]!r} or item {parts[2]!r} is not in this collection"
        if fault:
            mistakes.append((number, fault))
        else:
            found[parts[0], parts[2]] = int(parts[3])
    _refuse(name, mistakes)
    return Links.qrels(queries, items, ((query, item, grade) for (query, item), grade in found.items()))


def write_qrels(truth: Links, path: str | Path) -> None:
    """Judgements as a file. Refused: ids with spaces, grades that are no whole numbers."""
    _refuse_spaces([*truth.left.id_list, *truth.right.id_list])
    if (truth.weight % 1 != 0).any():
        raise BadInput(f"judgement {int(np.argmax(truth.weight % 1 != 0))} has a grade that is no whole number; trec_eval takes none")
    with Path(path).open("w", encoding="utf-8") as file:
        for (query, item), grade in zip(truth.pairs(), truth.weight, strict=True):
            file.write(f"{query} 0 {item} {int(grade)}\n")


def _take_hit(parts: list[str], found: dict[str, dict[str, float]]) -> str:
    """Take one line in, or say what is wrong with it."""
    if len(parts) != 6:
        return f"expected the six columns 'query Q0 item rank score tag', got {len(parts)}; ids must not hold spaces"
    query, _, item, rank, text, _ = parts
    score = _number(text)
    if score is None or not math.isfinite(score) or abs(score) > 3e38:
        return f"the score {text!r} is not a finite number"
    if _number(rank) is None:
        return f"the rank {rank!r} is not a number"
    held = found.setdefault(query, {})
    if item in held:
        return f"item {item!r} stands twice for query {query!r}"
    before = next(reversed(held.values()), math.inf)
    held[item] = score
    return f"the score rises from {before:g} to {score:g} within query {query!r}; sort the run by score" if score > before else ""


def _grade_fault(parts: list[str], number: int) -> str:
    if len(parts) != 4:
        hint = "; this looks like a header or the BEIR layout, which read_beir reads" if number == 1 and len(parts) == 3 else ""
        return f"expected the four columns 'query 0 item grade', got {len(parts)}{hint}"
    try:
        grade = int(parts[3])
    except ValueError:
        return f"the grade {parts[3]!r} is not a whole number" + ("; take the header out" if number == 1 else "")
    return "" if grade >= 0 else f"the grade {grade} is negative"


def _as_hits(found: dict[str, dict[str, float]], queries: Catalog, items: Catalog) -> Hits:
    width = max(map(len, found.values()), default=0)
    rows, scores = np.full((len(queries), width), -1, np.int32), np.full((len(queries), width), -np.inf, np.float32)
    for query, held in found.items():
        place = _ids(queries)[query]
        rows[place, : len(held)] = [_ids(items)[item] for item in held]
        scores[place, : len(held)] = list(held.values())
    return best(scores, width, rows=rows, queries=queries, items=items)


def _ids(things: Catalog) -> dict[str, int]:
    """Id -> row, made once a catalogue."""
    held: dict[str, int] | None = things.__dict__.get("_rows_by_id")
    if held is None:
        held = things.__dict__["_rows_by_id"] = {name: row for row, name in enumerate(things.id_list)}
    return held


def _lines(source: str | Path | Numbered) -> tuple[str, Iterator[tuple[int, str]]]:
    """A name for messages, and the lines that hold something."""
    named = isinstance(source, str | Path)
    numbered = files.lines(Path(source)) if isinstance(source, str | Path) else source
    return (str(source) if named else "the run"), ((number, line) for number, line in numbered if line.strip())


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _refuse(name: str, mistakes: list[tuple[int, str]]) -> None:
    if mistakes:
        shown = "\n".join(f"  line {number}: {fault}" for number, fault in mistakes[:_SHOWN])
        more = f"\n  and {len(mistakes) - _SHOWN} more" if len(mistakes) > _SHOWN else ""
        raise BadInput(f"{name}: {len(mistakes)} lines are wrong:\n{shown}{more}")


def _refuse_spaces(names: Iterable[str]) -> None:
    spaced = [name for name in names if len(name.split()) != 1]
    if spaced:
        raise BadInput(f"ids and tags in a TREC file hold no spaces and are not empty; {spaced[0]!r} ({len(spaced)} such) is refused")
