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
from nearkin.tables import Catalog  # noqa: E402

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


def test_prefixes_are_drawn_from_all_and_foretell_the_next():
    rows, starts, lengths = np.arange(10), np.array([0, 6]), np.array([6, 4])
    batches, random = PrefixBatches(rows, starts, lengths, 100, 0), np.random.default_rng(0)
    seen = set()
    for _ in range(60):
        made = batches.make(np.array([1, 0]), random)
        ends = np.cumsum(made.lengths.numpy())
        assert (made.targets.numpy() == made.items.numpy()[ends - 1] + 1).all()
        seen |= set(made.targets.tolist())
    assert seen == {1, 2, 3, 4, 5, 7, 8, 9}


def test_wrong_settings_are_refused():
    for wrong in ({"rounds": 0}, {"batch": 0}, {"discount": 2.0}, {"parts": ("users",)}):
        with pytest.raises(BadInput, match="expected rounds"):
            AdaRetrieval(backbone=SasRec(), **wrong)


def test_going_on_after_a_stop_ends_alike(tmp_path):
    make = lambda: AdaRetrieval(backbone=SasRec(**SMALL), k=6, rounds=2, batch=3, epochs=2, tokens=200)  # noqa: E731
    whole = make().fit(LINKS, folder=tmp_path)
    again = make().fit(LINKS, folder=tmp_path)
    np.testing.assert_array_equal(whole.backbone_.table_, again.backbone_.table_)
