"""The map of a collection: kinds apart, words that name them, nothing that stays moves, new things among their own."""

import numpy as np
import pytest

from nearkin.collection import Collection
from nearkin.collection.layout import Layout, drawn_in
from nearkin.errors import BadInput
from nearkin.stage import Stage
from nearkin.tables import Catalog

KINDS = {
    "shoe": "leather sole laces boots sandals",
    "wine": "red grape vineyard bottle cellar",
    "song": "melody chorus guitar singer verse",
}


def things(count, start=0):
    random = np.random.default_rng(start)
    names = [list(KINDS)[row % 3] for row in range(count)]
    texts = [f"{name} {' '.join(random.choice(KINDS[name].split(), 3, replace=False))}" for name in names]
    return Catalog.of([f"t{start + row}" for row in range(count)], title=texts), np.array(names)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with Collection.build(tmp_path_factory.mktemp("map") / "shop", things(90)[0]) as made:
        yield made


def laid(shop, **more):
    snapshot = shop._snapshot
    return Layout.of(snapshot.catalog, snapshot.seqs, snapshot.placed, **more)


def same_kind(places, names, k=5):
    apart = np.linalg.norm(places[:, None] - places, axis=2)
    np.fill_diagonal(apart, np.inf)
    return (names[np.argsort(apart, axis=1)[:, :k]] == names[:, None]).mean()


def test_kinds_stand_apart_and_words_name_them(shop, tmp_path):
    layout = laid(shop)
    assert same_kind(layout.places, things(90)[1]) > 0.95
    assert len(set(layout.words)) == len(layout.words) == len(layout.spots)
    assert set(layout.words) & set(KINDS)
    assert np.array_equal(layout.places, laid(shop).places)
    layout.save(tmp_path / "layout")
    kept = Stage.load(tmp_path / "layout")
    assert np.array_equal(kept.places, layout.places)
    assert kept.words == layout.words


def test_new_things_stand_among_their_own_and_the_others_stay(tmp_path):
    with Collection.build(tmp_path / "shop", things(60)[0]) as shop:
        before = laid(shop)
        shop.add(things(9, start=60)[0])
        shop.remove(["t0", "t1"])
        snapshot = shop._snapshot
        after = before.moved_to(snapshot.catalog, snapshot.seqs, snapshot.placed)
        assert np.array_equal(after.places[:58], before.places[2:])
        names = np.concatenate([things(60)[1][2:], things(9, start=60)[1]])
        assert same_kind(after.places, names, k=3) > 0.9
        again = laid(shop, before=after)
        assert np.linalg.norm(again.places[:58] - after.places[:58], axis=1).mean() < np.ptp(after.places, axis=0).max()
        with pytest.raises(BadInput, match="move the map"):
            before(snapshot.catalog)


def test_one_thing_and_none(tmp_path):
    with Collection.build(tmp_path / "one", things(1)[0]) as shop:
        assert laid(shop).places.shape == (1, 2)
        shop.remove(["t0"])
        empty = laid(shop)
        assert empty.places.shape == (0, 2)
        assert empty.words == ()


def test_a_map_needs_dense_vectors(shop):
    with pytest.raises(BadInput, match="dense vectors"):
        Layout.of(shop.catalog, shop._snapshot.seqs, {"words": shop._snapshot.placed["words"]})


def test_a_collection_keeps_its_map_through_writes_and_compaction(tmp_path):
    with Collection.build(tmp_path / "shop", things(60)[0]) as shop:
        assert shop.layout is None
        first = shop.lay_out()
        shop.add(things(6, start=60)[0])
        assert np.array_equal(shop.layout.places[:60], first.places)
        shop.compact()
        assert len(shop.layout.places) == 66
        assert same_kind(shop.layout.places, np.concatenate([things(60)[1], things(6, start=60)[1]])) > 0.9
    with Collection.open(tmp_path / "shop") as again:
        assert np.array_equal(again.layout.places, shop.layout.places)


def test_what_lies_far_outside_is_drawn_in_and_the_rest_stays():
    places = np.random.default_rng(0).normal(size=(400, 2)).astype(np.float32)
    places[7] = [300, 400]
    found = drawn_in(places)
    middle = np.median(places, axis=0)
    near = np.linalg.norm(places - middle, axis=1) < 2
    assert np.allclose(found[near], places[near] - middle, atol=1e-5)
    assert np.linalg.norm(found[7]) < 5
    assert np.allclose(found[7] / np.linalg.norm(found[7]), [0.6, 0.8], atol=0.01)
