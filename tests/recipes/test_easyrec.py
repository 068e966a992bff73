"""EasyRec: profiles never hold what is asked for, another profile gets another answer, and the recipe runs in miniature."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

pytest.importorskip("torch")

from nearkin import worlds
from nearkin.generators.profiles import REACH, item_profiles, user_profiles, with_reach
from nearkin.recipes import easyrec
from nearkin.recipes.contract import contract_faults
from nearkin.recipes.graph_part import dense_part
from nearkin.tables import Catalog, Data, Links
from tests.recipes.miniature import miniature

WORLD = easyrec.world()
SETTINGS = easyrec.Settings.tiny()


def with_other_tests(data: Data) -> Data:
    """The same shop, in which everybody's tested item is somebody else's."""
    split = data.interactions.split("last")
    dealt = np.random.default_rng(0).permutation(len(split.test))
    sides = [
        np.concatenate([getattr(split.train, side), getattr(split.valid, side), getattr(split.test, side)[order]])
        for side, order in (("left_rows", slice(None)), ("right_rows", dealt))
    ]
    time = np.concatenate([split.train.time, split.valid.time, split.test.time])
    links = Links(split.train.left, split.train.right, *sides, time=time)
    return easyrec.replace(data, interactions=links.take(np.lexsort((time, sides[0]))))


def test_the_recipe_runs_in_miniature_and_beats_popularity_there():
    assert not contract_faults(easyrec)
    proof = miniature("easyrec").proof
    lines = {(line.metric, line.rival): line for line in proof.lines}
    assert lines["Recall@20", "popularity"].verdict == "holds"
    assert {rival for _, rival in lines} >= {"untuned encoder", "TF-IDF of profiles", "content profile", "LightGCN", "plug-in"}


def test_profiles_do_not_change_with_what_is_asked_for():
    honest, spoilt = dense_part(WORLD, 0), dense_part(with_other_tests(WORLD), 0)
    assert (honest.test.right_rows != spoilt.test.right_rows).any()
    for version in range(SETTINGS.versions):
        pairs = (easyrec.profiles(part.known, SETTINGS, version) for part in (honest, spoilt))
        for ours, theirs in zip(*pairs, strict=True):
            assert ours["profile"] == theirs["profile"]
            assert ours["sources"] == theirs["sources"]


def test_profiles_of_a_pair_are_made_without_the_link_between_them():
    shop = easyrec.shop("", SETTINGS)
    ids, items = shop.pairs.left.id_list, shop.pairs.right.id_list
    had = Counter(shop.known.pairs())
    once = 0
    for person, item in zip(shop.pairs.left_rows, shop.pairs.right_rows, strict=True):
        times = had[ids[person], items[item]]
        assert times
        assert all(version["sources"][person].count(items[item]) == times - 1 for version in shop.people)
        if times == 1:
            once += 1
            assert all(ids[person] not in version["sources"][item] for version in shop.items)
    assert once > len(shop.pairs) / 2


def test_another_profile_gets_another_answer_with_nothing_learned():
    model = easyrec.tuned(SETTINGS)
    before = {name: each.copy() for name, each in model.weights_.items()}
    links = dense_part(WORLD, 0).known
    people, items = easyrec.profiles(links, SETTINGS)
    one = people.take(np.array([0]))
    liked = items["profile"][items.rows_of(["item-0"])[0]] if "item-0" in items.id_list else items["profile"][3]
    edited = Catalog.of(one.id_list, profile=[liked])
    first, second = (easyrec.answered(model, each, items, k=3).rows[0].tolist() for each in (one, edited))
    assert first != second
    assert liked in [items["profile"][row] for row in second]
    assert all((model.weights_[name] == each).all() for name, each in before.items())


def test_the_first_word_says_how_widely_an_item_is_had():
    users, items = Catalog.of([f"u{row}" for row in range(60)]), Catalog.of(title=[f"thing {row}" for row in range(12)])
    counts = np.arange(12) * 5
    links = Links(users, items, np.concatenate([np.arange(count) for count in counts]), np.repeat(np.arange(12), counts))
    plain = item_profiles(links, near=0)
    words = [text.split(".")[0] for text in with_reach(plain, links)["profile"]]
    assert words == sorted(words, key=REACH.index)
    assert (words[0], words[-1]) == (REACH[0], REACH[-1])
    assert [text.split(". ", 1)[1] for text in with_reach(plain, links)["profile"]] == plain["profile"]


def test_who_has_nothing_has_an_empty_profile_and_an_answer_all_the_same():
    links = worlds.cycles(users=30, circles=4, steps=5, seed=0).interactions
    newcomer = links.take(np.flatnonzero(links.left_rows > 0))
    assert user_profiles(newcomer)["profile"][0] == ""
    model = easyrec.ProfileModel(length=8)
    people, items = easyrec.profiles(newcomer, SETTINGS)
    assert not model(people).rows[0].any()
    assert len(easyrec.answered(model, people, items, k=2).rows) == len(people)
