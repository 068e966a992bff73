"""What every refiner promises, whichever it is."""

from __future__ import annotations

import numpy as np
import pytest

from nearkin.encoders.static_words import StaticWords
from nearkin.refiners.boost import AddNumber, MultiplyNumber, PreferCategory
from nearkin.refiners.cosine_adapter import CosineAdapter
from nearkin.refiners.cut import Cut
from nearkin.refiners.diversify import Diversify
from nearkin.refiners.edit_likeness import EditLikeness
from nearkin.refiners.exclude import Exclude
from nearkin.stage import Stage, top
from nearkin.tables import Catalog, Hits, Links, Vectors, best

RANDOM = np.random.default_rng(0)
ITEMS = Catalog.of(
    [f"i{row}" for row in range(30)],
    price=[None if row == 4 else float(row % 7) for row in range(30)],
    kind=[["red", "blue"] if row % 3 else ["red"] for row in range(30)],
    title=[f"shoe {row} {'red' * (row % 3)}" for row in range(30)],
)
PEOPLE = Catalog.histories([[f"i{row}" for row in RANDOM.permutation(30)[:5]] for _ in range(12)]).with_fields(
    {"name": "text"},
    name=[f"{word} shoe" for word in ("red", "green", "old", "big", "small", "cheap", "warm", "light", "soft", "new", "a", "")],
)
VECTORS = Vectors(RANDOM.normal(size=(30, 6)).astype(np.float32), ITEMS)


def found(queries: int = 12, k: int = 10) -> Hits:
    """Random hits, some lists short and one empty."""
    scores = RANDOM.random((queries, 30)).astype(np.float32)
    scores[::3, 4:] = -np.inf
    scores[-1:] = -np.inf
    return best(scores, k, queries=PEOPLE.take(np.arange(queries)), items=ITEMS)


def adapter() -> CosineAdapter:
    hits = found()
    some = Links(PEOPLE, ITEMS, *np.divmod(np.arange(0, 360, 3), 30), weight=(np.arange(120) % 2).astype(np.float32))
    return CosineAdapter(encoder=StaticWords(), dim=2, hidden=2).fit(hits, some)


REFINERS = {
    "edit likeness": EditLikeness(query_fields=("name",), item_fields=("title",)),
    "exclude": Exclude(ids=("i3", "gone")),
    "cosine adapter": adapter(),  # CosineAdapter(...), fitted
    "cut": Cut(least=0.4, share=0.5),
    "diversify": Diversify(vectors=VECTORS, k=8, balance=0.5),
    "add": AddNumber(field="price", weight=0.3),
    "multiply": MultiplyNumber(field="price", power=0.5),
    "prefer": PreferCategory(field="kind", values=("blue",), factor=3.0),
    "top": top(4),
}


@pytest.fixture(params=REFINERS)
def refiner(request):
    return REFINERS[request.param]


def test_only_given_hits_come_back_and_each_once(refiner):
    hits = found()
    refined = refiner(hits)
    assert len(refined) == len(hits)
    for query in range(len(hits)):
        before, after = hits.rows[query][hits.rows[query] >= 0], refined.rows[query][refined.rows[query] >= 0]
        assert set(after) <= set(before)
        assert len(set(after)) == len(after)
    assert refined.items is hits.items
    assert refined.queries is hits.queries


def test_one_query_at_a_time_is_all_at_once(refiner):
    hits = found()
    together = refiner(hits)
    for query in range(len(hits)):
        alone = refiner(hits.take([query]))
        np.testing.assert_array_equal(alone.rows[0], together.rows[query])
        np.testing.assert_allclose(alone.scores[0], together.scores[query], rtol=1e-6)


def test_the_same_hits_give_the_same_answer_and_are_not_changed(refiner):
    hits = found()
    rows, scores = hits.rows.copy(), hits.scores.copy()
    np.testing.assert_array_equal(refiner(hits).rows, refiner(hits).rows)
    np.testing.assert_array_equal(hits.rows, rows)
    np.testing.assert_array_equal(hits.scores, scores)


def test_no_queries_and_no_places_are_no_error(refiner):
    assert len(refiner(found().take(np.empty(0, int)))) == 0
    assert refiner(found().top(0)).k == 0


def test_a_saved_refiner_refines_alike(refiner, tmp_path):
    refiner.save(tmp_path / "refiner")
    hits = found()
    np.testing.assert_array_equal(Stage.load(tmp_path / "refiner")(hits).rows, refiner(hits).rows)
