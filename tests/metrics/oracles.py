"""Every metric again, as a plain double loop, and inputs on which both must agree; shared with the mutation tests.

A check is a function that takes the module under test and raises AssertionError where it differs from the loop.
"""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np
from jaxtyping import TypeCheckError

from nearkin.tables import Catalog, Hits, Links, best


def random_hits(seed: int, *, queries: int = 12, items: int = 15, k: int = 6, levels: int = 4) -> Hits:
    """Random hits with many equal scores and some empty places."""
    random = np.random.default_rng(seed)
    scores = random.integers(0, levels, (queries, items)).astype(np.float32)
    scores[random.random(scores.shape) < 0.5] = -np.inf
    asked, held = Catalog.of([f"q{row}" for row in range(queries)]), Catalog.of([f"i{row}" for row in range(items)])
    return best(scores, k, queries=asked, items=held)


def close(ours: object, oracle: object) -> None:
    np.testing.assert_allclose(np.asarray(ours, float), np.asarray(oracle, float), rtol=1e-9, atol=1e-9)


def check_next_item(module: ModuleType, seed: int) -> None:
    hits = random_hits(seed)
    targets = np.random.default_rng(seed + 1).integers(0, 15, len(hits))
    for at in (1, 3, 6):
        found = {"recall": [], "ndcg": [], "mrr": []}
        for query, target in enumerate(targets):
            rank = math.inf
            for row, score in zip(hits.rows[query], hits.scores[query]):
                if row == target:
                    rank = sum(1 for other in hits.scores[query] if other >= score)
            found["recall"].append(1.0 if rank <= at else 0.0)
            found["ndcg"].append(1 / math.log2(rank + 1) if rank <= at else 0.0)
            found["mrr"].append(1 / rank if rank <= at else 0.0)
        for name, oracle in found.items():
            close(getattr(module, name)(hits, targets, at=at), oracle)


def check_next_item_defaults(module: ModuleType, seed: int) -> None:
    """Rank 10 counts by default, rank 11 does not; every rank is one more than the number of hits before it."""
    hits = best(-np.arange(12, dtype=np.float32)[None].repeat(12, 0), 12, queries=None, items=None)
    targets = np.arange(12)
    close(module.ranks(hits, targets), targets + 1)
    close(module.recall(hits, targets), targets < 10)
    close(module.ndcg(hits, targets), [1 / math.log2(row + 2) if row < 10 else 0 for row in targets])
    close(module.mrr(hits, targets), [1 / (row + 1) if row < 10 else 0 for row in targets])


def check_diversity(module: ModuleType, seed: int) -> None:
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((15, 4)).astype(np.float32)
    vectors[3] = 0
    rows = random_hits(seed).rows
    expected = []
    for line in rows:
        distances = []
        chosen = [row for row in line if row >= 0]
        for a, first in enumerate(chosen):
            for second in chosen[a + 1 :]:
                length = math.sqrt(float(vectors[first] @ vectors[first])) * math.sqrt(float(vectors[second] @ vectors[second]))
                distances.append(1 - float(vectors[first] @ vectors[second]) / length if length else 1.0)
        expected.append(sum(distances) / len(distances) if distances else 0.0)
    np.testing.assert_allclose(module.intra_list_distance(rows, vectors), expected, atol=1e-5)
    np.testing.assert_allclose(module.intra_list_distance(np.array([[2, 3], [3, 4]], np.int32), vectors), [1, 1], atol=1e-6)
    close(module.intra_list_distance(np.array([[0, -1], [-1, -1]], np.int32), vectors), [0, 0])
    refused(module.intra_list_distance, np.array([[15]], np.int32), vectors)
    two = np.array([[1.0, 0.0], [1.0, 1.0]])
    close(module.intra_list_distance(np.array([[0, 1]], np.int32), two), [1 - math.sqrt(0.5)])


def check_coverage(module: ModuleType, seed: int) -> None:
    rows = random_hits(seed).rows
    counts = [sum(1 for line in rows for row in line if row == item) for item in range(15)]
    close(module.exposure(rows, 15), counts)
    close(module.catalogue_coverage(rows, 15), sum(1 for count in counts if count) / 15)
    unequal = sum(abs(a - b) for a in counts for b in counts) / (2 * 15 * sum(counts))
    close(module.gini(rows, 15), unequal)
    close(module.gini(np.full((1, 2), -1, np.int32), 3), 0)
    close(module.gini(np.array([[0]], np.int32), 4), 3 / 4)
    close(module.exposure(np.empty((0, 2), np.int32), 1), [0])
    refused(module.exposure, rows, int(rows.max()))
    refused(module.exposure, rows, 0)


