"""The number that calibrates an encoding, against plain loops, and what it is good for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.errors import BadInput, NotFitted, ShapeError
from nearkin.projections.calibrated_fde import CalibratedFde
from nearkin.projections.fde import Fde
from nearkin.tables import RaggedVectors, unit

SMALL = Fde(repetitions=4, k_sim=2, d_proj=6)


def bags(lengths: list[int], dim: int = 12, seed: int = 0) -> RaggedVectors:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return RaggedVectors(unit(np.random.default_rng(seed).normal(size=(offsets[-1], dim)) + 0.3).astype(np.float32), offsets)


def chamfer(query: np.ndarray, document: np.ndarray) -> float:
    return float((query @ document.T).max(1).sum())


def test_the_encoding_is_the_plain_one_and_a_number_more():
    documents, queries = bags([5, 1, 30]), bags([2, 4], seed=1)
    plain, fde = SMALL.fit(documents), CalibratedFde(encoding=SMALL, probes=7).fit(documents)
    assert fde.dim == plain.dim + 1
    np.testing.assert_array_equal(fde(documents).rows[:, :-1], plain(documents).rows)
    np.testing.assert_array_equal(fde.asking()(queries).rows[:, :-1], plain.asking()(queries).rows)
    assert fde.asking()(queries).rows[:, -1].tolist() == [2, 4]


@settings(max_examples=25, deadline=None)
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=6), probes=st.integers(1, 9), seed=st.integers(0, 99))
def test_over_the_probes_products_are_right_in_the_mean_for_each_document(lengths, probes, seed):
    documents = bags(lengths, seed=seed)
    fde = CalibratedFde(encoding=SMALL, probes=probes, seed=seed).fit(documents)
    alone = RaggedVectors(fde.probes_, np.arange(len(fde.probes_) + 1))
    products = fde.asking()(alone).rows @ fde(documents).rows.T / SMALL.repetitions
    exact = [np.mean([chamfer(probe[None], documents.of(row)) for probe in fde.probes_]) for row in range(len(lengths))]
    np.testing.assert_allclose(products.mean(0), exact, atol=1e-4)


def test_documents_of_mixed_lengths_are_ranked_better_than_by_plain_encodings():
    random = np.random.default_rng(3)
    documents, queries = bags(random.integers(1, 60, 300).tolist()), bags([8] * 30, seed=4)
    fde = CalibratedFde(encoding=Fde(repetitions=20, k_sim=3, d_proj=8)).fit(documents)
    asked, rows = fde.asking()(queries).rows, fde(documents).rows
    exact = np.array([[chamfer(queries.of(q), documents.of(d)) for d in range(300)] for q in range(30)])
    best = np.argsort(-exact, axis=1)[:, :10]

    def recall(products: np.ndarray) -> float:
        found = np.argsort(-products, axis=1)[:, :20]
        return float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found.tolist(), best.tolist())]))

    assert recall(asked @ rows.T) > recall(asked[:, :-1] @ rows[:, :-1].T) + 0.1
    errors = np.abs(asked @ rows.T / 20 - exact).mean(), np.abs(asked[:, :-1] @ rows[:, :-1].T / 20 - exact).mean()
    assert errors[0] < errors[1] / 3


def test_things_without_vectors_are_zeros():
    fde = CalibratedFde(encoding=SMALL).fit(bags([3, 0, 2]))
    assert not fde(bags([3, 0, 2])).rows[1].any()
    assert not fde.asking()(bags([0])).rows.any()
    none = CalibratedFde(encoding=SMALL).fit(bags([0]))
    assert np.isfinite(none(bags([2])).rows).all()


def test_what_is_refused():
    with pytest.raises(BadInput, match="probes >= 1"):
        CalibratedFde(probes=0)
    with pytest.raises(NotFitted):
        CalibratedFde()(bags([2]))
    with pytest.raises(NotFitted):
        CalibratedFde().asking()
    with pytest.raises(ShapeError, match="dim 12"):
        CalibratedFde(encoding=SMALL).fit(bags([2]))(bags([2], dim=11))
