"""Searches that wait at the same time are answered in one go, and each gets what it would get alone."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from nearkin.service.limits import POOL
from nearkin.service.together import MOST, Together
from nearkin.service.view import View
from nearkin.tables import Catalog
from tests.service.conftest import shop_of


def crowd(together, first, parts, work):
    """The results of `parts` that come while `first` is at work; the groups that were done."""
    groups, begun, go = [], threading.Event(), threading.Event()

    def noted(given):
        groups.append(given)
        if given == [first[1]]:
            begun.set()
            assert go.wait(10)
        return work(given)

    with ThreadPoolExecutor(len(parts) + 1) as pool:
        leading = pool.submit(together, *first, noted)
        assert begun.wait(10)
        others = [pool.submit(together, *part, noted) for part in parts]
        while len(together._waiting) < len(parts):
            pass
        go.set()
        return leading.result(10), others, groups


def test_those_who_wait_go_together_by_kind():
    parts = [("a", n) for n in range(5)] + [("b", n) for n in range(10, 13)]
    first, others, groups = crowd(Together(1), ("a", 99), parts, lambda given: [2 * each for each in given])
    assert first == 198
    assert [each.result(10) for each in others] == [2 * n for _, n in parts]
    assert sorted(map(len, groups)) == [1, 3, 5]
    assert {n < 10 for n in max(groups, key=len)} == {True}


def test_a_group_has_an_end():
    _, others, groups = crowd(Together(1), ("a", -1), [("a", n) for n in range(MOST + 3)], lambda given: given)
    assert [each.result(10) for each in others] == list(range(MOST + 3))
    assert max(map(len, groups)) == MOST


def test_a_fault_reaches_him_alone_whose_it_is():
    def work(given):
        return [1 // each for each in given]

    _, others, _ = crowd(Together(1), ("a", 1), [("a", 1), ("a", 0), ("a", 1)], work)
    assert [others[0].result(10), others[2].result(10)] == [1, 1]
    with pytest.raises(ZeroDivisionError):
        others[1].result(10)


def test_a_search_among_others_gives_the_same_to_the_last_bit(tmp_path):
    view = View(shop_of(tmp_path / "shop").view())
    queries = [Catalog.of(text=[text]) for text in ("shoe", "warm red boot", "hat", "a tent for two", "nothing of the kind zzz", "")]
    keep = np.arange(len(view.catalog)) % 2 == 0
    for mask in (None, keep):
        alone = [view.shop.ranked(each, k=POOL, keep=mask) for each in queries]
        with ThreadPoolExecutor(len(queries)) as pool:
            for _ in range(20):
                found = list(pool.map(lambda each: view.ranked(each, POOL, mask, None), queries))  # noqa: B023
                for own, other in zip(alone, found, strict=True):
                    there = other.rows[0] >= 0
                    np.testing.assert_array_equal(other.rows[:, there], own.rows[own.rows >= 0][None])
                    np.testing.assert_array_equal(other.scores[:, there], own.scores[own.rows >= 0][None])
                    assert other.queries is not None
