import json
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearkin.errors import BadInput, NotFitted, StageError
from nearkin.stage import Encoder, Memo, Pipeline, Searcher, Stage, fitted, fuse, learned, scaled, top, union
from nearkin.tables import Catalog, Hits, Vectors, best

ITEMS = Catalog.of(list("abcdef"))


@dataclass(frozen=True, kw_only=True, eq=False)
class Fixed(Searcher):
    """Answers every query with the same scores."""

    scores: tuple[float, ...]
    k: int = 3
    takes = Catalog

    def __call__(self, queries, /, *, keep=None):
        scores = np.where(keep, self.scores, -np.inf) if keep is not None else np.array(self.scores)
        return best(np.tile(scores, (len(queries), 1)), self.k, queries=queries, items=ITEMS)

    def score(self, queries, rows, /):
        return np.where(rows >= 0, np.array(self.scores)[rows], -np.inf).astype(np.float32)


@dataclass(eq=False)
class Counting(Encoder):
    calls: int = 0

    def __call__(self, catalog):
        self.calls += 1
        return Vectors(np.ones((len(catalog), 2), np.float32), catalog)


@dataclass(kw_only=True, eq=False)
class Learner(Stage):
    takes, gives = Catalog, Catalog
    seen_: np.ndarray | None = learned()

    def __call__(self, table):
        return fitted(self) and table


QUERIES = Catalog.of(text=["one", "two"])
A, B = Fixed(scores=(6, 5, 4, 3, 2, 1)), Fixed(scores=(0, 0, 0, 10, 20, 15))


def test_tables_that_do_not_meet_are_refused_at_once():
    with pytest.raises(StageError, match="gives Vectors, but Fixed takes Catalog"):
        Counting() >> A


def test_a_cut_is_fused_into_the_search_before_it_and_nothing_is_mutated():
    pipeline = A >> top(2)
    assert [type(stage) for stage in pipeline.stages] == [Fixed]
    assert pipeline.stages[0].k == 2
    assert A.k == 3
    assert (A >> top(9)).stages[0].k == 3
    assert pipeline(QUERIES).rows.tolist() == [[0, 1], [0, 1]]


def test_joining_is_associative():
    left, right = (A >> top(2)) >> top(1), A >> (top(2) >> top(1))
    assert left(QUERIES).rows.tolist() == right(QUERIES).rows.tolist() == [[0], [0]]


def test_reciprocal_ranks_by_hand():
    hits = fuse(A, B, by="rrf", weights=(1, 3))(QUERIES)
    want = {0: 0.25 / 61, 1: 0.25 / 62, 2: 0.25 / 63, 4: 0.75 / 61, 5: 0.75 / 62, 3: 0.75 / 63}
    ordered = sorted(want, key=lambda row: (-want[row], row))
    assert hits.rows[0].tolist() == ordered
    np.testing.assert_allclose(hits.scores[0], [want[row] for row in ordered], rtol=1e-6)


@given(st.sampled_from(["minmax", "zscore"]), st.floats(0, 1))
def test_score_fusion_equals_a_loop_over_the_union(by, weight):
    hits = fuse(A, B, by=by, weights=(1 - weight, weight))(QUERIES)
    rows = [0, 1, 2, 3, 4, 5]
    total = np.zeros(6)
    for share, branch in ((1 - weight, A), (weight, B)):
        each = np.array([branch.scores[row] for row in rows], float)
        low, spread = (each.min(), np.ptp(each)) if by == "minmax" else (each.mean(), each.std())
        total += share * (each - low) / spread
    want = sorted(rows, key=lambda row: (-np.float32(total[row]), row))
    np.testing.assert_allclose(hits.scores[0], np.sort(total)[::-1], atol=1e-5)
    np.testing.assert_allclose(total[hits.rows[0]], total[want], atol=1e-5)


