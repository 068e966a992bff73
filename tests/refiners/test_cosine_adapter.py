"""The cosine adapter: monotone whatever its weights, one threshold for all queries, and nothing for queries with nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from nearkin.errors import BadInput, NotFitted
from nearkin.metrics.filtering import grades
from nearkin.metrics.retrieval import per_query
from nearkin.refiners.cosine_adapter import DECAYS, FOLDS, CosineAdapter, in_order
from nearkin.refiners.score_maps import FAMILIES, Pairs, improved, log_loss_of, log_odds, mean_log_odds, started, unstacked
from nearkin.refiners.thresholds import NOTHING, for_f1, for_kept, for_recall, for_wrong, hoeffding_bentkus
from nearkin.stage import Encoder
from nearkin.tables import Catalog, Hits, Links, Vectors, best


@dataclass(frozen=True, kw_only=True, eq=False)
class Known(Encoder):
    """Vectors looked up by id."""

    vectors: Vectors

    def __call__(self, catalog: Catalog) -> Vectors:
        return Vectors(self.vectors.rows[self.vectors.things.rows_of(catalog.ids)], catalog)


def world(queries: int = 100, items: int = 60, seed: int = 0):
    """Queries of two kinds, told apart by their vectors; a hit is relevant above 0.7 for one kind, above 0.3 for the other."""
    random = np.random.default_rng(seed)
    kind = np.arange(queries) % 2
    rows = random.normal(size=(queries, 12)).astype(np.float32) * 0.3
    rows[:, 0] += np.where(kind, 1, -1)
    asked, held = Catalog.of([f"q{row}" for row in range(queries)]), Catalog.of([f"i{row}" for row in range(items)])
    hits = best(random.random((queries, items)).astype(np.float32), 20, queries=asked, items=held)
    scores = np.sort(random.random(hits.rows.shape).astype(np.float32))[:, ::-1]
    hits = Hits(hits.rows, scores, asked, held)
    right = scores + 0.05 * random.normal(size=scores.shape) > np.where(kind, 0.7, 0.3)[:, None]
    query, place = np.nonzero(np.ones_like(right))
    truth = Links(asked, held, query, hits.rows[query, place], weight=right[query, place].astype(np.float32))
    return hits, truth, Known(vectors=Vectors(rows, asked))


HITS, TRUTH, ENCODER = world()


@pytest.fixture(scope="module")
def adapter() -> CosineAdapter:
    return CosineAdapter(encoder=ENCODER, dim=4).fit(HITS, TRUTH)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_higher_score_never_has_lower_odds(family):
    """10,000 random queries and pairs of scores, below 0 and above 1 too, under random weights."""
    random = np.random.default_rng(1)
    features = random.normal(size=(10_000, 5)) * 3
    scores = np.sort(random.normal(size=(10_000, 2)), 1)
    weights = {"hidden": random.normal(size=(5, 8)) * 2, "hidden_bias": random.normal(size=8), "out": random.normal(size=(8, 3)) * 3}
    fixed = {"bias": random.normal(size=3), "scale": np.array(0.7), "centre": np.array(0.4), "slope": np.array(9.0)}
    odds = log_odds({**weights, **fixed}, family, features, scores)
    assert np.isfinite(odds).all()
    assert (odds[:, 0] <= odds[:, 1]).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_slopes_are_those_of_the_loss(family):
    from nearkin.refiners.score_maps import _loss

    random = np.random.default_rng(2)
    features, query = random.normal(size=(9, 3)), random.integers(0, 9, 80)
    pairs = Pairs(query, random.normal(size=80), random.integers(0, 2, 80).astype(float), random.random(80))
    weights = {name: np.array(value) for name, value in started(family, 3, pairs, hidden=4, seed=0).items()}
    _, slopes = _loss(weights, family, features, pairs, 0.5)
    for name in ("bias",) if family == "raw" else ("hidden", "hidden_bias", "out", "bias"):
        for place in np.ndindex(weights[name].shape):
            if name == "bias" and place == (2,) and family != "power":
                continue
            sides = []
            for step in (1e-5, -1e-5):
                moved = {**weights, name: weights[name].copy()}
                moved[name][place] += step
                sides.append(_loss(moved, family, features, pairs, 0.5)[0])
            assert slopes[name][place] == pytest.approx((sides[0] - sides[1]) / 2e-5, rel=1e-3, abs=1e-4)


def test_the_query_decides_where_relevance_begins(adapter):
    """One threshold on adapted scores keeps what is right; no threshold on the scores themselves can."""
    known = grades(HITS, TRUTH)
    kept = adapter.relevance(HITS).scores >= adapter.threshold_
    assert (kept & (known > 0)).sum() / (known > 0).sum() > 0.93
    raw = HITS.scores >= for_recall(HITS.scores.astype(float), known, 0.95)
    assert (known[kept] > 0).mean() > 1.2 * (known[raw] > 0).mean()


def test_the_order_and_ndcg_stay_to_the_last_digit(adapter):
    found = adapter.relevance(HITS)
    np.testing.assert_array_equal(found.rows, HITS.rows)
    assert ((found.scores >= 0) & (found.scores <= 1)).all()
    before, after = (per_query(hits, TRUTH, ("nDCG@10", "AP")) for hits in (HITS, found))
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])


def test_scores_that_round_alike_stay_apart_and_ties_stay_ties():
    scores = np.array([[0.9, 0.8, 0.8, 0.7, 0.6]])
    found = in_order(np.array([[1.0, 1.0, 1.0, 1.0, 0.3]]), scores)
    assert found[0, 0] > found[0, 1] == found[0, 2] > found[0, 3] > found[0, 4]


def test_nothing_relevant_is_an_empty_list(adapter):
    low = Hits(HITS.rows, HITS.scores * 0.05, HITS.queries, HITS.items)
    assert (adapter(low).rows == -1).all()


def test_a_saved_adapter_tells_what_it_is_and_another_encoder_is_refused(tmp_path, adapter):
    fitted = CosineAdapter(encoder=_Signs(), dim=4)
    words = Catalog.of([f"q{row}" for row in range(100)], text=[f"{'good' if row % 2 else 'bad'} {row}" for row in range(100)])
    hits = Hits(HITS.rows, HITS.scores, words, HITS.items)
    fitted.fit(hits, Links(words, HITS.items, TRUTH.left_rows, TRUTH.right_rows, weight=TRUTH.weight))
    assert fitted.encoder_.startswith("_Signs")
    assert len(fitted.fitted_on_) == 10
    assert 0 < fitted.log_loss_ < 1
    other = replace_encoder(fitted, _Signs(turned=True))
    with pytest.raises(BadInput, match="fit it again"):
        other(hits)
    with pytest.raises(NotFitted):
        CosineAdapter(encoder=ENCODER)(HITS)


@dataclass(frozen=True, kw_only=True)
class _Signs(Encoder):
    """Letters counted, which another version counts backwards."""

    turned: bool = False

    def __call__(self, catalog: Catalog) -> Vectors:
        rows = [[text.count(letter) for letter in "gobad123"] for text in catalog.texts()]
        return Vectors(np.array(rows, np.float32).reshape(-1, 8)[:, :: -1 if self.turned else 1].copy(), catalog)


def replace_encoder(adapter: CosineAdapter, encoder: Encoder) -> CosineAdapter:
    other = replace(adapter, encoder=encoder)
    other.restore(adapter.state())
    return other


def test_the_same_judgements_give_the_same_adapter(adapter):
    again = CosineAdapter(encoder=ENCODER, dim=4).fit(HITS, TRUTH)
    np.testing.assert_array_equal(again(HITS).scores, adapter(HITS).scores)
    assert again.threshold_ == adapter.threshold_


def test_refitted_on_coarse_scores_it_has_its_recall_again(adapter):
    """Scores of another index: the old threshold loses what it promised, a new fit keeps it."""
    coarse = best(np.round(HITS.scores * 10) / 20, HITS.k, rows=HITS.rows, queries=HITS.queries, items=HITS.items)
    known = grades(coarse, TRUTH) > 0
    share = lambda found: (known & (found.relevance(coarse).scores >= found.threshold_)).sum() / known.sum()  # noqa: E731
    again = CosineAdapter(encoder=ENCODER, dim=4).fit(coarse, TRUTH)
    assert share(adapter) < 0.9
    assert 0.93 < share(again) < 0.98


def test_thresholds_keep_what_they_promise_on_new_queries():
    """Over many draws: "kept" keeps its share on average, "wrong" is broken in at most a tenth of them."""
    random, kept, wrong = np.random.default_rng(0), [], []
    for _ in range(25):
        chances = np.sort(random.random((240, 12)), 1)[:, ::-1]
        known = (random.random(chances.shape) < chances).astype(np.int8)
        mine, new = slice(0, 120), slice(120, None)
        least = for_kept(chances[mine], known[mine], 0.9)
        relevant = known[new] > 0
        asked = relevant.any(1)
        kept.append(((relevant & (chances[new] >= least)).sum(1)[asked] / relevant.sum(1)[asked]).mean())
        least = for_wrong(chances[mine], known[mine], 0.2)
        shown = chances[new] >= least
        wrong.append(((shown & ~relevant).sum(1) / np.maximum(shown.sum(1), 1)).mean())
    assert np.mean(kept) >= 0.9
    assert np.mean(np.array(wrong) > 0.2) <= 0.2
    assert np.mean(wrong) > 0.1


def test_thresholds_by_hand():
    chances, known = np.array([[0.9, 0.8, 0.4, 0.2]]), np.array([[1, 0, 1, -1]], np.int8)
    assert for_recall(chances, known, 0.5) == 0.9
    assert for_recall(chances, known, 0.95) == 0.4
    assert for_f1(chances, known) == 0.4
    assert for_kept(chances, known, 0.9) == 0.0
    assert for_wrong(chances, known, 0.05) == NOTHING > 1
    assert hoeffding_bentkus(0.0, 150, 0.05) == pytest.approx(0.95**150)
    assert hoeffding_bentkus(0.3, 150, 0.05) == 1


@pytest.mark.parametrize("unjudged", ["wrong", "unknown"])
@pytest.mark.parametrize("aim", ["recall", "f1", "kept", "wrong"])
def test_every_aim_cuts_somewhere(aim, unjudged):
    some = TRUTH.take(np.random.default_rng(0).random(len(TRUTH)) < 0.5)
    found = CosineAdapter(encoder=ENCODER, dim=2, aim=aim, goal=0.9 if aim != "wrong" else 0.3, unjudged=unjudged).fit(HITS, some)
    shown = (found(HITS).rows >= 0).mean()
    assert 0 < shown < 1


def test_a_sample_of_items_widens_the_view():
    items = Vectors(np.random.default_rng(0).normal(size=(50, 12)).astype(np.float32))
    found = CosineAdapter(encoder=ENCODER, dim=2).fit(HITS, TRUTH, items=items)
    assert found.view_["middle"].shape == (6,)
    with pytest.raises(BadInput, match="one encoder for both"):
        CosineAdapter(encoder=ENCODER).fit(HITS, TRUTH, items=Vectors(items.rows[:, :5].copy()))


def test_places_of_the_list_tell_what_the_query_does_not():
    """Each list is moved by a constant that nothing but its own scores shows; saved, it still reads the same places."""
    base = HITS.scores * 0.5
    moved = base + np.random.default_rng(3).random((len(HITS), 1)).astype(np.float32)
    hits = Hits(HITS.rows, moved, HITS.queries, HITS.items)
    query, place = np.nonzero(np.ones_like(base))
    truth = Links(HITS.queries, HITS.items, query, HITS.rows[query, place], weight=(base > 0.3).astype(np.float32)[query, place])
    blind, reading = (CosineAdapter(encoder=ENCODER, dim=2, ranks=ranks).fit(hits, truth) for ranks in ((), (1, 20)))
    assert reading.log_loss_ < 0.6 * blind.log_loss_
    again = replace(reading)
    again.restore(reading.state())
    np.testing.assert_array_equal(again(hits).scores, reading(hits).scores)
    with pytest.raises(BadInput, match="search deeper"):
        reading(Hits(hits.rows[:, :10], hits.scores[:, :10], hits.queries, hits.items))
    with pytest.raises(BadInput, match="count from 1"):
        CosineAdapter(encoder=ENCODER, ranks=(0,))


def test_networks_are_averaged_not_chosen(adapter):
    """The odds of the adapter are the mean of those of its networks, each fitted without a fold of the queries."""
    members = unstacked(adapter.weights_)
    assert len(members) == FOLDS * len(DECAYS)
    features = np.random.default_rng(0).normal(size=(7, members[0]["hidden"].shape[0]))
    scores = np.random.default_rng(1).random((7, 5))
    each = [log_odds(weights, "linear", features, scores) for weights in members]
    np.testing.assert_allclose(mean_log_odds(members, "linear", features, scores), np.mean(each, 0))
    assert np.std(each, 0).min() > 0


def test_bad_input_is_refused(adapter):
    with pytest.raises(BadInput, match="between 0 and 1"):
        CosineAdapter(encoder=ENCODER, goal=95)
    with pytest.raises(BadInput, match="the aim"):
        CosineAdapter(encoder=ENCODER, aim="precision")
    with pytest.raises(BadInput, match="family"):
        CosineAdapter(encoder=ENCODER, family="cubic")
    with pytest.raises(BadInput, match="know their queries"):
        adapter(Hits(HITS.rows, HITS.scores, None, None))
    with pytest.raises(BadInput, match="judge more"):
        CosineAdapter(encoder=ENCODER).fit(HITS, TRUTH.take(TRUTH.weight == 0))
    with pytest.raises(BadInput, match="judge more"):
        CosineAdapter(encoder=ENCODER).fit(HITS.top(0), TRUTH)


def test_the_loss_falls_below_that_of_platt():
    features, known = ENCODER.vectors.rows[:, :4].astype(float), grades(HITS, TRUTH)
    query, place = np.nonzero(known >= 0)
    pairs = Pairs(query, HITS.scores[query, place].astype(float), (known[query, place] > 0).astype(float), np.ones(len(query)))
    losses = {}
    for family in FAMILIES:
        start = started(family, 4, pairs, hidden=4, seed=0)
        losses[family] = log_loss_of(improved(start, family, features, pairs, 1.0), family, features, pairs)
    assert max(losses[family] for family in ("linear", "root", "power")) < 0.6 * losses["raw"]
