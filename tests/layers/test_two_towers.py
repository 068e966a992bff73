"""Towers, mutual information and masks against loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from nearkin.errors import BadInput  # noqa: E402
from nearkin.layers.feature_masks import VIEWS, mutual_information, seed_masks, two_views  # noqa: E402
from nearkin.layers.field_values import Bags, FieldValues  # noqa: E402
from nearkin.layers.two_towers import Tower, TwoTowers  # noqa: E402
from nearkin.tables import Catalog  # noqa: E402


def shop(seed: int, size: int = 12) -> Bags:
    random = np.random.default_rng(seed)
    lists = [[list(random.choice(list(letters), random.integers(0, 3))) for _ in range(size)] for letters in ("ab", "cde", "fgh")]
    same = [[f"{''.join(sorted(set(one)))}"] for one in lists[0]]
    catalog = Catalog.of(one=lists[0], two=lists[1], three=lists[2], like_one=same, fixed=[["x"]] * size)
    return FieldValues.of(catalog, least=1)(catalog)


def plain(bags: Bags) -> list[list[list[int]]]:
    places = range(len(bags.offsets) - 1)
    flat = [bags.codes[bags.offsets[place] : bags.offsets[place + 1]].tolist() for place in places]
    return [flat[start : start + bags.fields] for start in range(0, len(flat), bags.fields)]


def looped(things: list[list[list[int]]], i: int, j: int) -> float:
    joint: dict[tuple[int, int], float] = {}
    for thing in things:
        pairs = [(a, a) for a in thing[i]] if i == j else [(a, b) for a in thing[i] for b in thing[j]]
        for pair in pairs:
            joint[pair] = joint.get(pair, 0) + 1 / len(pairs) / len(things)
    left: dict[int, float] = {}
    right: dict[int, float] = {}
    for (a, b), p in joint.items():
        left[a], right[b] = left.get(a, 0) + p, right.get(b, 0) + p
    return sum(p * math.log(p / (left[a] * right[b])) for (a, b), p in joint.items())


@pytest.mark.parametrize("seed", range(3))
def test_mutual_information_is_the_sum_over_pairs_of_values(seed):
    bags = shop(seed)
    found, things = mutual_information(bags), plain(bags)
    for i in range(5):
        for j in range(5):
            assert math.isclose(found[i, j], looped(things, i, j), abs_tol=1e-9)
    assert np.allclose(found[4, :], 0)  # a constant tells nothing
    assert found[0, 3] > max(found[0, 1], found[0, 2])
    assert (mutual_information(bags, shrink=True) <= found + 1e-12).all()


def test_what_chance_gives_is_taken_off():
    random = np.random.default_rng(0)
    catalog = Catalog.of(**{name: [[str(value)] for value in random.integers(0, 30, 300)] for name in ("a", "b")})
    bags = FieldValues.of(catalog, least=1)(catalog)
    assert mutual_information(bags)[0, 1] > 1
    assert mutual_information(bags, shrink=True)[0, 1] < 0.3


def test_masks_hide_a_seed_and_what_tells_most_of_it():
    information = np.array([[2, 0.1, 0.9, 0.2], [0.1, 2, 0.3, 0.8], [0.9, 0.3, 2, 0.1], [0.2, 0.8, 0.1, 2.0]])
    np.testing.assert_array_equal(seed_masks(information)[0], [True, False, True, False])
    np.testing.assert_array_equal(seed_masks(information)[1], [False, True, False, True])
    assert (seed_masks(information, share=0.01).sum(1) == 1).all()
    assert (seed_masks(information, share=1.0).sum(1) == 3).all()
    with pytest.raises(BadInput, match="at least two"):
        seed_masks(np.ones((1, 1)))


@given(st.integers(0, 10**6), st.sampled_from(VIEWS))
@settings(max_examples=40, deadline=None)
def test_views_share_no_field_and_show_something(seed, views):
    bags = shop(seed % 5)
    masks = seed_masks(mutual_information(bags))
    one, other = two_views(bags, views, masks, 0.3, np.random.default_rng(seed))
    whole = bags.filled
    for thing in range(len(bags)):
        if views in ("correlated", "random") and (one.filled[thing] & other.filled[thing]).any():
            # one view would have shown nothing, so it shows all
            assert (one.filled[thing] == whole[thing]).all() or (other.filled[thing] == whole[thing]).all()
    for view in (one, other):
        assert set(view.codes) <= set(bags.codes) | set(bags.nothing)
        assert len(view) == len(bags)
    if views == "same":
        assert one is bags
        assert other is bags


def test_towers_are_their_layers_and_histories_are_means():
    torch.manual_seed(0)
    bags = shop(0)
    towers = TwoTowers([int(bags.codes.max()) + 1, 0, 0, 0, 0], 3, 6, 4)
    codes, offsets = torch.from_numpy(bags.codes), torch.from_numpy(bags.offsets)
    items = towers.items(codes, offsets)
    by_hand = []
    for thing in plain(bags):
        by_hand.append(torch.cat([towers.table.rows[values].mean(0) for values in thing]))
    first, _, second = towers.of_items.layers
    for place, row in enumerate(by_hand):
        raw = second(torch.relu(first(row)))
        torch.testing.assert_close(items[place], raw / raw.norm())
    lengths = torch.tensor([5, 7])
    asked = towers.histories(codes, offsets, lengths)
    for place, part in enumerate((by_hand[:5], by_hand[5:])):
        torch.testing.assert_close(asked[place], towers.of_histories(torch.stack(part).mean(0)[None])[0])
    assert Tower(3, 2)(torch.randn(4, 3)).shape == (4, 2)
