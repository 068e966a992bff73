"""Negatives are what was found and is not right; walks make batches of neighbours, each query once, and end."""

import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.errors import BadInput
from nearkin.miners.hard_negatives import hard_negatives
from nearkin.miners.locality_batches import locality_batches
from nearkin.tables import Catalog, Links, best, unit


def world(queries=300, items=400, topics=20, seed=0, k=60):
    """Queries and items around topics; hits of every query by inner product, and one right item each."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(topics, 16))
    asked = unit((centres[random.integers(0, topics, queries)] + 0.6 * random.normal(size=(queries, 16))).astype(np.float32))
    held = unit((centres[random.integers(0, topics, items)] + 0.6 * random.normal(size=(items, 16))).astype(np.float32))
    left, right = Catalog.of([f"q{row}" for row in range(queries)]), Catalog.of([f"i{row}" for row in range(items)])
    hits = best(asked @ held.T, k, queries=left, items=right)
    return asked, hits, Links(left, right, np.arange(queries), hits.rows[:, 2])


def test_negatives_are_the_hits_less_right_answers_and_their_copies():
    _, hits, positives = world(queries=40, items=50, k=10)
    groups = np.arange(50) // 2
    for given_groups in (None, groups):
        same = np.arange(50) if given_groups is None else groups
        expected = [
            (query, int(row), rank)
            for query in range(40)
            for rank, row in enumerate(hits.rows[query])
            if same[row] != same[positives.right_rows[query]]
        ]
        found = hard_negatives(hits, positives, groups=given_groups)
        assert list(zip(found.left_rows.tolist(), found.right_rows.tolist(), found.time.tolist())) == expected
        np.testing.assert_array_equal(found.weight, [hits.scores[query, rank] for query, _, rank in expected])


def test_a_judged_zero_is_no_right_answer():
    _, hits, positives = world(queries=5, items=20, k=6)
    zeros = Links(positives.left, positives.right, positives.left_rows, positives.right_rows, weight=np.zeros(5))
    assert len(hard_negatives(hits, zeros)) == 30
    with pytest.raises(BadInput, match="same queries and items"):
        hard_negatives(hits, world(queries=6, items=20)[2])
    with pytest.raises(BadInput, match="one number for each"):
        hard_negatives(hits, positives, groups=np.zeros(3))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), size=st.integers(1, 40), walk=st.sampled_from(["random_walk", "snow_sample"]), queries=st.integers(1, 60))
def test_an_epoch_holds_every_query_once_and_ends(seed, size, walk, queries):
    _, hits, positives = world(queries=queries, items=80, seed=seed, k=12)
    negatives = hard_negatives(hits, positives)
    batches = list(locality_batches(negatives, size=size, walk=walk, near=(0, 6), far=(6, 12), seed=seed))
    assert sorted(np.concatenate([batch.left_rows for batch in batches]).tolist()) == list(range(queries))
    assert all(len(batch) == size for batch in batches[:-1])
    for batch in batches:
        assert (batch.time < 6).all()
        assert not (batch.right_rows == positives.right_rows[batch.left_rows]).any()
    again = locality_batches(negatives, size=size, walk=walk, near=(0, 6), far=(6, 12), seed=seed)
    for batch, other in zip(batches, again, strict=True):
        np.testing.assert_array_equal(batch.left_rows, other.left_rows)
        np.testing.assert_array_equal(batch.right_rows, other.right_rows)


def likeness(rows):
    """Mean cosine of all pairs."""
    whole = rows.sum(0)
    return float((whole @ whole - len(rows)) / (len(rows) * (len(rows) - 1)))


@pytest.mark.parametrize("walk", ["random_walk", "snow_sample"])
def test_batches_of_a_walk_hold_queries_more_alike_than_random_ones(walk):
    asked, hits, positives = world(queries=600, items=800, topics=60)
    batches = locality_batches(hard_negatives(hits, positives), size=30, walk=walk, near=(0, 20), far=(0, 20), seed=1)
    walked = np.mean([likeness(asked[batch.left_rows]) for batch in batches if len(batch) > 20])
    order = np.random.default_rng(1).permutation(600)
    by_chance = np.mean([likeness(asked[part]) for part in np.split(order, 20)])
    print(f"{walk}: mean cosine of two queries of a batch {walked:.3f}, of a random batch {by_chance:.3f}")
    assert walked > by_chance + 0.1


def test_queries_without_negatives_are_left_out_and_logged(caplog):
    _, hits, positives = world(queries=20, items=30, k=8)
    some = hard_negatives(hits, positives)
    some = some.take(some.left_rows >= 5)
    with caplog.at_level(logging.INFO):
        batches = list(locality_batches(some, size=6, near=(0, 8), far=(0, 8)))
    assert "5 of 20 queries have no negative" in caplog.text
    assert sum(len(batch) for batch in batches) == 15
    assert list(locality_batches(some.take(np.array([], int)), size=6)) == []
    with pytest.raises(BadInput, match="ranks"):
        list(locality_batches(positives))
