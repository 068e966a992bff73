"""The whole way from two catalogues to links: profile, block, compare, learn, cut."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from nearkin.matchers.candidates import Candidates
from nearkin.matchers.pair_features import both_filled, cosines
from nearkin.matchers.self_training import RARE, Learned, SelfTraining
from nearkin.matching.blocking import block, block_by
from nearkin.matching.describe import Described, describe, describe_alone
from nearkin.matching.evidence import evidence
from nearkin.matching.matches import Matches
from nearkin.stage import Stage
from nearkin.tables import Catalog, Links

COPY = 0.8  # cosine of all text from which on a row may be a copy of another row of its table


def match(left: Catalog, right: Catalog, *, blocking: Stage | None = None, one_to_one: bool = True, k: int = 5, rounds: int = 3) -> Matches:
    """Links between the rows of two tables that are the same thing, learned from the tables alone.

    blocking: a stage fitted on `right` that searches it with `left` (Catalog -> Hits); without one, the k nearest by spelling and
    words in both directions. one_to_one: each row has one partner at most, which holds for clean tables; with False, for tables that
    hold copies of their own things, a row may have several. Columns need not have the same names or order.
    Cost: seconds for thousands of rows; memory that of the candidates (about 20 a row) times their features.
    Source: target-decoy cuts come from the search of peptide databases (Elias and Gygi, 2007); see `decoy_cut` for what differs.
    """
    seen = describe(left, right)
    return _matched(seen, block(seen, k) if blocking is None else block_by(seen, blocking), one_to_one, rounds)


def duplicates(table: Catalog, *, k: int = 5, rounds: int = 3, also: tuple[np.ndarray, np.ndarray] | None = None) -> Matches:
    """Links between the rows of one table that are the same thing; a row may have several, and each pair stands in both directions.

    As `match` of the table with itself, of which the pairs of a row with itself are no candidates. also: int [m] and int [m], rows
    that are compared though no search finds them near each other (see `given_pairs`). Cost: as there.
    """
    seen = describe_alone(table)
    pairs = block(seen, k + 1)  # the nearest of a row is the row itself
    if also is not None:
        parts = [(pairs.left_rows, pairs.right_rows), also, also[::-1]]
        pairs = Candidates.union(parts, len(table), len(table))
    return _matched(seen, pairs.take(pairs.left_rows != pairs.right_rows), False, rounds)


def _matched(seen: Described, pairs: Candidates, one_to_one: bool, rounds: int) -> Matches:
    features = evidence(seen, pairs)
    kin = None if one_to_one else _kin(seen, pairs)
    learned = SelfTraining(rounds=rounds, many=not one_to_one)(features, features.first_scorer(), kin)
    chances = _chances(learned, kin)
    links = _links(seen, pairs, learned, chances)
    expected = float(links.weight.sum()) if learned.rare else learned.cut.matches
    return Matches(
        links=links,
        precision=float(links.weight.mean()) if len(links) else 1.0,
        expected_matches=expected,
        warning=_warning(expected, min(len(seen.left), len(seen.right)), learned.few),
        columns=[(a.name, b.name) for a, b in seen.columns],
        described_=seen,
        features_=features,
        learned_=learned,
        chances_=chances,
    )


def _kin(seen: Described, pairs: Candidates) -> Callable[[np.ndarray], np.ndarray]:
    """Given links, the other candidates of their left rows that are copies of the linked right row.

    A copy is nearer to the linked row than the left row itself is, and near by any measure; it is no decoy, because it may well be right.
    """
    own = cosines(*seen.full_grams, pairs)

    def struck(linked: np.ndarray) -> np.ndarray:
        partner = np.full(pairs.left_count, -1, np.int64)
        partner[pairs.left_rows[linked]] = pairs.right_rows[linked]
        likeness = np.zeros(pairs.left_count)
        likeness[pairs.left_rows[linked]] = own[linked]
        theirs = partner[pairs.left_rows]
        beside = Candidates(
            left_rows=np.maximum(theirs, 0), right_rows=pairs.right_rows, left_count=pairs.right_count, right_count=pairs.right_count
        )
        near = cosines(seen.full_grams[1], seen.full_grams[1], beside)
        return (theirs >= 0) & (near >= np.maximum(likeness[pairs.left_rows], COPY))

    return struck


def _chances(learned: Learned, kin: Callable[[np.ndarray], np.ndarray] | None) -> np.ndarray:
    """The chance of each pair to be right, 0 where it is not linked: float64 [m]; copies of a linked row are judged by their scores."""
    chances = np.zeros(len(learned.scores))
    chances[learned.linked] = learned.cut.chances
    chances = np.where(learned.kept, chances, 0)
    if kin is None or not learned.kept.any():
        return chances
    order = np.argsort(learned.scores[learned.linked], kind="stable")
    known, given = learned.scores[learned.linked][order], learned.cut.chances[order]
    copies = kin(learned.kept) & ~learned.kept & (learned.scores >= learned.cut.threshold)
    return np.where(copies, np.interp(learned.scores, known, given), chances)


def _links(seen: Described, pairs: Candidates, learned: Learned, chances: np.ndarray) -> Links:
    kept = np.flatnonzero(chances > 0)
    kept = kept[np.lexsort((-learned.scores[kept], -chances[kept]))]
    chosen = pairs.left_rows[kept], pairs.right_rows[kept]
    return Links(seen.left, seen.right, *chosen, weight=chances[kept], kind=_kinds(seen, pairs.take(kept)))


def _kinds(seen: Described, pairs: Candidates) -> pa.Array:
    """The aligned columns that both rows have filled, by their left names: "name, street"."""
    filled = [(a.name, both_filled(a.values, b.values, pairs)) for a, b in seen.columns]
    return pa.array([", ".join(name for name, there in filled if there[row]) for row in range(len(pairs))], pa.string())


def _warning(expected: float, smaller: int, few: bool) -> str:
    share = expected / max(smaller, 1)
    if few:
        return "the tables are too small to tell chance likeness from matches; the chances are mere likeness: check the links by eye"
    if share >= RARE:
        return ""
    return (
        f"about {expected:.0f} of {smaller:,} rows seem to have a partner ({share:.0%}); with so few, things that merely look alike "
        "pass for matches and the estimated precision is too high: check the links by eye"
    )
