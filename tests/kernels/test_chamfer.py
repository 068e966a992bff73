"""Chamfer against NumPy, for all lengths and in both widths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearkin.kernels.chamfer import chamfer
from nearkin.kernels.tiles import bits_of, padded, products

RANDOM = np.random.default_rng(0)


def twin(query: np.ndarray, document: np.ndarray) -> float:
    if not len(document):
        return -np.inf
    return float((query.astype(np.float64) @ document.astype(np.float64).T).max(1).sum())


def scored(query: np.ndarray, documents: list[np.ndarray], wanted: np.ndarray | None = None) -> np.ndarray:
    offsets = np.concatenate([[0], np.cumsum([len(each) for each in documents])]).astype(np.int64)
    wanted = np.arange(len(documents)) if wanted is None else wanted
    scores = np.empty(len(wanted), np.float32)
    chamfer(padded(query), len(query), bits_of(np.concatenate(documents)), offsets, wanted, scores)
    return scores


@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_all_dims_from_1_to_1025(kind):
    for dim in range(1, 1026):
        query = RANDOM.normal(size=(1 + dim % 6, dim)).astype(np.float32)
        documents = [RANDOM.normal(size=(count, dim)).astype(kind) for count in (1, 2, 5)]
        np.testing.assert_allclose(scored(query, documents), [twin(query, each) for each in documents], rtol=1e-4, atol=1e-4)


def test_all_counts_of_document_and_query_vectors_from_1_to_1025():
    many, query = RANDOM.normal(size=(1025, 8)).astype(np.float32), RANDOM.normal(size=(3, 8)).astype(np.float32)
    products_ = query.astype(np.float64) @ many.T.astype(np.float64)
    best = np.maximum.accumulate(products_, axis=1).sum(0)  # of the first 1, 2, ... document vectors
    documents = [many[:count] for count in range(1, 1026)]
    np.testing.assert_allclose(scored(query, documents), best, rtol=1e-5, atol=1e-5)
    sums = np.cumsum((many.astype(np.float64) @ query.T.astype(np.float64)).max(1))
    for count in range(1, 1026):
        np.testing.assert_allclose(scored(many[:count], [query]), sums[count - 1], rtol=1e-4, atol=1e-3)


def test_an_empty_document_and_none_score_minus_infinity_and_an_empty_query_zero():
    documents = [np.ones((2, 4), np.float32), np.zeros((0, 4), np.float32)]
    found = scored(np.ones((1, 4), np.float32), documents, np.array([0, 1, -1]))
    np.testing.assert_array_equal(found, [4, -np.inf, -np.inf])
    assert scored(np.zeros((0, 4), np.float32), documents).tolist() == [0, -np.inf]


@given(st.integers(0, 2**16 - 1))
def test_halves_are_widened_exactly(bits):
    half = np.array([[bits]], np.uint16).view(np.float16)
    if np.isfinite(half).all():
        assert scored(np.ones((1, 1), np.float32), [half])[0] == np.float32(half[0, 0])


def test_a_score_does_not_depend_on_what_it_is_worked_out_with():
    query, documents = RANDOM.normal(size=(7, 33)).astype(np.float32), [RANDOM.normal(size=(n, 33)).astype(np.float16) for n in range(1, 9)]
    together = scored(query, documents)
    alone = [scored(query, [each])[0] for each in documents]
    np.testing.assert_array_equal(together, alone)


def test_products_of_an_odd_number_of_vectors():
    rows, vectors = RANDOM.normal(size=(8, 19)).astype(np.float32), RANDOM.normal(size=(5, 19)).astype(np.float32)
    found = np.empty((5, 8), np.float32)
    products(rows, vectors, found)
    np.testing.assert_allclose(found, vectors @ rows.T, rtol=1e-4, atol=1e-5)
