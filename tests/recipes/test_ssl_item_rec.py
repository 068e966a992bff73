"""The self-supervised two towers in miniature."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from nearkin.errors import BadInput
from nearkin.indexes.flat_index import FlatIndex
from nearkin.indexes.two_tower import TwoTower
from nearkin.recipes import ssl_item_rec
from nearkin.recipes.contract import contract_faults
from nearkin.tables import Catalog
from tests.recipes.miniature import miniature

WORLD = ssl_item_rec.world()
LINKS = WORLD.interactions
SMALL = {"dim": 8, "width": 4, "hidden": 16, "epochs": 2, "size": 64}


def test_the_recipe_keeps_the_contract_and_beats_what_counts():
    assert not contract_faults(ssl_item_rec)
    proof = miniature("ssl-item-rec").proof
    lines = {(line.metric, line.rival): line for line in proof.lines}
    whole = lines["Recall@50, 50% of links", "popularity"]
    assert whole.ours > whole.rival_value
    assert {rival for metric, rival in lines if metric == "Recall@50, 50% of links"} == {
        "no second task", "feature dropout", "spread-out", "random masks", "dropout of values", "popularity", "cosine", "directed kNN",
    }  # fmt: skip
    assert set(proof.figures["relative gain in Recall@50 at the smallest share"][0]) == set(ssl_item_rec.FORMS) - {"no second task"}


def test_forms_differ_in_what_their_name_says_alone():
    made = {name: ssl_item_rec.tower(name, ssl_item_rec.Settings(), 0.1) for name in ssl_item_rec.FORMS}
    assert {name: model.views for name, model in made.items()} == {
        "ours": "correlated", "no second task": "", "feature dropout": "", "spread-out": "same", "random masks": "random",
        "dropout of values": "dropout",
    }  # fmt: skip
    assert made["feature dropout"].feature_dropout > 0 == made["ours"].feature_dropout
    assert len({model.epochs for model in made.values()}) == 1


def test_smaller_shares_are_parts_of_larger_ones():
    small, large = (set(zip(part.left_rows, part.right_rows)) for part in (ssl_item_rec.part(LINKS, share) for share in (0.2, 0.6)))
    assert small < large


@pytest.mark.parametrize("views", ["", "same", "random", "dropout", "correlated"])
def test_every_kind_of_view_trains_and_answers_through_an_index(views):
    model = TwoTower(views=views, feature_dropout=0.2, **SMALL).fit(LINKS)
    people = LINKS.histories()
    found = FlatIndex(k=20).fit(model.item_vectors())(model.encode(people))
    assert all(set(one) & set(other) for one, other in zip(found.rows, model(people).rows))


def test_items_of_no_known_value_are_no_hits_and_are_passed_over():
    model = TwoTower(**SMALL).fit(LINKS)
    grown = model.for_items(LINKS.right.followed_by(Catalog.of(["odd"], title=["never seen"], categories=[[]])))
    assert not grown.known_[-1]
    plain, strange = grown(Catalog.histories([["i3"]])), grown(Catalog.histories([["i3", "odd"]]))
    np.testing.assert_array_equal(plain.rows, strange.rows)
    assert (grown(Catalog.histories([["odd"]])).rows == -1).all()


def test_unknown_views_and_rates_are_refused():
    with pytest.raises(BadInput, match="views"):
        TwoTower(views="mirrored")
    with pytest.raises(BadInput, match="rates"):
        TwoTower(dropout=1.0)
