"""Residual k-means: a planted tree is read off, more levels tell more, and a prefix means likeness."""

import numpy as np
import pytest

from nearkin.codecs.residual_k_means import ResidualKMeans
from nearkin.errors import BadInput, ShapeError
from nearkin.tables import Vectors


def planted():
    """Three far places, each with three near ones, ten rows at each; and the two numbers of each row's place."""
    coarse, fine = np.array([[10.0, 0, 0], [0, 10, 0], [0, 0, 10]]), np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])
    names = np.array([(one, other) for one in range(3) for other in range(3) for _ in range(10)])
    return Vectors((coarse[names[:, 0]] + fine[names[:, 1]]).astype(np.float32)), names


def test_a_planted_tree_is_read_off():
    vectors, names = planted()
    codec = ResidualKMeans(levels=2, codebook_size=3).fit(vectors)
    codes = codec(vectors)
    for level in (1, 2):
        pairs = {(*code[:level], *name[:level]) for code, name in zip(codes.symbols.tolist(), names.tolist())}
        assert len(pairs) == 3**level  # one code a place, one place a code
    np.testing.assert_allclose(codec.decode(codes).rows, vectors.rows, atol=1e-5)


def test_more_levels_tell_more():
    rows = Vectors(np.random.default_rng(0).normal(size=(200, 6)).astype(np.float32))
    wrong = [
        float(((codec.decode(codec(rows)).rows - rows.rows) ** 2).sum())
        for codec in (ResidualKMeans(levels=levels, codebook_size=4).fit(rows) for levels in (1, 2, 4))
    ]
    assert wrong[0] > wrong[1] > wrong[2]


def test_rows_all_alike_have_one_code_and_what_cannot_be_is_refused():
    same = Vectors(np.ones((5, 3), np.float32))
    codec = ResidualKMeans(levels=2, codebook_size=2).fit(same)
    assert len({tuple(code) for code in codec(same).symbols.tolist()}) == 1
    with pytest.raises(BadInput, match="5 rows cannot give 9 centres"):
        ResidualKMeans(codebook_size=9).fit(same)
    with pytest.raises(BadInput, match="a level"):
        ResidualKMeans(levels=0).fit(same)
    with pytest.raises(ShapeError, match="dim 3"):
        codec(Vectors(np.ones((1, 2), np.float32)))
