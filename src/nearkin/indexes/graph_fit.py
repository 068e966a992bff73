"""How a graph recommender learns: pairs with items drawn beside them, the walk along the graph, and the validation after each epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nearkin.errors import BadInput, ShapeError
from nearkin.indexes.histories import known_counts
from nearkin.indexes.item_matrix import events
from nearkin.indexes.sequence_fit import VALIDATED, need_torch
from nearkin.metrics import next_item
from nearkin.stage import with_k
from nearkin.tables import Links
from nearkin.training.batches import cut_evenly

if TYPE_CHECKING:
    from nearkin.indexes.light_gcn import LightGcn

ROUNDS = 5  # times that a drawn item which the person had is drawn again


@dataclass(frozen=True)
class Fitted:
    """own: float32 [u, dim], people's share of their free vectors; heard, table: float32 [n, dim]; see `LightGcn`."""

    own: np.ndarray
    heard: np.ndarray
    table: np.ndarray


@dataclass(frozen=True)
class PairBatches:
    """Pairs and items that the person did not have (`training.Batches` of `layers.beside.Triples`).

    keys: int64 [m], sorted, person * count + place of the item among `known`; known: rows of the items that have links; people: how many.
    """

    keys: np.ndarray
    known: np.ndarray
    people: int
    size: int
    negatives: int
    seed: int

    @classmethod
    def of(cls, links: Links, *, size: int, negatives: int, seed: int) -> PairBatches:
        known = np.flatnonzero(known_counts(links))
        keys = np.unique(links.left_rows.astype(np.int64) * len(known) + np.searchsorted(known, links.right_rows))
        return cls(keys, known, len(links.left), size, negatives, seed)

    def cut(self, epoch: int) -> Sequence[np.ndarray]:
        return cut_evenly(len(self.keys), self.size, np.random.default_rng([self.seed, epoch]))

    def make(self, rows: np.ndarray, random: np.random.Generator) -> Any:
        import torch

        from nearkin.layers.beside import Triples

        people, had = np.divmod(self.keys[rows], len(self.known))
        places = (self.known[had] + self.people, self.known[self._drawn(people, random)] + self.people)
        return Triples(*(torch.from_numpy(each) for each in (people, *places)))

    def _drawn(self, people: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Places of items drawn evenly, again where the person had the item: int64 [b, negatives]."""
        drawn = random.integers(0, len(self.known), (len(people), self.negatives))
        for _ in range(ROUNDS):
            wanted = people[:, None] * len(self.known) + drawn
            had = self.keys[np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)] == wanted
            if not had.any():
                break
            drawn[had] = random.integers(0, len(self.known), int(had.sum()))
        return drawn


def learn(
    model: LightGcn,
    interactions: Links,
    keep: Callable[[Links, Fitted], None],
    *,
    valid: Links | None,
    beside: Sequence[Any],
    start: np.ndarray | None,
    folder: Path | None,
    progress: bool,
) -> None:
    """Train the free vectors and give `keep` what came of them."""
    need_torch()
    import torch

    from nearkin.training.settings import Training
    from nearkin.training.train import train

    checked(interactions)
    parts = torch.nn.ModuleDict({"net": _net(model, interactions, start), "beside": torch.nn.ModuleList(beside)})

    def kept() -> None:
        keep(interactions, _fitted(parts["net"], interactions))

    batches = PairBatches.of(interactions, size=model.pairs, negatives=model.negatives, seed=model.seed)
    settings = Training(epochs=model.epochs, lr=model.lr, weight_decay=0.0, warmup=0, patience=model.patience, seed=model.seed)
    validate = None if valid is None else _validation(model, interactions, valid, kept)
    train(parts, batches, _loss(model, parts), settings, validate=validate, folder=folder, progress=progress)
    kept()


def checked(interactions: Links) -> None:
    """Refuse a log to learn from that has no links, or some with a negative weight."""
    if not len(interactions):
        raise BadInput("a graph recommender needs at least one link to learn from, got none")
    if (interactions.weight < 0).any():
        raise BadInput(f"{int((interactions.weight < 0).sum())} links have a negative weight, which is no choice; leave them out first")


def _net(model: LightGcn, links: Links, given: np.ndarray | None = None) -> Any:
    import torch

    from nearkin.layers.light_graph import LightConvolution, LightGraph

    graph = LightGraph.of(links.left_rows, links.right_rows, len(links.left), len(links.right))
    size = len(links.left) + len(links.right)
    start = np.random.default_rng(model.seed).normal(0, 0.1, (size, model.dim)).astype(np.float32)
    if given is not None and given.shape != start.shape:
        raise ShapeError(f"start is a vector for each person and item, float {list(start.shape)}; got {list(given.shape)}")
    if given is not None:
        start = given.astype(np.float32)
    elif model.near:
        start += singular_vectors(links, model.dim, model.seed)
    return LightConvolution(torch.from_numpy(start), graph, model.layers)


def singular_vectors(links: Links, dim: int, seed: int) -> np.ndarray:
    """The first singular vectors of people x items, each pair over the root of both degrees, times the root of their value.

    float32 [u + n, dim], people first, rows of a mean length of 1 over those that are not 0; fewer than dim leave columns 0.
    """
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import svds

    pairs = events(links)
    roots = [diags_array(np.maximum(np.asarray(pairs.sum(axis=axis)).ravel(), 1) ** -0.5) for axis in (1, 0)]
    matrix, kept = roots[0] @ pairs @ roots[1], min(dim, min(pairs.shape) - 1)
    found = np.zeros((sum(pairs.shape), dim), np.float32)
    if kept < 1:
        return found
    left, values, right = svds(matrix, k=kept, v0=np.random.default_rng(seed).normal(size=min(pairs.shape)), tol=1e-3)
    signs = np.where(right.sum(1) < 0, -1, 1)  # so that a seed has one answer
    found[:, :kept] = np.concatenate([left, right.T]) * (np.sqrt(values) * signs)
    lengths = np.linalg.norm(found, axis=1)
    return found / np.float32(lengths[lengths > 0].mean() if lengths.any() else 1)


def _loss(model: LightGcn, parts: Any) -> Callable[[Any], Any]:
    import torch

    from nearkin.losses.bpr import bpr

    net, beside = parts["net"], parts["beside"]

    def loss(batch: Any) -> Any:
        rows = net.rows
        for each in beside:
            rows = each.before(rows)
        found = net(rows, graph=net.graph.thinned(model.kept) if model.kept < 1 else None)
        people, had = found.index_select(0, batch.people), found.index_select(0, batch.had)
        not_had = found.index_select(0, batch.not_had.flatten()).unflatten(0, batch.not_had.shape)
        ranked = bpr((people * had).sum(1), (people[:, None] * not_had).sum(2))
        counts = torch.bincount(torch.cat([each.flatten() for each in batch]), minlength=len(net.rows))
        free = (net.rows.square().sum(1) * counts).sum() / len(batch.people)
        return ranked + model.penalty / 2 * free + sum(each.term(net, found, batch) for each in beside)

    return loss


def _fitted(net: Any, links: Links) -> Fitted:
    """What the model keeps: items that have no links get no vector, for nothing was learned about them."""
    import torch

    with torch.no_grad():
        steps = [each.cpu().numpy() for each in net.steps()]
    people, counts = len(links.left), np.bincount(np.unique(_pairs(links)) % len(links.right), minlength=len(links.right))
    heard = sum(each[people:] for each in steps[:-1]) / (len(steps) * np.sqrt(np.maximum(counts, 1)))[:, None]
    table = sum(each[people:] for each in steps) / len(steps)
    heard[counts == 0], table[counts == 0] = 0, 0
    return Fitted((steps[0][:people] / len(steps)).astype(np.float32), heard.astype(np.float32), table.astype(np.float32))


def _pairs(links: Links) -> np.ndarray:
    keys: np.ndarray = links.left_rows.astype(np.int64) * len(links.right) + links.right_rows
    return keys


def _validation(model: LightGcn, interactions: Links, valid: Links, kept: Callable[[], None]) -> Callable[[], float]:
    """Mean nDCG@10 of held-out links of some people."""
    drawn = np.sort(np.random.default_rng(model.seed).permutation(len(valid))[:VALIDATED])
    people, targets = interactions.histories().take(valid.left_rows[drawn]), valid.right_rows[drawn]

    def validate() -> float:
        kept()
        return float(next_item.ndcg(with_k(model, 11)(people), targets).mean())

    return validate
