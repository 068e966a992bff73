"""Each recommender against its formula in plain loops, on a world with a known answer, and on real histories against fixed floors."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from nearkin import worlds
from nearkin.encoders.bag_of_words import BagOfWords
from nearkin.encoders.static_words import StaticWords
from nearkin.errors import BadInput, Missing, StageError
from nearkin.indexes import blend as blends
from nearkin.indexes.als import Als
from nearkin.indexes.blend import Blend, blended_ndcg, held_out, weight_grid
from nearkin.indexes.content_profile import ContentProfile
from nearkin.indexes.directed_knn import DirectedKnn
from nearkin.indexes.ease import Ease
from nearkin.indexes.histories import Histories
from nearkin.indexes.history_kernels import open_rows
from nearkin.indexes.item_knn import ItemKnn
from nearkin.indexes.popularity import Popularity
from nearkin.metrics import next_item
from nearkin.stage import Encoder
from nearkin.tables import Catalog, Links, RaggedVectors, Vectors

WORLD = worlds.cycles(users=60, circles=4, length=8, steps=6, noise=0.3, seed=2)
LINKS, ITEMS = WORLD.interactions, WORLD.items
PEOPLE = LINKS.histories()
SIZE = len(ITEMS)
EVERY = np.tile(np.arange(SIZE), (len(PEOPLE), 1))


def paths(links: Links = LINKS) -> list[list[int]]:
    offsets, rows = links.by_left()
    return [rows[offsets[p] : offsets[p + 1]].tolist() for p in range(len(links.left))]


def faded(weights: np.ndarray, decay: float) -> np.ndarray:
    """score[p, c] = sum over the history of decay^age * weights[h, c], by loops."""
    scores = np.zeros((len(PEOPLE), SIZE))
    for person, path in enumerate(paths()):
        for age, item in enumerate(reversed(path)):
            scores[person] += decay**age * weights[item]
    return scores


def test_item_knn_is_its_formula():
    both, count = np.zeros((SIZE, SIZE)), np.zeros(SIZE)
    for path in paths():
        for item in path:
            count[item] += 1
        for a in set(path):
            for b in set(path) - {a}:
                both[a, b] += 1
    count = np.maximum(count, 1)
    weights = both / (count[:, None] ** 0.2 * count[None] ** 0.4)
    model = ItemKnn(decay=0.8, source=0.2, target=0.4).fit(LINKS)
    np.testing.assert_allclose(model.score(PEOPLE, EVERY), faded(weights, 0.8), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("window", "portion"), [(50, 10**7), (2, 10**7), (3, 40)])
def test_directed_knn_is_its_formula(window, portion, monkeypatch):
    monkeypatch.setattr("nearkin.indexes.co_occurrence.PAIRS", portion)
    near, count = np.zeros((SIZE, SIZE)), np.zeros(SIZE)
    for path in paths():
        for first, a in enumerate(path):
            count[a] += 1
            for second, b in enumerate(path):
                if first < second <= first + window and a != b:
                    near[a, b] += 1 / (second - first)
                    near[b, a] += 0.7 / (second - first)
    model = DirectedKnn(window=window).fit(LINKS)
    np.testing.assert_allclose(model.score(PEOPLE, EVERY), faded(near / np.sqrt(count + 5), 0.6), rtol=1e-4, atol=1e-6)


def test_ease_is_its_closed_form():
    people = np.zeros((len(PEOPLE), SIZE))
    for person, path in enumerate(paths()):
        people[person, path] = 1
    inverse = np.linalg.inv(people.T @ people + 3 * np.eye(SIZE))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    had = people.sum(0) > 0
    weights[~had] = weights[:, ~had] = 0
    model = Ease(penalty=3, neighbours=SIZE).fit(LINKS)
    np.testing.assert_allclose(model.score(PEOPLE, EVERY), faded(weights, 0.7), rtol=1e-3, atol=1e-5)


def test_ease_keeps_the_strongest_weights_and_the_most_frequent_items(monkeypatch):
    monkeypatch.setattr("nearkin.indexes.ease.CHUNK", 5)
    whole, few = Ease(penalty=3, neighbours=SIZE).fit(LINKS), Ease(penalty=3, neighbours=4).fit(LINKS)
    full = whole.matrix_.to_scipy().toarray()
    pruned = few.matrix_.to_scipy().toarray()
    assert (np.diff(few.matrix_.offsets) <= 4).all()
    for row in range(SIZE):
        strongest = np.sort(np.abs(full[row]))[-4:].sum()
        np.testing.assert_allclose(np.abs(pruned[row]).sum(), strongest, rtol=1e-5)
    frequent = np.argsort(-np.bincount(LINKS.right_rows, minlength=SIZE), kind="stable")[:10]
    assert set(np.unique(Ease(most=10).fit(LINKS).matrix_.columns)) <= set(frequent)


def test_ease_refuses_a_penalty_of_nothing():
    with pytest.raises(BadInput, match="above 0"):
        Ease(penalty=0).fit(LINKS)


class Given(Encoder):
    """Fixed vectors by id, counting how many things it was asked to encode."""

    def __init__(self, rows: np.ndarray, ids: list[str]) -> None:
        self.rows, self.place, self.asked = rows, {name: row for row, name in enumerate(ids)}, 0

    def __call__(self, catalog: Catalog) -> Vectors:
        self.asked += len(catalog)
        return Vectors(self.rows[[self.place[name] for name in catalog.id_list]], catalog)


def test_content_profile_is_its_formula():
    rows = np.random.default_rng(0).normal(size=(SIZE, 6)).astype(np.float32)
    centred = rows - rows.mean(0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    model = ContentProfile(encoder=Given(rows, ITEMS.id_list)).fit(LINKS)
    np.testing.assert_allclose(model.score(PEOPLE, EVERY), faded(np.maximum(unit @ unit.T, 0) ** 3, 0.7), rtol=1e-3, atol=1e-5)


def test_content_profile_encodes_only_what_is_new():
    ids = [*ITEMS.id_list, "fresh"]
    encoder = Given(np.random.default_rng(0).normal(size=(SIZE + 1, 6)).astype(np.float32), ids)
    model = ContentProfile(encoder=encoder).fit(LINKS)
    wider = model.for_items(Catalog.of(ids))
    assert encoder.asked == SIZE + 1
    whole = ContentProfile(encoder=encoder).fit(Links(LINKS.left, Catalog.of(ids), LINKS.left_rows, LINKS.right_rows))
    np.testing.assert_array_equal(wider(PEOPLE).rows, whole(PEOPLE).rows)


def test_content_profile_weighs_words_by_how_rare_they_are():
    items = Catalog.of(list("abcd"), title=["lamp zinc common", "zinc chair common", "lamp table common", "door common common"])
    links = Links(Catalog.of(["u"]), items, [0], [0])
    hits = ContentProfile(encoder=BagOfWords().fit(items), k=4).fit(links)(links.histories())
    assert set(hits.ids()[0][:2]) == {"b", "c"}


def test_content_profile_refuses_several_vectors_an_item():
    class Views(Encoder):
        def __call__(self, catalog: Catalog) -> RaggedVectors:
            return RaggedVectors(np.ones((2 * len(catalog), 3), np.float32), np.arange(len(catalog) + 1) * 2)

    with pytest.raises(StageError, match="pool several"):
        ContentProfile(encoder=Views()).fit(LINKS)


def test_als_folds_a_history_in_as_the_formula_says():
    pytest.importorskip("implicit")
    model = Als(dim=6, rounds=4, decay=0.8, confidence=3, penalty=0.2).fit(LINKS)
    y, path = model.factors_, paths()[4]
    left, right = y.T @ y + 0.2 * np.eye(6), np.zeros(6)
    for age, item in enumerate(reversed(path)):
        left += 3 * 0.8**age * np.outer(y[item], y[item])
        right += (1 + 3 * 0.8**age) * y[item]
    np.testing.assert_allclose(model.score(PEOPLE, EVERY)[4], y @ np.linalg.solve(left, right), rtol=1e-2, atol=1e-4)


def test_als_says_how_to_install_what_it_needs(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "implicit.cpu.als", None)
    with pytest.raises(Missing, match=r"nearkin\[recommend\]"):
        Als().fit(LINKS)


def usual() -> Blend:
    return Blend(parts=(Ease(penalty=5), DirectedKnn(), ContentProfile(encoder=BagOfWords().fit(ITEMS))), people=30)


def test_blend_is_its_formula():
    model = usual().fit(LINKS)
    total = 0.001 * np.bincount(LINKS.right_rows, minlength=SIZE) / np.bincount(LINKS.right_rows).max() + np.zeros((len(PEOPLE), 1))
    for weight, part in zip(model.weights_, model.parts_):
        scores = np.maximum(part.score(PEOPLE, EVERY), 0)
        for person, path in enumerate(paths()):
            height = np.sort(np.delete(scores[person], list(set(path))))[-10:].mean()
            total[person] += weight * scores[person] / (height or 1)
    np.testing.assert_allclose(model.score(PEOPLE, EVERY), total, rtol=1e-4)


def test_blend_chooses_its_weights_where_they_matter():
    clean = worlds.cycles(users=300, circles=4, length=8, steps=6, seed=2)
    noise = Given(np.random.default_rng(0).normal(size=(len(clean.items), 6)).astype(np.float32), clean.items.id_list)
    model = Blend(parts=(DirectedKnn(), ContentProfile(encoder=noise)), people=100).fit(clean.interactions)
    assert model.weights_[0] > model.weights_[1]  # order names the item, noise does not
    assert sum(model.weights_) == pytest.approx(1)
    fixed = Blend(parts=model.parts, weights=(0.2, 0.8)).fit(clean.interactions)
    assert fixed.weights_ == (0.2, 0.8)


def test_the_fit_of_a_blend_leaves_its_parts_alone_and_refuses_other_weights():
    model = usual().fit(LINKS)
    assert all(part.items_ is None for part in model.parts)
    with pytest.raises(BadInput, match="one weight each"):
        Blend(parts=model.parts, weights=(1.0,)).fit(LINKS)


def test_held_out_steps_are_the_last_of_some_people():
    rest, histories, targets = held_out(LINKS, 20, 0)
    assert len(targets) == len(histories) == 20
    assert len(rest) == len(LINKS) - 20
    whole, left = paths(), paths(rest)
    shorter = [person for person in range(60) if left[person] != whole[person]]
    for place, person in enumerate(shorter):
        assert whole[person][:-1] == left[person] == histories.part(place, place + 1).rows.tolist()
        assert whole[person][-1] == targets[place]


def test_the_search_for_weights_counts_as_the_metric_does():
    model = usual().fit(LINKS)
    _, histories, targets = held_out(LINKS, 40, 0)
    rows, scores = blends.candidates(model.parts_, model, histories, targets)
    given = blended_ndcg(rows, scores, targets, model.weights_)
    people = Catalog.histories([[ITEMS.id_list[row] for row in histories.part(p, p + 1).rows] for p in range(len(targets))])
    blends_k = Blend(parts=model.parts, weights=model.weights_, k=11).fit(LINKS)
    assert given == pytest.approx(next_item.ndcg(blends_k(people), targets).mean(), abs=0.02)
    assert len(weight_grid(3)) == 66


@pytest.mark.parametrize("make", [ItemKnn, DirectedKnn, Ease, lambda: ContentProfile(encoder=BagOfWords().fit(ITEMS)), usual])
def test_reasons_add_up_to_the_score(make):
    model = make().fit(LINKS)
    history = PEOPLE["history"][7]
    row = int(model(PEOPLE).rows[7, 0])
    reasons = model.explain(history, row)
    assert sorted(name for name, _ in reasons) == sorted(history)
    assert [share for _, share in reasons] == sorted((share for _, share in reasons), reverse=True)
    assert sum(share for _, share in reasons) == pytest.approx(float(model.score(PEOPLE, EVERY)[7, row]), abs=2e-3)


def test_directed_knn_knows_the_next_step_exactly():
    clean = worlds.cycles(users=400, circles=6, length=12, steps=8, seed=1).interactions.split("last")
    model = DirectedKnn(k=1).fit(clean.train)
    assert (model(clean.test_histories()).rows[:, 0] == clean.test.right_rows).all()


def test_items_nobody_had_are_no_hits_of_counting_models():
    wider = Catalog.of([*ITEMS.id_list, "never"], title=[*ITEMS["title"], "never"])
    links = Links(LINKS.left, wider, LINKS.left_rows, LINKS.right_rows)
    for model in (Popularity(k=99), ItemKnn(k=99), DirectedKnn(k=99), Ease(k=99)):
        assert SIZE not in model.fit(links)(links.histories()).rows


def test_the_best_rows_are_those_of_a_sort_without_what_was_had_or_is_closed():
    random = np.random.default_rng(0)
    scores = random.integers(-1, 6, (40, 30)).astype(np.float32)
    scores[3] = -np.inf
    offsets = np.concatenate([[0], np.cumsum(random.integers(0, 5, 40))])
    had, closed = random.integers(0, 30, offsets[-1]), random.random(30) < 0.2
    before = scores.copy()
    for k in (1, 7, 30):
        found = open_rows(scores, np.float32(0), offsets, had, closed, k)
        for person, rows in enumerate(found):
            out = {*had[offsets[person] : offsets[person + 1]], *np.flatnonzero(closed)}
            line = scores[person]
            wanted = [row for row in np.lexsort((np.arange(30), -line)) if line[row] > 0 and row not in out][:k]
            assert rows.tolist() == wanted + [-1] * (k - len(wanted))
    np.testing.assert_array_equal(scores, before)


def test_batches_are_one_answer(monkeypatch):
    whole = DirectedKnn().fit(LINKS)(PEOPLE)
    monkeypatch.setattr("nearkin.indexes.histories.BLOCK_NUMBERS", 100)
    np.testing.assert_array_equal(DirectedKnn().fit(LINKS)(PEOPLE).rows, whole.rows)


def test_ages_count_back_from_the_last_step():
    histories = Histories.made(np.array([0, 3, 3, 5]), np.array([4, 5, 6, 7, 8], np.int32))
    assert histories.ages.tolist() == [2, 1, 0, 1, 0]
    assert histories.part(2, 3).rows.tolist() == [7, 8]
    assert histories.owners.tolist() == [0, 0, 0, 2, 2]


# Real histories: figures that no change may fall below (amazon-beauty; the protocol of benches/next_item.py).
FLOORS = [
    (Popularity, 0.0110, 0.0053),
    (ItemKnn, 0.0643, 0.0390),
    (DirectedKnn, 0.0780, 0.0490),
    (Ease, 0.0770, 0.0450),
]


@cache
def real() -> tuple[Links, Catalog, np.ndarray]:
    from nearkin.data import load

    split = load("amazon-beauty").interactions.split("last")
    return split.train, split.test_histories(), split.test.right_rows


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "recall", "ndcg"), FLOORS, ids=[kind.__name__ for kind, *_ in FLOORS])
def test_floors_on_real_histories(need_data, kind, recall, ndcg):
    need_data("amazon-beauty")
    train, people, targets = real()
    hits = kind(k=11).fit(train)(people)
    assert round(next_item.recall(hits, targets).mean(), 4) >= recall
    assert round(next_item.ndcg(hits, targets).mean(), 4) >= ndcg


@pytest.mark.slow
def test_floors_of_the_blend_with_titles(need_data):
    need_data("amazon-beauty")
    train, people, targets = real()
    parts = (DirectedKnn(), ContentProfile(encoder=StaticWords(fields=("title",))))
    hits = Blend(parts=parts, k=11).fit(train)(people)  # without EASE, which takes a minute
    assert next_item.recall(hits, targets).mean() >= 0.0880
    assert next_item.ndcg(hits, targets).mean() >= 0.0545
