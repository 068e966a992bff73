"""Run a paper: fit its method and its rivals on the card's data, compare them, and keep the proof."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from nearkin.errors import BadInput
from nearkin.evaluation.machine import machine, versions
from nearkin.evaluation.tasks import Scores, Task, task_of
from nearkin.recipes.contract import Curve, Measured, Measures, Recipe, recipe
from nearkin.recipes.proof import Proof, compared, verdict_of
from nearkin.stage import Memo
from nearkin.tables import Data


def reproduce(
    name: str | Recipe,
    data: str | Data | Sequence[str | Data] | None = None,
    *,
    tiny: bool = False,
    seeds: Sequence[int] | None = None,
    folder: str | Path | None = "proofs",
) -> Proof:
    """The method and its rivals on the card's data (or the sets named), with the card's seeds (or these), as a `Proof`.

    Written to `folder` (None: nowhere): NAME.json, and NAME.png where the recipe gives curves; on other data NAME-DATA.json; `tiny`
    runs the recipe's small world with its small settings and writes nothing. Values are averaged over the seeds unit by unit before
    the bootstrap over units. `name` may also be a checked module of your own, `Recipe(name=, module=)`.
    Cost: that of the recipe, once a seed and set. Refused: unknown names, sets that lack what the task needs.
    """
    paper = recipe(name) if isinstance(name, str) else name
    sets = _sets(paper, data, tiny)
    started, found = time.perf_counter(), {}
    for each in sets:
        found[each.name] = measured(paper, each, tiny=tiny, seeds=tuple(seeds or paper.card.seeds))
    lines = tuple(line for each, got in found.items() for one in got.measured for line in compared(paper.card, each, one))
    proof = Proof(
        name=paper.name if data is None else "-".join([paper.name, *found]),
        card=paper.card,
        lines=lines,
        verdict=verdict_of(lines, _judged(found.values())),
        figures=_figures(found),
        data={each.name: each.fingerprint for each in sets},
        settings=asdict(paper.settings(tiny=tiny)),
        seconds={"all": time.perf_counter() - started},
        versions=versions(),
        machine=machine(),
        command=shlex.join(["nearkin", "reproduce", paper.name, *([] if data is None else ["--data", ",".join(found)])]),
    )
    if folder is not None and not tiny:
        path = proof.write(Path(folder))
        draw([curve for got in found.values() for curve in got.curves], path.with_suffix(".png"))
    return proof


def _judged(runs: Iterable[Measures]) -> bool | None:
    """The recipe's own judgement over all runs, where it gives any."""
    given = [run.holds for run in runs if run.holds is not None]
    return all(given) if given else None


def _figures(found: Mapping[str, Measures]) -> dict[str, Any]:
    """Plain figures by name, with the set before the name where there are several."""
    several = len(found) > 1
    return {f"{data}: {name}" if several else name: value for data, got in found.items() for name, value in got.figures.items()}


def measured(paper: Recipe, data: Data, *, tiny: bool, seeds: Sequence[int]) -> Measures:
    """The recipe's own report where it has one, else the card's metrics; each seed in turn."""
    runs = [_one_seed(paper, data, paper.settings(tiny=tiny, seed=seed)) for seed in seeds]
    return runs[0] if len(runs) == 1 else _averaged(runs, seeds)


def draw(curves: Sequence[Curve], path: Path) -> None:
    """The curves side by side as a PNG; nothing where there are none."""
    if not curves:
        return
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * len(curves), 4), layout="constrained")
    for axes, curve in zip(np.ravel(figure.subplots(1, len(curves))), curves, strict=True):
        for label, (xs, ys) in curve.lines.items():
            axes.plot(xs, ys, marker="o", markersize=3, label=label)
        axes.set(title=curve.title, xlabel=curve.x, ylabel=curve.y, xscale="log" if curve.log_x else "linear")
        axes.legend(fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def _sets(paper: Recipe, data: str | Data | Sequence[str | Data] | None, tiny: bool) -> list[Data]:
    if data is None and tiny:
        return [paper.world()]
    wanted = [data] if isinstance(data, str | Data) else list(paper.card.data if data is None else data)
    if not wanted:
        raise BadInput(f"the card of {paper.name} names no data; say which set to take")
    from nearkin.data import load

    return [each if isinstance(each, Data) else load(each) for each in wanted]


def _one_seed(paper: Recipe, data: Data, settings: Any) -> Measures:
    if paper.report is not None:
        return paper.report(data, settings)
    task = task_of(paper.card.task, data)
    return Measures(measured=measure_stages(task, paper.stages(task.training(), settings), paper.card.metrics))


def measure_stages(task: Task, stages: Mapping[str, Any], metrics: Sequence[str]) -> list[Measured]:
    """Stages (the method under "ours") by the task's metrics; what a recipe's own `report` may start from. The first metric decides."""
    memo = Memo()
    found = {name: task.measure(task.answer(stage, metrics, memo), metrics) for name, stage in stages.items()}
    return [_measured(metric, found, metric == metrics[0]) for metric in metrics]


def _measured(metric: str, found: Mapping[str, Mapping[str, Scores]], decides: bool) -> Measured:
    return Measured(
        metric=metric,
        values={name: scores[metric].values for name, scores in found.items()},
        sizes={name: scores[metric].sizes for name, scores in found.items()},
        decides=decides,
    )


def _averaged(runs: Sequence[Measures], seeds: Sequence[int]) -> Measures:
    """Values and sizes averaged over seeds unit by unit; figures as lists over seeds; the curves of the first seed."""
    merged = []
    for same in zip(*(run.measured for run in runs), strict=True):
        sizes = None if same[0].sizes is None else {name: np.mean([one.sizes[name] for one in same], 0) for name in same[0].sizes}
        values = {name: np.mean([one.values[name] for one in same], 0) for name in same[0].values}
        merged.append(replace(same[0], values=values, sizes=sizes))
    figures = {name: [run.figures.get(name) for run in runs] for name in runs[0].figures} | {"seeds": list(seeds)}
    return Measures(measured=merged, figures=figures, curves=runs[0].curves, holds=_judged(runs))
