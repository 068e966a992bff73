"""What columns are, and what speaks for a pair."""

import numpy as np
import pytest

from nearkin.encoders.char_grams import CharGrams
from nearkin.matchers import pair_features as pf
from nearkin.matchers.candidates import Candidates
from nearkin.matchers.profile import align, profile
from nearkin.tables import Catalog

ALL = Candidates(left_rows=np.array([0, 0, 1, 1]), right_rows=np.array([0, 1, 0, 1]), left_count=2, right_count=2)


def test_columns_are_told_by_their_values():
    shop = Catalog.of(title=["red shoe", "blue hat"], price=["$1,200.00", "0.5"], made=["1999-01-01", "2004"], year=[1999, 2001])
    assert [(column.name, column.kind) for column in profile(shop)] == [
        ("title", "text"), ("price", "number"), ("made", "year"), ("year", "year")
    ]  # fmt: skip


def test_columns_of_other_names_are_aligned_by_their_values():
    left = Catalog.of(title=["red shoe", "blue hat", "old coat"], maker=["acme", "bolt", "acme"])
    right = Catalog.of(who=["bolt", "acme", "acme"], what=["blue hats", "old red coat", "shoe"])
    assert [(a.name, b.name) for a, b in align(profile(left), profile(right))] == [("maker", "who"), ("title", "what")]


def test_margins_are_taken_from_the_best_rival_still_there():
    scores = np.array([0.9, 0.5, 0.8, 0.1])
    assert pf.margins(ALL, scores, np.ones(4, bool)).tolist() == pytest.approx(
        np.array([[0.1, 0.4], [0.4, -0.4], [-0.1, 0.7], [-0.4, -0.7]])
    )
    there = np.array([False, True, True, True])
    assert pf.margins(ALL, scores, there)[1].tolist() == pytest.approx([0.4, 0.5])


def test_model_numbers_agree_across_hyphens_and_spaces():
    left, right = ["Sony PS-LX350H turntable", "Bose AM53BK"], ["sony pslx350h", "Sony PS LX 350 H deck"]
    assert pf.code_agreement(left, right, ALL).tolist() == [1, 1, -1, 0]
    assert pf.codes_in("made 1999, 4-port") == {"4port"}


def test_missing_values_say_nothing():
    assert pf.nearness(np.array([0.0, 100.0]), np.array([50.0, 100.0]), ALL).tolist() == [0, 0, 0, 0.5]
    years = pf.years_in([["1999-01-01", ""]], 2)
    assert pf.set_agreement(years, [frozenset({"1999"}), frozenset({"2001"})], ALL).tolist() == [1, -1, 0, 0]
    assert pf.both_filled(["a", ""], ["b", " "], ALL).tolist() == [True, False, False, False]


def test_cosines_equal_the_dense_product():
    left, right = Catalog.of(text=["red shoe", ""]), Catalog.of(text=["red shoes", "blåbær"])
    encoder = CharGrams().fit(left, right)
    a, b = encoder(left), encoder(right)
    dense = a.to_scipy().toarray() @ b.to_scipy().toarray().T
    assert np.allclose(pf.cosines(a, b, ALL), dense.ravel(), atol=1e-6)
    assert dense[0, 0] > 0.7
    assert dense[1].tolist() == [0, 0]
