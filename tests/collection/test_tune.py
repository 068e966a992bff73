"""A collection that looks for its recommender, and keeps it through changes."""

from __future__ import annotations

import numpy as np
import pytest

from nearkin import worlds
from nearkin.collection import Collection
from nearkin.errors import BadInput
from nearkin.indexes.blend import Blend

WORLD = worlds.cycles(users=120, circles=4, length=8, steps=6, noise=0.2, seed=2)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    place = tmp_path_factory.mktemp("tuned") / "shop"
    with Collection.build(place, WORLD.items, links=WORLD.interactions) as shop:
        said = []
        found = shop.tune(minutes=0.01, progress=said.append)
        yield shop, found, said


def test_it_tells_what_it_tried_and_recommends_with_it(tuned):
    shop, found, said = tuned
    assert any("nDCG@10" in line for line in said)
    assert shop.manifest.tuned
    assert shop.recommender.weights == found.blend.weights
    with Collection.open(shop.place) as again:
        assert again.recommend([["i0", "i1"]]).hits.ids() == shop.recommend([["i0", "i1"]]).hits.ids()
    assert not (shop.place / "tuning").exists()


def test_answers_say_because_of_what_and_things_added_a_second_ago_are_found(tuned):
    shop, _, _ = tuned
    answers = shop.recommend([["i2", "i3"]], k=3, explain=True)
    assert all(set(why["because of"]) <= {"i2", "i3"} for why in answers.reasons.values())
    new = WORLD.items.take(np.array([4])).table.set_column(0, WORLD.items.table.column_names[0], [["twin"]])
    shop.add(type(WORLD.items)(new, WORLD.items.roles))
    found = shop.recommend([["i4"]], k=len(shop.catalog)).hits.ids()[0]
    assert "twin" in found[:8]


def test_compacting_fits_the_same_settings_anew(tuned):
    shop, found, _ = tuned
    shop.compact()
    assert isinstance(shop.recommender, Blend)
    assert shop.recommender.weights == found.blend.weights
    assert len(shop.recommender.items_) == len(shop)


def test_without_links_there_is_nothing_to_tune_by(shop):
    with pytest.raises(BadInput, match="no links"):
        shop.tune(minutes=1)
