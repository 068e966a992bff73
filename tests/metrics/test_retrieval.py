"""The evaluator against an independent double loop of trec_eval's definitions, on random runs full of equal scores."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearkin.errors import BadInput
from nearkin.metrics import retrieval
from nearkin.tables import Catalog, Hits, Links, best
from tests.metrics.oracles import random_hits

METRICS = ("nDCG@3", "Recall@4", "P@2", "AP", "RR", "nDCG@10")


def trec(hits: Hits, truth: Links, query: int) -> list[float]:
    """The metrics of one query: score falling, then id falling; unjudged is 0."""
    ids, name = hits.items.id_list, hits.queries.id_list[query]
    grades = {item: int(weight) for (asked, item), weight in zip(truth.pairs(), truth.weight) if asked == name}
    run = [(float(score), ids[row]) for row, score in zip(hits.rows[query], hits.scores[query]) if row >= 0]
    gains = [grades.get(item, 0) for _, item in sorted(run, reverse=True)]
    relevant = sum(1 for grade in grades.values() if grade > 0)
    if not relevant:
        return [0.0] * 6

    def ndcg(cut):
        discounted = lambda all_gains: sum(gain / math.log2(place + 2) for place, gain in enumerate(all_gains[:cut]))  # noqa: E731
        return discounted(gains) / discounted(sorted(grades.values(), reverse=True))

    found = [place for place, gain in enumerate(gains) if gain > 0]
    precision = sum((before + 1) / (place + 1) for before, place in enumerate(found)) / relevant
    first = 1 / (found[0] + 1) if found else 0.0
    return [ndcg(3), sum(g > 0 for g in gains[:4]) / relevant, sum(g > 0 for g in gains[:2]) / 2, precision, first, ndcg(10)]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), levels=st.integers(1, 5))
def test_equals_an_independent_trec_eval_with_ties_and_empty_lists(seed, levels):
    hits = random_hits(seed, levels=levels)
    random = np.random.default_rng(seed)
    pairs = random.permutation(12 * 15)[:60]
    truth = Links(hits.queries, hits.items, pairs // 15, pairs % 15, weight=random.integers(0, 4, 60))
    found = retrieval.per_query(hits, truth, METRICS)
    for query in range(len(hits)):
        np.testing.assert_allclose([found[name][query] for name in METRICS], trec(hits, truth, query), atol=1e-9)


def test_a_querys_own_copy_is_no_hit_but_another_thing_of_the_same_id_is():
    items = Catalog.of(["1", "2"], title=["a wing in a stream", "heat"])
    copy, other = Catalog.of(["1"], title=["a wing in a stream"]), Catalog.of(["1"], title=["which wings"])
    for queries, expected in ((copy, 0.0), (other, 1.0)):
        hits = best(np.array([[2.0, 1.0]], np.float32), 2, queries=queries, items=items)
        truth = Links.qrels(queries, items, [("1", "1", 1)])
        assert retrieval.per_query(hits, truth, ["RR"])["RR"][0] == expected
        assert retrieval.per_query(hits, truth, ["RR"], drop_own=False)["RR"][0] == 1


def test_queries_without_judgement_score_0_and_unknown_metrics_are_refused():
    hits = random_hits(0)
    none = Links(hits.queries, hits.items, np.array([], int), np.array([], int))
    assert retrieval.per_query(hits, none)["nDCG@10"].tolist() == [0] * len(hits)
    with pytest.raises(BadInput, match="no metric 'best@3'"):
        retrieval.per_query(hits, none, ["best@3"])
    with pytest.raises(BadInput, match="do not know"):
        retrieval.per_query(Hits(hits.rows, hits.scores, None, None), none)
