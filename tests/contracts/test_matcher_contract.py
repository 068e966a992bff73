"""What every matcher keeps, whatever it does."""

import numpy as np
import pytest

from nearkin.matchers.best_first import BestFirst
from nearkin.matchers.decoy_cut import DecoyCut
from nearkin.matchers.mutual_best import MutualBest
from nearkin.matchers.one_to_one import OneToOne
from nearkin.stage import Stage
from nearkin.tables import Catalog, Hits, best

MATCHERS = {
    "mutual best": (MutualBest(), 1),
    "best first": (BestFirst(), 1),
    "best first, two copies": (BestFirst(copies=2), 2),
    "one to one": (OneToOne(), 1),
    "one to one, three copies": (OneToOne(reject=0.4, copies=3), 3),
    "decoy cut": (DecoyCut(), 1),
}
every = pytest.mark.parametrize(("matcher", "copies"), MATCHERS.values(), ids=MATCHERS)


def catalogs(left, right):
    return Catalog.of([f"l{row}" for row in range(left)]), Catalog.of([f"r{row}" for row in range(right)])


def some_hits(left=30, right=40, k=10, seed=0):
    random = np.random.default_rng(seed)
    scores = random.random((left, right)).astype(np.float32) * 0.5
    scores[np.arange(20), np.arange(20)] += 0.6
    queries, items = catalogs(left, right)
    return best(scores, k, queries=queries, items=items)


@every
def test_saved_equals_loaded(matcher, copies, tmp_path):
    matcher.save(tmp_path / "matcher")
    again = Stage.load(tmp_path / "matcher")
    assert again == matcher
    assert again(some_hits()).pairs() == matcher(some_hits()).pairs()


@every
@pytest.mark.parametrize(("left", "right"), [(0, 0), (0, 5), (1, 1)])
def test_empty_and_single_inputs(matcher, copies, left, right):
    queries, items = catalogs(left, right)
    hits = Hits(np.zeros((left, min(right, 1)), np.int32), np.ones((left, min(right, 1)), np.float32), queries, items)
    assert len(matcher(hits)) <= left
    nothing = Hits(np.full((2, 3), -1), np.zeros((2, 3)), *catalogs(2, 3))
    assert len(matcher(nothing)) == 0


@every
def test_inputs_are_not_changed(matcher, copies):
    hits = some_hits()
    rows, scores = hits.rows.copy(), hits.scores.copy()
    matcher(hits)
    assert (hits.rows == rows).all()
    assert (hits.scores == scores).all()


@every
def test_no_row_is_used_beyond_its_capacity(matcher, copies):
    for seed in range(5):
        links = matcher(some_hits(seed=seed))
        assert np.bincount(links.left_rows).max() <= 1
        assert np.bincount(links.right_rows).max() <= copies


@every
def test_every_link_was_a_hit_and_the_surest_comes_first(matcher, copies):
    hits = some_hits()
    links = matcher(hits)
    assert all(right in hits.rows[left] for left, right in zip(links.left_rows, links.right_rows))
    assert (np.diff(links.weight) <= 0).all()


@every
def test_the_order_of_rows_does_not_matter(matcher, copies):
    hits = some_hits()
    order = np.random.default_rng(1).permutation(len(hits))
    assert sorted(matcher(hits.take(order)).pairs()) == sorted(matcher(hits).pairs())


@every
def test_planted_pairs_are_found(matcher, copies):
    found = set(matcher(some_hits()).pairs())
    assert {(f"l{row}", f"r{row}") for row in range(20)} - found == set() or copies > 1