def check_novelty(module: ModuleType, seed: int) -> None:
    rows = random_hits(seed).rows
    counts = np.random.default_rng(seed).integers(0, 30, 15)
    expected = []
    for line in rows:
        bits = [-math.log2((int(counts[row]) + 1) / (int(counts.sum()) + 15)) for row in line if row >= 0]
        expected.append(sum(bits) / len(bits) if bits else 0.0)
    close(module.self_information(rows, counts), expected)
    close(module.self_information(np.full((1, 2), -1, np.int32), counts), [0])
    close(module.self_information(np.array([[4, -1]], np.int32), counts), [-math.log2((int(counts[4]) + 1) / (int(counts.sum()) + 15))])
    refused(module.self_information, np.array([[15]], np.int32), counts)


def check_calibration(module: ModuleType, seed: int) -> None:
    random = np.random.default_rng(seed)
    target, shown = random.integers(0, 3, (8, 5)).astype(float), random.integers(0, 3, (8, 5)).astype(float)
    target[0], shown[1] = 0, 0
    expected = []
    for wants, shows in zip(target, shown):
        total = 0.0
        for want, show in zip(wants, shows):
            p = want / sum(wants) if sum(wants) else 0.0
            s = show / sum(shows) if sum(shows) else 0.0
            total += p * math.log(p / (0.99 * s + 0.01 * p)) if p else 0.0
        expected.append(total)
    close(module.category_divergence(target, shown), expected)
    close(module.category_divergence(target / 100, shown / 100), expected)
    refused(module.category_divergence, target, -shown)
    refused(module.category_divergence, -target, shown)
    refused(module.category_divergence, target, shown[:, 1:])


