"""Product quantisation against a loop, against faiss, and against what it must refuse."""

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.codecs.product_quantiser import ProductQuantiser
from nearkin.errors import BadInput, ShapeError
from nearkin.stage import Stage
from nearkin.tables import Codes, Vectors


def clouds(rows=600, dim=16, seed=0):
    """Vectors whose spread lies along a few turned directions, so that a rotation pays."""
    random = np.random.default_rng(seed)
    turn = np.linalg.qr(random.normal(size=(dim, dim)))[0]
    return Vectors((random.normal(size=(rows, dim)) * 0.75 ** np.arange(dim) @ turn).astype(np.float32))


def error(codec, vectors):
    return float(((codec.decode(codec(vectors)).rows - vectors.rows) ** 2).sum(1).mean())


def test_codes_are_the_nearest_centres_part_by_part():
    vectors = clouds()
    codec = ProductQuantiser(levels=4, codebook_size=8, rotate=True).fit(vectors)
    codes = codec(vectors)
    for row, symbols in zip(vectors.rows[:50], codes.symbols):
        parts = np.split(codec.rotation_.astype(float) @ row.astype(float), 4)
        assert [int(np.argmin(((centres - part) ** 2).sum(1))) for part, centres in zip(parts, codec.centres_)] == symbols.tolist()
    back = np.concatenate([codec.centres_[level][codes.symbols[:, level]] for level in range(4)], 1) @ codec.rotation_
    np.testing.assert_allclose(codec.decode(codes).rows, back, atol=1e-6)


def test_faiss_gives_the_same_codes_for_the_same_centres():
    vectors = clouds()
    codec = ProductQuantiser(levels=4, codebook_size=16).fit(vectors)
    theirs = faiss.ProductQuantizer(16, 4, 4)
    faiss.copy_array_to_vector(codec.centres_.ravel(), theirs.centroids)
    packed = theirs.compute_codes(vectors.rows)
    np.testing.assert_array_equal(
        np.stack([packed[:, 0] & 15, packed[:, 0] >> 4, packed[:, 1] & 15, packed[:, 1] >> 4], 1), codec(vectors).symbols
    )


@pytest.mark.parametrize("rotate", [False, True])
def test_scores_by_tables_are_products_with_decoded_rows(rotate):
    vectors, queries = clouds(), clouds(9, seed=5)
    codec = ProductQuantiser(levels=8, codebook_size=16, rotate=rotate).fit(vectors)
    codes = codec(vectors)
    np.testing.assert_allclose(codec.scores(queries, codes), queries.rows @ codec.decode(codes).rows.T, atol=1e-4)
    alone = np.concatenate([codec.scores(queries.take([row]), codes) for row in range(9)])
    np.testing.assert_array_equal(codec.scores(queries, codes), alone)


def test_a_rotation_loses_less_and_keeps_lengths():
    vectors = clouds()
    plain, turned = (ProductQuantiser(levels=4, codebook_size=16, rotate=rotate).fit(vectors) for rotate in (False, True))
    np.testing.assert_allclose(turned.rotation_ @ turned.rotation_.T, np.eye(16), atol=1e-5)
    assert error(turned, vectors) < 0.97 * error(plain, vectors)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 100), levels=st.sampled_from([1, 2, 4]))
def test_more_levels_never_decode_worse(seed, levels):
    vectors = clouds(300, 8, seed)
    few, many = (ProductQuantiser(levels=each, codebook_size=16).fit(vectors) for each in (levels, 2 * levels))
    assert error(many, vectors) <= error(few, vectors) * 1.001


def test_a_copy_from_disk_decodes_and_scores_alike(tmp_path):
    vectors = clouds()
    codec = ProductQuantiser(levels=4, codebook_size=16, rotate=True).fit(vectors)
    codec.save(tmp_path / "codec")
    held = Stage.load(tmp_path / "codec")
    np.testing.assert_array_equal(held.decode(held(vectors)).rows, codec.decode(codec(vectors)).rows)
    np.testing.assert_array_equal(held.scores(vectors, codec(vectors)), codec.scores(vectors, codec(vectors)))


def test_what_cannot_be_quantised_is_refused():
    with pytest.raises(BadInput, match="do not divide"):
        ProductQuantiser(levels=5, codebook_size=16).fit(clouds())
    with pytest.raises(BadInput, match="power of two"):
        ProductQuantiser(levels=4, codebook_size=100).fit(clouds())
    with pytest.raises(BadInput, match="cannot give 256 centres"):
        ProductQuantiser(levels=4).fit(clouds(100))
    codec = ProductQuantiser(levels=4, codebook_size=16).fit(clouds())
    with pytest.raises(ShapeError, match="fitted on dim 16"):
        codec(clouds(dim=8))
    with pytest.raises(ShapeError, match="fitted on dim 16"):
        codec.scores(clouds(dim=8), codec(clouds()))


def test_nothing_and_one_row():
    codec = ProductQuantiser(levels=4, codebook_size=16).fit(clouds())
    none = codec(clouds().take([]))
    assert codec.decode(none).rows.shape == (0, 16)
    assert codec.scores(clouds(), none).shape == (600, 0)
    assert isinstance(codec(clouds().take([3])), Codes)
