"""Two views of a thing that share none of its features: which features tell of one another, and masks that part them."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from nearkin.errors import BadInput
from nearkin.layers.field_values import Bags

VIEWS = ("correlated", "random", "dropout", "same")


def mutual_information(bags: Bags, *, shrink: bool = False) -> Float[np.ndarray, "f f"]:
    """How much each field tells of each other, in nats: sum over values a, b of p(a, b) log(p(a, b) / (p(a) p(b))); the diagonal is H(a).

    A bag of m values counts as each of them 1 / m of the time, a pair of bags as all pairs. Fields of many values seem to tell much
    even by chance; `shrink` takes off what chance gives in the mean, (A - 1)(B - 1) / 2n for A and B values that occur (Miller and
    Madow), and stops at 0. Constant fields tell nothing. Cost: the pairs of values of all things, a pair of fields at a time.
    """
    from scipy.sparse import csr_array

    shape = (len(bags), int(bags.codes.max(initial=-1)) + 1)
    field = bags.owners % bags.fields
    share = 1 / np.diff(bags.offsets)[bags.owners]
    parts = []
    for place in range(bags.fields):
        own = field == place
        parts.append(csr_array((share[own], (bags.owners[own] // bags.fields, bags.codes[own])), shape=shape))
    found = np.zeros((bags.fields, bags.fields))
    for i, left in enumerate(parts):
        for j, right in enumerate(parts[: i + 1]):
            found[i, j] = found[j, i] = _entropy(left) if i == j else _shared(left, right, shrink)
    return found


def seed_masks(information: Float[np.ndarray, "f f"], *, share: float = 0.5) -> Bool[np.ndarray, "f f"]:
    """Row s: the fields hidden in the first view when s is the seed, itself and those that tell most of it; the second view hides the rest.

    About `share` of all fields, and so many that both views keep one. Refused: fewer than two fields.
    """
    size = len(information)
    if size < 2:
        raise BadInput(f"two views need at least two fields, got {size}; give the items more fields, or take views='dropout'")
    ranked = information.copy()
    np.fill_diagonal(ranked, np.inf)
    count = min(size - 1, max(1, round(share * size)))
    masks = np.zeros((size, size), bool)
    np.put_along_axis(masks, np.argsort(-ranked, axis=1, kind="stable")[:, :count], True, axis=1)
    return masks


def two_views(bags: Bags, views: str, masks: np.ndarray, dropout: float, random: np.random.Generator) -> tuple[Bags, Bags]:
    """Two augmented forms of the same things.

    "correlated": one seed field a batch, `masks` of it hidden in one view and all others in the other; "random": half of the fields, drawn
    for the batch, in one and the others in the other; "dropout": nothing hidden; in these three, each value of a bag of several is then
    dropped with chance `dropout`. "same": both are the things as they are. A thing that would show nothing at all in a view shows all.
    """
    if views == "same":
        return bags, bags
    hidden = np.zeros(bags.fields, bool)
    if views == "correlated":
        hidden = masks[random.integers(bags.fields)]
    elif views == "random":
        hidden[random.permutation(bags.fields)[: bags.fields // 2]] = True
    other = ~hidden if views != "dropout" else hidden
    return _shown(bags, hidden, dropout, random), _shown(bags, other, dropout, random)


def _shown(bags: Bags, hidden: np.ndarray, dropout: float, random: np.random.Generator) -> Bags:
    """Without the hidden fields, and without some values of bags that hold several; a bag that would lose all of them keeps all."""
    whole = np.broadcast_to(hidden, (len(bags), bags.fields)) & (bags.filled & ~hidden).any(1)[:, None]
    owners, sizes = bags.owners, np.diff(bags.offsets)
    dropped = (random.random(len(owners)) < dropout) & (sizes[owners] > 1)
    dropped &= (np.bincount(owners[dropped], minlength=len(sizes)) < sizes)[owners]
    return bags.kept(~whole.ravel()[owners] & ~dropped)


def _shared(left: Any, right: Any, shrink: bool) -> float:
    told = _told(left, right)
    if not shrink:
        return told
    dealt = right[np.random.default_rng(0).permutation(right.shape[0])]
    return max(0.0, told - _told(left, dealt))


def _told(left: Any, right: Any) -> float:
    count = left.shape[0]
    if not count:
        return 0.0
    joint = (left.T @ right).tocoo()
    p, (a, b) = joint.data / count, (joint.row, joint.col)
    one, other = (np.asarray(each.sum(axis=0)).ravel() / count for each in (left, right))
    return max(0.0, float((p * np.log(p / (one[a] * other[b]))).sum()))


def _entropy(one: Any) -> float:
    p = np.asarray(one.sum(axis=0)).ravel()
    p = p[p > 0] / max(1, one.shape[0])
    return float(-(p * np.log(p)).sum())
