"""Each refiner against its formula in plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from nearkin.errors import BadInput
from nearkin.refiners.boost import AddNumber, MultiplyNumber, PreferCategory
from nearkin.refiners.cut import Cut
from nearkin.refiners.diversify import Diversify
from nearkin.refiners.exclude import Exclude
from nearkin.tables import Catalog, Hits, Vectors, best

ITEMS = Catalog.of([f"i{row}" for row in range(20)], stars=[None, *range(1, 20)], kind=["shoe", "hat"] * 10)


def found(seed: int = 0, queries: Catalog | None = None) -> Hits:
    scores = np.random.default_rng(seed).random((6, 20)).astype(np.float32)
    return best(scores, 12, queries=queries, items=ITEMS)


def test_exclude_leaves_out_the_history_and_the_given_ids():
    people = Catalog.histories([["i1", "i2"], [], ["i5", "other"], ["i0"], ["i7"], ["i7", "i7"]])
    hits = found(queries=people)
    kept = Exclude(ids=("i9",))(hits)
    for query, history in enumerate(people["history"]):
        assert [hit.item for hit in kept.of(query)] == [hit.item for hit in hits.of(query) if hit.item not in {*history, "i9"}]


def test_exclude_asks_for_a_history():
    hits = found(queries=Catalog.of(list("abcdef"), title=list("abcdef")))
    with pytest.raises(BadInput, match="history field"):
        Exclude()(hits)
    assert len(Exclude(ids=("i1",), seen=False)(hits)) == 6
    with pytest.raises(BadInput, match="know their queries"):
        Exclude()(found())


@pytest.mark.parametrize(("least", "share"), [(0.5, 0.0), (None, 0.8), (0.9, 0.95), (None, 0.0)])
def test_cut_ends_lists_where_scores_are_too_low(least, share):
    hits = found()
    cut = Cut(least=least, share=share)(hits)
    for query in range(6):
        top = hits.scores[query, 0]
        wanted = [hit.item for hit in hits.of(query) if (least is None or hit.score >= least) and hit.score >= share * top]
        assert [hit.item for hit in cut.of(query)] == wanted


def test_cut_refuses_a_share_above_one():
    with pytest.raises(BadInput, match=r"\[0, 1\]"):
        Cut(share=1.5)


def marginal(hits: Hits, query: int, vectors: np.ndarray, balance: float, k: int) -> list[int]:
    """Maximal marginal relevance, hit by hit."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    rows, scores = hits.rows[query].tolist(), hits.scores[query]
    relevance = {row: (score - scores.min()) / (scores.max() - scores.min()) for row, score in zip(rows, scores)}
    chosen: list[int] = []
    while len(chosen) < min(k, len(rows)):
        near = {row: max((float(unit[row] @ unit[other]) for other in chosen), default=0.0) for row in rows}
        chosen.append(max((row for row in rows if row not in chosen), key=lambda r: (balance * relevance[r] - (1 - balance) * near[r], -r)))
    return chosen


@pytest.mark.parametrize("balance", [0.0, 0.3, 0.7, 1.0])
def test_diversify_is_maximal_marginal_relevance(balance):
    hits = found()
    vectors = np.random.default_rng(1).normal(size=(20, 5)).astype(np.float32)
    diverse = Diversify(vectors=Vectors(vectors), k=7, balance=balance)(hits)
    assert diverse.k == 7
    for query in range(6):
        assert diverse.rows[query].tolist() == marginal(hits, query, vectors, balance, 7)


def test_diversify_prefers_another_thing_to_a_twin():
    vectors = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    hits = best(np.array([[1.0, 0.9, 0.5]]), 3, queries=None, items=None)
    assert Diversify(vectors=Vectors(vectors), k=2, balance=0.5)(hits).rows.tolist() == [[0, 2]]
    with pytest.raises(BadInput, match="another catalogue"):
        Diversify(vectors=Vectors(vectors[:2]))(hits)


def test_numbers_are_added_and_multiplied():
    hits, stars = found(), [0, *range(1, 20)]
    added, lifted = AddNumber(field="stars", weight=0.1)(hits), MultiplyNumber(field="stars", missing=0.0)(hits)
    for query in range(6):
        pairs = [(row, score) for row, score in zip(hits.rows[query].tolist(), hits.scores[query])]
        assert added.rows[query].tolist() == [r for r, _ in sorted(pairs, key=lambda p: (-np.float32(p[1] + 0.1 * stars[p[0]]), p[0]))]
        assert lifted.rows[query].tolist() == [r for r, _ in sorted(pairs, key=lambda p: (-np.float32(p[1] * stars[p[0]]), p[0]))]


def test_a_category_is_preferred():
    hits = found()
    lifted = PreferCategory(field="kind", values=("hat",), factor=4.0)(hits)
    for query in range(6):
        scores = {row: score * (4 if row % 2 else 1) for row, score in zip(hits.rows[query].tolist(), hits.scores[query])}
        assert lifted.rows[query].tolist() == sorted(scores, key=lambda row: (-np.float32(scores[row]), row))


def test_boosts_refuse_what_cannot_be_boosted():
    with pytest.raises(BadInput, match="field of numbers"):
        AddNumber(field="kind")(found())
    with pytest.raises(BadInput, match="above 0"):
        PreferCategory(field="kind", values=("hat",), factor=0)(found())
    with pytest.raises(BadInput, match="do not know their items"):
        AddNumber(field="stars")(best(np.ones((1, 2)), 2, queries=None, items=None))
