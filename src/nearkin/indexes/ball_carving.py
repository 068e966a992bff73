"""Fewer query vectors: those alike are put together before documents are scored."""

from __future__ import annotations

import numpy as np

from nearkin.tables import RaggedVectors


def carved(queries: RaggedVectors, tau: float) -> RaggedVectors:
    """Each query's vectors in groups around some of them, every group replaced by its sum; float32.

    The first vector not yet in a group starts one and takes all such vectors whose product with it is at least tau (vectors of length 1:
    the cosine). A Chamfer score of sums is at most that of the vectors, since a group has to agree on one partner.
    Cost: groups * vectors * d a query. Source: the ball carving of MUVERA (paper 25), there with tau = 0.7.
    """
    groups = [_groups(np.asarray(queries.of(query), np.float32), tau) for query in range(len(queries))]
    offsets = np.concatenate([[0], np.cumsum([len(each) for each in groups], dtype=np.int64)])
    return RaggedVectors(np.concatenate([np.zeros((0, queries.dim), np.float32), *groups]), offsets, queries.things)


def _groups(rows: np.ndarray, tau: float) -> np.ndarray:
    """The sums of one query's groups, in the order of the vectors that start them."""
    sums, left = [], np.arange(len(rows))
    while len(left):
        near = rows[left] @ rows[left[0]] >= tau
        near[0] = True  # a vector shorter than tau is not even near itself
        sums.append(rows[left[near]].sum(axis=0))
        left = left[~near]
    return np.array(sums, np.float32).reshape(len(sums), rows.shape[1])