def test_fusion_passes_the_filter_on_and_scores_only_what_is_kept():
    keep = np.array([False, True, True, False, False, True])
    assert set(fuse(A, B, by="minmax")(QUERIES, keep=keep).rows[0].tolist()) == {1, 2, 5}


def test_parts_sum_to_the_score():
    fusion = fuse(A, B, by="zscore", weights=(2, 1))
    rows = np.array([[0, 3, 5, -1]] * 2)
    np.testing.assert_allclose(fusion.parts(QUERIES, rows).sum(0)[:, :3], fusion.score(QUERIES, rows)[:, :3])


def test_equal_scores_scale_to_zero_and_pads_stay_out():
    there = np.array([[True, True, False]])
    assert scaled(np.array([[7.0, 7.0, np.nan]]), there, "minmax").tolist() == [[0, 0, 0]]
    assert scaled(np.array([[1.0, 3.0, -np.inf]]), there, "minmax").tolist() == [[0, 1, 0]]


def test_union_names_each_row_once():
    a = Hits(np.array([[5, 1, -1]]), np.array([[3, 2, 0]], np.float32), None, None)
    b = Hits(np.array([[1, 0, 5]]), np.array([[3, 2, 1]], np.float32), None, None)
    assert union([a, b]).tolist() == [[0, 1, 5]]


@pytest.mark.parametrize("weights", [(1,), (-1, 2), (0, 0)])
def test_bad_weights_are_refused(weights):
    with pytest.raises(BadInput, match="weights"):
        fuse(A, B, weights=weights)


def test_a_fusion_needs_the_same_table():
    with pytest.raises(StageError, match="one table"):
        fuse(A, Counting())


def test_a_shared_prefix_runs_once():
    encoder, memo = Counting(), Memo()
    first, second = Pipeline((encoder,)), Pipeline((encoder,))
    memo.run(first, QUERIES)
    memo.run(second, QUERIES)
    assert encoder.calls == 1


def test_an_unfitted_stage_says_what_to_call():
    with pytest.raises(NotFitted, match=r"Learner has not been fitted; call \.fit"):
        Learner()(QUERIES)


def test_a_filter_on_a_pipeline_that_does_not_search_is_refused():
    with pytest.raises(StageError, match="no stage of this pipeline searches"):
        Pipeline((Counting(),))(QUERIES, keep=np.ones(2, bool))


def test_only_parts_of_nearkin_are_written(tmp_path):
    with pytest.raises(BadInput, match="only dataclass stages of nearkin"):
        A.save(tmp_path / "stage")
    assert list(tmp_path.iterdir()) == []


def test_a_stage_comes_back_as_it_was(tmp_path):
    pipeline = top(3) >> top(2)
    pipeline.save(tmp_path / "stage")
    assert Stage.load(tmp_path / "stage").stages == pipeline.stages


def test_an_existing_folder_is_not_overwritten(tmp_path):
    top(3).save(tmp_path / "stage")
    with pytest.raises(BadInput, match="exists already"):
        top(4).save(tmp_path / "stage")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": 99}, "newer nearkin"),
        ({"stage": {"is": 1, "part": "os:system", "settings": {}, "learned": {"dict": {}}}}, "no part of nearkin"),
        ({"stage": {"is": 1, "part": "nearkin.errors:BadInput", "settings": {}, "learned": {"dict": {}}}}, "is no stage"),
        ({"stage": {"is": 1, "part": "nearkin.gone:Part", "settings": {}, "learned": {"dict": {}}}}, "has no part"),
        ({"stage": {"is": 1, "part": "nearkin.stage.pipeline:Top"}}, "damaged"),
        ({"format": None}, "not a stage"),
    ],
)
def test_a_damaged_or_hostile_folder_is_refused(tmp_path, change, says):
    top(3).save(tmp_path / "stage")
    spec = json.loads((tmp_path / "stage/stage.json").read_text()) | change
    (tmp_path / "stage/stage.json").write_text(json.dumps(spec))
    with pytest.raises(BadInput, match=says):
        Stage.load(tmp_path / "stage")
