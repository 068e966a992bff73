"""What every recommender promises, whichever model it is."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pyarrow as pa
import pytest

from nearkin import worlds
from nearkin.encoders.bag_of_words import BagOfWords
from nearkin.encoders.join import Join
from nearkin.errors import BadInput, NotFitted, ShapeError
from nearkin.indexes.ada_retrieval import AdaRetrieval
from nearkin.indexes.als import Als
from nearkin.indexes.bert4rec import Bert4Rec
from nearkin.indexes.blend import Blend
from nearkin.indexes.collaborative_metric import CollaborativeMetric
from nearkin.indexes.content_profile import ContentProfile
from nearkin.indexes.directed_knn import DirectedKnn
from nearkin.indexes.ease import Ease
from nearkin.indexes.gru4rec import Gru4Rec
from nearkin.indexes.item_knn import ItemKnn
from nearkin.indexes.light_gcn import LightGcn
from nearkin.indexes.m2trec import M2TRec
from nearkin.indexes.popularity import Popularity
from nearkin.indexes.sas_rec import SasRec
from nearkin.indexes.two_tower import TwoTower
from nearkin.stage import Stage
from nearkin.tables import Catalog

WORLD = worlds.cycles(users=80, circles=5, noise=0.1, seed=3)
LINKS = WORLD.interactions
WORDS = BagOfWords(fields=("title",)).fit(WORLD.items)

SMALL = {"dim": 16, "dropout": 0.1, "epochs": 4, "lr": 0.01, "tokens": 100}
TRAINED = ("sas_rec", "gru4rec", "bert4rec", "light_gcn", "ada_retrieval", "m2trec", "two_tower", "collaborative_metric")

MAKERS = {
    "popularity": lambda **more: Popularity(**more),
    "item_knn": lambda **more: ItemKnn(**more),
    "directed_knn": lambda **more: DirectedKnn(**more),
    "ease": lambda **more: Ease(penalty=5.0, **more),
    "als": lambda **more: Als(dim=8, rounds=3, **more),
    "content_profile": lambda **more: ContentProfile(encoder=WORDS, **more),
    "blend": lambda **more: Blend(
        parts=(Ease(penalty=5.0, **more), DirectedKnn(**more), ContentProfile(encoder=WORDS, **more)), people=40, **more
    ),
    "sas_rec": lambda **more: SasRec(**{**SMALL, **more}),
    "gru4rec": lambda **more: Gru4Rec(**{**SMALL, **more}),
    "bert4rec": lambda **more: Bert4Rec(**{**SMALL, "epochs": 8, **more}),
    "two_tower": lambda **more: TwoTower(**{"least": 1, "dim": 16, "width": 8, "hidden": 32, "epochs": 12, "lr": 0.01, "size": 64, **more}),
    "m2trec": lambda **more: M2TRec(**{"least": 1, "dim": 16, "dropout": 0.1, "epochs": 4, "lr": 0.01, "size": 100, **more}),
    "collaborative_metric": lambda **more: CollaborativeMetric(
        content=Join(parts=(WORDS,)), **{"axes": 20, "rank": 8, "hidden": 16, "epochs": 2, **more}
    ),
    "light_gcn": lambda **more: LightGcn(**{"dim": 8, "epochs": 3, "pairs": 200, "lr": 0.01, **more}),
    "ada_retrieval": lambda **more: AdaRetrieval(
        **{"backbone": SasRec(**SMALL), "k": 10, "rounds": 2, "batch": 5, "epochs": 2, "lr": 0.01, "tokens": 200, **more}
    ),
}


@pytest.fixture(params=MAKERS, scope="module")
def maker(request):
    if request.param == "als":
        pytest.importorskip("implicit")
    if request.param in TRAINED:
        pytest.importorskip("torch")
    return MAKERS[request.param]


@pytest.fixture(scope="module")
def model(maker):
    return maker().fit(LINKS)


PEOPLE = LINKS.histories()


def test_fit_returns_itself_and_an_unfitted_model_says_so(maker):
    model = maker()
    with pytest.raises(NotFitted):
        model(PEOPLE)
    assert model.fit(LINKS) is model


def test_the_same_fit_gives_the_same_answer(maker, model):
    again = maker().fit(LINKS)(PEOPLE)
    np.testing.assert_array_equal(again.rows, model(PEOPLE).rows)
    np.testing.assert_array_equal(again.scores, model(PEOPLE).scores)


def test_a_saved_model_answers_alike(model, tmp_path):
    model.save(tmp_path / "model")
    loaded = Stage.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded(PEOPLE).rows, model(PEOPLE).rows)
    np.testing.assert_allclose(loaded(PEOPLE).scores, model(PEOPLE).scores, rtol=1e-6)


def test_one_person_at_a_time_is_all_at_once(model):
    together = model(PEOPLE)
    for person in range(0, 80, 13):
        alone = model(PEOPLE.take([person]))
        np.testing.assert_array_equal(alone.rows[0], together.rows[person])
        np.testing.assert_allclose(alone.scores[0], together.scores[person], rtol=1e-5)


def test_hits_are_best_first_without_repeats_and_never_from_the_history(model):
    hits = model(PEOPLE)
    assert hits.k == model.k
    for person, history in enumerate(PEOPLE["history"]):
        ids = [hit.item for hit in hits.of(person)]
        assert len(set(ids)) == len(ids)
        assert not set(ids) & set(history)


def test_repeats_allow_what_was_had(maker):
    model = maker(repeats=True, k=60).fit(LINKS)
    rows = model(PEOPLE).rows
    offsets, had = PEOPLE.history_rows(WORLD.items)
    assert any(np.isin(rows[person], had[offsets[person] : offsets[person + 1]]).any() for person in range(len(PEOPLE)))


def test_an_empty_history_is_no_error(model):
    hits = model(Catalog.histories([[], ["i3", "i4"]]))
    assert len(hits) == 2
    filled = (hits.rows[0] >= 0).any()
    assert filled == isinstance(model, Popularity | Blend)


def test_no_people_no_hits(model):
    assert len(model(PEOPLE.take(np.empty(0, int)))) == 0


def test_unknown_items_of_a_history_are_passed_over(model):
    plain, strange = model(Catalog.histories([["i3", "i4"]])), model(Catalog.histories([["i3", "new", "i4"]]))
    np.testing.assert_array_equal(plain.rows, strange.rows)


def test_histories_are_not_changed(model):
    before = [list(history) for history in PEOPLE["history"]]
    _, rows = PEOPLE.history_rows(WORLD.items)
    model(PEOPLE)
    assert PEOPLE["history"] == before
    np.testing.assert_array_equal(PEOPLE.history_rows(WORLD.items)[1], rows)


def test_a_filter_is_kept(model):
    keep = np.arange(len(WORLD.items)) % 3 == 0
    hits = model(PEOPLE, keep=keep)
    assert keep[hits.rows[hits.rows >= 0]].all()
    assert (hits.rows >= 0).any()
    with pytest.raises(ShapeError, match="keep is bool"):
        model(PEOPLE, keep=keep[:-1])


def test_scores_of_candidates_are_those_of_the_search(model):
    hits = model(PEOPLE)
    scores = model.score(PEOPLE, hits.rows)
    np.testing.assert_allclose(scores, hits.scores, rtol=1e-5)
    free = model.score(PEOPLE, np.tile([0, -1], (len(PEOPLE), 1)))
    assert np.isfinite(free[:, 0]).all()
    assert (free[:, 1] == -np.inf).all()


def test_candidates_of_another_shape_are_refused(model):
    with pytest.raises(ShapeError, match="candidates are int"):
        model.score(PEOPLE, np.zeros((3, 2), int))


def test_people_without_a_history_field_are_refused(model):
    with pytest.raises(BadInput, match="role history"):
        model(Catalog.of(["u"], title=["shoe"]))


def test_a_catalogue_that_grew_is_answered_without_fitting(model):
    grown = _grown()
    wider = model.for_items(grown)
    old, new = model(PEOPLE), wider(PEOPLE)
    assert new.items is grown
    if isinstance(model, CollaborativeMetric):  # known items have log odds of their own, so only the place of a like is the same
        places = wider.item_vectors().rows[grown.rows_of(["i0", "fresh"])]
        np.testing.assert_allclose(places[0], places[1], rtol=1e-4, atol=1e-6)
        before, after = (np.tile(items.rows_of(["i0", "i7"]), (len(PEOPLE), 1)) for items in (WORLD.items, grown))
        np.testing.assert_allclose(wider.score(PEOPLE, after), model.score(PEOPLE, before), rtol=1e-4)
    elif isinstance(model, M2TRec | TwoTower):
        alike = wider.score(Catalog.histories([["i11"]]), grown.rows_of(["i0", "fresh"])[None])[0]
        assert alike[0] > 0
        assert alike[0] == pytest.approx(alike[1])  # what leads to i0 leads to its like
    elif isinstance(model, ContentProfile | Blend):
        own = wider(Catalog.histories([["i0"]]))
        assert grown.rows_of(["fresh"])[0] in own.rows[0]
    else:
        assert [[hit.item for hit in old.of(p)] for p in range(9)] == [[hit.item for hit in new.of(p)] for p in range(9)] or _tied(old)
    assert model.items_ is LINKS.right


def test_it_beats_popularity_where_order_rules(model):
    if isinstance(model, Popularity):
        pytest.skip("this is popularity")
    split = worlds.cycles(users=400, circles=5, seed=3).interactions.split("last")
    fresh, floor = type(model)(**_settings(model)).fit(split.train), Popularity().fit(split.train)
    people, targets = split.test_histories(), split.test.right_rows[:, None]
    assert (fresh(people).rows == targets).any(1).mean() > 2 * (floor(people).rows == targets).any(1).mean()


def _settings(model):
    return {each.name: getattr(model, each.name) for each in fields(model) if each.init}


def _grown() -> Catalog:
    """The items in another order, with one more like the first."""
    table = WORLD.items.table
    extra = table.slice(0, 1).set_column(0, table.schema.field(0), pa.array(["fresh"]))
    order = np.random.default_rng(0).permutation(len(WORLD.items))
    return Catalog(pa.concat_tables([table.take(order), extra]), WORLD.items.roles)


def _tied(hits) -> bool:
    """Whether equal scores, ordered by row, explain another order of ids."""
    return bool((hits.scores[:9, 1:] == hits.scores[:9, :-1]).any())
