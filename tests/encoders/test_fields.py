"""Fields and Numbers: what is shared is counted, what is unknown goes to its bucket, what is missing adds nothing."""

import datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.encoders.fields import Fields
from nearkin.encoders.numbers import Numbers
from nearkin.errors import BadInput, NotFitted
from nearkin.stage import Stage
from nearkin.tables import Catalog
from nearkin.tables.times import seconds_of

ROLES = {"id": "id", "brand": "category", "tags": "category", "price": "number", "day": "time"}
SHOP = Catalog(
    pa.table(
        {
            "id": ["a", "b", "c", "d"],
            "brand": ["Acme", "Acme", "Zed", None],
            "tags": [["red", "warm"], ["red"], [], None],
            "price": [1.0, 2.0, 3.0, None],
            "day": ["2024-01-01", "2024-01-02T00:00:00Z", None, "2024-01-04"],
        }
    ),
    ROLES,
)


def dense(vectors):
    return vectors.to_scipy().toarray()


def test_each_field_has_length_one_and_dots_count_agreements():
    vectors = dense(Fields(fields=("brand", "tags")).fit(SHOP)(SHOP))
    assert vectors @ vectors.T == pytest.approx(
        np.array([[2, 1 + 0.5**0.5, 0, 0], [1 + 0.5**0.5, 2, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]), abs=1e-6
    )


def test_unseen_values_share_the_bucket_of_the_unknown():
    encoder = Fields(fields=("brand",)).fit(SHOP)
    assert encoder.names == ["brand = Acme", "brand = Zed", "brand = ?"]
    new = Catalog.of(["x", "y", "z"], brand=["Nova", "Acme", None]).with_fields({"brand": "category"}, brand=["Nova", "Acme", None])
    assert dense(encoder(new)).tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 0]]


def test_only_the_commonest_values_have_columns():
    assert Fields(fields=("brand",), most=1).fit(SHOP).names == ["brand = Acme", "brand = ?"]


@settings(deadline=None, max_examples=30)
@given(values=st.lists(st.floats(-1e9, 1e9), min_size=20, max_size=200, unique=True))
def test_bins_hold_equally_many(values):
    things = Catalog.of(number=values)
    counts = dense(Fields(bins=4).fit(things)(things)).sum(0)
    assert counts.sum() == len(values)
    assert counts[1:].max() - counts[1:].min() <= 2


def test_a_constant_number_is_one_bin_and_far_numbers_fall_into_the_outer_ones():
    things = Catalog.of(n=[5, 5, 5])
    assert dense(Fields().fit(things)(things)).sum(0).tolist() == [0, 3]
    encoder = Fields(bins=2).fit(Catalog.of(n=[1, 2, 3, 4]))
    assert dense(encoder(Catalog.of(n=[-1e300, 1e300]))).tolist() == [[0, 1, 0], [0, 0, 1]]


def test_dates_are_read_from_text_and_from_times():
    days = pa.chunked_array([[datetime.datetime(2024, 1, 1), None]], pa.timestamp("s"))
    text = pa.chunked_array([["2024-01-01", None, "2024-01-01T01:00:00+01:00"]])
    assert seconds_of(days, "day")[0] == 1704067200
    assert seconds_of(text, "day")[[0, 2]].tolist() == [1704067200, 1704067200]
    assert np.isnan(seconds_of(text, "day")[1])
    with pytest.raises(BadInput, match="the field 'day' must hold numbers or dates"):
        seconds_of(pa.chunked_array([["soon"]]), "day")


def test_numbers_are_standardised_and_gaps_marked():
    vectors = Numbers(fields=("price",)).fit(SHOP)(SHOP).rows
    assert vectors[:3, 0] == pytest.approx(np.array([-1.5, 0, 1.5]) / 1.5**0.5)
    assert vectors[3].tolist() == [0, 0]
    assert vectors[:3, 1].tolist() == [1, 1, 1]


@pytest.mark.parametrize("encoder", [Fields(), Numbers()], ids=lambda encoder: type(encoder).__name__)
def test_saved_equals_loaded_and_one_row_equals_all(encoder, tmp_path):
    with pytest.raises(NotFitted):
        encoder(SHOP)
    assert encoder.fit(SHOP) is encoder
    encoder.save(tmp_path / "stage")
    loaded = Stage.load(tmp_path / "stage")
    rows = [dense(loaded(SHOP.take([row]))) if isinstance(encoder, Fields) else loaded(SHOP.take([row])).rows for row in range(4)]
    whole = dense(encoder(SHOP)) if isinstance(encoder, Fields) else encoder(SHOP).rows
    assert np.concatenate(rows) == pytest.approx(whole)
    assert len(encoder(SHOP.take([]))) == 0


def test_fields_of_other_roles_are_refused():
    words = Catalog.of(title=["a"])
    with pytest.raises(BadInput, match="no field of"):
        Fields().fit(words)
    with pytest.raises(BadInput, match="'title' of"):
        Numbers(fields=("title",)).fit(words)
