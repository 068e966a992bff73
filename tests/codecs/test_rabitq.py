"""Signs with an unbiased estimate: against faiss, against the decoded rows, and over many random turns."""

import faiss
import numpy as np
import pytest

from nearkin.codecs.rabitq import RaBitQ
from nearkin.errors import BadInput, ShapeError
from nearkin.tables import Vectors


def drawn(rows, dim, seed=0):
    return Vectors((np.random.default_rng(seed).normal(size=(rows, dim)) + 0.3).astype(np.float32))


def test_decoded_rows_and_scores_are_those_of_faiss():
    vectors, queries = drawn(200, 64), drawn(9, 64, 1)
    vectors = Vectors(vectors.rows - vectors.rows.mean(0))
    codec = RaBitQ(seed=4).fit(vectors)
    theirs, turned = faiss.IndexRaBitQ(64, faiss.METRIC_INNER_PRODUCT), np.ascontiguousarray(vectors.rows @ codec.turn_.T)
    theirs.qb = 0  # float queries
    theirs.train(turned)
    theirs.add(turned)
    scores, rows = theirs.search(np.ascontiguousarray(queries.rows @ codec.turn_.T), 200)
    codes = codec(vectors)
    np.testing.assert_allclose(codec.decode(codes).rows @ codec.turn_.T, theirs.sa_decode(theirs.sa_encode(turned)), atol=1e-4)
    np.testing.assert_allclose(np.take_along_axis(codec.scores(queries, codes), rows, 1), scores, atol=2e-3)


@pytest.mark.parametrize("dim", [1, 7, 8, 9, 50])
def test_packed_scores_are_products_with_decoded_rows(dim):
    vectors, queries = drawn(60, dim), drawn(5, dim, 1)
    codec = RaBitQ().fit(vectors)
    codes = codec(vectors)
    assert codes.symbols.shape == (60, -(-dim // 8) + 4)
    np.testing.assert_allclose(codec.scores(queries, codes), queries.rows @ codec.decode(codes).rows.T, rtol=1e-3, atol=1e-3)


def test_the_estimate_is_right_on_average_and_better_with_more_dimensions():
    spread = {}
    for dim in (32, 256):
        vectors, queries = drawn(30, dim), drawn(8, dim, 1)
        exact = queries.rows @ vectors.rows.T
        length = np.linalg.norm(queries.rows, axis=1)[:, None] * np.linalg.norm(vectors.rows - vectors.rows.mean(0), axis=1)
        codecs = [RaBitQ(seed=seed).fit(vectors) for seed in range(60)]
        errors = np.stack([(codec.scores(queries, codec(vectors)) - exact) / length for codec in codecs])
        assert abs(errors.mean()) < 4 * errors.std() / np.sqrt(60 * 8)
        spread[dim] = errors.std()
    assert spread[256] < 0.5 * spread[32]


def test_the_centre_itself_and_wrong_vectors():
    vectors = drawn(40, 16)
    codec = RaBitQ().fit(vectors)
    at_centre = Vectors(codec.centre_[None])
    np.testing.assert_allclose(codec.decode(codec(at_centre)).rows, at_centre.rows, atol=1e-6)
    with pytest.raises(ShapeError, match="fitted on dim 16"):
        codec(drawn(3, 8))
    with pytest.raises(BadInput, match="one vector at least"):
        RaBitQ().fit(vectors.take([]))
