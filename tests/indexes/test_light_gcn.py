"""LightGCN: folding in is the graph's own arithmetic, negatives are negatives, the start is the graph's."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from nearkin import worlds  # noqa: E402
from nearkin.errors import BadInput  # noqa: E402
from nearkin.indexes import graph_fit  # noqa: E402
from nearkin.indexes.flat_index import FlatIndex  # noqa: E402
from nearkin.indexes.from_history import copied  # noqa: E402
from nearkin.indexes.graph_fit import PairBatches, _loss, _net, singular_vectors  # noqa: E402
from nearkin.indexes.light_gcn import LightGcn  # noqa: E402
from nearkin.layers.beside import NoisyViews  # noqa: E402
from nearkin.tables import Catalog, Links  # noqa: E402

LINKS = worlds.cycles(users=60, circles=5, noise=0.1, seed=3).interactions
SMALL = {"dim": 8, "epochs": 3, "pairs": 200, "lr": 0.02}


@pytest.fixture(scope="module")
def model() -> LightGcn:
    return LightGcn(**SMALL).fit(LINKS)


def test_a_history_that_was_learned_from_gives_the_vector_of_the_graph(monkeypatch):
    vectors = {}
    fitted = graph_fit._fitted

    def watched(net, links):
        vectors["all"] = net().detach().numpy()
        return fitted(net, links)

    monkeypatch.setattr(graph_fit, "_fitted", watched)
    model, people, linked = LightGcn(**SMALL).fit(LINKS), len(LINKS.left), np.unique(LINKS.right_rows)
    np.testing.assert_allclose(model.encode(LINKS.histories()).rows, vectors["all"][:people], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.item_vectors().rows[linked], vectors["all"][people:][linked], rtol=1e-4, atol=1e-5)


def test_somebody_new_is_the_known_one_without_what_was_learned_of_them(model):
    history = LINKS.histories()["history"][4]
    known, new = (model.encode(Catalog.histories([history], ids=[name])).rows[0] for name in ("u4", "nobody"))
    np.testing.assert_allclose(known - new, model.own_[4], rtol=1e-4, atol=1e-6)
    hits = model(Catalog.histories([history], ids=["nobody"]))
    assert (hits.rows >= 0).all()


def test_having_something_twice_and_order_do_not_count(model):
    once, twice, turned = model.encode(Catalog.histories([["i1", "i2"], ["i1", "i2", "i1"], ["i2", "i1"]], ids="abc")).rows
    np.testing.assert_allclose(once, twice, rtol=1e-6)
    np.testing.assert_allclose(once, turned, rtol=1e-6)


def test_an_index_over_its_vectors_gives_the_same_order(model):
    people = LINKS.histories()
    searched = FlatIndex(k=10).fit(model.item_vectors())(model.encode(people))
    np.testing.assert_array_equal(searched.rows, copied(model, repeats=True)(people).rows)


def test_drawn_items_are_never_those_a_person_had():
    batches = PairBatches.of(LINKS, size=50, negatives=4, seed=0)
    had = {(int(user), int(item)) for user, item in zip(LINKS.left_rows, LINKS.right_rows)}
    random, people = np.random.default_rng(0), len(LINKS.left)
    seen = set()
    for rows in batches.cut(0):
        batch = batches.make(rows, random)
        pairs = list(zip(batch.people.tolist(), (batch.had - people).tolist()))
        assert set(pairs) <= had
        seen |= set(pairs)
        assert not had & {(user, item) for user, line in zip(batch.people.tolist(), (batch.not_had - people).tolist()) for item in line}
    assert seen == had


def test_the_loss_is_that_of_loops():
    model = LightGcn(**SMALL, penalty=0.3)
    net = _net(model, LINKS)
    batch = PairBatches.of(LINKS, size=5, negatives=2, seed=0).make(np.arange(5), np.random.default_rng(1))
    found, free = net().detach(), net.rows.detach()
    ranked, size = [], 0.0
    for user, right, wrongs in zip(*(each.tolist() for each in batch)):
        size += sum(float(free[row].square().sum()) for row in (user, right, *wrongs))
        ranked += [np.log1p(np.exp(float(found[user] @ found[wrong] - found[user] @ found[right]))) for wrong in wrongs]
    parts = torch.nn.ModuleDict({"net": net, "beside": torch.nn.ModuleList()})
    assert float(_loss(model, parts)(batch).detach()) == pytest.approx(np.mean(ranked) + 0.15 * size / 5, rel=1e-5)


def test_the_start_is_the_singular_vectors_of_the_normed_pairs():
    found = singular_vectors(LINKS, 6, 0)
    pairs = np.zeros((len(LINKS.left), len(LINKS.right)))
    pairs[LINKS.left_rows, LINKS.right_rows] = 1
    pairs /= np.sqrt(np.maximum(pairs.sum(1, keepdims=True), 1) * np.maximum(pairs.sum(0, keepdims=True), 1))
    left, values, right = np.linalg.svd(pairs)
    best = (left[:, :6] * values[:6]) @ right[:6]
    ours = found[: len(LINKS.left)] @ found[len(LINKS.left) :].T
    np.testing.assert_allclose(ours / ours.max(), best / best.max(), atol=0.02)


def test_a_term_beside_changes_what_is_learned_and_nothing_else(model):
    other = LightGcn(**SMALL).fit(LINKS, beside=(NoisyViews(),))
    assert not np.allclose(other.table_, model.table_)
    assert set(vars(other)) == set(vars(model))


def test_an_interrupted_fit_ends_with_the_same_vectors(model, tmp_path):
    LightGcn(**SMALL).fit(LINKS, folder=tmp_path / "whole")
    again = LightGcn(**SMALL).fit(LINKS, folder=tmp_path / "whole")
    np.testing.assert_array_equal(again.table_, model.table_)


def test_what_cannot_be_learned_from_is_refused():
    with pytest.raises(BadInput, match="at least one link"):
        LightGcn(**SMALL).fit(LINKS.take(np.zeros(0, int)))
    with pytest.raises(BadInput, match="negative weight"):
        LightGcn(**SMALL).fit(Links(LINKS.left, LINKS.right, [0], [1], weight=np.array([-1.0])))
    with pytest.raises(BadInput, match="layers is 1 or more"):
        LightGcn(**SMALL, layers=0).fit(LINKS)


def test_one_person_and_one_item_are_enough():
    links = Links(Catalog.of(["u"]), Catalog.of(["i", "j"]), [0], [0])
    found = LightGcn(dim=2, epochs=1, k=2, repeats=True).fit(links)(links.histories())
    assert found.rows[0].tolist() == [0, -1]
