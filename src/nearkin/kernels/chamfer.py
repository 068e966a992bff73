"""Chamfer (MaxSim) between bags of vectors: each query vector takes its best partner in the document, and the products are summed.

    chamfer(Q, P) = sum over q in Q of max over p in P of <q, p>

A pair has the same score, to the last bit, in any batch.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from nearkin.kernels.tiles import copied, four_by_two


@njit(cache=True, nogil=True)
def chamfer(query, count, tokens, offsets, wanted, scores):  # type: ignore[no-untyped-def]
    """Scores of some documents for one query, written to scores float32 [c].

    query: float32 [m, d] as `padded` gives it, of which the first `count` rows count; tokens: [t, d] as `bits_of` gives them; document i
    owns tokens[offsets[i]:offsets[i + 1]]; wanted: int64 [c], -1 none. A document without tokens, and none, get -inf.
    """
    longest = 0
    for document in wanted:
        if document >= 0:
            longest = max(longest, offsets[document + 1] - offsets[document])
    whole = np.empty((longest, query.shape[1]), np.float32)
    for place in range(len(wanted)):
        document = wanted[place]
        if document < 0 or offsets[document] == offsets[document + 1]:
            scores[place] = -np.inf
        else:
            scores[place] = _summed(query, count, copied(tokens, offsets[document], offsets[document + 1], whole))


@njit(cache=True, nogil=True)
def _summed(query, count, document):  # type: ignore[no-untyped-def]
    """The score of one document float32 [t, d]."""
    total = 0.0
    most = np.empty(4, np.float32)
    for start in range(0, len(query), 4):
        most[:] = -np.inf
        for token in range(0, len(document), 2):
            other = min(token + 1, len(document) - 1)  # the last of an odd number stands in for both
            a, b, c, d, e, f, g, h = four_by_two(query, start, document[token], document[other])
            most[0] = max(most[0], max(a, e))
            most[1] = max(most[1], max(b, f))
            most[2] = max(most[2], max(c, g))
            most[3] = max(most[3], max(d, h))
        for row in range(min(4, count - start)):
            total += most[row]
    return total
