"""Join: similarities of the parts add up with their weights."""

import numpy as np
import pytest

from nearkin.encoders.char_grams import CharGrams
from nearkin.encoders.fields import Fields
from nearkin.encoders.join import Join
from nearkin.encoders.numbers import Numbers
from nearkin.errors import BadInput, ShapeError
from nearkin.stage import Stage
from nearkin.tables import Catalog, unit

SHOP = Catalog.of(["a", "b", "c"], tags=[["red"], ["red", "warm"], ["cold"]], price=[1.0, 2.0, 4.0])


def test_similarities_add_up_with_their_weights():
    joined = Join(parts=(Fields(fields=("tags",)), Numbers()), weights=(2.0, 0.5)).fit(SHOP)
    rows = joined(SHOP).rows
    tags = unit(Fields(fields=("tags",)).fit(SHOP)(SHOP).to_scipy().toarray())
    price = unit(Numbers().fit(SHOP)(SHOP).rows)
    assert rows @ rows.T == pytest.approx(2 * tags @ tags.T + 0.5 * price @ price.T, abs=1e-5)


def test_saved_equals_loaded(tmp_path):
    joined = Join(parts=(Fields(), Numbers())).fit(SHOP)
    joined.save(tmp_path / "stage")
    assert np.array_equal(Stage.load(tmp_path / "stage")(SHOP).rows, joined(SHOP).rows)


def test_what_does_not_fit_is_refused():
    with pytest.raises(BadInput, match="1 parts and the weights"):
        Join(parts=(Numbers(),), weights=(1.0, 2.0))
    with pytest.raises(BadInput, match="0 parts"):
        Join(parts=())
    words = Catalog.of(title=["red shoe"])
    with pytest.raises(ShapeError, match="CharGrams gives"):
        Join(parts=(CharGrams(),)).fit(words)(words)
