"""Fixed dimensional encodings against plain loops, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.errors import BadInput, NotFitted, ShapeError
from nearkin.projections.fde import Fde
from nearkin.stage import Stage
from nearkin.tables import RaggedVectors, unit

FORMS = [
    {"repetitions": 3, "k_sim": 3, "d_proj": 5},
    {"repetitions": 3, "k_sim": 3, "d_proj": 5, "inner": "sparse"},
    {"repetitions": 2, "k_sim": 4, "d_proj": None},
    {"repetitions": 2, "k_sim": 0, "d_proj": 4},
    {"repetitions": 2, "k_sim": 7, "d_proj": 3},
    {"repetitions": 3, "k_sim": 4, "d_proj": 4, "final": 50},
]


def bags(lengths: list[int], dim: int = 12, seed: int = 0, kind: type = np.float32) -> RaggedVectors:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return RaggedVectors(unit(np.random.default_rng(seed).normal(size=(offsets[-1], dim))).astype(kind), offsets)


def one(fde: Fde, own: np.ndarray, *, document: bool) -> np.ndarray:
    """The encoding of one thing, step by step."""
    found = []
    for repetition in range(fde.repetitions):
        sides = own @ fde.planes_[repetition * fde.k_sim : (repetition + 1) * fde.k_sim].T > 0
        block = np.zeros((2**fde.k_sim, own.shape[1]))
        for cell in range(2**fde.k_sim):
            gray = cell ^ (cell >> 1)
            pattern = np.array([gray >> (fde.k_sim - 1 - place) & 1 for place in range(fde.k_sim)], bool)
            differing = (sides != pattern).sum(1)
            if (differing == 0).any():
                mine = own[differing == 0]
                block[cell] = mine.mean(0) if document else mine.sum(0)
            elif document and len(own):
                block[cell] = own[differing.argmin()]
        maps = fde.maps_[repetition]
        found.append(block if not len(maps) else block @ maps[: fde.d_proj].T)
    whole = np.concatenate([each.ravel() for each in found])
    if fde.final is None:
        return whole
    folded = np.zeros(fde.final)
    np.add.at(folded, fde.slots_, fde.signs_ * whole)
    return folded


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_both_sides_equal_the_loops(form, kind):
    tokens = bags([5, 0, 1, 2, 40, 3], kind=kind)
    fde = Fde(**form).fit(tokens)
    documents, queries = fde(tokens).rows, fde.asking()(tokens).rows
    assert documents.shape == (6, fde.dim)
    for row in range(6):
        own = tokens.of(row).astype(np.float32)
        np.testing.assert_allclose(documents[row], one(fde, own, document=True), atol=1e-5)
        np.testing.assert_allclose(queries[row], one(fde, own, document=False), atol=1e-5)


def test_all_lengths_from_1_to_1025():
    many = bags([1025], dim=6).rows
    tokens = RaggedVectors(np.concatenate([many[:count] for count in range(1, 1026)]), np.concatenate([[0], np.cumsum(range(1, 1026))]))
    fde = Fde(repetitions=1, k_sim=2, d_proj=None).fit(tokens)
    found = fde.asking()(tokens).rows.reshape(1025, 4, 6).sum(1)  # without projecting, the cells of a query sum to its vectors
    np.testing.assert_allclose(found, np.cumsum(many.astype(np.float64), 0), atol=2e-4)
    found = fde(tokens).rows
    for count in range(1, 1026, 41):
        np.testing.assert_allclose(found[count - 1], one(fde, many[:count], document=True), atol=1e-5)


def test_all_dims_from_1_to_1025():
    for dim in range(1, 1026, 8):
        tokens = bags([3, 1], dim=dim, seed=dim)
        fde = Fde(repetitions=1, k_sim=2, d_proj=min(dim, 3)).fit(tokens)
        np.testing.assert_allclose(fde(tokens).rows[0], one(fde, tokens.of(0), document=True), atol=1e-4)


def test_products_stand_for_chamfer_and_better_with_more_repetitions():
    documents, queries = bags([9] * 40, dim=32), bags([6] * 10, dim=32, seed=1)
    exact = np.array([[(queries.of(q) @ documents.of(p).T).max(1).sum() for p in range(40)] for q in range(10)])
    spread = []
    for repetitions in (1, 10, 100):
        fde = Fde(repetitions=repetitions, k_sim=3, d_proj=8).fit(documents)
        found = fde.asking()(queries).rows @ fde(documents).rows.T / repetitions
        spread.append(np.corrcoef(found.ravel(), exact.ravel())[0, 1])
    assert spread[0] < spread[1] < spread[2]
    assert spread[2] > 0.6


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=8), st.integers(0, 6), st.integers(0, 99))
def test_one_at_a_time_equals_all(lengths, k_sim, seed):
    tokens = bags(lengths, seed=seed)
    fde = Fde(repetitions=2, k_sim=k_sim, d_proj=5, seed=seed).fit(tokens)
    for stage in (fde, fde.asking()):
        alone = [stage(tokens.take([row])).rows[0] for row in range(len(lengths))]
        np.testing.assert_array_equal(stage(tokens).rows, np.array(alone))


def test_one_vector_fills_all_cells_and_zero_vectors_stay_zero():
    fde = Fde(repetitions=2, k_sim=3, d_proj=None).fit(bags([1]))
    single = fde(bags([1])).rows.reshape(2 * 8, 12)
    assert (single == bags([1]).rows).all()
    zeros = RaggedVectors(np.zeros((3, 12), np.float32), np.array([0, 3]))
    assert not fde(zeros).rows.any()
    assert not fde.asking()(zeros).rows.any()


def test_empty_things_are_zeros_and_no_things_are_no_rows():
    fde = Fde(repetitions=2, k_sim=3, d_proj=4).fit(bags([2]))
    assert not fde(bags([0, 0])).rows.any()
    assert fde(bags([])).rows.shape == (0, 64)


def test_seeds_share_no_draws_and_queries_come_from_the_same_object(tmp_path):
    tokens = bags([4, 5])
    first, second = Fde(seed=0, d_proj=8).fit(tokens), Fde(seed=1, d_proj=8).fit(tokens)
    assert not np.isin(first.planes_, second.planes_).any()
    with pytest.raises(NotFitted):
        Fde().asking()
    first.asking().save(tmp_path / "asking")
    np.testing.assert_array_equal(Stage.load(tmp_path / "asking")(tokens).rows, first.asking()(tokens).rows)


@pytest.mark.parametrize(
    "wrong", [{"k_sim": -1}, {"k_sim": 13}, {"repetitions": 0}, {"d_proj": 0}, {"inner": "other"}, {"final": 0}], ids=str
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(BadInput, match="expected"):
        Fde(**wrong)


def test_what_does_not_fit_the_vectors_is_refused():
    with pytest.raises(BadInput, match="must not exceed the dim 12"):
        Fde(d_proj=13).fit(bags([2]))
    with pytest.raises(BadInput, match="262144"):
        Fde(repetitions=100, k_sim=12, d_proj=4).fit(bags([2]))
    with pytest.raises(ShapeError, match="dim 12"):
        Fde(d_proj=4).fit(bags([2]))(bags([2], dim=11))
    with pytest.raises(ShapeError, match="RaggedVectors"):
        Fde().fit(bags([2]).rows)
    with pytest.raises(ShapeError, match="NaN"):
        RaggedVectors(np.full((1, 12), np.nan, np.float32), np.array([0, 1]))
