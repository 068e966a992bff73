"""A leaderboard that lives in a folder: hand in a run, have it checked and scored, see where it stands."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from nearkin.errors import BadInput, listed
from nearkin.evaluation.evaluation import compared
from nearkin.evaluation.report import Row
from nearkin.evaluation.tasks import Scores, SearchTask
from nearkin.readers.trec import read_run
from nearkin.tables import Data

_NAME = re.compile(r"[\w][\w .+-]{0,59}")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One run that was handed in: who, for what task, its digest, its mean scores, and every query's own."""

    system: str
    task: str
    digest: str
    scores: Mapping[str, float]
    per_query: Mapping[str, list[float]]


@dataclass(frozen=True, kw_only=True)
class Leaderboard:
    """Runs over several tasks, kept as JSON files in `folder`, one a run and named by its digest.

    tasks: data sets with judgements, by their names. The same file for the same system and task is taken once, however often it is
    handed in; another file takes the place of the earlier one. Refused: unknown tasks, odd names, files beyond the limits, and
    whatever `read_run` refuses, with line numbers.
    """

    folder: Path
    tasks: tuple[Data, ...]
    metrics: tuple[str, ...] = ("nDCG@10", "Recall@100")
    most_bytes: int = 64 << 20
    most_hits: int = 1000  # hits a query
    searches_: dict[str, SearchTask] = field(default_factory=dict, init=False, repr=False, compare=False)

    def submit(self, system: str, task: str, run: str | Path | bytes) -> Entry:
        """Check, score and keep a run: a file's path, or what it holds."""
        if not _NAME.fullmatch(system):
            raise BadInput(f"a system's name has 1 to 60 letters, digits, spaces or . + - _, got {system[:80]!r}")
        search, content = self._search(task), self._content(run)
        digest = blake2b(b"\0".join([system.encode(), task.encode(), content]), digest_size=16).hexdigest()
        path = self.folder / f"{digest}.json"
        if path.exists():
            return _read(path)
        entry = self._scored(system, search, content, digest)
        for older in [each for each in self.entries() if (each.system, each.task) == (system, task)]:
            (self.folder / f"{older.digest}.json").unlink()
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(asdict(entry)), encoding="utf-8")
        draft.replace(path)
        return entry

    def entries(self) -> list[Entry]:
        """All runs, by system and task."""
        found = [_read(path) for path in self.folder.glob("*.json")] if self.folder.exists() else []
        return sorted(found, key=lambda each: (each.system, each.task))

    def ranking(self) -> list[tuple[str, float | None, dict[str, float]]]:
        """Systems with their mean over all tasks (None while a task is missing) and by task, best first; the first metric counts."""
        held: dict[str, dict[str, float]] = {}
        for entry in self.entries():
            held.setdefault(entry.system, {})[entry.task] = entry.scores[self.metrics[0]]
        rows = [(name, float(np.mean(list(by.values()))) if len(by) == len(self.tasks) else None, by) for name, by in held.items()]
        return sorted(rows, key=lambda row: (row[1] is None, -(row[1] or 0), -len(row[2]), -sum(row[2].values()), row[0]))

    def compare(self, first: str, second: str, task: str) -> list[Row]:
        """Two systems on one task: difference of the second to the first with its interval and p-value, a row a metric."""
        held = {entry.system: entry for entry in self.entries() if entry.task == task}
        if lacking := [name for name in (first, second) if name not in held]:
            raise BadInput(f"no run of {listed(lacking)} for {task!r}; there are {listed(held)}")
        pairs = {name: {metric: np.array(held[name].per_query[metric]) for metric in self.metrics} for name in (first, second)}
        scores = {
            metric: {name: Scores(values[metric], np.ones(len(values[metric]))) for name, values in pairs.items()}
            for metric in self.metrics
        }
        return [compared(by_system, metric)[-1] for metric, by_system in scores.items()]

    def page(self) -> str:
        """The ranking and a chart a task as one HTML page that needs nothing else."""
        names = [data.name for data in self.tasks]
        head = "".join(f"<th>{escape(name)}</th>" for name in ["", "system", "mean", *names])
        body = [_line(place, *row, names) for place, row in enumerate(self.ranking(), 1)]
        charts = [_chart(name, [(system, by[name]) for system, _, by in self.ranking() if name in by]) for name in names]
        return _PAGE.format(metric=escape(self.metrics[0]), head=head, body="\n".join(body), charts="\n".join(charts))

    def _search(self, task: str) -> SearchTask:
        held = {data.name: data for data in self.tasks}
        if task not in held:
            raise BadInput(f"no task {task!r} on this leaderboard; there are {listed(held, 30)}")
        if task not in self.searches_:
            self.searches_[task] = SearchTask(data=held[task])
        return self.searches_[task]

    def _content(self, run: str | Path | bytes) -> bytes:
        size = len(run) if isinstance(run, bytes) else Path(run).stat().st_size if Path(run).is_file() else -1
        if size < 0:
            raise BadInput(f"{run}: no such file; name a run file")
        if size > self.most_bytes:
            raise BadInput(f"the run has {size:,} bytes, at most {self.most_bytes:,} are taken; keep fewer hits a query")
        return run if isinstance(run, bytes) else Path(run).read_bytes()

    def _scored(self, system: str, search: SearchTask, content: bytes, digest: str) -> Entry:
        try:
            lines = content.decode("utf-8").splitlines()
        except UnicodeDecodeError as error:
            place = content.count(b"\n", 0, error.start) + 1
            raise BadInput(f"line {place}: the run is not UTF-8 text") from error
        assert search.data.queries is not None
        hits = read_run(enumerate(lines, 1), search.data.queries, search.data.items)
        if hits.k > self.most_hits:
            raise BadInput(f"a query has {hits.k:,} hits, at most {self.most_hits:,} are taken; keep the first ones")
        found = search.measure(hits.take(search.data.queries.rows_of(search.queries.ids)), self.metrics)
        scores = {metric: each.mean for metric, each in found.items()}
        values = {metric: each.values.tolist() for metric, each in found.items()}
        return Entry(system=system, task=search.data.name, digest=digest, scores=scores, per_query=values)


