"""An encoder tuned by pairs of profiles: what a batch holds, where it starts, what it learns, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from nearkin.encoders.profile_model import ProfileModel  # noqa: E402
from nearkin.encoders.profile_pairs import ProfilePairs, Shop, pieces_of  # noqa: E402
from nearkin.encoders.static_words import StaticWords  # noqa: E402
from nearkin.encoders.word_table import read_table  # noqa: E402
from nearkin.errors import BadInput  # noqa: E402
from nearkin.tables import Catalog, Links  # noqa: E402

WORDS = ["apple", "boat", "chair", "drum", "engine", "forest", "garden", "hammer"]
LIKES = ["violin", "winter", "yellow", "zebra", "ocean", "police", "queen", "rocket"]
PIECES = read_table("static-words-en").pieces


def shop(seed: int = 0, people: int = 120) -> Shop:
    """People who are told by one word have the items of another: which goes with which is to be learned."""
    random = np.random.default_rng(seed)
    kinds = random.integers(0, len(WORDS), people)
    users = Catalog.of(profile=[f"{LIKES[kind]} {random.choice(['old', 'new', 'big'])}" for kind in kinds])
    items = [Catalog.of(profile=[f"{extra} {word}" for word in WORDS]) for extra in ("a", "the small")]
    links = Links(users, items[0], np.arange(people), kinds)
    return Shop([users], items, links, links)


def pairs(size: int = 10) -> ProfilePairs:
    return ProfilePairs.of([shop(), shop(1, 30)], PIECES, length=6, fields=("profile",), size=size, seed=0)


def test_a_batch_is_people_then_their_items_then_drawn_ones_of_the_same_shop():
    held, two = pairs(), [shop(), shop(1, 30)]
    random = np.random.default_rng(0)
    told = {tuple(PIECES.rows(text)[:6]): 0 for each in two for side in (*each.people, *each.items) for text in side["profile"]}
    for rows in held.cut(0):
        batch = held.make(rows, random)
        b = len(rows)
        assert batch.had.shape == (b, 2 * b)
        assert batch.had[:, :b].diagonal().all()
        texts = [tuple(text.tolist()) for text in torch.split(batch.pieces, batch.lengths.tolist())]
        assert len(texts) == 3 * b
        assert set(texts) <= set(told)
        words = [WORDS.index(PIECES.vocabulary[text[-1]]) for text in texts[b:]]
        for row in range(b):  # what is marked as had is just what goes with the person
            liked = LIKES.index(PIECES.vocabulary[texts[row][0]])
            same_shop = (held.people[rows] < 128) == (held.people[rows[row]] < 128)
            for place, word in enumerate(words):
                if same_shop[place % b]:
                    assert bool(batch.had[row, place]) == (word == liked)


def test_held_out_pairs_are_in_no_batch():
    held = pairs()
    seen = np.concatenate(held.cut(0))
    assert sorted(seen) == list(range(len(held.people)))
    asked = {int(row) for people, _, _ in held.held for row in people}
    assert not asked & set(held.versions[held.people, 0].tolist())
    assert [len(people) for people, _, _ in held.held] == [12, 3]
    for people, items, own in held.held:
        assert len(own) == len(people)
        assert own.max() < len(items)


def test_untrained_it_is_the_sum_of_the_pieces_and_of_their_codes():
    texts, model = Catalog.of(profile=["red apple boat", "", "a violin in winter", "engine"]), ProfileModel()
    rows, plain = model(texts).rows, StaticWords(fields=("profile",))(texts).rows
    np.testing.assert_allclose(rows[:, : plain.shape[1]], plain / np.sqrt(2), atol=1e-5)
    assert not rows[:, -model.room :].any()
    coded = rows[:, plain.shape[1] : -model.room]
    np.testing.assert_allclose(np.linalg.norm(coded, axis=1), [np.sqrt(0.5), 0, np.sqrt(0.5), np.sqrt(0.5)], atol=1e-5)
    near = rows @ rows.T
    assert (near[0, 2:] < 0.6).all()


def test_a_word_said_again_counts_less_than_a_second_word():
    rows = ProfileModel()(Catalog.of(profile=["apple", "boat", "apple apple apple boat"])).rows
    assert (rows[2] @ rows[0]) ** 2 / (rows[2] @ rows[1]) ** 2 < 9
    np.testing.assert_allclose(ProfileModel()(Catalog.of(profile=["apple apple"])).rows[0], rows[0], atol=1e-6)


def test_how_often_an_item_is_expected_in_a_batch():
    held = pairs(size=8)
    rows = held.cut(0)[0]
    batch = held.make(rows, np.random.default_rng(0))
    link, place = shop() if held.people[rows[0]] < 128 else shop(1, 30), held.items[rows] - held.span[rows, 0]
    counts = np.bincount(link.known.right_rows, minlength=len(WORDS))
    expected = np.log(len(rows) * (counts[place] / counts.sum() + 1 / len(WORDS)))
    np.testing.assert_allclose(batch.often[: len(rows)], expected, rtol=1e-5)


def test_it_learns_which_words_go_together_and_keeps_it(tmp_path):
    model = ProfileModel(epochs=40, lr=3e-3, length=6, pairs=20, seed=1)
    fresh = shop(5)
    own = fresh.pairs.right_rows

    def hits(each: ProfileModel) -> float:
        return float(((each(fresh.people[0]).rows @ each(fresh.items[0]).rows.T).argmax(1) == own).mean())

    before = hits(model)
    assert model.tune([shop()]) is model
    assert hits(model) > max(0.9, before)
    once, again = (ProfileModel(epochs=2, lr=3e-3, length=6, pairs=20, seed=1).tune([shop()]) for _ in range(2))
    np.testing.assert_array_equal(again(fresh.people[0]).rows, once(fresh.people[0]).rows)
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(ProfileModel.load(tmp_path / "model")(fresh.people[0]).rows, model(fresh.people[0]).rows)


def test_texts_are_cut_and_a_long_one_is_no_trouble():
    offsets, rows = pieces_of(["apple " * 10_000, "", "boat"], PIECES, 8)
    assert offsets.tolist() == [0, 8, 8, 9]
    assert len(rows) == 9
    assert np.isfinite(ProfileModel()(Catalog.of(profile=["apple " * 10_000, "☃☃☃"])).rows).all()


def test_what_cannot_be_learned_from_is_refused():
    silent = shop()
    empty = Catalog.of(profile=[""] * len(silent.pairs.left))
    with pytest.raises(BadInput, match="nothing to learn from"):
        ProfileModel().tune([silent._replace(people=[empty])])
    with pytest.raises(BadInput, match="a shop needs 8 profiles"):
        ProfileModel().tune([silent._replace(items=[silent.people[0]])])
    with pytest.raises(BadInput, match="nothing to learn from"):
        ProfileModel().tune([])
