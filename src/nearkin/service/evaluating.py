"""The job `evaluate`: the stages of a collection and their fusion on judged queries, as a report that is kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from nearkin.collection import Collection
from nearkin.errors import BadInput
from nearkin.evaluation import Report, SearchTask, interval, verdicts
from nearkin.evaluation import evaluate as evaluated
from nearkin.service.judgements import Judgements, asked_of, known
from nearkin.service.reports import Reports
from nearkin.service.slices import sliced
from nearkin.service.state import State
from nearkin.service.view import ALL
from nearkin.tables import Catalog, Data, Links

Say = Callable[..., None]
DEPTHS = (1, 3, 10, 30, 100, 300)  # hits asked for, along the curve
REPEATS = 3
TIMED = 50  # queries that the curve is drawn over, one after another as they come to a service


def evaluate(shop: Collection, asked: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """Compare the stages on the queries sent, or on what people judged; the report's id, and its rows against the first stage."""
    state = State(shop.place)
    try:
        sent = asked.get("judgements") is not None
        told = asked if sent else asked_of(known(shop.catalog, None, Judgements(state).all()))
        data = _data(shop, told)
        names = shop.manifest.search
        stages = {name: shop.stage(name) for name in names} | ({} if len(names) == 1 else {ALL: shop.stage()})
        say(f"comparing {', '.join(stages)}", done=0, total=1 + len(stages))
        report = evaluated(stages, data, asked["metrics"])
        curve = [point for place, name in enumerate(stages, 1) for point in _followed(shop, data, name, place, len(stages), say)]
        summary = _summary(report, data, "sent" if sent else "kept", curve)
        kept = Reports(state).add(shop.version, summary, _by_query(report, data))
        say("done", done=1 + len(stages), total=1 + len(stages))
    finally:
        state.close()
    return {"report": kept, "rows": [asdict(row) for row in report.rows], "note": report.note, "version": shop.version}


def _data(shop: Collection, told: Mapping[str, Any]) -> Data:
    """Refused: nothing that fits, since no figure can then tell stages apart."""
    if not any(each["grade"] > 0 for each in told["judgements"]):
        raise BadInput("nothing was judged to fit any query yet; give hits a grade of 1 to 3, in the view compare or by PUT /v1/judgements")
    queries = Catalog.of([each["id"] for each in told["queries"]], text=[each["text"] for each in told["queries"]])
    truth = Links.qrels(queries, shop.catalog, [(each["query"], each["item"], each["grade"]) for each in told["judgements"]])
    return Data(name=shop.place.name, items=shop.catalog, queries=queries, truth=truth)


def _followed(shop: Collection, data: Data, name: str, place: int, stages: int, say: Say) -> list[dict[str, Any]]:
    say(f"timing {name}", done=place, total=1 + stages)
    return list(curve_of(shop, data, name))


def curve_of(shop: Collection, data: Data, name: str) -> Iterator[dict[str, Any]]:
    """Recall@k and the time of one query at each depth k: median and 95th percentile in milliseconds, over the first judged queries.

    A query's time is the fastest of three, so that what else the machine does meanwhile counts little.
    """
    task, stage = SearchTask(data=data), None if name == ALL else name
    queries = task.queries.take(np.arange(min(TIMED, len(task.queries))))
    shop.ranked(queries.take([0]), k=1, stage=stage)  # the first time loads what later ones find loaded
    for depth in (each for each in DEPTHS if each <= len(data.items) or each == 1):
        took_ms = [_fastest_ms(partial(shop.ranked, queries.take([row]), k=depth, stage=stage)) for row in range(len(queries))]
        recall = task.measure(shop.ranked(queries, k=depth, stage=stage), [f"Recall@{depth}"])[f"Recall@{depth}"]
        yield {
            "system": name, "k": depth, "recall": recall.mean, "queries": len(queries),
            "ms": round(float(np.median(took_ms)), 3), "p95_ms": round(float(np.quantile(took_ms, 0.95)), 3),
        }  # fmt: skip


def _fastest_ms(work: Callable[[], object]) -> float:
    took = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1e3)
    return min(took)


def _summary(report: Report, data: Data, source: str, curve: list[dict[str, Any]]) -> dict[str, Any]:
    assert data.truth is not None
    texts = SearchTask(data=data).queries.texts("text")
    return {
        "source": source,
        **_measured(report),
        "judgements": len(data.truth),
        "systems": list(report.values),
        "metrics": list(report.metrics),
        "slices": [{"name": name, **_measured(part)} for name, part in sliced(report, texts)],
        "curve": curve,
        "note": report.note,
    }


def _measured(report: Report) -> dict[str, Any]:
    """How many queries, each figure with its interval, and what they say of each pair of stages."""
    figures = []
    for metric in report.metrics:
        for system in report.values:
            low, high = interval(report, system, metric)
            figures.append({"metric": metric, "system": system, "mean": report.mean(system, metric), "low": low, "high": high})
    return {"queries": report.units, "figures": figures, "verdicts": [asdict(verdict) for verdict in verdicts(report)]}


def _by_query(report: Report, data: Data) -> dict[str, Any]:
    queries = SearchTask(data=data).queries
    values = {system: {metric: scores.values.tolist() for metric, scores in found.items()} for system, found in report.values.items()}
    return {"ids": queries.id_list, "texts": queries.texts("text"), "values": values}