def main(arguments: Sequence[str]) -> int:
    """FOLDER SYSTEM SET RUN-FILE: hand in a run, print the ranking, and write FOLDER/index.html.

    The tasks are the reference collections that are here; status 1 where the run is refused, with its lines on stderr.
    """
    if len(arguments) != 4:
        print("usage: python -m nearkin.recipes.leaderboard FOLDER SYSTEM SET RUN-FILE", file=sys.stderr)
        return 2
    from nearkin.data import available, load
    from nearkin.recipes.card import cards

    board = Leaderboard(folder=Path(arguments[0]), tasks=tuple(load(name) for name in cards()["brewing-beir"].data if name in available()))
    try:
        board.submit(arguments[1], arguments[2], arguments[3])
    except BadInput as error:
        print(error, file=sys.stderr)
        return 1
    (board.folder / "index.html").write_text(board.page(), encoding="utf-8")
    for place, (system, mean, by) in enumerate(board.ranking(), 1):
        print(place, system, "" if mean is None else f"{mean:.4f}", *(f"{task}={score:.4f}" for task, score in by.items()), sep="\t")
    return 0


def _read(path: Path) -> Entry:
    held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Entry(**held)


def _line(place: int, system: str, mean: float | None, by: Mapping[str, float], names: list[str]) -> str:
    cells = [
        str(place),
        escape(system),
        "" if mean is None else f"{mean:.4f}",
        *(f"{by[name]:.4f}" if name in by else "" for name in names),
    ]
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _chart(task: str, scores: list[tuple[str, float]]) -> str:
    """Bars of one task, best first."""
    bars = [
        f'<rect x="180" y="{20 * row}" width="{400 * max(score, 0):.1f}" height="14"/><text x="172" y="{20 * row + 12}" '
        f'text-anchor="end">{escape(system)}</text><text x="{186 + 400 * max(score, 0):.1f}" y="{20 * row + 12}">{score:.4f}</text>'
        for row, (system, score) in enumerate(sorted(scores, key=lambda each: -each[1]))
    ]
    return f'<h2>{escape(task)}</h2>\n<svg width="660" height="{20 * len(bars)}" role="img">{"".join(bars)}</svg>'


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Leaderboard</title>
<style>body{{font:15px/1.5 sans-serif;margin:2rem}}
td,th{{padding:.2rem .8rem;text-align:right}}
rect{{fill:#4477aa}}svg text{{font-size:12px}}</style>
<h1>Leaderboard</h1><p>{metric}; a mean is given once a system has a run for every task.</p>
<table><tr>{head}</tr>
{body}
</table>
{charts}
</html>
"""


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
