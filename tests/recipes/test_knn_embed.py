"""The mixture of queries in miniature, and its parts against plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from nearkin.codecs.k_means import SphericalKMeans
from nearkin.errors import BadInput, NotFitted
from nearkin.indexes.graph_index import GraphIndex
from nearkin.indexes.histories import Histories
from nearkin.indexes.mixture import Mixture, allotted
from nearkin.recipes import knn_embed
from nearkin.recipes.contract import contract_faults
from nearkin.stage import Stage, with_k
from nearkin.tables import Catalog, Links, Vectors, unit
from tests.recipes.miniature import miniature

WORLD = knn_embed.world()
LINKS = WORLD.interactions
SETTINGS = knn_embed.Settings.tiny()
VECTORS = knn_embed.item_vectors(LINKS, 8, 0)
PEOPLE = LINKS.histories()


@pytest.fixture(scope="module")
def model() -> Mixture:
    plain = knn_embed.mixture(LINKS, VECTORS, 6, SETTINGS)
    return knn_embed.replaced(plain, own=0.7, neighbours=4)


def test_the_recipe_keeps_the_contract_and_its_claim_in_miniature():
    assert not contract_faults(knn_embed)
    proof = miniature("knn-embed").proof
    assert proof.verdict == "holds"
    assert {line.rival for line in proof.lines} == {"single query", "mixture without smoothing", "popularity"}
    assert {line.metric for line in proof.lines} >= {"Recall@10", "diversity@10", "clusters covered"}


def test_build_and_rivals_are_over_the_same_vectors():
    ours, others = knn_embed.build(WORLD, SETTINGS), knn_embed.rivals(WORLD, SETTINGS)
    np.testing.assert_array_equal(ours.vectors.rows, others["single query"].vectors.rows)
    np.testing.assert_array_equal(ours.vectors.rows, others["mixture without smoothing"].vectors.rows)
    assert ours.own < 1 == others["mixture without smoothing"].own


def by_hand(model: Mixture, person: int) -> list[int]:
    """The lists of the paper for one training person, step by step."""
    x, cluster = unit(model.vectors.rows), model.clusters.symbols[:, 0]
    shares = np.zeros((len(LINKS.left), len(x)))
    for user, item in zip(LINKS.left_rows, LINKS.right_rows):
        shares[user, item] = 1
    shares /= shares.sum(1, keepdims=True)
    means = unit((shares @ x).astype(np.float32))
    near = [other for other in np.argsort(-(means @ means[person]), kind="stable") if other != person][: model.neighbours]
    v = model.own * shares[person] + (1 - model.own) * shares[near].mean(0)
    p = np.array([v[cluster == c].sum() for c in range(model.clusters.codebook_sizes[0])])
    places = np.floor(p * model.k + 1e-9).astype(int)
    for c in sorted(range(len(p)), key=lambda c: (-round(p[c] * model.k - places[c], 9), c))[: model.k - places.sum()]:
        places[c] += 1
    chosen: list[int] = []
    for c in range(len(p)):
        query = (v[cluster == c, None] * x[cluster == c]).sum(0)
        free = [item for item in np.argsort(-(x @ query), kind="stable") if cluster[item] == c and not shares[person, item]]
        chosen += free[: places[c]]
    rest = [item for item in np.argsort(-(x @ (v @ x)), kind="stable") if item not in chosen and not shares[person, item]]
    return chosen + rest[: model.k - len(chosen)]


def test_lists_are_those_of_the_paper_step_by_step(model):
    hits = model(PEOPLE)
    for person in range(0, 120, 7):
        assert set(hits.rows[person]) == set(by_hand(model, person))


def test_exactly_k_without_repeats_and_nothing_seen(model):
    for k in (1, 3, 10, 40):
        hits = with_k(model, k)(PEOPLE)
        assert (hits.rows >= 0).all()
        assert hits.k == k
        for person, history in enumerate(PEOPLE["history"]):
            assert not {hit.item for hit in hits.of(person)} & set(history)


def test_one_cluster_is_the_single_query(model):
    single = knn_embed.mixture(LINKS, VECTORS, 1, SETTINGS)
    lonely = Catalog.histories([["i0"], ["i5", "i5"]], ids=["new", "newer"])
    plain = knn_embed.replaced(model, own=1.0)
    np.testing.assert_array_equal(plain(lonely).rows, single(lonely).rows)


def test_places_are_shared_out_by_largest_remainder():
    shares = np.array([[0.5, 0.3, 0.2], [0.34, 0.33, 0.33], [0, 0, 0], [1, 1, 1]])
    np.testing.assert_array_equal(allotted(shares, 10), [[5, 3, 2], [4, 3, 3], [0, 0, 0], [4, 3, 3]])
    np.testing.assert_array_equal(allotted(shares, 2), [[1, 1, 0], [1, 1, 0], [0, 0, 0], [1, 1, 0]])
    random = np.random.default_rng(0).random((50, 7))
    given = allotted(random, 33)
    assert (given.sum(1) == 33).all()
    assert (np.abs(given - 33 * random / random.sum(1, keepdims=True)) < 1).all()


def test_shares_by_cluster_are_sparse_and_sum_to_one(model):
    shares = model.people_by_cluster()
    assert shares.shape == (120, 6)
    assert shares.nnz < 120 * 6
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)


def test_a_new_edge_is_as_if_it_had_been_there_at_fit(model):
    extra = Links(LINKS.left, LINKS.right, np.append(LINKS.left_rows, 3), np.append(LINKS.right_rows, 50))
    after = extra.histories()
    again = knn_embed.replaced(Mixture(vectors=VECTORS, clusters=model.clusters, own=0.7, neighbours=4, k=10).fit(extra))
    quick = model.with_history("p3", Histories.of(after.take([3]), LINKS.right))
    np.testing.assert_array_equal(quick(after).rows, again(after).rows)
    assert len(model.shares_) == 120


def test_the_common_contract_of_recommenders(model, tmp_path):
    with pytest.raises(NotFitted):
        Mixture(vectors=VECTORS, clusters=model.clusters)(PEOPLE)
    together = model(PEOPLE)
    np.testing.assert_array_equal(model(PEOPLE.take([5])).rows[0], together.rows[5])
    keep = np.arange(len(LINKS.right)) % 2 == 0
    assert keep[model(PEOPLE, keep=keep).rows].all()
    assert (model(Catalog.histories([[]])).rows == -1).all()
    assert np.isfinite(model.score(PEOPLE, together.rows)).all()
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(Stage.load(tmp_path / "model")(PEOPLE).rows, together.rows)


def test_any_index_does_the_searches(model):
    graph = Mixture(vectors=VECTORS, clusters=model.clusters, index=GraphIndex(), own=0.7, neighbours=4, k=10).fit(LINKS)
    exact = model(PEOPLE)
    same = [len(set(a) & set(b)) for a, b in zip(graph(PEOPLE).rows, exact.rows)]
    assert np.mean(same) > 9


def test_vectors_of_other_items_are_refused(model):
    with pytest.raises(BadInput, match="a vector and a cluster an item"):
        Mixture(vectors=Vectors(VECTORS.rows[:5]), clusters=model.clusters).fit(LINKS)


def test_k_means_finds_planted_directions_and_leaves_no_cluster_empty():
    random = np.random.default_rng(0)
    centres = unit(random.normal(size=(5, 16)).astype(np.float32))
    own = random.integers(0, 5, 300)
    lengths = random.uniform(0.1, 9, (300, 1)).astype(np.float32)
    rows = Vectors((centres[own] + 0.05 * random.normal(size=(300, 16))).astype(np.float32) * lengths)
    codes = SphericalKMeans(codebook_size=5).fit(rows)(rows).symbols[:, 0]
    assert len({(int(a), int(b)) for a, b in zip(own, codes)}) == 5
    many = SphericalKMeans(codebook_size=60).fit(rows)(rows).symbols[:, 0]
    assert len(np.unique(many)) == 60
    again = SphericalKMeans(codebook_size=60).fit(rows)(rows).symbols[:, 0]
    np.testing.assert_array_equal(many, again)


def test_k_means_refuses_no_rows_and_no_centres():
    with pytest.raises(BadInput, match="at least"):
        SphericalKMeans(codebook_size=0).fit(VECTORS)
    with pytest.raises(BadInput, match="at least"):
        SphericalKMeans().fit(Vectors(np.empty((0, 3), np.float32)))