def check_probability(module: ModuleType, seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = np.concatenate([[0, 1], random.integers(0, 2, 40)])
    chances = np.concatenate([[1.0, 0.0], random.integers(0, 21, 40) / 20])
    wins = [1.0 if p > n else 0.5 if p == n else 0.0 for p in chances[labels == 1] for n in chances[labels == 0]]
    close(module.auc(labels, chances), sum(wins) / len(wins))
    kept = [min(max(c, 1e-7), 1 - 1e-7) for c in chances]
    close(module.log_loss(labels, chances), [-math.log(c) if y else -math.log(1 - c) for y, c in zip(labels, kept)])
    for bins in (4, 10):
        gap = 0.0
        for number in range(bins):
            inside = [row for row, c in enumerate(chances) if min(int(c * bins), bins - 1) == number]
            gap += abs(sum(labels[row] - chances[row] for row in inside))
        close(module.calibration_error(labels, chances, bins=bins), gap / len(labels))
    close(module.calibration_error(np.array([1, 0]), np.array([0.05, 0.15])), (0.95 + 0.15) / 2)
    close(module.calibration_error(np.array([1, 0]), np.array([0.09, 0.095])), (1 - 0.185) / 2)
    close(module.calibration_error(np.array([1, 0]), np.array([0.95, 1.0])), (1.95 - 1) / 2)
    close(module.calibration_error(np.array([0]), np.array([0.0])), 0)
    close(module.calibration_error(np.array([1]), np.array([1.0])), 0)
    close(module.calibration_error(np.array([], int), np.array([])), 0)
    for wrong in (np.array([1.5]), np.array([-0.5])):
        refused(module.calibration_error, np.array([1]), wrong)
    close(module.brier(labels, chances), [(c - y) ** 2 for y, c in zip(labels, chances)])
    total, before, cuts = 0.0, 0.0, {}
    for cut in sorted(set(chances), reverse=True):
        shown = [y for y, c in zip(labels, chances) if c >= cut]
        cuts[cut] = (sum(shown) / sum(labels), sum(shown) / len(shown))
        total, before = total + (cuts[cut][0] - before) * cuts[cut][1], cuts[cut][0]
    close(module.average_precision(labels, chances), total)
    for share in (1e-6, 0.3, 0.95, 1.0):
        found = max(cut for cut, (recall, _) in cuts.items() if recall >= share - 1e-12)
        close(module.cut_for_recall(labels, chances, share), (found, cuts[found][1]))
    twenty = np.ones(20, int)
    close(module.cut_for_recall(twenty, np.arange(20.0), 0.95), (1, 1))
    close(module.cut_for_recall(twenty, np.arange(20.0), 0.15), (17, 1))
    mean, share, count = module.reliability(labels, chances)
    for number, place in enumerate(sorted({min(int(c * 10), 9) for c in chances})):
        inside = [(y, c) for y, c in zip(labels, chances) if min(int(c * 10), 9) == place]
        close((mean[number], share[number], count[number]), (*[sum(x) / len(inside) for x in zip(*inside)][::-1], len(inside)))
    close(len(module.reliability(labels, chances, bins=2)[0]), len({min(int(c * 2), 1) for c in chances}))
    close(module.reliability(np.array([1, 0]), np.array([0.05, 0.07])), [[0.06], [0.5], [2]])
    refused(module.average_precision, np.array([0, 0]), np.array([0.1, 0.2]))
    for wrong in (0.0, -0.5, 1.5):
        refused(module.cut_for_recall, labels, chances, wrong)
    refused(module.brier, np.array([2]), np.array([0.5]))
    refused(module.auc, np.array([1, 1]), np.array([0.1, 0.2]))
    refused(module.auc, np.array([0, 0]), np.array([0.1, 0.2]))
    refused(module.log_loss, np.array([2]), np.array([0.5]))
    refused(module.log_loss, np.array([1]), np.array([np.nan]))
    refused(module.log_loss, np.array([1, 0]), np.array([0.5]))


def check_filtering(module: ModuleType, seed: int) -> None:
    random = np.random.default_rng(seed)
    hits = random_hits(seed)
    told = {}
    for query, item in random.permutation([(q, i) for q in range(12) for i in range(15)])[:80]:
        told[int(query), int(item)] = int(random.integers(0, 3))
    told[0, 14], told[11, 0] = 1, 0
    told = {pair: grade for pair, grade in told.items() if pair[1] != 14 or pair[0] in (0, 11)}  # what unknown items may not touch
    queries, items = hits.queries.take(np.arange(12)[::-1]), Catalog.of([f"i{row}" for row in (20, *range(15))])
    pairs = [(11 - q, i + 1) for q, i in told] + [(q, 0) for q in range(12)]
    judged = Links(queries, items, *np.array(pairs).T, weight=np.array([*told.values(), *[2] * 12], np.float32))
    expected = [[-1 if i < 0 or (q, i) not in told else int(told[q, i] > 0) for i in line] for q, line in enumerate(hits.rows.tolist())]
    found = module.grades(hits, judged)
    close(found, expected)
    close(module.grades(hits, judged.take(np.array([], int))), np.full(hits.rows.shape, -1))
    refused(module.grades, Hits(hits.rows, hits.scores, None, hits.items), judged)
    refused(module.grades, Hits(hits.rows, hits.scores, hits.queries, None), judged)
    relevant, kept = random.random((30, 6)) < 0.3, random.random((30, 6)) < 0.3
    relevant[0], kept[1], kept[2], relevant[2] = False, False, False, True
    both = [[r and k for r, k in zip(*lines)] for lines in zip(relevant, kept)]
    close(module.kept_share(relevant, kept), [sum(b) / sum(r) if sum(r) else 1.0 for b, r in zip(both, relevant)])
    close(module.wrong_share(relevant, kept), [(sum(k) - sum(b)) / sum(k) if sum(k) else 0.0 for b, k in zip(both, kept)])
    close(module.empty(kept), [sum(k) == 0 for k in kept])
    close(module.lost_all(relevant, kept), [sum(r) > 0 and sum(b) == 0 for b, r in zip(both, relevant)])
    for function in (module.kept_share, module.wrong_share, module.lost_all):
        refused(function, relevant, kept[:, :5])
        refused(function, relevant, kept[:1])


def check_matching(module: ModuleType, seed: int) -> None:
    random = np.random.default_rng(seed)
    left, right = Catalog.of([f"l{row}" for row in range(6)]), Catalog.of([f"r{row}" for row in range(7)])
    draw = lambda count: Links(left, right, random.integers(0, 6, count), random.integers(0, 7, count))  # noqa: E731
    given, truth = draw(14), draw(12)
    truth.weight[:3] = 0
    said = {(int(a), int(b)) for a, b in zip(given.left_rows, given.right_rows)}
    true = {(int(a), int(b)) for a, b, weight in zip(truth.left_rows, truth.right_rows, truth.weight) if weight > 0}
    both = said & true
    close(module.precision(given, truth), len(both) / len(said))
    close(module.recall(given, truth), len(both) / len(true))
    close(module.f1(given, truth), 2 * len(both) / (len(said) + len(true)))
    for counts, pairs in zip(module.pair_counts(given, truth), (both, said, true)):
        close(counts, [sum(1 for a, _ in pairs if a == row) for row in range(6)])
    nothing = draw(0)
    close([module.precision(nothing, truth), module.recall(given, nothing), module.f1(nothing, nothing)], [0, 0, 0])
    hits = best(random.integers(0, 3, (6, 7)).astype(np.float32), 2, queries=left, items=right)
    inside = {(query, int(row)) for query, line in enumerate(hits.rows) for row in line}
    close(module.pair_completeness(hits, truth), len(inside & true) / len(true))
    close(module.pairs_quality(hits, truth), len(inside & true) / len(inside))
    refused(module.precision, Links(right, left, np.array([0]), np.array([0])), truth)
    one = Links(left, right.take([0]), np.array([1, 4]), np.array([0, 0]))
    close(module.pair_counts(one, one).true, [0, 1, 0, 0, 1, 0])


def check_intervals(module: ModuleType, seed: int) -> None:
    random = np.random.default_rng(seed)
    ours, theirs = random.random(30) + 0.2, random.random(30)
    close(module.holm([0.01, 0.04, 0.03, 0.5]), [0.04, 0.09, 0.09, 0.5])
    close(module.holm([0.6, 0.7]), [1, 1])
    close(module.holm([]), [])
    draws = np.random.default_rng(7).integers(0, 30, (400, 30), dtype=np.int32)
    means = [sum(ours[row] - theirs[row] for row in draw) / 30 for draw in draws]
    close(module.paired_bootstrap(ours, theirs, rounds=400, seed=7), np.quantile(means, [0.025, 0.975]))
    close(module.paired_bootstrap(ours, theirs, rounds=400, seed=7, level=0.5), np.quantile(means, [0.25, 0.75]))
    sizes = random.integers(0, 3, 30).astype(float)
    ratios = [sum(ours[row] for row in d) / sum(sizes[row] for row in d) - sum(theirs[row] for row in d) / 30 for d in draws]
    close(module.paired_bootstrap(ours, theirs, our_sizes=sizes, rounds=400, seed=7), np.quantile(ratios, [0.025, 0.975]))
    small = module.paired_bootstrap(ours, theirs, our_sizes=sizes / 1000, rounds=400, seed=7)
    thousands = [sum(ours[row] for row in d) * 1000 / sum(sizes[row] for row in d) - sum(theirs[row] for row in d) / 30 for d in draws]
    close(small, np.quantile(thousands, [0.025, 0.975]))
    close(module.paired_bootstrap(ours, ours, our_sizes=sizes, rival_sizes=sizes, rounds=40), [0, 0])
    close(module.paired_bootstrap(ours, ours, our_sizes=np.zeros(30), rival_sizes=np.zeros(30), rounds=40), [0, 0])
    close(module.paired_bootstrap(ours, theirs), module.paired_bootstrap(ours, theirs, rounds=5000, seed=0))
    swaps = np.random.default_rng(3).integers(0, 2, (500, 30), dtype=np.int8)
    far = sum(
        1 for swap in swaps if abs(sum((1 if s else -1) * (a - b) for s, a, b in zip(swap, ours, theirs))) >= abs(sum(ours - theirs)) - 1e-9
    )
    close(module.randomisation_test(ours, theirs, rounds=500, seed=3), (1 + far) / 501)
    shares = random.integers(0, 3, 30).astype(float)
    far = 0
    seen = abs(sum(ours) / sum(sizes) - sum(theirs) / sum(shares))
    for swap in swaps:
        first = [(b, t) if s else (a, z) for s, a, z, b, t in zip(swap, ours, sizes, theirs, shares)]
        second = [(a, z) if s else (b, t) for s, a, z, b, t in zip(swap, ours, sizes, theirs, shares)]
        ratio = [sum(value for value, _ in side) / sum(size for _, size in side) for side in (first, second)]
        far += abs(ratio[0] - ratio[1]) >= seen - 1e-9
    close(module.randomisation_test(ours, theirs, our_sizes=sizes, rival_sizes=shares, rounds=500, seed=3), (1 + far) / 501)
    near = ours + random.choice([-0.5, 0.45], 30)
    close(module.randomisation_test(ours, near), module.randomisation_test(near, ours, rounds=10_000, seed=0))
    close(module.randomisation_test(ours, ours, rounds=50), 1)
    tenths = np.full(3, 0.1)  # 0.1 + 0.1 + 0.1 rounds: without slack the unswapped draw would not count
    close(module.randomisation_test(tenths, np.zeros(3), rounds=400, seed=1) > 0.15, True)
    wide = random.random(1500)  # more numbers than are drawn at a time
    means = wide[np.random.default_rng(0).integers(0, 1500, (2001, 1500), dtype=np.int32)].mean(1)
    close(module.paired_bootstrap(wide, np.zeros(1500), rounds=2001), np.quantile(means, [0.025, 0.975]))
    refused(module.paired_bootstrap, np.array([]), np.array([]))
    refused(module.paired_bootstrap, ours, theirs[1:])


def refused(function: object, *given: object) -> None:
    try:
        function(*given)  # type: ignore[operator]
    except (ValueError, TypeCheckError):
        return
    raise AssertionError(f"{function} accepted what it should refuse")


CHECKS = {
    "next_item": (check_next_item, check_next_item_defaults),
    "diversity": (check_diversity,),
    "coverage": (check_coverage,),
    "novelty": (check_novelty,),
    "calibration": (check_calibration,),
    "probability": (check_probability,),
    "filtering": (check_filtering,),
    "matching": (check_matching,),
    "intervals": (check_intervals,),
}
