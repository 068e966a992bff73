"""Retrieval in rounds in miniature: the lists of the model, and its edges."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from nearkin import worlds  # noqa: E402
from nearkin.errors import BadInput  # noqa: E402
from nearkin.indexes.ada_fit import PrefixBatches  # noqa: E402
from nearkin.indexes.ada_retrieval import AdaRetrieval  # noqa: E402
from nearkin.indexes.bert4rec import Bert4Rec  # noqa: E402
from nearkin.indexes.gru4rec import Gru4Rec  # noqa: E402
from nearkin.indexes.sas_rec import SasRec  # noqa: E402
from nearkin.metrics import next_item  # noqa: E402
from nearkin.tables import Catalog, Links  # noqa: E402

WORLD = worlds.cycles(users=150, circles=8, noise=0.2, seed=1)
LINKS = WORLD.interactions
PEOPLE = LINKS.histories()
SMALL = {"dim": 16, "dropout": 0.1, "epochs": 2, "lr": 0.01, "tokens": 100}


@pytest.fixture(scope="module")
def model() -> AdaRetrieval:
    return AdaRetrieval(backbone=SasRec(**SMALL), k=12, rounds=3, batch=4, epochs=2, lr=5e-3, tokens=200).fit(LINKS)


def test_the_list_is_the_rounds_one_after_another(model):
    hits = model(PEOPLE)
    from nearkin.indexes.histories import Histories

    states, shown = model.walk(Histories.of(PEOPLE, model.items_))
    np.testing.assert_array_equal(hits.rows, np.concatenate(shown, 1))
    assert (np.diff(hits.scores) <= 0).all()
    units = model.backbone_.item_vectors().rows
    for place, (state, rows) in enumerate(zip(states, shown)):
        cosine = np.einsum("qd,qbd->qb", state, units[rows])
        np.testing.assert_allclose(hits.scores[:, 4 * place : 4 * place + 4], 2 - place + (1 + cosine) / 2, rtol=1e-5)


def test_rounds_of_an_untrained_adapter_pass_what_was_in_the_history_and_end_with_the_rest(model):
    deep = model.deeper(200)(PEOPLE)
    offsets, rows = PEOPLE.history_rows(WORLD.items)
    for person in range(0, 150, 29):
        found = deep.rows[person][deep.rows[person] >= 0]
        assert len(found) == len(set(found)) == len(WORLD.items) - len(set(rows[offsets[person] : offsets[person + 1]]))


def test_a_filter_is_seen_by_the_adapters(model):
    keep = np.arange(len(WORLD.items)) % 2 == 0
    hits = model(PEOPLE, keep=keep)
    assert (hits.rows >= 0).all()
    assert keep[hits.rows].all()
    assert model.barred is None


@pytest.mark.parametrize("kind", [Gru4Rec, Bert4Rec])
def test_any_backbone_serves(kind):
    one = AdaRetrieval(backbone=kind(**SMALL), k=6, rounds=2, batch=3, epochs=1, tokens=200).fit(LINKS)
    again = AdaRetrieval(backbone=kind(**SMALL).fit(LINKS), k=6, rounds=2, batch=3, epochs=1, tokens=200).fit(LINKS)
    np.testing.assert_array_equal(one(PEOPLE).rows, again(PEOPLE).rows)
    alone = AdaRetrieval(backbone=kind(**SMALL), k=6, rounds=2, batch=3, parts=(), epochs=1).fit(LINKS)
    np.testing.assert_allclose(alone.walk(_histories())[0][0], alone.walk(_histories())[0][1], atol=1e-6)


def _histories():
    from nearkin.indexes.histories import Histories

    return Histories.of(PEOPLE, WORLD.items)


def test_more_places_than_items_and_a_history_of_everything():
    links = LINKS.take(LINKS.left_rows < 40)
    wide = AdaRetrieval(backbone=SasRec(**SMALL), k=300, rounds=4, batch=200, epochs=1).fit(links)
    everything = Catalog.histories([[f"i{row}" for row in range(len(WORLD.items))], ["i3"]])
    hits = wide(everything)
    assert (hits.rows[0] == -1).all()
    assert (hits.rows[1] >= 0).sum() == wide.backbone_.known_.sum() - wide.backbone_.known_[3]


def test_each_prefix_foretells_the_next_once_an_epoch():
    batches = PrefixBatches.of(np.array([0, 6, 10]), np.arange(10), length=4, tokens=6, seed=0)
    seen = []
    for rows in batches.cut(0):
        made = batches.make(rows, np.random.default_rng(0))
        assert (made.targets.numpy() == made.items.numpy()[made.asking] + 1).all()
        assert made.lengths.max() <= 4
        seen += made.targets.tolist()
    assert sorted(seen) == [1, 2, 3, 4, 5, 7, 8, 9]


def test_the_backbone_stays_and_without_parts_the_rounds_are_its_list(model):
    first = SasRec(**SMALL).fit(LINKS)
    np.testing.assert_array_equal(model.backbone_.table_, first.table_)
    alone = AdaRetrieval(backbone=first, k=12, rounds=3, batch=4, parts=()).fit(LINKS)
    np.testing.assert_array_equal(alone(PEOPLE).rows, first.deeper(12)(PEOPLE).rows)
    np.testing.assert_array_equal(model(PEOPLE).rows[:, :4], alone(PEOPLE).rows[:, :4])
    assert (model(PEOPLE).rows[:, 4:] != alone(PEOPLE).rows[:, 4:]).any()


def test_rounds_reach_a_second_interest_better_than_one_vector():
    """People choose from two of 24 groups, told apart by 8 numbers: what stands between two groups is near others, too."""
    random = np.random.default_rng(0)
    pairs = [random.choice(24, 2, replace=False)[:, None] * 8 + np.arange(8) for _ in range(800)]
    rows = np.concatenate([random.permutation(pair.ravel())[:9] for pair in pairs])
    users, items = (Catalog.of([f"{letter}{row}" for row in range(count)]) for letter, count in (("u", 800), ("i", 192)))
    split = Links(users, items, np.repeat(np.arange(800), 9), rows, time=np.tile(np.arange(9), 800)).split("last")
    first = SasRec(dim=8, dropout=0.1, epochs=6, lr=0.02, tokens=300).fit(split.train)
    ours = AdaRetrieval(backbone=first, k=17, rounds=2, batch=8, epochs=6, lr=1e-2, tokens=500).fit(split.train)
    people, targets = split.test_histories().take(split.test.left_rows), split.test.right_rows
    found, alone = (next_item.recall(model.deeper(17)(people), targets, at=16).mean() for model in (ours, first))
    assert found > alone + 0.015


def test_wrong_settings_are_refused():
    for wrong in ({"rounds": 0}, {"batch": 0}, {"taught": 0}, {"discount": 2.0}, {"parts": ("users",)}):
        with pytest.raises(BadInput, match="expected rounds"):
            AdaRetrieval(backbone=SasRec(), **wrong)


def test_going_on_after_a_stop_ends_alike(tmp_path):
    make = lambda: AdaRetrieval(backbone=SasRec(**SMALL), k=6, rounds=2, batch=3, epochs=2, tokens=200)  # noqa: E731
    whole = make().fit(LINKS, folder=tmp_path)
    again = make().fit(LINKS, folder=tmp_path)
    for name, value in whole.adapters_.items():
        np.testing.assert_array_equal(value, again.adapters_[name])
