"""Recommend by several queries a person, one for each cluster of items they like, smoothed by people like them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from nearkin.errors import BadInput, ShapeError
from nearkin.indexes.flat_index import FlatIndex
from nearkin.indexes.histories import Histories
from nearkin.stage import Index, Recommender, fitted, learned, with_k
from nearkin.tables import Catalog, Codes, Hits, Links, SparseVectors, Vectors, best, unit

FILL = -2.0  # added to the cosine of what fills a list up, so that it stands after all that was allotted


@dataclass(kw_only=True)
class Mixture(Recommender):
    """A person as a mixture over clusters of items; every cluster is searched for its share of the k places.

    Catalog[q] with a history -> Hits[q, k], exactly k while so many items are unseen and kept. With w the share of each item in a
    person's (distinct) history, and N the `neighbours` nearest people of the training links by their one mean vector, themselves
    left out:
      v = own * w + (1 - own) * mean of w over N;   p(c) = sum of v over cluster c;   query(c) = sum of v_i * x_i over cluster c
    Places: k * p(c) by largest remainder (ties to the lower cluster); each cluster gives its nearest unseen items to query(c), in
    order of p(c) * cosine; what is still missing comes from one search with all of v. A person with one cluster is answered by
    that one search alone, so `codebook size 1` is the usual single query, and own = 1 the mixture without smoothing.
    Any index does the searches, restricted to a cluster by its filter. Cost: 2 + (clusters with places) searches a person.
    Refused: vectors or clusters of other items than the links have. Source: El-Kishky and others, "kNN-Embed: Locally Smoothed
    Embedding Mixtures for Multi-interest Candidate Retrieval", 2022; the weights of the smoothed queries are ours.
    """

    vectors: Vectors  # of the items; used with length 1
    clusters: Codes  # [n, 1]
    index: Index = field(default_factory=FlatIndex)
    k: int = 50
    own: float = 0.8  # lambda of the paper
    neighbours: int = 50
    items_: Catalog | None = learned()
    shares_: SparseVectors | None = learned()  # people x items: w of each
    owners_: np.ndarray | None = learned()  # str [people], the id of each row of shares_
    near_items_: Index | None = learned()
    near_people_: Index | None = learned()

    def fit(self, interactions: Links) -> Self:
        if not len(self.vectors) == len(self.clusters) == len(interactions.right):
            raise BadInput(
                f"expected a vector and a cluster an item: {len(self.vectors)}, {len(self.clusters)}, {len(interactions.right)} items"
            )
        self.items_ = interactions.right
        self.owners_ = np.array(interactions.left.id_list, dtype=str)
        shares = _shares(Histories.made(*interactions.by_left()), len(self.items_))
        self.shares_ = SparseVectors.from_scipy(shares)
        rows = unit(self.vectors.rows)
        self.near_items_ = with_k(self.index, self.k).fit(Vectors(rows))
        self.near_people_ = with_k(self.index, self.neighbours + 1).fit(Vectors(unit(shares @ rows)))
        return self

    def with_history(self, person: str, history: Histories) -> Self:
        """The same model after this person's history changed (a new edge, say): one row replaced in the shares and in the index."""
        from nearkin.indexes.from_history import copied

        shares = _shares(history, len(fitted(self).items_))
        fresh = Vectors(unit(shares @ unit(self.vectors.rows)))
        near = self.near_people_.remove(np.flatnonzero(self.owners_ == person)).add(fresh)
        both = _stacked([self.shares_.to_scipy(), shares])
        return copied(self, shares_=SparseVectors.from_scipy(both), owners_=np.append(self.owners_, person), near_people_=near)

    def people_by_cluster(self) -> Any:
        """p(c | person) before smoothing, as a sparse SciPy matrix people x clusters."""
        return fitted(self).shares_.to_scipy() @ self._membership()

    def __call__(self, people: Catalog, *, keep: np.ndarray | None = None) -> Hits:
        histories = Histories.of(people, fitted(self).items_)
        smooth = self._smoothed(histories, people.id_list)
        rows, scores = self._allotted(smooth, histories, keep)
        rows, scores = self._filled(rows, scores, smooth, histories, keep)
        return best(scores, min(self.k, len(self.items_)), rows=rows, queries=people, items=self.items_)

    def score(self, people: Catalog, rows: np.ndarray) -> np.ndarray:
        """p(c) * cosine with the query of the candidate's own cluster; a search adds places and fillers, so it orders otherwise."""
        histories, rows = Histories.of(people, fitted(self).items_), np.asarray(rows)
        if rows.ndim != 2 or len(rows) != len(people):
            raise ShapeError(f"candidates are int [{len(people)}, c], got {list(rows.shape)}")
        smooth, vectors = self._smoothed(histories, people.id_list), unit(self.vectors.rows)
        scores, mine = np.full(rows.shape, -np.inf, np.float32), self.clusters.symbols[np.maximum(rows, 0), 0]
        for cluster, (shares, queries) in enumerate(self._components(smooth)):
            asked, place = np.nonzero((rows >= 0) & (mine == cluster))
            scores[asked, place] = shares[asked] * np.einsum("md,md->m", queries[asked], vectors[rows[asked, place]])
        return scores

    def _smoothed(self, histories: Histories, ids: list[str]) -> Any:
        """v of each person: SciPy [q, n]; with no neighbours wanted, w itself."""
        from scipy.sparse import csr_array, diags_array

        shares = _shares(histories, len(self.items_))
        if self.own >= 1 or not self.neighbours:
            return shares
        near = self.near_people_(Vectors(unit(shares @ unit(self.vectors.rows)))).rows
        others = (near >= 0) & (self.owners_[np.maximum(near, 0)] != np.array(ids, dtype=str)[:, None])
        others &= np.cumsum(others, axis=1) <= self.neighbours
        others &= (np.diff(histories.offsets) > 0)[:, None]
        who, place = np.nonzero(others)
        count = np.maximum(others.sum(1), 1)
        mean = csr_array(((1 / count)[who], (who, near[who, place])), shape=(len(ids), len(self.owners_))) @ self.shares_.to_scipy()
        alone = np.where(others.any(1), self.own, 1.0)  # without neighbours a person is their own history
        return (diags_array(alone) @ shares + diags_array(1 - alone) @ mean).tocsr().astype(np.float32)

    def _membership(self) -> Any:
        """Which item is in which cluster: a SciPy matrix of ones, items x clusters."""
        from scipy.sparse import csr_array

        size = len(self.clusters)
        shape = (size, self.clusters.codebook_sizes[0])
        return csr_array((np.ones(size, np.float32), (np.arange(size), self.clusters.symbols[:, 0].astype(np.int64))), shape=shape)

    def _components(self, smooth: Any) -> Any:
        """For each cluster p(c) of every person, float32 [q], and their query of length 1, float32 [q, d]."""
        vectors = unit(self.vectors.rows)
        for cluster in range(self.clusters.codebook_sizes[0]):
            members = np.flatnonzero(self.clusters.symbols[:, 0] == cluster)
            part = smooth[:, members]
            yield np.asarray(part.sum(axis=1), np.float32).ravel(), unit(part @ vectors[members])

    def _allotted(self, smooth: Any, histories: Histories, keep: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """The hits of each person's clusters, as many as were allotted: rows and scores [q, k], -1 pads."""
        places = allotted((smooth @ self._membership()).toarray(), self.k)
        places[(places > 0).sum(1) < 2] = 0  # one cluster: the single query
        rows, scores = np.full((len(places), self.k), -1, np.int32), np.full((len(places), self.k), -np.inf, np.float32)
        used = np.zeros(len(places), np.int64)
        for cluster, (shares, queries) in enumerate(self._components(smooth)):
            asked = np.flatnonzero(places[:, cluster])
            inside = self.clusters.symbols[:, 0] == cluster
            found = self._unseen(queries[asked], histories, asked, places[asked, cluster], inside if keep is None else inside & keep)
            for person, near, cosines in zip(asked, *found):
                goal = slice(used[person], used[person] + len(near))
                rows[person, goal], scores[person, goal] = near, shares[person] * cosines
                used[person] += len(near)
        return rows, scores

    def _filled(
        self, rows: np.ndarray, scores: np.ndarray, smooth: Any, histories: Histories, keep: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The lists with the free places filled from one search with the whole of v, what is there already left out."""
        free = (rows < 0).sum(1)
        short = np.flatnonzero((free > 0) & (np.diff(histories.offsets) > 0))
        queries = unit(smooth[short] @ unit(self.vectors.rows))
        near_rows, near_cosines = self._unseen(queries, histories, short, np.full(len(short), self.k), keep)
        for person, near, cosines in zip(short, near_rows, near_cosines):
            new = np.flatnonzero(~np.isin(near, rows[person]))[: free[person]]
            goal = np.flatnonzero(rows[person] < 0)[: len(new)]
            rows[person, goal], scores[person, goal] = near[new], cosines[new] + FILL
        return rows, scores

    def _unseen(
        self, queries: np.ndarray, histories: Histories, people: np.ndarray, counts: np.ndarray, keep: np.ndarray | None
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """For each query its nearest `counts` items that are kept and not in the history: rows and cosines, best first."""
        had = [histories.rows[histories.offsets[person] : histories.offsets[person + 1]] for person in people]
        had = had if keep is None else [rows[keep[rows]] for rows in had]
        most = max((int(count) + len(rows) for count, rows in zip(counts, had)), default=1)
        hits = with_k(self.near_items_, most)(Vectors(queries), keep=keep)
        fresh = [(line >= 0) & ~np.isin(line, seen) for line, seen in zip(hits.rows, had)]
        rows = [line[new][:count] for line, new, count in zip(hits.rows, fresh, counts)]
        return rows, [line[new][:count] for line, new, count in zip(hits.scores, fresh, counts)]


def allotted(shares: np.ndarray, k: int) -> np.ndarray:
    """k places shared out in proportion, by largest remainder, ties to the lower column: float [q, c] -> int64 [q, c].

    Rows sum to k, or to 0 where no share is positive.
    """
    total = shares.sum(1, keepdims=True)
    exact = k * np.divide(shares, total, out=np.zeros(shares.shape, np.float64), where=total > 0)
    places = np.floor(exact + 1e-9).astype(np.int64)  # the slack forgives rounding, so that 1/5 of 5 is one place
    rest = np.where(total[:, 0] > 0, k - places.sum(1), 0)
    order = np.argsort(-np.round(exact - places, 9), axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    return places + (rank < rest[:, None])


def _shares(histories: Histories, items: int) -> Any:
    """The share of each distinct item in a history: SciPy [q, items], rows that sum to 1, or 0 for an empty history."""
    from scipy.sparse import csr_array

    ones = np.ones(len(histories.rows), np.float32)
    shares = csr_array((ones, (histories.owners, histories.rows)), shape=(len(histories), items))
    shares.data[:] = 1
    shares.data /= np.repeat(np.diff(shares.indptr), np.diff(shares.indptr))
    return shares


def _stacked(parts: list[Any]) -> Any:
    from scipy.sparse import vstack

    return vstack(parts).tocsr()
