"""Stages side by side: shared beginnings run once, figures equal the metrics, intervals and p-values tell chance from difference."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from nearkin import worlds
from nearkin.errors import BadInput
from nearkin.evaluation import MatchTask, NextItemTask, SearchTask, check_leaks, evaluate, evaluate_task
from nearkin.metrics import matching, next_item, retrieval
from nearkin.stage import Encoder, Recommender, top
from nearkin.tables import Catalog, Hits, Links, Vectors, best
from tests.recipes.toy import Chance, Letters, Nearest

WORLD = worlds.twins(pairs=40)


@dataclass(frozen=True, kw_only=True, eq=False)
class Counted(Encoder):
    """An encoder that counts its calls."""

    inner: Encoder
    calls: list[int] = field(default_factory=list)

    def __call__(self, catalog: Catalog) -> Vectors:
        self.calls.append(len(catalog))
        return self.inner(catalog)


@dataclass(kw_only=True)
class Ring(Recommender):
    """The next items after the last one, by row; with `seen` also those that the user had."""

    k: int = 10
    items: Catalog
    seen: bool = False

    def fit(self, interactions: Links) -> Ring:
        return self

    def __call__(self, people: Catalog, /, *, keep: np.ndarray | None = None) -> Hits:
        offsets, rows = people.history_rows(self.items)
        last = rows[offsets[1:] - 1]
        ahead = (np.arange(len(self.items))[None] - last[:, None] - 1) % len(self.items)
        had = np.zeros(ahead.shape)
        had[np.repeat(np.arange(len(people)), np.diff(offsets)), rows] = 1000 * self.seen
        return best(had - ahead, self.k, queries=people, items=self.items)

    def score(self, people: Catalog, rows: np.ndarray, /) -> np.ndarray:
        raise NotImplementedError


@pytest.fixture(scope="module")
def report():
    letters, chance = Letters(), Chance()
    stages = {
        "chance": chance >> Nearest(items=Chance(seed=9)(WORLD.items)) >> top(3),
        "letters": letters >> Nearest(items=letters(WORLD.items)),
        "again": letters >> Nearest(items=letters(WORLD.items)),
    }
    return evaluate(stages, WORLD, metrics=("nDCG@10", "RR"))


def test_figures_are_the_metrics_of_the_hits_with_enough_of_them(report):
    letters = Letters()
    hits = (letters >> Nearest(items=letters(WORLD.items), k=10))(WORLD.queries)
    assert np.array_equal(report.values["letters"]["nDCG@10"].values, retrieval.per_query(hits, WORLD.truth)["nDCG@10"])
    assert report.units == 40


def test_a_clear_difference_is_told_from_none(report):
    row = report.of("letters", "nDCG@10")
    assert 0 < row.low < row.difference < row.high
    assert row.p <= row.p_holm < 0.001
    assert report.of("chance", "RR").difference is None


def test_a_shared_beginning_runs_once():
    letters = Counted(inner=Letters())
    index = Nearest(items=letters.inner(WORLD.items))
    evaluate({"one": letters >> index, "two": letters >> Nearest(items=index.items), "three": letters >> index}, WORLD)
    assert letters.calls == [40]


def test_the_report_is_written_for_people_papers_pages_and_programs(report, tmp_path):
    assert "| letters |" in report.to_markdown()
    assert r"\toprule" in report.to_latex()
    assert r"95 \%" in report.to_latex()
    assert report.to_html().count("<tr>") == 4
    held = json.loads(report.to_json())
    assert len(held["values"]["again"]["RR"]) == 40
    assert held["seconds"]["letters"] > 0
    report.save_png(tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_only_queries_with_a_relevant_item_are_asked():
    truth = Links(WORLD.queries, WORLD.items, np.array([3, 5, 5]), np.array([3, 5, 6]), weight=np.array([0, 1, 0]))
    assert SearchTask(data=replace(WORLD, truth=truth)).queries.id_list == ["query5"]


def test_next_item_asks_everything_before_the_last_and_masks_what_was_seen():
    data = worlds.cycles(users=50, circles=1, length=30, steps=8)
    task = NextItemTask(data=data)
    for seen in (False, True):
        report = evaluate_task({"ring": Ring(items=data.items, seen=seen, k=5)}, task)
        assert report.mean("ring", "Recall@10") == 1
        assert report.mean("ring", "NDCG@10") == 1
    repeats = evaluate_task({"ring": Ring(items=data.items, seen=True)}, NextItemTask(data=data, repeats=True))
    assert repeats.mean("ring", "NDCG@10") < 0.4
    assert len(task.training().interactions) == 50 * 6
    assert len(task.training().train_truth) == 50


def test_next_item_counts_ties_against_the_model():
    hits = best(np.zeros((1, 4), np.float32), 4, queries=None, items=None)
    assert next_item.ranks(hits, np.array([0])).tolist() == [4]


def test_matching_is_measured_over_pairs():
    data = worlds.two_lists(left=20, right=30)
    letters = Letters()
    stage = letters >> Nearest(items=letters(data.items), k=1)
    report = evaluate({"nearest": stage}, data, task="match")
    pairs = stage(data.queries).to_links()
    assert report.mean("nearest", "F1") == pytest.approx(matching.f1(pairs, data.truth))
    assert report.mean("nearest", "precision") == pytest.approx(matching.precision(pairs, data.truth))


def test_leaks_are_refused():
    with pytest.raises(BadInput, match="pairs both train and test"):
        check_leaks(SearchTask(data=replace(WORLD, train_truth=WORLD.truth.take(np.array([0])))))
    other = Links(WORLD.queries, WORLD.items, np.array([0]), np.array([9]))
    with pytest.raises(BadInput, match="queries both train and test"):
        evaluate({"any": top(3)}, replace(WORLD, train_truth=other))
    check_leaks(MatchTask(data=replace(WORLD, train_truth=other)))
    twice = Links.interactions(
        Catalog.of(["u"], name=["x"]),
        WORLD.items,
        np.array(["u"] * 4),
        np.array(["item1", "item2", "item3", "item3"]),
        time=np.array([1, 2, 3, 3]),
    )
    with pytest.raises(BadInput, match="stand in two parts"):
        check_leaks(NextItemTask(data=replace(WORLD, interactions=twice)))


def test_unknown_tasks_metrics_and_empty_comparisons_are_refused():
    letters = Letters()
    stage = letters >> Nearest(items=letters(WORLD.items))
    with pytest.raises(BadInput, match="at least one stage"):
        evaluate({}, WORLD)
    with pytest.raises(BadInput, match="no task 'chess'"):
        evaluate({"a": stage}, WORLD, task="chess")
    with pytest.raises(BadInput, match="use F1"):
        evaluate({"a": stage}, WORLD, ["nDCG@3"], task="match")
    with pytest.raises(BadInput, match="has no interactions"):
        evaluate({"a": stage}, WORLD, task="next-item")
    with pytest.raises(BadInput, match="next item"):
        NextItemTask(data=worlds.cycles(users=9)).measure(best(np.zeros((9, 2)), 2, queries=None, items=None), ["AP"])
