"""What sequence models promise beyond the contract: corrupt logs, cold items by content, other indexes, going on after a stop."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("torch")

from nearkin import worlds
from nearkin.errors import BadInput, StageError
from nearkin.indexes.bert4rec import Bert4Rec
from nearkin.indexes.co_occurrence import near_counts, start_vectors
from nearkin.indexes.flat_index import FlatIndex
from nearkin.indexes.gru4rec import Gru4Rec
from nearkin.indexes.sas_rec import SasRec
from nearkin.metrics import next_item
from nearkin.stage import Encoder, Stage
from nearkin.tables import Catalog, Links, Vectors

WORLD = worlds.cycles(users=120, circles=4, noise=0.05, seed=1)
LINKS = WORLD.interactions
SMALL = {"dim": 16, "dropout": 0.1, "epochs": 4, "lr": 0.01, "tokens": 100}
KINDS = (SasRec, Bert4Rec, Gru4Rec)


class Marks(Encoder):
    """The first word of a title, which the items of a circle share, as one number of four."""

    def __call__(self, catalog: Catalog) -> Vectors:
        names = sorted({title.split()[0] for title in WORLD.items["title"]})
        return Vectors(np.array([[title.split()[0] == name for name in names] for title in catalog["title"]], np.float32), catalog)


def log(histories: dict[str, list[str]], items: int = 6, **more) -> Links:
    users, things = Catalog.of(list(histories)), Catalog.of([f"i{row}" for row in range(items)])
    pairs = [(user, item) for user, history in histories.items() for item in history]
    return Links.of_ids(users, things, pairs, **more)


@pytest.mark.parametrize("kind", KINDS)
def test_one_user_and_one_item_are_enough(kind):
    one_user = kind(**SMALL).fit(log({"u": ["i0", "i1", "i2"]}))
    assert set(one_user(Catalog.histories([["i0"]])).rows[0].tolist()) <= {1, 2, -1}
    one_item = kind(**SMALL, repeats=True).fit(log({"u": ["i0", "i0"]}, items=1))
    assert one_item(Catalog.histories([["i0"]])).rows.tolist() == [[0]]


@pytest.mark.parametrize("kind", KINDS)
def test_people_without_links_and_items_without_links_do_no_harm(kind):
    links = log({"u": ["i0", "i1", "i2"], "nobody": [], "once": ["i3"]})
    model = kind(**SMALL).fit(links)
    hits = model(Catalog.histories([["i0", "i5"], ["i5"], []]))
    assert 5 not in hits.rows
    assert (hits.rows[1:] == -1).all()
    assert 3 in hits.rows[0]


def test_corrupt_logs_are_refused():
    with pytest.raises(BadInput, match="negative weight"):
        SasRec(**SMALL).fit(log({"u": ["i0", "i1"]}, weight=np.array([1.0, -1.0])))
    with pytest.raises(BadInput, match="order of time"):
        SasRec(**SMALL).fit(log({"u": ["i0", "i1", "i2"]}, time=np.array([3, 1, 2])))
    with pytest.raises(BadInput, match="two links"):
        SasRec(**SMALL).fit(log({"u": ["i0"], "v": ["i1"]}))
    with pytest.raises(BadInput, match="two links"):
        SasRec(**SMALL).fit(log({}))


def test_a_time_in_the_future_is_only_an_order():
    histories = {"u": ["i0", "i1", "i2"], "v": ["i1", "i2"]}
    plain = SasRec(**SMALL).fit(log(histories, time=np.array([1, 2, 3, 1, 2])))
    late = SasRec(**SMALL).fit(log(histories, time=np.array([1, 2, 2**60, 1, 2])))
    np.testing.assert_array_equal(plain.table_, late.table_)


def test_long_histories_are_cut_and_read_from_their_end():
    model = SasRec(**SMALL, length=4).fit(LINKS)
    long, short = [f"i{row}" for row in (30, 31, 0, 1, 2, 3)], [f"i{row}" for row in (0, 1, 2, 3)]
    np.testing.assert_allclose(model.encode(Catalog.histories([long])).rows, model.encode(Catalog.histories([short])).rows, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_content_makes_items_without_links_and_new_ones_answers(kind):
    """The last item of each circle has no links; its content says which circle it belongs to."""
    cold = np.arange(11, 48, 12)
    links = LINKS.take(~np.isin(LINKS.right_rows, cold))
    model = kind(**SMALL, content=Marks(), k=8).fit(links)
    people = Catalog.histories([[f"i{12 * circle + place}" for place in (7, 8, 9)] for circle in range(4)])
    scores = model.score(people, np.tile(cold, (4, 1)))
    assert (scores.argmax(1) == np.arange(4)).mean() >= 0.75
    grown = WORLD.items.followed_by(Catalog.of(["fresh"], title=[WORLD.items["title"][11]], category=[["new"]]))
    wider = model.for_items(grown)
    np.testing.assert_allclose(wider.score(people, np.full((4, 1), 48))[:, 0], scores[:, 0], rtol=1e-5)
    np.testing.assert_allclose(wider.score(people, np.tile(cold, (4, 1))), scores, rtol=1e-5)


def test_content_of_several_vectors_an_item_is_refused():
    from nearkin.encoders.bag_of_words import BagOfWords

    with pytest.raises(StageError, match="one dense vector"):
        SasRec(**SMALL, content=BagOfWords(fields=("title",)).fit(WORLD.items)).fit(LINKS)


@pytest.mark.parametrize("repeats", [False, True])
def test_through_an_index_the_answers_are_the_same(repeats, tmp_path):
    people, keep = LINKS.histories(), np.arange(len(WORLD.items)) % 2 == 0
    plain = SasRec(**SMALL, repeats=repeats).fit(LINKS)
    through = SasRec(**SMALL, repeats=repeats, index=FlatIndex()).fit(LINKS)
    for chosen in (None, keep):
        ours, theirs = plain(people, keep=chosen), through(people, keep=chosen)
        np.testing.assert_allclose(ours.scores, theirs.scores, rtol=1e-4)
        assert (ours.rows == theirs.rows).mean() > 0.99  # near ties may change places
    through.save(tmp_path / "model")
    np.testing.assert_array_equal(Stage.load(tmp_path / "model")(people).rows, through(people).rows)
    shuffled = through.for_items(WORLD.items.take(np.arange(len(WORLD.items))[::-1]))
    np.testing.assert_allclose(shuffled(people).scores, through(people).scores, rtol=1e-4)


def test_vectors_of_people_and_items_stand_for_the_model():
    model = SasRec(**SMALL).fit(LINKS)
    people = LINKS.histories()
    cosines = model.encode(people).rows @ model.item_vectors().rows.T
    np.testing.assert_allclose(
        np.exp(model.scale * (cosines - 1)), model.score(people, np.tile(np.arange(len(WORLD.items)), (len(people), 1))), rtol=1e-4
    )


def test_validation_keeps_the_best_epoch_and_a_folder_goes_on(tmp_path):
    split = LINKS.split("last")
    whole = SasRec(**SMALL).fit(split.train, valid=split.valid, folder=tmp_path / "run")
    again = SasRec(**SMALL).fit(split.train, valid=split.valid, folder=tmp_path / "run")
    np.testing.assert_array_equal(whole.table_, again.table_)
    rows = (tmp_path / "run" / "log.csv").read_text()
    assert "validation" in rows
    assert next_item.recall(whole(split.test_histories()), split.test.right_rows).mean() > 0.5


def test_pairs_are_counted_by_nearness_and_a_start_sees_the_circles():
    offsets, rows = LINKS.by_left()
    near, wanted = near_counts(offsets, rows, 48, 3).toarray(), np.zeros((48, 48))
    for low, high in pairwise(offsets):
        for first in range(low, high):
            for second in range(first + 1, min(first + 4, high)):
                if rows[first] != rows[second]:
                    wanted[rows[first], rows[second]] += 1 / (second - first)
    np.testing.assert_allclose(near, wanted, rtol=1e-5)
    for dim in (8, 47, 60):
        start = start_vectors(offsets, rows, 48, dim)
        assert start.shape == (48, dim)
        np.testing.assert_allclose(np.linalg.norm(start, axis=1).mean(), 1, rtol=1e-4)
    products = start_vectors(offsets, rows, 48, 8) @ start_vectors(offsets, rows, 48, 8).T
    same = np.arange(48)[:, None] // 12 == np.arange(48) // 12
    assert products[same].mean() > 3 * np.abs(products[~same].mean())
